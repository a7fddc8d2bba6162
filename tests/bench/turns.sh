#!/bin/sh
# turns.sh [ROUNDS [SECONDS]] -- what the queue of a partition costs those who are not after the same item,
# by eight services at one Redis. A turn an item is what hot items would have in partitions of their own,
# so each load is sold on one partition and on eight; baskets, which need several items at once, with and
# without turns. Loopback only. Environment: PORT (8800 and the 39 behind it).
set -eu
rounds=${1:-3} seconds=${2:-3}
port=${PORT:-8800}
services=8 connections=64 hot=8 cold=10000
. "$(dirname "$0")/lib.sh"

# Services of a case share a Redis: NAME PARTITIONS TURNS.
cases="one:1:auto eight:8:auto none:1:off"
first_port() { case $1 in one) echo "$port" ;; eight) echo $((port + 10)) ;; *) echo $((port + 20)) ;; esac }
each_service() { seq "$(($(first_port "$1") + 1))" "$(($(first_port "$1") + services))"; }

# make_items PORT: as many as there are, eight requests at a time.
make_items() {
    { seq -f 'hot-%.0f' "$hot"; seq -f 'cold-%.0f' "$cold"; } | awk -v at="http://127.0.0.1:$1/v1/items/" -v q='"' '{
        print "next\nrequest = PUT\noutput = /dev/null\nheader = " q "Content-Type: application/json" q
        print "data = " q "{\\" q "on_hand\\" q ":9000000000000}" q "\nurl = " q at $1 q }' >"$dir/items"
    curl -sS --no-progress-meter -Z --parallel-max 8 -K "$dir/items"
}
cat >"$dir/load.lua" <<EOF
local kind = os.getenv("LOAD")
local headers = {["Content-Type"] = "application/json"}
math.randomseed(tonumber(os.getenv("SEED")))
local function sell(sku) return wrk.format("POST", "/v1/items/" .. sku .. "/decrements", headers, '{"quantity":1}') end
local function basket()
    local at = math.random($hot)
    local lines = {}
    for i = 0, 2 do lines[#lines + 1] = '{"sku":"hot-' .. ((at + 3 * i) % $hot + 1) .. '","quantity":1}' end
    return wrk.format("POST", "/v1/reservations", headers, '{"lines":[' .. table.concat(lines, ",") .. ']}')
end
request = function()
    if kind == "one hot" then return sell("hot-1") end
    if kind == "hot and cold" then return sell(math.random(2) == 1 and "hot-1" or "cold-" .. math.random($cold)) end
    if kind == "eight hot" then return sell("hot-" .. math.random($hot)) end
    return basket()
end
done = function(summary, latency) io.write(string.format("rate %.1f p99_us %.0f bad %d\n", summary.requests / summary.duration * 1000000, latency:percentile(99), summary.errors.status)) end
EOF
for case in $cases; do
    queue=${case%%:*} rest=${case#*:}
    at=$(first_port "$queue")
    mkdir "$dir/$queue"
    start "$queue-redis" redis-server --port "$at" --bind 127.0.0.1 --dir "$dir/$queue" --save '' --appendonly yes --appendfsync everysec
    until_ok "Redis of $queue" redis-cli -p "$at" ping
    for service in $(each_service "$queue"); do
        start "$queue-$service" "$root/build/stockd" serve --listen "127.0.0.1:$service" --workers 1 --partitions "${rest%:*}" \
            --turns "${rest#*:}" --redis "redis://127.0.0.1:$at" --ledger none --durability everysec
    done
    for service in $(each_service "$queue"); do until_ok "a service of $queue" curl -sf "http://127.0.0.1:$service/readyz"; done
    make_items $((at + 1))
done

# measure CASE LOAD: appends to the files rate.* and p99.* of the two.
measure() {
    loads=
    for service in $(each_service "$1"); do
        LOAD=$2 SEED=$service wrk -t1 -c$((connections / services)) -d"$seconds" -s "$dir/load.lua" "http://127.0.0.1:$service" >"$dir/wrk.$service" &
        loads="$loads $!"
    done
    for job in $loads; do wait "$job"; done
    for service in $(each_service "$1"); do grep '^rate ' "$dir/wrk.$service"; done >"$dir/lines"
    awk '{ n += $2; bad += $6 } END { print n > rate; if (bad) print "turns.sh: " bad " answers were no success" > "/dev/stderr" }' rate="$dir/new" "$dir/lines"
    cat "$dir/new" >>"$dir/rate.$1.$2"
    awk '$4 > most { most = $4 } END { print most / 1000 }' "$dir/lines" >>"$dir/p99.$1.$2"
    printf '.' >&2
}
printf 'measuring %d rounds of 9 loads, %d s each ' "$rounds" "$seconds" >&2
i=0
while [ $i -lt "$rounds" ]; do
    for load in "one hot" "hot and cold" "eight hot"; do
        measure one "$load"
        measure eight "$load"
    done
    measure one "baskets of three"
    measure none "baskets of three"
    i=$((i + 1))
done
echo >&2

echo "8 services x 1 worker, $connections connections in all, $(nproc) CPUs shared by all"
echo
echo "| load | queue | answers/s | worst p99 ms |"
echo "| --- | --- | --- | --- |"
row() { # row CASE LOAD QUEUE
    printf '| %s | %s | %s | %s |\n' "$2" "$3" "$(median_and_range '' '%s%.0f (%.0f to %.0f)' <"$dir/rate.$1.$2")" \
        "$(median_and_range '' '%s%.1f (%.1f to %.1f)' <"$dir/p99.$1.$2")"
}
for load in "one hot" "hot and cold" "eight hot"; do
    row one "$load" "one for all"
    row eight "$load" "one of eight, by item"
done
row one "baskets of three" "one for all"
row none "baskets of three" "none"
