# hold.sh
# Holds the container while the tool lives: when the tool is gone, in whatever way, its end of our input is closed.
state=/run/sandbox-unit
while [ ! -d $state ]; do sleep 0.01; done
: >$state/held
read -r _
kill -TERM 1
