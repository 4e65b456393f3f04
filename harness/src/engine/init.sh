# init.sh SYSTEMD ARGUMENT…
# The first program in the machine. PID 1 of systemd raises these limits when it starts; they are the host's, too.
set -e
for limit in file-max nr_open; do
    mount -n --bind -o ro "/proc/sys/fs/$limit" "/proc/sys/fs/$limit"
done
# nspawn's /sys is a sketch, in which PrivateBPF= misses the place that it mounts on. Where it is the real one, it is there.
[ -d /sys/fs/bpf ] || mkdir -p /sys/fs/bpf || :
exec "$@"
