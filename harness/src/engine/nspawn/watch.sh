# watch.sh CGROUP2 NAME HOME
# Ends the machine when the tool is gone, in whatever way it went: only the tool holds the other end of our input.
cgroup2=$1 name=$2 home=$3
machine=$cgroup2/$name/machine

# Whatever kills the tool's control group must not take us with it.
echo $$ >"$cgroup2/$name/watch/cgroup.procs"
read -r _

tries=0
while [ "$tries" -lt 500 ]; do
    # cgroup.kill exists since Linux 5.14.
    if [ -e "$machine/cgroup.kill" ]; then
        echo 1 >"$machine/cgroup.kill"
    else
        find "$machine" -name cgroup.procs -exec cat {} + | xargs -r kill -9
    fi
    grep -q '^populated 1' "$machine/cgroup.events" || break
    sleep 0.01
    tries=$((tries + 1))
done

# Our own group cannot be removed while we are in it.
echo $$ >"$cgroup2/cgroup.procs"
find "$cgroup2/$name" -depth -type d -exec rmdir {} \;
[ -d "$cgroup2/$name" ] || rm -rf -- "$home"
rmdir -- "${home%/*}"
