#!/bin/sh
# live.sh [ROUNDS [SECONDS]] -- what it costs that STREAMS (100) pages watch: sales a second, and processor time a sale,
# with and without their streams of GET /v1/live; and that of a service that does nothing but send them.
#
# One load goes on all the time, and the streams come and go in it: a round is SECONDS with and SECONDS without them, every other
# one the other way round. Two loads of a few seconds each differ by more than what is looked for.
#
# One service, one item, loopback only. Environment: CONNECTIONS (64), WORKERS (half the CPUs), STREAMS, PORT (8620).
set -eu
rounds=${1:-30} seconds=${2:-3}
connections=${CONNECTIONS:-64} workers=${WORKERS:-$(($(nproc) / 2 > 0 ? $(nproc) / 2 : 1))}
streams=${STREAMS:-100} port=${PORT:-8620}
. "$(dirname "$0")/lib.sh"

url=http://127.0.0.1:$port
start stockd "$root/build/stockd" serve --listen "127.0.0.1:$port" --ledger none --durability everysec \
    --workers "$workers" --data-dir "$dir/data"
service=$started
until_ok "the service" curl -sf "$url/readyz"
until_ok "a sample" curl -sf "$url/v1/live"
curl -sS -o /dev/null -X PUT --json '{"on_hand":9000000000000}' "$url/v1/items/hot"
wrk_script '{"quantity":1}' >"$dir/wrk.lua"
all=$(with_children "$service")

watch() { # so many streams, of one client
    seq "$streams" | awk -v url="$url/v1/live" '{ printf "url = \"%s\"\noutput = \"/dev/null\"\n", url }' >"$dir/urls"
    start watchers curl -sN --parallel --parallel-immediate --parallel-max 300 -H 'Accept: text/event-stream' -K "$dir/urls"
    watchers=$started
    until_ok "all streams" test_streams
}
test_streams() {
    [ "$(curl -s "$url/metrics" | awk '$1 == "stockd_http_connections_open" { print $2 }')" -ge "$streams" ]
}
unwatch() {
    kill "$watchers"
    wait "$watchers" 2>/dev/null || true
}

# sold: by the item's own account.
sold() { curl -s "$url/v1/items/hot" | sed 's/.*"sold":\([0-9]*\).*/\1/'; }
now_us() { echo $(($(date +%s%N) / 1000)); }

# idle CASE: microseconds of processor time a second, of all processes.
idle() {
    before=$(cpu_us $all)
    sleep "$seconds"
    echo "$((($(cpu_us $all) - before) / seconds))" >>"$dir/idle.$1"
}
# loaded CASE: sales a second, and microseconds of processor time a sale.
loaded() {
    sold=$(sold) cpu=$(cpu_us $all) began=$(now_us)
    sleep "$seconds"
    us=$(($(now_us) - began)) cpu=$(($(cpu_us $all) - cpu)) sold=$(($(sold) - sold))
    awk -v n="$sold" -v us="$us" 'BEGIN { print n * 1000000 / us }' >>"$dir/load.$1"
    awk -v n="$sold" -v us="$cpu" 'BEGIN { print us / n }' >>"$dir/cost.$1"
}
alone() { "$1" alone; }
watched() {
    watch
    "$1" watched
    unwatch
}
printf 'measuring %d rounds of 2 cases, %d s each ' "$rounds" "$seconds" >&2
for i in 1 2 3; do
    alone idle
    watched idle
done
start load wrk -t1 -c"$connections" -d24h -s "$dir/wrk.lua" "$url/v1/items/hot/decrements"
sleep 1
i=0
while [ $i -lt "$rounds" ]; do
    if [ $((i % 2)) = 0 ]; then
        alone loaded
        watched loaded
    else
        watched loaded
        alone loaded
    fi
    i=$((i + 1))
    printf '.' >&2
done
echo >&2
printf '%-38s %9s %9s %9s\n' "$streams streams, $workers workers" median lowest highest
for case in alone watched; do
    median_and_range "idle, us of CPU a second, $case" '%-38s %9.0f %9.0f %9.0f\n' <"$dir/idle.$case"
done
for case in alone watched; do
    median_and_range "sales a second, $case" '%-38s %9.0f %9.0f %9.0f\n' <"$dir/load.$case"
done
for case in alone watched; do
    median_and_range "us of CPU a sale, $case" '%-38s %9.2f %9.2f %9.2f\n' <"$dir/cost.$case"
done
ratios "$dir/load.watched" "$dir/load.alone" | median_and_range "rate, watched / alone" '%-38s %9.3f %9.3f %9.3f\n'
ratios "$dir/cost.watched" "$dir/cost.alone" >"$dir/ratio"
median_and_range "CPU a sale, watched / alone" '%-38s %9.3f %9.3f %9.3f\n' <"$dir/ratio"
goal "processor time a sale with $streams open pages / without" at-most 1.02 '%.3f' \
    "$(medians "$dir/cost.watched" "$dir/cost.alone" us)" <"$dir/ratio"
