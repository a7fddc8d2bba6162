#!/bin/sh
# bytes.sh [ROUNDS [SECONDS]] -- what a live reservation costs Redis: bytes by kind of key, and
# processor time of Redis a request. Loopback only.
#
# Bytes: COUNT (100,000) reservations of one line, sku `hot`, through /v1/batch, without and with keys
# of 12 characters; each case has a Redis and a service of its own. "in all" is what used_memory has
# grown by, the kinds are sums of MEMORY USAGE, and the rest is what MEMORY USAGE does not see: the
# tables of keys and of their ends, and what the allocator rounds up. Time: every round one case after
# the other, SECONDS each, CONNECTIONS (64) of wrk, and what INFO cpu has grown by. Without keys and
# with: of the same Redis as the bytes, so it holds at least COUNT reservations by then.
# Environment: COUNT, CONNECTIONS, PORT (8660 and the three behind it), STOCKD.
set -eu
rounds=${1:-5} seconds=${2:-3}
count=${COUNT:-100000} connections=${CONNECTIONS:-64} port=${PORT:-8660}
. "$(dirname "$0")/lib.sh"
stockd=${STOCKD:-$root/build/stockd}

cases="plain keyed"
at() { if [ "$1" = plain ]; then echo "$port"; else echo $((port + 2)); fi; } # the service; its Redis is behind it
redis() { # redis CASE COMMAND...
    case=$1
    shift
    redis-cli -p $(($(at "$case") + 1)) "$@"
}
info() { redis "$1" info "$2" | tr -d '\r' | awk -F: -v field="$3" '$1 == field { print $2 }'; } # info CASE SECTION FIELD
# Bytes of the keys of each kind: lines of "kind bytes".
usage() {
    redis "$1" eval "
        local bytes, cursor, lines = {}, '0', {}
        repeat
            local page = redis.call('SCAN', cursor, 'COUNT', 1000)
            cursor = page[1]
            for _, key in ipairs(page[2]) do
                local kind = key:match('^{p%d+}:(%a+)')
                bytes[kind] = (bytes[kind] or 0) + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0)
            end
        until cursor == '0'
        for kind, sum in pairs(bytes) do lines[#lines + 1] = kind .. ' ' .. sum end
        return lines" 0 >"$2"
}
# A thousand reservations a request, from number $2 on.
batch() {
    seq "$2" $(($2 + 999)) | awk -v keyed="$([ "$1" = keyed ] && echo 1 || echo 0)" '
        BEGIN { printf "{\"operations\":[" }
        { printf "%s{\"op\":\"reserve\",\"sku\":\"hot\",\"quantity\":1,\"ttl_seconds\":3600", (NR > 1) ? "," : "" }
        keyed { printf ",\"idempotency_key\":\"key-%08d\"", $1 }
        { printf "}" }
        END { print "]}" }' >"$dir/batch.json"
    curl -sS --fail-with-body --json @"$dir/batch.json" "http://127.0.0.1:$(at "$1")/v1/batch" >"$dir/answer" || { cat "$dir/answer" >&2; exit 1; }
    [ "$(grep -o '"status":201' "$dir/answer" | wc -l)" = 1000 ] || { echo "bytes.sh: not all were reserved" >&2; exit 1; }
}

for case in $cases; do
    mkdir "$dir/$case"
    start "$case-redis" redis-server --port $(($(at $case) + 1)) --bind 127.0.0.1 --dir "$dir/$case" --save '' --appendonly yes \
        --appendfsync everysec --auto-aof-rewrite-percentage 0
    until_ok "Redis of $case" redis $case ping
    start "$case" "$stockd" serve --listen "127.0.0.1:$(at $case)" --workers 1 --redis "redis://127.0.0.1:$(($(at $case) + 1))" \
        --ledger none --durability everysec
    until_ok "the service of $case" curl -sf "http://127.0.0.1:$(at $case)/readyz"
    curl -sS -o /dev/null -X PUT --json '{"on_hand":900000000}' "http://127.0.0.1:$(at $case)/v1/items/hot"
    batch $case 1 # what is there once only: the item, the buckets, buffers of connections
    usage $case "$dir/$case.before"
    before=$(info $case memory used_memory)
    i=1001
    while [ $i -le "$count" ]; do
        batch $case $i
        i=$((i + 1000))
    done
    echo $(($(info $case memory used_memory) - before)) >"$dir/$case.all"
    usage $case "$dir/$case.after"
done

# row NAME KIND: bytes a reservation without a key, and with.
row() {
    printf '%-44s' "$1"
    for case in $cases; do
        awk -v kind="$2" -v n=$((count - 1000)) 'FNR == 1 { file++ } $1 == kind { v[file] = $2 } END { printf " %10.1f", (v[2] - v[1]) / n }' \
            "$dir/$case.before" "$dir/$case.after"
    done
    echo
}
printf '%-44s %10s %10s\n' "bytes a reservation in Redis $(info plain server redis_version)" "no key" "with a key"
row "record (resv)" resv
row "list of the records' hashes (buckets)" buckets
row "deadline (holds)" holds
row "result of the key (op)" op
row "event, until the ledger has it (events)" events
for case in $cases; do
    awk -v all="$(cat "$dir/$case.all")" -v n=$((count - 1000)) '{ sum += FILENAME ~ /after$/ ? $2 : -$2 } END { printf "%.1f %.1f\n", (all - sum) / n, all / n }' \
        "$dir/$case.before" "$dir/$case.after" >"$dir/$case.sums"
done
printf '%-44s %10s %10s\n' "the rest" "$(cut -d' ' -f1 "$dir/plain.sums")" "$(cut -d' ' -f1 "$dir/keyed.sums")"
printf '%-44s %10s %10s\n' "in all" "$(cut -d' ' -f2 "$dir/plain.sums")" "$(cut -d' ' -f2 "$dir/keyed.sums")"
# Beside their goals: all but the event; the event; what a key adds to both.
each() { awk -v n=$((count - 1000)) 'FNR == 1 { file++ } $1 == "events" { v[file] = $2 } END { print (v[2] - v[1]) / n }' "$dir/plain.before" "$dir/plain.after"; }
echo "$(cut -d' ' -f2 "$dir/plain.sums") $(each)" | awk '{ print $1 - $2 }' | goal "Redis bytes a reservation, record and indexes" at-most 160 %.0f
each | goal "Redis bytes a reservation, event" at-most 40 %.0f
paste "$dir/keyed.sums" "$dir/plain.sums" | awk '{ print $2 - $4 }' | goal "Redis bytes more, with a key" at-most 160 %.0f

cat >"$dir/wrk.lua" <<'EOF_LUA'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = os.getenv("BODY")
if os.getenv("KEYS") then
    local n, head = 0, {["Content-Type"] = "application/json"}
    request = function()
        n = n + 1
        head["Idempotency-Key"] = string.format("%s-%07d", os.getenv("KEYS"), n)
        return wrk.format(nil, nil, head)
    end
end
done = function(summary) io.write(string.format("answers %d bad %d\n", summary.requests, summary.errors.status)) end
EOF_LUA
cpu_s() { info "$1" cpu used_cpu_user; info "$1" cpu used_cpu_sys; }
# measure NAME CASE PATH BODY: microseconds of Redis an answer into $dir/cpu.NAME; the commands carry KEYS.
measure() {
    from=$(cpu_s "$2" | awk '{ s += $1 } END { print s }')
    BODY=$4 wrk -t1 -c"$connections" -d"$seconds" -s "$dir/wrk.lua" "http://127.0.0.1:$(at "$2")$3" | grep '^answers ' >"$dir/line"
    awk '$4 > 0 { print "bytes.sh: " $4 " answers were no success" >"/dev/stderr"; exit 1 }' "$dir/line"
    cpu_s "$2" | awk -v from="$from" -v n="$(cut -d' ' -f2 "$dir/line")" '{ s += $1 } END { print (s - from) * 1e6 / n }' >>"$dir/cpu.$1"
    printf '.' >&2
}
printf 'measuring %d rounds of 3 cases, %d s each ' "$rounds" "$seconds" >&2
i=0
while [ $i -lt "$rounds" ]; do
    measure decrement plain /v1/items/hot/decrements '{"quantity":1}'
    measure plain plain /v1/reservations '{"sku":"hot","quantity":1,"ttl_seconds":3600}'
    KEYS=r$i measure keyed keyed /v1/reservations '{"sku":"hot","quantity":1,"ttl_seconds":3600}'
    i=$((i + 1))
done
echo >&2
echo
printf '%-44s %10s %10s %10s\n' "microseconds of Redis a request" median lowest highest
median_and_range "decrement" '%-44s %10.2f %10.2f %10.2f\n' <"$dir/cpu.decrement"
median_and_range "reserve" '%-44s %10.2f %10.2f %10.2f\n' <"$dir/cpu.plain"
median_and_range "reserve with a key" '%-44s %10.2f %10.2f %10.2f\n' <"$dir/cpu.keyed"
