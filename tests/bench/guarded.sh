#!/bin/sh
# guarded.sh [ROUNDS [SECONDS]] -- what guards cost: reservations of one item at a service for everybody, at one
# with API keys and quotas, at one with an access log too, and at one without seccomp; and, with a ledger, at one for
# everybody and at one with quotas on what a client keeps.
#
# Each has a Redis (AOF everysec) of its own; every round measures each for SECONDS, one after the other.
# Environment: CONNECTIONS (64), PORT (8650 and the eleven behind it).
set -eu
rounds=${1:-5} seconds=${2:-3}
connections=${CONNECTIONS:-64} port=${PORT:-8650}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/group.sh"
stockd=$root/build/stockd
cases='open keys log unconfined ledger kept'

umask 077
key=$("$stockd" keys add --keys-file "$dir/keys" --name bench --role admin --quota rps=1000000,burst=1000000)
id=${key#sk_} id=${id%%_*}
quota=rps=1000000,burst=1000000,holds=1000000000,units=1000000000,metadata=1000000000,operations=1000000000
cp "$dir/keys" "$dir/keys.kept"
"$stockd" keys quota --keys-file "$dir/keys.kept" --quota "$quota" "$id" >/dev/null
options() {
    case $1 in
    open) ;;
    keys) echo "--keys-file $dir/keys" ;;
    log) echo "--keys-file $dir/keys --access-log $dir/access.log" ;;
    unconfined) echo --no-seccomp ;;
    ledger) ;;
    kept) echo "--keys-file $dir/keys.kept" ;;
    esac
}
for case in $cases; do
    group_ledger=
    case $case in ledger | kept)
        group_ledger=sqlite:$dir/$case.db
        "$stockd" migrate --ledger "$group_ledger" >/dev/null
        ;;
    esac
    group_redis "$case"
    until_ok "Redis of $case" redis-cli -p "$redis_port" ping
    group_serve "$case" "$stockd" 1 1 --redis "redis://127.0.0.1:$redis_port" $(options "$case")
    curl -sS -o /dev/null -H "Authorization: Bearer $key" -H 'If-None-Match: *' -X PUT --json '{"on_hand":9000000000000}' \
        "$(group_url "$case")/v1/items/hot"
done
wrk_script '{"sku":"hot","quantity":1,"ttl_seconds":600}' "wrk.headers[\"Authorization\"] = \"Bearer $key\"" >"$dir/load.lua"

i=0
while [ $i -lt "$rounds" ]; do
    for case in $cases; do
        group_measure "$case" "$connections" "$seconds" /v1/reservations "$dir/load.lua" >>"$dir/seen.$case"
        printf '.' >&2
    done
    i=$((i + 1))
done
echo >&2

echo "$connections connections, 1 worker, $(nproc) CPUs shared by wrk, Redis and the service; the open service gets a key, too, and does not look at it"
echo
printf '%-22s %10s %10s %10s %12s\n' "reservations a second" median lowest highest "service us"
for case in $cases; do
    column "$dir/seen.$case" 1 >"$dir/case.$case"
    median_and_range "$case" '%-22s %10.0f %10.0f %10.0f' <"$dir/case.$case"
    printf ' %12s\n' "$(median_of "$dir/seen.$case" 2 .2f)"
done
echo
printf '%-38s %7s %7s %7s\n' "ratio, round by round" median lowest highest
ratio() { # ratio NAME CASE OVER GOAL
    ratios "$dir/case.$2" "$dir/case.$3" >"$dir/ratio"
    median_and_range "$1" '%-38s %7.2f %7.2f %7.2f\n' <"$dir/ratio"
    goal "$1" at-least "$4" %.2f "$(medians "$dir/case.$2" "$dir/case.$3" reservations/s)" <"$dir/ratio"
}
ratio "with keys and quotas / without" keys open 0.97
ratio "with quotas on what is kept / without" kept ledger 0.97
ratio "with an access log / without" log keys 0.97
ratio "with seccomp / without" open unconfined 0.97
