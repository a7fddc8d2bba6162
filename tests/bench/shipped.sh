#!/bin/sh
# shipped.sh [ROUNDS [SECONDS]] -- the service as `make run` starts it (a Redis and a SQLite ledger of its
# own, every transaction synced) with one worker and with two; and what the ledger costs reservations.
#
# Before each measurement the ledger has all that came before, so that nobody pays for another case; in
# it the ledger process goes on beside the load. Environment: CONNECTIONS (64), PORT (8840 and the three
# behind it).
set -eu
rounds=${1:-5} seconds=${2:-3}
connections=${CONNECTIONS:-64} port=${PORT:-8840}
. "$(dirname "$0")/lib.sh"

port_of() { case $1 in one) echo "$port" ;; two) echo $((port + 1)) ;; none) echo $((port + 2)) ;; sqlite) echo $((port + 3)) ;; esac }
serve() { # serve CASE OPTIONS...
    case=$1 url=http://127.0.0.1:$(port_of "$1")
    shift
    start "$case" "$root/build/stockd" serve --listen "${url#http://}" --data-dir "$dir/$case" "$@"
    until_ok "$case" curl -sf "$url/readyz"
    curl -sS -o /dev/null -X PUT --json '{"on_hand":9000000000000}' "$url/v1/items/hot"
}
serve one --workers 1
serve two --workers 2
serve none --workers 1 --durability everysec --ledger none
serve sqlite --workers 1 --durability everysec

wrk_script '{"quantity":1}' >"$dir/decrement.lua"
wrk_script '{"sku":"hot","quantity":1,"ttl_seconds":600}' >"$dir/reserve.lua"
lag() { curl -s "http://127.0.0.1:$(port_of "$1")/metrics" | awk '$1 == "stockd_ledger_lag_events" { print $2 }'; }
caught_up() { for case in one two sqlite; do [ "$(lag $case)" = 0 ] || return 1; done; }
measure() { # measure CASE SCRIPT PATH
    until_ok "the ledger" caught_up
    wrk -t1 -c"$connections" -d"$seconds" -s "$dir/$2.lua" "http://127.0.0.1:$(port_of "$1")$3" | grep '^rate ' >"$dir/line"
    awk '{ if ($6 > 0) { print "shipped.sh: " $6 " answers were no success" >"/dev/stderr"; exit 1 } print $2 }' "$dir/line" >>"$dir/rate.$1"
    printf '.' >&2
}
printf 'measuring %d rounds of 4 cases, %d s each ' "$rounds" "$seconds" >&2
round=0
while [ $round -lt "$rounds" ]; do
    measure one decrement /v1/items/hot/decrements
    measure two decrement /v1/items/hot/decrements
    measure none reserve /v1/reservations
    measure sqlite reserve /v1/reservations
    round=$((round + 1))
done
echo >&2

echo "as make run starts it, $connections connections, $(nproc) CPUs shared by wrk, service, Redis and SQL"
echo
printf '%-38s %9s %9s %9s\n' "answers a second" median lowest highest
say() { median_and_range "$1" '%-38s %9.0f %9.0f %9.0f\n' <"$dir/rate.$2"; }
say "one worker, decrement" one
say "two workers, decrement" two
say "no ledger, reserve" none
say "SQLite ledger, reserve" sqlite
echo
ratios "$dir/rate.two" "$dir/rate.one" | median_and_range "two workers / one" '%-38s %9.2f %9.2f %9.2f\n'
ratios "$dir/rate.sqlite" "$dir/rate.none" | median_and_range "SQLite ledger / none" '%-38s %9.2f %9.2f %9.2f\n'
ratios "$dir/rate.two" "$dir/rate.one" |
    goal "two workers / one, as make run" at-least 1.00 %.2f "$(medians "$dir/rate.two" "$dir/rate.one" answers/s)"
ratios "$dir/rate.sqlite" "$dir/rate.none" |
    goal "SQLite ledger / --ledger none, reserve" at-least 0.85 %.2f "$(medians "$dir/rate.sqlite" "$dir/rate.none" answers/s)"
