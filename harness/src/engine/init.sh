# init.sh SYSTEMD ARGUMENT…
# The first program in the machine. PID 1 of systemd raises these limits when it starts; they are the host's, too.
set -e
for limit in file-max nr_open; do
    mount -n --bind -o ro "/proc/sys/fs/$limit" "/proc/sys/fs/$limit"
done
# nspawn's /sys is a sketch, in which PrivateBPF= misses the place that it mounts on. Where it is the real one, it is there.
[ -d /sys/fs/bpf ] || mkdir -p /sys/fs/bpf || :
# What is mounted to be written to takes the memory of the host: a sixteenth each, at most 512 MiB.
while read -r name size _; do
    [ "$name" != MemAvailable: ] || break
done </proc/meminfo
size=$((size / 16))
[ "$size" -lt 524288 ] || size=524288
for place in /dev/shm /run /tmp; do
    mount -n -o "remount,size=${size}k" "$place" || :
done
exec "$@"
