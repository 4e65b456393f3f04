# machine.sh GROUP STATE KIND INIT SYSTEMD ARGUMENT…
# PID 1 of the machine, before it becomes systemd.
set -e
group=$1 state=$2 kind=$3 init=$4
shift 4
# /proc is still that of the container.
read -r leader _ </proc/self/stat
# As `join` there: another machine that starts now may take this group for what is left of one.
tries=0
until { mkdir -p "$group/machine" && echo 0 >"$group/machine/cgroup.procs"; } 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 5 ]
done
exec unshare --cgroup -- sh -ec '
state=$1 leader=$2 kind=$3 init=$4
shift 4
umount /sys/fs/cgroup
mount -t cgroup2 -o nosuid,nodev,noexec none /sys/fs/cgroup
mount -t proc -o nosuid,nodev,noexec proc /proc
echo "$leader" >"$state/starting"
mv "$state/starting" "$state/leader"
mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs /run
mkdir /run/lock /run/sandbox-unit-agent
# What agents need to work is not filled by services.
mount -t tmpfs -o nosuid,nodev,mode=0700 tmpfs /run/sandbox-unit-agent
mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=5m tmpfs /run/lock
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /tmp
exec env -i PATH="$PATH" TERM=dumb container="$kind" sh -c "$init" init "$@"
' machine "$state" "$leader" "$kind" "$init" "$@"
