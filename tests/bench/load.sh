#!/bin/sh
# load.sh [ROUNDS [SECONDS]] -- requests that stockload and wrk send per second of their own
# processor time, against the same bare handler, loopback only.
#
# One process and CONNECTIONS (64) connections each, turn by turn. stockload gives every request a
# key of its own, reads every answer and writes every operation to its history; wrk repeats one
# request and looks at the status. Environment: PORT (8620).
set -eu
rounds=${1:-5} seconds=${2:-3}
connections=${CONNECTIONS:-64} port=${PORT:-8620}
. "$(dirname "$0")/lib.sh"

url=http://127.0.0.1:$port
body='{"id":"op-hep5kok2cmbnhefzdudg","sku":"load-abcdefghij-0","quantity":1,"remaining":899999,"version":100002}'
start bare "$root/build/release/bench/bare" "$port" 1 200 "$body"
until_ok "the bare handler" curl -s -o /dev/null --max-time 1 "$url/"
wrk_script '{"quantity":1}' >"$dir/wrk.lua"

# per_cpu CASE REQUESTS: requests a second of processor time, as left in $dir/cpu.
per_cpu() {
    awk -v n="$2" '{ printf "%.0f\n", n / $1 }' "$dir/cpu" >>"$dir/case.$1"
    printf '.' >&2
}
measure_wrk() {
    n=$("$root/build/release/bench/cpu" "$dir/cpu" wrk -t1 -c"$connections" -d"$seconds" -s "$dir/wrk.lua" "$url/" |
        awk '/ requests in / { print $1 }')
    per_cpu wrk "$n"
}
measure_stockload() {
    # The versions in these answers are no story: the run is not judged, only counted.
    "$root/build/release/bench/cpu" "$dir/cpu" "$root/build/stockload" run "$url" -p 1 -c "$connections" \
        -d "${seconds}s" --scenario flash --mix decrement=1 --verify off --history "$dir/history" \
        --output-format json -o "$dir/report.json" -q || true
    n=$(grep -o '"operations": *[0-9]*' "$dir/report.json" | head -1 | grep -o '[0-9]*$')
    rm -f "$dir/history"
    per_cpu stockload "$n"
}

printf 'measuring %d rounds of 2 cases, %d s each ' "$rounds" "$seconds" >&2
i=0
while [ $i -lt "$rounds" ]; do
    measure_wrk
    measure_stockload
    i=$((i + 1))
done
echo >&2
printf '%-38s %9s %9s %9s\n' "requests per second of own CPU" median lowest highest
for case in wrk stockload; do
    median_and_range "$case" '%-38s %9.0f %9.0f %9.0f\n' <"$dir/case.$case"
done
ratios "$dir/case.stockload" "$dir/case.wrk" | median_and_range "stockload / wrk" '%-38s %9.2f %9.2f %9.2f\n'
