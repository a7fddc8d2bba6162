#!/bin/sh
# failover.sh [ROUNDS] -- how long nothing is sold when the primary dies: behind Sentinels, and in a cluster.
#
# A service with a SQLite ledger, level ledger. Each round kills the primary of the item (SIGKILL), sells one
# unit, again until that succeeds, and starts the node again, as a replica. What Redis needs until the
# replica is primary is its own detection (a second, and the vote); what comes on top is the figure. Redis
# is asked every 10 ms. Loopback only. Environment: PORT (9230 and the 29 behind it).
set -eu
rounds=${1:-5} detect_ms=1000
port=${PORT:-9230}
. "$(dirname "$0")/lib.sh"

now_ms() { date +%s%3N; }
node() { # node PORT OPTION...: a Redis there, also again
    at=$1
    shift
    mkdir -p "$dir/$at"
    start "redis.$at" redis-server --port "$at" --bind 127.0.0.1 --dir "$dir/$at" --save '' --appendonly yes --appendfsync everysec \
        --repl-diskless-sync-delay 0 "$@"
    echo "$started" >"$dir/pid.$at"
    until_ok "Redis at $at" redis-cli -p "$at" ping
}
role() { redis-cli -p "$1" role 2>/dev/null | head -1; }
follows() { redis-cli -p "$1" info replication | tr -d '\r' | grep -qx master_link_status:up; }
serve() { # serve NAME URL OPTION...
    service=$port port=$((port + 1)) kind=$1 url=$2
    shift 2
    "$root/build/stockd" migrate --ledger "sqlite:$dir/$kind.db" >/dev/null
    start "$kind" "$root/build/stockd" serve --listen "127.0.0.1:$service" --workers 1 --redis "$url" --ledger "sqlite:$dir/$kind.db" \
        --durability ledger --request-timeout 30s "$@"
    until_ok "the service of $kind" curl -sf "http://127.0.0.1:$service/readyz"
    curl -sS -o /dev/null --fail-with-body -X PUT --json '{"on_hand":1000000}' "http://127.0.0.1:$service/v1/items/hot"
}
# again PORT PRIMARY: the node that was killed, as a replica of that one.
again() { if [ "$kind" = cluster ]; then cluster_node "$1"; else node "$1" --replicaof 127.0.0.1 "$2"; fi; }
cluster_node() { node "$1" --cluster-enabled yes --cluster-node-timeout "$detect_ms" --cluster-port "$(($1 + 6))"; }
sell() { curl -sf -o /dev/null --max-time 60 -H "Idempotency-Key: $1" --json '{"quantity":1}' "http://127.0.0.1:$service/v1/items/hot/decrements"; }

# go_through NAME PRIMARY REPLICA: lines of ms until sold, of those until promoted, and of those behind.
go_through() {
    kind=$1 primary=$2 replica=$3 i=0
    while [ $i -lt "$rounds" ]; do
        kill -9 "$(cat "$dir/pid.$primary")"
        died=$(now_ms)
        (until [ "$(role "$replica")" = master ]; do sleep 0.01; done; now_ms >"$dir/promoted") &
        watch=$!
        until sell "$kind-$i"; do :; done
        sold=$(now_ms)
        wait "$watch"
        promoted=$(cat "$dir/promoted")
        echo "$((sold - died)) $((promoted - died)) $((sold - promoted))" >>"$dir/seen.$kind"
        again "$primary" "$replica"
        until_ok "a replica of $replica" follows "$primary"
        sleep 3 # Sentinels look at it, and may fail over again
        was=$primary primary=$replica replica=$was
        printf '.' >&2
        i=$((i + 1))
    done
}

printf 'killing %d primaries behind Sentinels, then %d of a cluster ' "$rounds" "$rounds" >&2
one=$port two=$((port + 1)) port=$((port + 2))
node "$one"
node "$two" --replicaof 127.0.0.1 "$one"
until_ok "the replica" follows "$two"
sentinels=
for n in 1 2 3; do
    mkdir "$dir/$port"
    cat >"$dir/$port/sentinel.conf" <<EOF
port $port
bind 127.0.0.1
dir $dir/$port
sentinel monitor shop 127.0.0.1 $one 2
sentinel down-after-milliseconds shop $detect_ms
sentinel failover-timeout shop 1000
EOF
    start "sentinel.$port" redis-server "$dir/$port/sentinel.conf" --sentinel
    sentinels="$sentinels,127.0.0.1:$port" watcher=$port port=$((port + 1))
done
knows_all() { [ "$(redis-cli -p "$watcher" sentinel master shop | grep -A1 -E '^num-(slaves|other-sentinels)$' | tr -dc 0-9)" = 12 ]; }
until_ok "three Sentinels" knows_all
serve sentinel "redis+sentinel://${sentinels#,}/shop"
go_through sentinel "$one" "$two"

nodes=
for at in $(seq "$port" $((port + 5))); do
    cluster_node "$at"
    nodes="$nodes 127.0.0.1:$at"
done
first=$port port=$((port + 12)) # with those of the bus
redis-cli --cluster create $nodes --cluster-replicas 1 --cluster-yes >"$dir/create" 2>&1 || { cat "$dir/create" >&2; exit 1; }
serve cluster "redis+cluster://127.0.0.1:$first" --partitions 1
for at in $(seq "$first" $((first + 5))); do
    [ "$(redis-cli -p "$at" exists '{p0}:meta' 2>/dev/null)" != 1 ] || primary=$at
done
for at in $(seq "$first" $((first + 5))); do
    ! redis-cli -p "$at" info replication | tr -d '\r' | grep -qx "master_port:$primary" || replica=$at
done
go_through cluster "$primary" "$replica"
echo >&2

echo "ms from the death of a primary, detection of $detect_ms ms, $(nproc) processors shared by all; medians of $rounds rounds"
echo
echo "| where | first success | a replica is primary | behind that |"
echo "| --- | --- | --- | --- |"
for name in sentinel cluster; do
    seen=$dir/seen.$name
    echo "| $name | $(median_of "$seen" 1 .0f) | $(median_of "$seen" 2 .0f) | $(median_of "$seen" 3 .0f) |"
    column "$seen" 3 | goal "first success after a promotion, $name, ms" at-most 1000 %.0f "from the death on: $(median_of "$seen" 1 .0f) ms"
done
