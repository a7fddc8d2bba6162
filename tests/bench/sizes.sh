#!/bin/sh
# sizes.sh [ROUNDS [RESERVATIONS]] -- bytes that a live reservation takes in Redis: its record and its
# places in indexes, its event, and what an Idempotency-Key adds.
#
# Each round has a Redis and a service of its own. `used_memory` less the buffers of clients and AOF,
# before and after 100,000 reservations of one unit, spread over 1,000 items; the events are the stream's
# MEMORY USAGE. Environment: PORT (8836 and the one behind it).
set -eu
rounds=${1:-3} count=${2:-100000}
port=${PORT:-8836}
. "$(dirname "$0")/lib.sh"
items=1000

info() { redis-cli -p "$port" info memory | tr -d '\r' | awk -F: '
    $1 == "used_memory" { n += $2 } $1 ~ /^mem_(clients_normal|clients_slaves|aof_buffer)$/ { n -= $2 } END { print n }'; }
stream_bytes() { redis-cli -p "$port" memory usage '{p0}:events' samples 0; }
batch() { # batch AWK: operations from the numbers on standard input, a thousand a request
    split -l 1000 - "$dir/part."
    for part in "$dir"/part.*; do
        awk "BEGIN { printf \"{\\\"operations\\\":[\" } { if (NR > 1) printf \",\"; $1 } END { print \"]}\" }" "$part" >"$dir/body.json"
        curl -sS --fail-with-body --json @"$dir/body.json" "http://127.0.0.1:$((port + 1))/v1/batch" >"$dir/answer"
        ! grep -q '"status":[45]' "$dir/answer" || { head -c 500 "$dir/answer" >&2; exit 1; }
        rm "$part"
    done
}
settled() { # until the memory in use stands still
    last=
    while now=$(info) && [ "$now" != "$last" ]; do last=$now; sleep 0.5; done
}
reserve() { # reserve KEY: what $count of them take, to $dir/total and $dir/events
    settled
    was=$(info) stream=$(stream_bytes)
    seq "$count" | batch "printf \"{\\\"op\\\":\\\"reserve\\\",\\\"sku\\\":\\\"m%d\\\",\\\"quantity\\\":1,\\\"ttl_seconds\\\":86400$1}\", \$1 % $items$2"
    settled
    echo "$was $(info) $stream $(stream_bytes)" | awk -v n="$count" '{ print ($2 - $1) / n, ($4 - $3) / n }'
}
measure() {
    mkdir "$dir/redis"
    start redis redis-server --port "$port" --bind 127.0.0.1 --dir "$dir/redis" --save '' --appendonly no
    redis=$started
    until_ok Redis redis-cli -p "$port" ping
    start service "$root/build/stockd" serve --listen "127.0.0.1:$((port + 1))" --workers 1 --redis "redis://127.0.0.1:$port" \
        --ledger none --durability memory
    service=$started
    until_ok "the service" curl -sf "http://127.0.0.1:$((port + 1))/readyz"
    seq 0 "$((items - 1))" | batch 'printf "{\"op\":\"put\",\"sku\":\"m%d\",\"on_hand\":1000000000}", $1'
    reserve '' '' >"$dir/plain"
    reserve ',\"idempotency_key\":\"k-%010d\"' ', $1' >"$dir/keyed"
    awk '{ print $1 - $2 }' "$dir/plain" >>"$dir/record"
    awk '{ print $2 }' "$dir/plain" >>"$dir/event"
    paste "$dir/plain" "$dir/keyed" | awk '{ print $3 - $1 }' >>"$dir/key"
    for pid in $service $redis; do
        kill "$pid"
        wait "$pid" || true
    done
    rm -rf "$dir/redis"
    pids=
}
i=0
while [ $i -lt "$rounds" ]; do
    measure
    i=$((i + 1))
done
printf '%-38s %9s %9s %9s\n' "bytes a live reservation" median lowest highest
say() { median_and_range "$1" '%-38s %9.1f %9.1f %9.1f\n' <"$dir/$2"; }
say "record and indexes" record
say "event" event
say "with an Idempotency-Key, more" key
goal "Redis bytes, record and indexes" at-most 160 %.0f <"$dir/record"
goal "Redis bytes, event" at-most 40 %.0f <"$dir/event"
goal "Redis bytes more, with a key" at-most 160 %.0f <"$dir/key"
