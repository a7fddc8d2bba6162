# lib.sh -- what the benchmarks share; to be read by them with `.`. Gives $root (of the project), $dir
# (temporary) and start(); whatever was started, and $dir, is gone when the script ends.
root=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
pids=
cleanup() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

start() { # start NAME COMMAND...: $started is its pid
    name=$1
    shift
    "$@" >"$dir/$name.out" 2>"$dir/$name.err" &
    started=$! pids="$! $pids"
}

until_ok() { # until_ok WHAT COMMAND...: until the command succeeds
    what=$1 tries=0
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { echo "bench: $what is not up" >&2; cat "$dir"/*.err >&2; exit 1; }
        sleep 0.1
    done
}

# median_and_range NAME FORMAT: of the numbers on standard input.
median_and_range() {
    sort -n | awk -v name="$1" -v format="$2" '{ v[NR] = $1 } END { printf format, name, v[int((NR + 1) / 2)], v[1], v[NR] }'
}

column() { awk -v n="$2" '{ print $n }' "$1"; }
median_of() { column "$1" "$2" | median_and_range '' "%s%$3"; } # median_of FILE COLUMN FORMAT

# ratios FILE OVER: line by line, as both were measured round by round.
ratios() { paste "$1" "$2" | awk '{ print $1 / $2 }'; }

# goal FIGURE at-least|at-most GOAL FORMAT [RAW]: a row of the table of all.sh, of the values on standard
# input, one a round. Nothing where a script runs alone.
goal() {
    if [ -z "${BENCH_ROWS:-}" ]; then
        cat >/dev/null
        return
    fi
    median_and_range '' '%s%s\t%s\t%s\n' | awk -F '\t' -v figure="$1" -v op="$2" -v goal="$3" -v format="$4" -v raw="${5:-}" '{
        met = op == "at-least" ? $1 >= goal : $1 <= goal
        printf "| %s | %s " format " | " format " | " format " to " format " | %s | %s |\n",
            figure, op == "at-least" ? ">=" : "<=", goal, $1, $2, $3, met ? "yes" : "no", raw
    }' >>"$BENCH_ROWS"
}
medians() { # medians FILE OVER UNIT: the raw figures behind a ratio
    printf '%s / %s %s' "$(median_and_range '' '%s%.0f' <"$1")" "$(median_and_range '' '%s%.0f' <"$2")" "$3"
}

# cpu_us PID...: processor time that these processes took so far, user and system.
cpu_us() {
    for pid in "$@"; do sed 's/.*) //' "/proc/$pid/stat"; done |
        awk -v tick="$(getconf CLK_TCK)" '{ n += $12 + $13 } END { printf "%.0f\n", n * 1000000 / tick }'
}
with_children() { echo "$1"; pgrep -P "$1"; } # of a service: its workers, keeper and ledger too

# wrk_script BODY [LUA]: a POST for wrk; at the end it says "rate R p99_us P bad B requests N".
wrk_script() {
    cat <<EOF
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '$1'
${2:-}
EOF
    cat <<'EOF'
done = function(summary, latency)
    io.write(string.format("rate %.1f p99_us %.0f bad %d requests %d\n", summary.requests / summary.duration * 1000000,
        latency:percentile(99), summary.errors.status, summary.requests))
end
EOF
}

# many_items URL: 10,000 of them, s0 to s9999, a thousand a request.
many_items() {
    for thousand in 0 1 2 3 4 5 6 7 8 9; do
        seq "$((thousand * 1000))" "$((thousand * 1000 + 999))" |
            awk 'BEGIN { printf "{\"operations\":[" } { printf "%s{\"op\":\"put\",\"sku\":\"s%d\",\"on_hand\":1000000000}", (NR > 1) ? "," : "", $1 } END { print "]}" }' >"$dir/items.json"
        curl -sS -o /dev/null --fail-with-body --json @"$dir/items.json" "$1/v1/batch"
    done
}
next_item='local n = 0 next_item = function() n = (n + 7919) % 10000 return "s" .. n end'
