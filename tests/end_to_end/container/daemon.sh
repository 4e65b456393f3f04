# daemon.sh FOLDER GROUP HIERARCHY ENGINE AS [OPTION…]
# A daemon of Docker, or the service of Podman, with everything of its own: folders, control groups, mounts. It starts with each line of our input, and
# ends with our input, as the test does in whatever way; then nothing of it stays.
set -u
folder=$1 group=$2 hierarchy=$3 engine=$4 as=$5
shift 5
top=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
mkdir -p "$top/$group"
daemon=

# In its control group, and with its mounts.
inner=$(cat <<'IN'
folder=$1 parent=$2 engine=$3 as=$4
shift 4
if [ "$parent" = /containers ]; then
    umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup || exit 1
    mkdir -p /sys/fs/cgroup/daemon && echo 0 >/sys/fs/cgroup/daemon/cgroup.procs || exit 1
fi
case $as in
    root) as= ;;
    root-of-a-container)
        few=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap
        as="setpriv --bounding-set $few --inh-caps -all --"
        ;;
    user)
        # The host knows nothing of this user, who has the groups below this one to itself, as from `systemd --user`.
        mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work || exit 1
        mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc || exit 1
        mount -t tmpfs tmpfs /dev/shm -o mode=1777 || exit 1
        echo 'somebody:x:65124:65124::/nowhere:/bin/sh' >>/etc/passwd
        echo 'somebody:x:65124:' >>/etc/group
        echo 'somebody:2000000:65536' | tee -a /etc/subuid >>/etc/subgid
        mkdir -p "$folder/home" "$folder/run"
        chown 65124:65124 "$folder" "$folder/home" "$folder/run"
        for file in . cgroup.procs cgroup.subtree_control daemon daemon/cgroup.procs; do
            chown 65124:65124 "/sys/fs/cgroup/$file" || exit 1
        done
        export HOME="$folder/home" XDG_RUNTIME_DIR="$folder/run"
        # The other one that needs nothing installed copies each container's files.
        export STORAGE_DRIVER=overlay
        as="setpriv --reuid 65124 --regid 65124 --clear-groups --"
        ;;
esac
if [ "$engine" = podman ]; then
    # Where it sees no controller that counts processes, it cannot limit them. And it keeps a process for each command that it
    # has run in a container, for five minutes, unless it is told otherwise (containers.conf(5)).
    printf '[containers]\npids_limit = 0\n[engine]\nexit_command_delay = 1\n' >"$folder/containers.conf"
    export CONTAINERS_CONF="$folder/containers.conf"
    # It keeps the archive of each image that it is given.
    export TMPDIR="$folder/archives"
    mkdir -p -m 1777 "$TMPDIR"
    printf %s $$ >"$folder/pid"
    exec $as podman --root "$folder/data" --runroot "$folder/exec" --tmpdir "$folder/tmp" --runtime runc \
        --cgroup-manager cgroupfs --events-backend file system service --time 0 "unix://$folder/docker.sock"
fi
exec $as dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" \
    --host "unix://$folder/docker.sock" --cgroup-parent "$parent" \
    --bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false "$@"
IN
)
case $hierarchy in
    as-here) namespaces="--mount" parent=/$group ;;
    second) namespaces="--mount --cgroup" parent=/containers ;;
esac

while read -r _; do
    if [ -n "$daemon" ]; then
        wait "$daemon"
        # containerd has gone with it, and may not have been taken leave of.
        rm -f "$folder/exec/containerd/containerd.pid"
    fi
    (
        echo 0 >"$top/$group/cgroup.procs"
        exec unshare $namespaces --propagation private -- sh -c "$inner" inner "$folder" "$parent" "$engine" "$as" "$@"
    ) </dev/null >>"$folder/log" 2>&1 &
    daemon=$!
done
kill "$daemon" 2>/dev/null
wait
echo 1 >"$top/$group/cgroup.kill"
# Where there are control groups of the first version, too, containers are in them.
for _ in 1 2 3 4 5; do
    find /sys/fs/cgroup -depth -type d -path "*/$group*" -exec rmdir {} \; 2>/dev/null
    [ ! -d "$top/$group" ] || sleep 0.2
done
rm -rf "$folder"
