#!/bin/sh
# capacity.sh [ROUNDS [SECONDS]] -- what an operation costs everybody, as lines of "name value unit": the
# figures that plan.sh reckons with. Medians; kept in capacity.txt, as measured last, which takes five minutes:
#
#     make benchers && tests/bench/capacity.sh 3 5 >tests/bench/capacity.txt
#
# Processor time: of a service with one worker and of its Redis (AOF everysec), 64 connections of wrk.
# *shop* is reservations over 10,000 items and their confirms, in turns, each with a key; *hot* one item,
# without keys. Of the ledger: ledger.c. Bytes: bytes.sh. Environment: PORT (9160 and the three behind it).
set -eu
rounds=${1:-3} seconds=${2:-5}
port=${PORT:-9160}
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/group.sh"

say() { printf '%-22s %10.1f %s\n' "$1" "$2" "$3"; }

group_start one "$root/build/stockd" 1 1
many_items "$(group_url one)"
wrk_script '{"quantity":1}' >"$dir/decrement.lua"
wrk_script '{"sku":"hot","quantity":1,"ttl_seconds":3600}' >"$dir/reserve.lua"
wrk_script '' "$next_item"'
local ids, n, head = {}, 0, {["Content-Type"] = "application/json"}
request = function()
    local id = table.remove(ids)
    n = n + 1
    head["Idempotency-Key"] = os.getenv("KEYS") .. n
    if id then return wrk.format("POST", "/v1/reservations/" .. id .. "/confirm", head, "{}") end
    return wrk.format("POST", "/v1/reservations", head, "{\"sku\":\"" .. next_item() .. "\",\"quantity\":1,\"ttl_seconds\":3600}")
end
response = function(status, headers, body)
    if status == 201 then ids[#ids + 1] = body:match("\"id\":\"([^\"]+)\"") end
end' >"$dir/shop.lua"
printf 'measuring %d rounds of 3 loads, %d s each, and of the ledger ' "$rounds" "$seconds" >&2
i=0
while [ $i -lt "$rounds" ]; do
    export KEYS="round-$i-"
    group_measure one 64 "$seconds" /v1/items/hot/decrements "$dir/decrement.lua" >>"$dir/seen.hot_decrement"
    group_measure one 64 "$seconds" /v1/reservations "$dir/reserve.lua" >>"$dir/seen.hot_reserve"
    group_measure one 64 "$seconds" /v1/reservations "$dir/shop.lua" >>"$dir/seen.shop"
    printf '.' >&2
    i=$((i + 1))
done
for case in hot_decrement hot_reserve shop; do
    say "${case}_service" "$(median_of "$dir/seen.$case" 2 .2f)" "us an operation"
    say "${case}_redis" "$(median_of "$dir/seen.$case" 3 .2f)" "us an operation"
done

i=0
while [ $i -lt "$rounds" ]; do
    "$root/build/release/bench/ledger" 100000 >>"$dir/ledger"
    printf '.' >&2
    i=$((i + 1))
done
ledger() { sed -nE "s/^$1 .*$2.*/\1/p" "$dir/ledger" | median_and_range '' '%s%.2f'; }
for engine in sqlite postgresql; do
    say "${engine}_ledger" "$(ledger $engine ' ([0-9.]+) us of our')" "us of the ledger process an event"
done
say postgresql_server "$(ledger postgresql 'server: ([0-9.]+) us')" "us of the database an event"

printf ' and bytes ' >&2
env -u KEYS COUNT=50000 "$root/tests/bench/bytes.sh" 1 1 >"$dir/bytes"
bytes() { sed -nE "s/.*\($1\) +([0-9.]+) +([0-9.]+)\$/\\$2/p" "$dir/bytes"; } # of the case without a key, 1, or with, 2
echo >&2
say bytes_record "$(bytes resv 1)" "a reservation"
say bytes_hold "$(bytes holds 1)" "more while it is held"
say bytes_event "$(bytes 'events' 1)" "an event, until the ledger has it"
say bytes_key "$(sed -nE 's/^in all +([0-9.]+) +([0-9.]+)$/\1 \2/p' "$dir/bytes" | awk '{ print $2 - $1 }')" "a key"
