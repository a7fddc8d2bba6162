# group.sh -- services at one Redis, or at several, and their processor time under load; for benchmarks that have read
# lib.sh. $port is the first port that is still free, and moves on.

# group_start NAME STOCKD SERVICES WORKERS: a Redis (AOF everysec) and so many services of that program,
# with the item hot.
group_start() {
    group_redis "$1"
    until_ok "Redis of $1" redis-cli -p "$redis_port" ping
    group_serve "$1" "$2" "$3" "$4" --redis "redis://127.0.0.1:$redis_port"
}
# group_redis NAME OPTION...: a Redis more of that group, at $redis_port; its pid is $started.
group_redis() {
    group=$1 redis_port=$port port=$((port + 1))
    shift
    mkdir "$dir/data.$group.$redis_port"
    start "redis.$group.$redis_port" redis-server --port "$redis_port" --bind 127.0.0.1 --dir "$dir/data.$group.$redis_port" --save '' \
        --appendonly yes --appendfsync everysec "$@"
    echo "$started" >>"$dir/redis.$group"
}
# group_serve NAME STOCKD SERVICES WORKERS OPTION...: the services alone, with the item hot; with the ledger at
# $group_ledger, if that is set.
group_serve() {
    group=$1 program=$2 services=$3 workers=$4
    shift 4
    for n in $(seq "$services"); do
        start "service.$group.$n" "$program" serve --listen "127.0.0.1:$port" --workers "$workers" --ledger "${group_ledger:-none}" --durability everysec "$@"
        echo "$started" >>"$dir/masters.$group"
        until_ok "a service of $group" curl -sf "http://127.0.0.1:$port/readyz"
        echo "$port" >>"$dir/ports.$group"
        port=$((port + 1))
    done
    for master in $(cat "$dir/masters.$group"); do with_children "$master"; done >"$dir/service.$group"
    curl -sS -o /dev/null -X PUT --json '{"on_hand":9000000000000}' "$(group_url "$group")/v1/items/hot"
}
group_url() { echo "http://127.0.0.1:$(head -1 "$dir/ports.$1")"; } # of its first service

# group_measure NAME CONNECTIONS SECONDS PATH LUA: one wrk a service, CONNECTIONS in all. Prints answers a
# second, microseconds of processor time an answer in the services and in Redis, and the worst p99 in ms.
group_measure() {
    loads=
    service=$(cpu_us $(cat "$dir/service.$1")) redis=$(cpu_us $(cat "$dir/redis.$1"))
    for at in $(cat "$dir/ports.$1"); do
        wrk -t1 -c"$(($2 / $(wc -l <"$dir/ports.$1")))" -d"$3" -s "$5" "http://127.0.0.1:$at$4" >"$dir/wrk.$at" &
        loads="$loads $!"
    done
    for load in $loads; do wait "$load"; done
    service=$(($(cpu_us $(cat "$dir/service.$1")) - service)) redis=$(($(cpu_us $(cat "$dir/redis.$1")) - redis))
    for at in $(cat "$dir/ports.$1"); do grep '^rate ' "$dir/wrk.$at"; done |
        awk -v s="$service" -v r="$redis" '{ rate += $2; bad += $6; n += $8; worst = $4 > worst ? $4 : worst } END {
            if (bad > 0) { print "bench: " bad " answers were no success" >"/dev/stderr"; exit 1 }
            print rate, s / n, r / n, worst / 1000 }'
}
