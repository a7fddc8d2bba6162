#!/bin/sh
# flame.sh [CASE [SECONDS [FOLDER]]] -- where the processor time of an operation goes, in a worker of the
# service, in Redis and in the load generator (wrk): a flame graph of each, and tables of self time.
#
# CASE: decrement (of one item; the default), reserve, many (decrements over 10,000 items). Time an
# operation is measured first, without perf; then SECONDS (5) under `perf record`. The graphs go to
# FOLDER (flame-out), the tables to standard output as Markdown. The service is built once more, with
# frame pointers; libraries and Redis have none, so their stacks may be cut short, not their self time.
# Environment: CONNECTIONS (64), PORT (8846). Perf must be allowed to look at the kernel: be root.
set -eu
case=${1:-decrement} seconds=${2:-5} folder=${3:-flame-out}
connections=${CONNECTIONS:-64} port=${PORT:-8846}
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
case $case in
decrement) path=/v1/items/hot/decrements body='{"quantity":1}' more= ;;
reserve) path=/v1/reservations body='{"sku":"hot","quantity":1,"ttl_seconds":600}' more= ;;
many) path=/v1/items/s0/decrements body='{"quantity":1}'
    more="$next_item"' request = function() return wrk.format(nil, "/v1/items/" .. next_item() .. "/decrements") end' ;;
*) echo "flame.sh: no case $case; give decrement, reserve or many" >&2; exit 64 ;;
esac
mkdir -p "$folder"
make -s -C "$root" OUT=build/flame CFLAGS=-fno-omit-frame-pointer build/flame/stockd >"$dir/build" 2>&1 || { cat "$dir/build" >&2; exit 1; }
start stockd "$root/build/flame/stockd" serve --listen "127.0.0.1:$port" --ledger none --durability everysec --workers 1 --data-dir "$dir/data"
master=$started url=http://127.0.0.1:$port
until_ok stockd curl -sf "$url/readyz"
curl -sS -o /dev/null -X PUT --json '{"on_hand":9000000000000}' "$url/v1/items/hot"
if [ "$case" = many ]; then many_items "$url"; fi
worker=$(pgrep -P "$master" stockd-worker) redis=$(pgrep -P "$master" redis-server)
wrk_script "$body" "$more" >"$dir/wrk.lua"

# Without perf: processor time an operation, to $dir/us.NAME.
before_worker=$(cpu_us "$worker") before_redis=$(cpu_us "$redis")
"$root/build/release/bench/cpu" "$dir/cpu" wrk -t1 -c"$connections" -d"$seconds" -s "$dir/wrk.lua" "$url$path" | grep '^rate ' >"$dir/line"
operations=$(awk '{ print $8 }' "$dir/line")
us() { echo "$1 $operations" | awk '{ printf "%.2f", $1 / $2 }'; }
us $(($(cpu_us "$worker") - before_worker)) >"$dir/us.worker"
us $(($(cpu_us "$redis") - before_redis)) >"$dir/us.redis"
us "$(awk '{ printf "%.0f", $1 * 1000000 }' "$dir/cpu")" >"$dir/us.load"

# With it.
wrk -t1 -c"$connections" -d"$((seconds + 2))" -s "$dir/wrk.lua" "$url$path" >/dev/null &
load=$!
records=
for one in "worker $worker" "redis $redis" "load $load"; do
    perf record -q -e cpu-clock -F 997 -g -p "${one#* }" -o "$dir/${one% *}.data" -- sleep "$seconds" 2>"$dir/perf.${one% *}" &
    records="$records $!"
done
for record in $records; do wait "$record" || { cat "$dir"/perf.* >&2; exit 1; }; done
wait "$load"

# Which folder of the project a function is from.
find "$root/build/flame/obj" -name '*.o' | while read -r object; do
    part=${object#"$root/build/flame/obj/"}
    nm --defined-only "$object" 2>/dev/null | awk -v part="$(dirname "$part")" '$2 ~ /^[tT]$/ { print $3, part }'
done >"$dir/parts"

# table NAME TITLE: self time by group, of the innermost frames.
table() {
    awk -v us="$(cat "$dir/us.$1")" -v title="$2" '
        FNR == NR { if (!($1 in part)) part[$1] = $2; next }
        {
            object = $1
            name = $2
            count = $3
            kernel = name ~ /_\[k\]$/
            sub(/\.(constprop|part|isra|cold).*$/, "", name)
            if (name in part && object == "stockd") group = part[name]
            else if (kernel) {
                if (name ~ /tcp|inet|skb|sk_|sock|ip_|napi|net_|unix_|dev_|nf_|loopback|csum|neigh|fib_|eth_|qdisc|backlog/) group = "kernel: network"
                else if (name ~ /epoll|ep_|poll|eventfd|fdget|fget|fput|vfs_|file|pipe|read|write|iov|import_/) group = "kernel: epoll, files, read and write"
                else if (name ~ /sched|switch|wake|rq|enqueue|dequeue|update_|pick_next|load_avg|cfs|timer|tick|clock|futex/) group = "kernel: scheduling and timers"
                else if (name ~ /syscall|entry|exit_to|swapgs|irq|retbleed|srso/) group = "kernel: entry and interrupts"
                else if (name ~ /page|alloc|free|slab|kmem|memcg|memset|memcpy|copy_user|rep_movs|clear_/) group = "kernel: memory and copies"
                else group = "kernel: others"
            } else {
                group = object
                sub(/[-.]so.*|-[0-9].*|\.[0-9].*/, "", group)
                if (group ~ /^redis-check/) group = "redis-server" # one file, several names
                if (group == "stockd") group = "stockd: inlined or without a name"
            }
            n[group] += count
            total += count
        }
        END {
            printf "%s: %.1f us an operation, %d samples\n\n| self time in | share | us an operation |\n| --- | --- | --- |\n", title, us, total
            for (group in n) if (n[group] >= total / 200)
                printf "| %s | %.1f %% | %.2f |\n", group, 100 * n[group] / total, us * n[group] / total | "sort -t\"|\" -k4 -rn"
            close("sort -t\"|\" -k4 -rn")
            print ""
        }' "$dir/parts" "$dir/$1.self"
}
echo "$case, $connections connections, one worker, AOF everysec, $(nproc) processors shared by all; $(awk '{ printf "%.0f", $2 }' "$dir/line") answers/s"
echo
for one in "worker A worker of the service" "redis Redis" "load The load generator (wrk)"; do
    name=${one%% *}
    perf script -i "$dir/$name.data" 2>/dev/null | awk -v self="$dir/$name.self" -f "$here/fold.awk" | LC_ALL=C sort >"$dir/$name.folded"
    awk -v title="stockd: $case, ${one#* }" -f "$here/flame.awk" "$dir/$name.folded" >"$folder/$case-$name.svg"
    table "$name" "${one#* }"
done
echo "graphs: $folder/$case-{worker,redis,load}.svg" >&2
