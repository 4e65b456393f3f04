# launch.sh CGROUP2 CGROUP SIZE STAGE [LOWER TARGET OPTIONS]… -- COMMAND…
# Runs in a mount namespace of its own, which ends with its processes: nothing that is mounted here has to be unmounted.
set -eu
echo $$ >"$2/cgroup.procs"

# The first version of control groups is of no use to the machine, and of none to systemd-nspawn since version 258.
[ "$1" = /sys/fs/cgroup ] || mount --bind "$1" /sys/fs/cgroup

# The stage is below /run, so enter it first. The new /run takes what mount and systemd-nspawn leave there, too. And everything
# that is written in the machine, which must not take all memory.
size=$3
cd "$4"
shift 4
mount -t tmpfs -o "mode=0755,size=$size" tmpfs /run
cp -a . /run/machine

# Layer 0 is the root. From inside the folder, because its name may hold what separates options.
layer=0
while [ "$1" != -- ]; do
    cd "$1"
    up=/run/machine/$layer
    if ! mount -t overlay -o "lowerdir=.,upperdir=$up/upper,workdir=$up/work$3" overlay "/run/machine/root$2"; then
        [ "$layer" != 0 ] || exit 81
        # A file system that overlayfs does not take (vfat): to look at only.
        mount --bind -o ro . "/run/machine/root$2"
    fi
    layer=$((layer + 1))
    shift 3
done
shift
cd /
exec "$@"
