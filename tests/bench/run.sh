#!/bin/sh
# run.sh [ROUNDS [SECONDS]] -- throughput of stockd beside a bare libmicrohttpd handler and beside
# nginx + Lua, on one machine, loopback only.
#
# Every round measures each case for SECONDS, one after the other, so that all cases see the same
# noise; the table gives the median over the rounds, their spread, and ratios of cases measured in
# the same round. Environment: CONNECTIONS (64), WORKERS (half the CPUs: wrk and
# Redis want theirs), PORT (8600 and the two behind it).
set -eu
rounds=${1:-5} seconds=${2:-3}
connections=${CONNECTIONS:-64} workers=${WORKERS:-$(($(nproc) / 2 > 0 ? $(nproc) / 2 : 1))} port=${PORT:-8600}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
until_up() { until_ok "$1" curl -s -o /dev/null --max-time 1 "$1"; }
call() { curl -sS -o /dev/null --fail-with-body "$@"; }

stockd=http://127.0.0.1:$port bare=http://127.0.0.1:$((port + 1)) nginx=http://127.0.0.1:$((port + 2))
start stockd "$root/build/stockd" serve --listen "127.0.0.1:$port" --ledger none --durability everysec --workers "$workers" --data-dir "$dir/data"
until_up "$stockd/readyz"
call -X PUT --json '{"on_hand":9000000000000}' "$stockd/v1/items/hot"
call -X PUT --json '{"on_hand":0}' "$stockd/v1/items/gone"
many_items "$stockd"

# The bare handler answers what stockd answered once.
answer() { curl -s --json "$1" "$2"; }
start bare-dec "$root/build/release/bench/bare" "$((port + 1))" "$workers" 200 "$(answer '{"quantity":1}' "$stockd/v1/items/hot/decrements")"
start bare-res "$root/build/release/bench/bare" "$((port + 3))" "$workers" 201 "$(answer '{"sku":"hot","quantity":1}' "$stockd/v1/reservations")"
start bare-no "$root/build/release/bench/bare" "$((port + 4))" "$workers" 409 "$(answer '{"quantity":1}' "$stockd/v1/items/gone/decrements")"

start redis redis-server --port 0 --unixsocket "$dir/redis.sock" --dir "$dir" --appendonly yes --appendfsync everysec --save ''
sed "s|@DIR@|$dir|g; s|@PORT@|$((port + 2))|; s|@WORKERS@|$workers|; s|@SOCKET@|$dir/redis.sock|" "$here/nginx.conf.in" >"$dir/nginx.conf"
chmod 755 "$dir"
until_ok redis redis-cli -s "$dir/redis.sock" set stock 9000000000000
chmod 777 "$dir/redis.sock"
start nginx nginx -c "$dir/nginx.conf"
until_up "$nginx/"
until_up "$bare/"

# measure CASE URL BODY [LUA]: answers a second into $dir/case.CASE.
measure() {
    wrk_script "$3" "${4:-}" >"$dir/wrk.lua"
    wrk -t1 -c"$connections" -d"$seconds" -s "$dir/wrk.lua" "$2" | awk '$1 == "rate" { print $2 }' >>"$dir/case.$1"
    printf '.' >&2
}
spread="$next_item"' request = function() return wrk.format(nil, "/v1/items/" .. next_item() .. "/decrements") end'
spread_reserve="$next_item"' request = function() return wrk.format(nil, nil, nil, string.format([[{"sku":"%s","quantity":1,"ttl_seconds":600}]], next_item())) end'

printf 'measuring %d rounds of %d cases, %d s each ' "$rounds" 9 "$seconds" >&2
i=0
while [ $i -lt "$rounds" ]; do
    measure bare_decrement "$bare/" '{"quantity":1}'
    measure decrement "$stockd/v1/items/hot/decrements" '{"quantity":1}'
    measure many_items "$stockd/v1/items/s0/decrements" '{"quantity":1}' "$spread"
    measure nginx_lua "$nginx/" '{"quantity":1}'
    measure bare_reserve "http://127.0.0.1:$((port + 3))/" '{"sku":"hot","quantity":1}'
    measure reserve "$stockd/v1/reservations" '{"sku":"hot","quantity":1,"ttl_seconds":600}'
    measure many_reserve "$stockd/v1/reservations" '' "$spread_reserve"
    measure bare_sold_out "http://127.0.0.1:$((port + 4))/" '{"quantity":1}'
    measure sold_out "$stockd/v1/items/gone/decrements" '{"quantity":1}'
    i=$((i + 1))
done
echo >&2

echo "$connections connections, $workers workers, $(nproc) CPUs shared by wrk, server and Redis (AOF everysec)"
echo
printf '%-22s %12s %12s %12s\n' "answers a second" median lowest highest
for case in bare_decrement decrement many_items nginx_lua bare_reserve reserve many_reserve bare_sold_out sold_out; do
    median_and_range "$case" '%-22s %12.0f %12.0f %12.0f\n' <"$dir/case.$case"
done
echo
printf '%-38s %7s %7s %7s\n' "ratio, round by round" median lowest highest
ratio() { # ratio NAME CASE OVER [GOAL]
    ratios "$dir/case.$2" "$dir/case.$3" >"$dir/ratio"
    median_and_range "$1" '%-38s %7.2f %7.2f %7.2f\n' <"$dir/ratio"
    [ -z "${4:-}" ] || goal "$1" at-least "$4" %.2f "$(medians "$dir/case.$2" "$dir/case.$3" answers/s)" <"$dir/ratio"
}
ratio "decrement / bare handler" decrement bare_decrement 0.75
ratio "reserve / bare handler" reserve bare_reserve 0.60
ratio "sold out / bare handler" sold_out bare_sold_out 0.85
ratio "decrement / nginx + Lua EVALSHA" decrement nginx_lua 2.0
ratio "10,000 items / one hot item, reserve" many_reserve reserve 0.90
ratio "10,000 items / one hot item, decrement" many_items decrement
