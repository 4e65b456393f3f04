# hold.sh NAME AGENT ENTER
# Puts into the container what our input brings: a line with its length, and an archive. Then it goes into the machine (ENTER), and
# passes on what comes to the agent there. It holds the container while the tool lives: when that is gone, in whatever way, its
# end of our input is closed.
state=/run/sandbox-unit
while [ ! -d $state ]; do sleep 0.01; done
: >$state/held
read -r length
while [ ! -e $state/emptied ] && [ ! -s $state/failed ]; do sleep 0.01; done
if [ -e $state/emptied ]; then
    if head -c "$length" | tar -xpmf - -C /; then : >$state/filled; else : >$state/unfilled; fi
fi
# Where there is no agent, or none any more, that is said, and the input holds the container nevertheless.
{ cat; kill -TERM 1; } | { sh -c "$3" enter "$1" "$2"; echo gone; cat >/dev/null; }
