# hold.sh
# Puts into the container what our input brings: a line with its length, and an archive. Then it holds the container while the
# tool lives: when that is gone, in whatever way, its end of our input is closed.
state=/run/sandbox-unit
while [ ! -d $state ]; do sleep 0.01; done
: >$state/held
read -r length
while [ ! -e $state/emptied ] && [ ! -s $state/failed ]; do sleep 0.01; done
head -c "$length" | {
    if [ ! -s $state/failed ] && tar -xpmf - -C /; then : >$state/filled; else : >$state/unfilled; fi
    # Nothing of it must be taken for what comes after it.
    cat >/dev/null
}
read -r _
kill -TERM 1
