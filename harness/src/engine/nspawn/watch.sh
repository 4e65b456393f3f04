# watch.sh CGROUP2 NAME HOME
# Ends the machine when the tool is gone, in whatever way it went: only the tool holds the other end of our input.
cgroup2=$1 group=$1/$2 home=$3

# Whatever kills the tool's control group must not take us with it.
echo $$ >"$group/watch/cgroup.procs"
read -r _

# Our own group cannot be removed while we are in it.
echo $$ >"$cgroup2/cgroup.procs"
tries=0
while [ -d "$group" ] && [ "$tries" -lt 500 ]; do
    # cgroup.kill exists since Linux 5.14.
    if [ -e "$group/machine/cgroup.kill" ]; then
        echo 1 >"$group/machine/cgroup.kill"
    else
        find "$group/machine" -name cgroup.procs -exec cat {} + | xargs -r kill -9
    fi
    # Fails until the last process has ended.
    find "$group" -depth -type d -exec rmdir {} \;
    sleep 0.01
    tries=$((tries + 1))
done
[ -d "$group" ] || rm -rf -- "$home"
rmdir -- "${home%/*}"
