#!/bin/sh
# Hardens a unit of Debian on one systemd, and verifies it on another with the drop-in that came out:
#   tests/extended/hardened.sh FOLDER UNIT CHECK…
# FOLDER keeps the root file systems, the drop-ins and the reports; CHECK is `--ready …` and `--works …`, as for `harden`.
set -eu
folder=$1 unit=$2
shift 2
tool=${TOOL:-cargo-sandbox-unit}
packages=systemd,systemd-sysv,dbus,libpam-systemd,iproute2,libbpf1,redis-server,redis-tools,memcached,lighttpd,mosquitto
mkdir -p "$folder"
[ -d "$folder/trixie" ] || mmdebstrap --mode=root --variant=minbase --include="$packages,nginx-light,strace" trixie "$folder/trixie"
[ -d "$folder/forky" ] || mmdebstrap --mode=root --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
    --include="$packages,nginx" forky "$folder/forky"

code=0
"$tool" sandbox-unit harden --format json --unit "$unit" "$@" --image "$folder/trixie" --out-dir "$folder/out" \
    >"$folder/$unit.json" || code=$?
echo "harden on 257: exit status $code"
jq -c '.seconds, (.units[] | {how, wrong, before, after, needs: [.needs[].need], trials, steady})' "$folder/$unit.json"

drop_ins=$folder/forky/etc/systemd/system/$unit.service.d
trap 'rm -rf "$drop_ins"' EXIT
mkdir -p "$drop_ins"
cp "$folder/out/$unit.service.d/50-sandbox-unit.conf" "$drop_ins/"
code=0
"$tool" sandbox-unit verify --quiet --format json --unit "$unit" "$@" --image "$folder/forky" >"$folder/$unit.262.json" || code=$?
echo "verify on 262: exit status $code"
jq -c '.units[] | .summary, [.works[] | select(.ok | not)], [.probes[] | select(.verdict == "allowed") | .id]' "$folder/$unit.262.json"
