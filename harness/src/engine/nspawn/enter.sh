# enter.sh CGROUP.PROCS COMMAND…: runs a command in a control group.
# What is executed inside belongs to the machine's control group, as it would if PID 1 had started it.
echo $$ >"$1" || exit
shift
exec "$@"
