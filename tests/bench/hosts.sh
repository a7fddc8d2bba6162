#!/bin/sh
# hosts.sh [ROUNDS [SECONDS]] -- decrements of one hot item by many services at one Redis: what
# contention of hosts costs. Loopback only, all on one machine, so that they share its processors too.
#
# Each case has a Redis of its own (AOF everysec) and its services, which all stay up; every round
# measures one case after the other, so that all see the same noise. One wrk a service. Environment:
# PORT (8700 and the 39 behind it).
set -eu
rounds=${1:-5} seconds=${2:-3}
port=${PORT:-8700}
. "$(dirname "$0")/lib.sh"

cases="1x1 1x2 8x1 8x8" # services x workers
services() { echo "${1%x*}"; }
connections() { if [ "$1" = 8x8 ]; then echo 128; else echo 64; fi; } # in all
first_port() { # of a case: its Redis; its services follow
    case $1 in 1x1) echo "$port" ;; 1x2) echo $((port + 10)) ;; 8x1) echo $((port + 20)) ;; *) echo $((port + 30)) ;; esac
}
each_service() { seq "$(($(first_port "$1") + 1))" "$(($(first_port "$1") + $(services "$1")))"; } # their ports

for case in $cases; do
    at=$(first_port "$case")
    mkdir "$dir/$case"
    start "$case-redis" redis-server --port "$at" --bind 127.0.0.1 --dir "$dir/$case" --save '' --appendonly yes --appendfsync everysec
    until_ok "Redis of $case" redis-cli -p "$at" ping
    for service in $(each_service "$case"); do
        start "$case-$service" "$root/build/stockd" serve --listen "127.0.0.1:$service" --workers "${case#*x}" \
            --redis "redis://127.0.0.1:$at" --ledger none --durability everysec
    done
    for service in $(each_service "$case"); do until_ok "a service of $case" curl -sf "http://127.0.0.1:$service/readyz"; done
    curl -sS -o /dev/null -X PUT --json '{"on_hand":9000000000000}' "http://127.0.0.1:$((at + 1))/v1/items/hot"
done

wrk_script '{"quantity":1}' >"$dir/wrk.lua"
counted() { # counted CASE METRIC: over all services of the case
    for service in $(each_service "$1"); do curl -s "http://127.0.0.1:$service/metrics"; done | awk -v m="$2" '$1 == m { n += $2 } END { print n + 0 }'
}
# measure CASE: answers a second of all services, and the p99 of the one that has the worst.
measure() {
    loads=
    for service in $(each_service "$1"); do
        wrk -t1 -c"$(($(connections "$1") / $(services "$1")))" -d"$seconds" -s "$dir/wrk.lua" \
            "http://127.0.0.1:$service/v1/items/hot/decrements" >"$dir/wrk.$service" &
        loads="$loads $!"
    done
    for load in $loads; do wait "$load"; done
    for service in $(each_service "$1"); do grep '^rate ' "$dir/wrk.$service"; done >"$dir/lines"
    awk '$6 > 0 { print "hosts.sh: " $6 " answers were no success" >"/dev/stderr"; exit 1 }' "$dir/lines"
    awk '{ n += $2 } END { print n }' "$dir/lines" >>"$dir/rate.$1"
    awk '$4 > most { most = $4 } END { print most / 1000 }' "$dir/lines" >>"$dir/p99.$1"
    printf '.' >&2
}
longest_run() { # longest_run CASE: of EXECs that one lane lost
    for service in $(each_service "$1"); do curl -s "http://127.0.0.1:$service/metrics"; done |
        awk '$1 == "stockd_exec_lost_run_max" && $2 > most { most = $2 } END { print most + 0 }'
}
printf 'measuring %d rounds of 4 cases, %d s each ' "$rounds" "$seconds" >&2
i=0
while [ $i -lt "$rounds" ]; do
    for case in $cases; do measure "$case"; done
    i=$((i + 1))
done
echo >&2

echo "decrements of one item, $(nproc) CPUs shared by all; 64 connections in all, 128 for 8x8"
echo
printf '%-18s %12s %26s %14s %16s %12s\n' "services x workers" "answers/s" "over 1x1" "worst p99 ms" "lost a commit" "longest run"
for case in $cases; do
    lost=$(counted "$case" stockd_conflicts_total) batches=$(counted "$case" stockd_batches_total)
    printf '%-18s %12s %26s %14s %16s %12s\n' "$case" "$(median_and_range '' '%s%.0f' <"$dir/rate.$case")" \
        "$(ratios "$dir/rate.$case" "$dir/rate.1x1" | median_and_range '' '%s%.2f (%.2f to %.2f)')" \
        "$(median_and_range '' '%s%.1f' <"$dir/p99.$case")" "$(echo "$lost $batches" | awk '{ printf "%.3f", $1 / $2 }')" "$(longest_run "$case")"
done
ratios "$dir/rate.8x1" "$dir/rate.1x1" |
    goal "8 services x 1 worker / 1 x 1, one hot item" at-least 0.80 %.2f "$(medians "$dir/rate.8x1" "$dir/rate.1x1" answers/s)"
goal "8 x 8, 128 connections: decrements a second" at-least 30000 %.0f "1 x 1: $(median_and_range '' '%s%.0f' <"$dir/rate.1x1")" <"$dir/rate.8x8"
goal "8 x 8: worst p99 of a service, ms" at-most 20 %.1f <"$dir/p99.8x8"
longest_run 8x8 | goal "8 x 8: longest run of lost EXECs of a lane" at-most 3 %.0f
