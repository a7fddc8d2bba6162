#!/bin/sh
# cluster.sh [ROUNDS [SECONDS]] -- processor time of a worker for a reservation, of 10,000 items in turns: on
# one Redis, on one over TLS, on one with the 64 partitions of a cluster, and on a cluster of three nodes.
#
# Each case has a service with one worker, and Redis (AOF everysec) of its own, no replicas; all stay up, and
# every round measures one after the other. Loopback only. Environment: CONNECTIONS (64), PORT (9200 and
# the 14 behind it).
set -eu
rounds=${1:-3} seconds=${2:-3}
connections=${CONNECTIONS:-64} port=${PORT:-9200}
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/group.sh"

cases="one tls parts cluster"
label() {
    case $1 in
    one) echo "one Redis" ;;
    tls) echo "one Redis over TLS" ;;
    parts) echo "one Redis, 64 partitions" ;;
    cluster) echo "a cluster of three, 64 partitions" ;;
    esac
}

group_start one "$root/build/stockd" 1 1

(cd "$dir" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout redis.key -out redis.pem -days 30 \
    -subj /CN=redis -addext subjectAltName=IP:127.0.0.1) 2>/dev/null
group_redis tls --tls-port "$((port + 1))" --tls-cert-file "$dir/redis.pem" --tls-key-file "$dir/redis.key" \
    --tls-ca-cert-file "$dir/redis.pem" --tls-auth-clients no
until_ok "Redis over TLS" redis-cli -p "$redis_port" ping
tls_port=$port port=$((port + 1))
group_serve tls "$root/build/stockd" 1 1 --redis "rediss://127.0.0.1:$tls_port" --redis-ca "$dir/redis.pem"

group_redis parts
until_ok "Redis with 64 partitions" redis-cli -p "$redis_port" ping
group_serve parts "$root/build/stockd" 1 1 --redis "redis://127.0.0.1:$redis_port" --partitions 64

nodes=
for n in 1 2 3; do
    group_redis cluster --cluster-enabled yes --cluster-port "$((port + 3))"
    until_ok "node $n" redis-cli -p "$redis_port" ping
    redis-cli -p "$redis_port" cluster addslotsrange $(((n - 1) * 16384 / 3)) $((n * 16384 / 3 - 1)) >/dev/null
    nodes="$nodes $redis_port"
done
first=${nodes# } first=${first%% *}
for node in $nodes; do redis-cli -p "$node" cluster meet 127.0.0.1 "$first" "$((first + 3))" >/dev/null; done
cluster_is_well() { for node in $nodes; do redis-cli -p "$node" cluster info | grep -q cluster_state:ok || return 1; done; }
until_ok "the cluster" cluster_is_well
port=$((port + 3)) # those of the bus
group_serve cluster "$root/build/stockd" 1 1 --redis "redis+cluster://127.0.0.1:$first"

wrk_script '' "$next_item"' request = function()
    return wrk.format(nil, nil, nil, "{\"sku\":\"" .. next_item() .. "\",\"quantity\":1,\"ttl_seconds\":3600}")
end' >"$dir/reserve.lua"
for case in $cases; do
    many_items "$(group_url $case)"
    for pid in $(cat "$dir/service.$case"); do grep -l worker "/proc/$pid/comm" || true; done | cut -d/ -f3 >"$dir/workers"
    mv "$dir/workers" "$dir/service.$case" # of these alone
done
printf 'measuring %d rounds of 4 cases, %d s each ' "$rounds" "$seconds" >&2
i=0
while [ $i -lt "$rounds" ]; do
    for case in $cases; do
        group_measure $case "$connections" "$seconds" /v1/reservations "$dir/reserve.lua" >>"$dir/seen.$case"
        printf '.' >&2
    done
    i=$((i + 1))
done
echo >&2

echo "reservations of 10,000 items, $connections connections, one worker, $(nproc) processors shared by all; medians of $rounds rounds of ${seconds}s"
echo
echo "| on | answers/s | p99 ms | worker us an operation | Redis us an operation |"
echo "| --- | --- | --- | --- | --- |"
for case in $cases; do
    seen=$dir/seen.$case
    echo "| $(label $case) | $(median_of "$seen" 1 .0f) | $(median_of "$seen" 4 .2f) | $(median_of "$seen" 2 .1f) | $(median_of "$seen" 3 .1f) |"
    column "$seen" 2 >"$dir/us.$case"
done
beside() { # beside CASE OVER GOAL
    ratios "$dir/us.$1" "$dir/us.$2" |
        goal "worker us an operation: $(label "$1") / $(label "$2")" at-most "$3" %.2f \
            "$(median_of "$dir/seen.$1" 2 .1f) / $(median_of "$dir/seen.$2" 2 .1f) us"
}
beside cluster one 1.15
beside cluster parts 1.15
beside tls one 1.25
