#!/bin/sh
# steady.sh [ROUNDS [SECONDS [PEAK_SECONDS]]] -- reservations of one item at half of the highest rate, open
# loop: p99 and the worst answer, from the planned send.
#
# Each round measures the highest rate with CONNECTIONS (64) clients that wait for their answers, then
# offers half of it for SECONDS (60), and has every answer of that checked. Environment: CONNECTIONS, PORT (8844).
set -eu
rounds=${1:-3} seconds=${2:-60} peak=${3:-3}
connections=${CONNECTIONS:-64} port=${PORT:-8844}
. "$(dirname "$0")/lib.sh"
start stockd "$root/build/stockd" serve --listen "127.0.0.1:$port" --ledger none --durability everysec --workers 1 --data-dir "$dir/data"
until_ok stockd curl -sf "http://127.0.0.1:$port/readyz"

load() { # load SECONDS OPTIONS...
    length=$1
    shift
    TMPDIR=$dir "$root/build/stockload" run "http://127.0.0.1:$port" --scenario zipf --skus 1 --stock 2000m --qty 1 --mix reserve=1 \
        --ttl 600s --limit 0 -p 1 -c "$connections" -d "${length}s" "$@" --output-format json -o "$dir/report.json" -q
}
member() { # member PART NAME: the first of that name behind the part
    awk -v part="\"$1\":" -v name="\"$2\":" 'index($0, part) { on = 1 } on && index($0, name) { sub(/.*: */, ""); sub(/,.*/, ""); print; exit }' "$dir/report.json"
}
i=0
while [ $i -lt "$rounds" ]; do
    load "$peak" --verify off || true # a rate, and nothing is judged
    highest=$(member load answers_per_second)
    half=$(echo "$highest" | awk '{ printf "%.0f", $1 / 2 }')
    load "$seconds" -R "$half" --warmup 1s || echo "steady.sh: exit status $?: the answers were not found right" >&2
    echo "$highest" >>"$dir/highest"
    member load answers_per_second >>"$dir/half"
    member response p99_ns | awk '{ print $1 / 1e6 }' >>"$dir/p99"
    member response max_ns | awk '{ print $1 / 1e6 }' >>"$dir/worst"
    printf '.' >&2
    i=$((i + 1))
done
echo >&2
printf '%-38s %9s %9s %9s\n' "reserve, open loop of ${seconds}s" median lowest highest
say() { median_and_range "$1" "%-38s %9.$3f %9.$3f %9.$3f\n" <"$dir/$2"; }
say "highest rate, closed loop, answers/s" highest 0
say "half of it, answers/s" half 0
say "p99 ms" p99 2
say "worst ms" worst 2
goal "reserve at half of the peak: p99 ms" at-most 2 %.2f "at $(median_and_range '' '%s%.0f' <"$dir/half")/s" <"$dir/p99"
goal "reserve at half of the peak: worst of ${seconds} s, ms" at-most 50 %.1f <"$dir/worst"
