# hold.sh NAME PROGRAM ENTER
# Goes into the machine (ENTER), and passes on what comes to the agent there. It holds the container while the tool lives: when that
# is gone, in whatever way, its end of our input is closed.
state=/run/sandbox-unit
while [ ! -d $state ]; do sleep 0.01; done
: >$state/held
# Where there is no agent, or none any more, that is said, and the input holds the container nevertheless.
{ cat; kill -TERM 1; } | { sh -c "$3" enter "$1" "$2"; echo gone; cat >/dev/null; }
