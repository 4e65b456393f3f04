# agent.sh
# Does in the machine what it is told to, one thing after the other. A request is a line with two lengths, then as many bytes
# of shell and of input for it; the answer is a line with the exit status and two lengths, then the output and the errors.
umask 022
own=/run/sandbox-unit-agent/$$
mkdir -p -m 0700 /run/sandbox-unit-agent
mkdir "$own"
until [ -S /run/systemd/private ]; do sleep 0.01; done
systemctl is-system-running --wait >/dev/null 2>&1
echo up
while read -r code input; do
    head -c "$code" >"$own/code"
    if [ "$input" = 0 ]; then : >"$own/in"; else head -c "$input" >"$own/in"; fi
    (. "$own/code") <"$own/in" >"$own/out" 2>"$own/err"
    echo $? $(stat -c %s "$own/out" "$own/err")
    cat "$own/out" "$own/err"
done
rm -rf "$own"
