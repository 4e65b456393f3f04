# agent.sh
# Does in the machine what it is told to, one thing after the other. A request is a line with two lengths, then as many bytes
# of shell and of input for it; where the first is 0, the shell is the next line. The answer is a line with the exit status,
# two more with lengths, then the output and the errors. Each program that is started for it takes its time.
umask 022
own=/run/sandbox-unit-agent/$$
mkdir -p -m 0700 /run/sandbox-unit-agent
mkdir "$own"
until [ -S /run/systemd/private ]; do sleep 0.01; done
systemctl is-system-running --wait >/dev/null 2>&1
echo up
while read -r length input; do
    if [ "$length" = 0 ]; then IFS= read -r code; else head -c "$length" >"$own/code" && code='. "$own/code"'; fi
    if [ "$input" = 0 ]; then from=/dev/null; else head -c "$input" >"$own/in" && from=$own/in; fi
    (eval "$code") <"$from" >"$own/out" 2>"$own/err"
    echo $?
    if [ -s "$own/out" ] || [ -s "$own/err" ]; then
        stat -c %s "$own/out" "$own/err"
        cat "$own/out" "$own/err"
    else
        printf '0\n0\n'
    fi
done
rm -rf "$own"
