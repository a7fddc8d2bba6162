# group.sh -- services at one Redis, and their processor time under load; for benchmarks that have read
# lib.sh. $port is the first port that is still free, and moves on.

# group_start NAME STOCKD SERVICES WORKERS: a Redis (AOF everysec) and so many services of that program,
# with the item hot.
group_start() {
    mkdir "$dir/data.$1"
    group_redis=$port port=$((port + 1))
    start "redis.$1" redis-server --port "$group_redis" --bind 127.0.0.1 --dir "$dir/data.$1" --save '' --appendonly yes --appendfsync everysec
    echo "$started" >"$dir/redis.$1"
    until_ok "Redis of $1" redis-cli -p "$group_redis" ping
    for n in $(seq "$3"); do
        start "service.$1.$n" "$2" serve --listen "127.0.0.1:$port" --workers "$4" --redis "redis://127.0.0.1:$group_redis" \
            --ledger none --durability everysec
        echo "$started" >>"$dir/masters.$1"
        until_ok "a service of $1" curl -sf "http://127.0.0.1:$port/readyz"
        echo "$port" >>"$dir/ports.$1"
        port=$((port + 1))
    done
    for master in $(cat "$dir/masters.$1"); do with_children "$master"; done >"$dir/service.$1"
    curl -sS -o /dev/null -X PUT --json '{"on_hand":9000000000000}' "$(group_url "$1")/v1/items/hot"
}
group_url() { echo "http://127.0.0.1:$(head -1 "$dir/ports.$1")"; } # of its first service

# group_measure NAME CONNECTIONS SECONDS PATH LUA: one wrk a service, CONNECTIONS in all. Prints answers a
# second, microseconds of processor time an answer in the services and in Redis, and the worst p99 in ms.
group_measure() {
    loads=
    service=$(cpu_us $(cat "$dir/service.$1")) redis=$(cpu_us "$(cat "$dir/redis.$1")")
    for at in $(cat "$dir/ports.$1"); do
        wrk -t1 -c"$(($2 / $(wc -l <"$dir/ports.$1")))" -d"$3" -s "$5" "http://127.0.0.1:$at$4" >"$dir/wrk.$at" &
        loads="$loads $!"
    done
    for load in $loads; do wait "$load"; done
    service=$(($(cpu_us $(cat "$dir/service.$1")) - service)) redis=$(($(cpu_us "$(cat "$dir/redis.$1")") - redis))
    for at in $(cat "$dir/ports.$1"); do grep '^rate ' "$dir/wrk.$at"; done |
        awk -v s="$service" -v r="$redis" '{ rate += $2; bad += $6; n += $8; worst = $4 > worst ? $4 : worst } END {
            if (bad > 0) { print "bench: " bad " answers were no success" >"/dev/stderr"; exit 1 }
            print rate, s / n, r / n, worst / 1000 }'
}

column() { awk -v n="$2" '{ print $n }' "$1"; }
median_of() { column "$1" "$2" | median_and_range '' "%s%$3"; } # median_of FILE COLUMN FORMAT
