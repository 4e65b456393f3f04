# supervise.sh NAME KIND TARGET PROGRAM SYSTEMD… -- CONCEALED…
# PID 1 of the container. The machine is a PID namespace below it, so that something outside of the machine can end it and
# clean up behind it when the tool is gone. What is put into it comes as our input: a line with its length, and an archive.
set -u
umask 022
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
name=$1 kind=$2 target=$3 program=$4
shift 4
state=/run/sandbox-unit
top=/sys/fs/cgroup
group=$top/$name
running=
# Where the host has both versions of control groups, the engine knows the first alone, and nobody else removes ours.
both=
[ -e $top/cgroup.controllers ] || both=yes

# The tool reads what went wrong, and then lets go of the container.
fail() {
    echo "$*" | tee "$state/failing"
    mv "$state/failing" "$state/failed"
    sleep 10 &
    wait $!
    exit 1
}

finish() {
    trap '' TERM 37
    # The kernel ends with us what is below us, and the engine takes away the control groups that it knows.
    [ -n "$both" ] || exit 0
    if [ -s "$state/leader" ]; then
        kill -9 "$(cat "$state/leader")"
    elif [ -n "$running" ]; then
        # The machine has begun, and not said yet who it is: it ends with who has begun it.
        kill -9 "$running"
    fi
    [ -z "$running" ] || wait "$running"
    if [ -d "$group/tool" ]; then
        while read -r process; do echo "$process" >$top/cgroup.procs; done <"$group/tool/cgroup.procs" 2>/dev/null
    fi
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ -d "$group" ] || break
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
        sleep 0.05
    done
    exit 0
}
# The second is the signal that images with systemd in them ask for, SIGRTMIN+3.
trap finish TERM 37

# Goes into a control group. Somebody else may take one without a process for what is left of a machine, as below.
join() {
    for _ in 1 2 3 4 5; do
        ! { mkdir -p "$1" && echo $$ >"$1/cgroup.procs"; } 2>/dev/null || return 0
    done
    return 1
}

fill() {
    read -r length && head -c "$length" | tar -xpmf - -C /
}

# Nobody holds the container: the tool was killed before it could.
hold() {
    sleep 20
    [ -e "$state/held" ] || kill -TERM 1
}

mkdir -p "$state" || exit 1
systemd=
while [ "$1" != -- ]; do
    [ -n "$systemd" ] || [ ! -x "$1" ] || systemd=$1
    shift
done
shift
[ -n "$systemd" ] || fail "lacks systemd"
for tool in unshare nsenter mount umount head tar find; do
    command -v $tool >/dev/null || fail "lacks the program $tool"
done

# What must not start, and then, beside the rest of this, what is put in. (All at once: each program takes its time.)
rm -rf -- $*
hold &
exec 3<&0 </dev/null
fill <&3 3<&- &
filling=$!
exec 3<&-

# What engines set otherwise than a system finds it: without a network there is no IPv6, and everybody may bind every port
# and send pings, so that no unit could be seen to forbid it.
while read -r setting value; do
    [ ! -e "/proc/sys/net/$setting" ] || echo "$value" >"/proc/sys/net/$setting"
done <<END
ipv6/conf/all/disable_ipv6 0
ipv6/conf/default/disable_ipv6 0
ipv6/conf/lo/disable_ipv6 0
ipv4/ip_unprivileged_port_start 1024
ipv4/ping_group_range 1 0
END
mount -o remount,rw /sys
umount -R $top
mount -t cgroup2 -o nosuid,nodev,noexec none $top ||
    fail "the kernel refused a mount of cgroup2: it must have it (Linux 4.15), and the container CAP_SYS_ADMIN"
# A group with groups in it that share what it has must hold no process. (Where there is nothing to share it may; a process that
# goes to another group waits for all processors.)
read -r controllers <$top/cgroup.controllers
mkdir -p "$group" && { [ -z "$controllers" ] || join "$group/tool"; } ||
    fail "no control group can be made in the container: an engine without root needs one that is delegated to its user, as by" \
        "'systemctl --user start podman.socket'"
# What is left of machines whose daemon was killed. In that of one that lives there is a process.
for other in $top/sandbox-unit-*; do
    [ "$other" != "$group" ] || continue
    ! grep -qx 'populated 0' "$other/cgroup.events" || find "$other" -depth -type d -exec rmdir {} + 2>/dev/null
done
for controller in $controllers; do
    echo "+$controller" >$top/cgroup.subtree_control
    echo "+$controller" >"$group/cgroup.subtree_control"
done
wait $filling || fail "lacks a place for what is installed"

unshare --pid --fork --kill-child --mount --propagation private -- \
    "$program" first "$group" "$state" "$kind" "$systemd" "systemd.unit=$target" &
running=$!
wait $running
# By itself: it was shut down, or it could not start. Who has asked it to holds the container until it knows.
echo "systemd ended with exit status $?" | tee "$state/ending"
mv "$state/ending" "$state/ended"
sleep 10 &
wait $!
finish
