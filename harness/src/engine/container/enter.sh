# enter.sh NAME PROGRAM
# Goes into the machine as soon as there is one, and does there what it is told.
state=/run/sandbox-unit
while [ ! -s $state/leader ]; do
    [ ! -s $state/failed ] || exec cat $state/failed
    sleep 0.01
done
read -r leader <$state/leader
# PID 1 of systemd moves to the group that it keeps for itself, and then its own must be empty.
group=/sys/fs/cgroup/$1/machine
while [ ! -d "$group/init.scope" ]; do
    [ ! -s $state/ended ] || exec cat $state/ended
    sleep 0.01
done
echo $$ >"$group/init.scope/cgroup.procs"
exec nsenter --target="$leader" --mount --uts --ipc --net --pid --cgroup --root --wd -- "$2" agent /run/systemd/private
