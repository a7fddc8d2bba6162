#!/bin/sh
# durability.sh [ROUNDS [SECONDS]] -- what each level of --durability costs: reservations on one hot
# item, answers a second and time of an answer, on one machine, loopback only.
#
# Each level has a service, a Redis and, where it needs them, a replica or a database of its own;
# all stay up, and every round measures one after the other, so that all see the same noise. The
# time is that of one client alone, the rate that of CONNECTIONS (64). Environment: CONNECTIONS,
# WORKERS (half the CPUs), PORT (8640 and the thirteen behind it).
set -eu
rounds=${1:-5} seconds=${2:-3}
connections=${CONNECTIONS:-64} workers=${WORKERS:-$(($(nproc) / 2 > 0 ? $(nproc) / 2 : 1))} port=${PORT:-8640}
. "$(dirname "$0")/lib.sh"
chmod 711 "$dir"

redis() { # redis NAME PORT APPENDONLY APPENDFSYNC
    mkdir "$dir/$1.redis"
    start "$1.redis" redis-server --port "$2" --bind 127.0.0.1 --dir "$dir/$1.redis" --save '' \
        --appendonly "$3" --appendfsync "$4" --repl-diskless-sync-delay 0
    until_ok "Redis of $1" redis-cli -p "$2" ping
}
# PostgreSQL does not run as root.
postgres() {
    bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
    as=
    mkdir "$dir/pg"
    if [ "$(id -u)" = 0 ]; then
        as="runuser -u postgres --"
        chown postgres "$dir/pg"
    fi
    $as "$bin/initdb" -D "$dir/pg/data" -U stockd -A trust -E UTF8 >/dev/null
    start pg $as "$bin/postgres" -D "$dir/pg/data" -p "$((port + 11))" -k "$dir/pg" -c listen_addresses=127.0.0.1
    until_ok PostgreSQL $as "$bin/createdb" -h 127.0.0.1 -p "$((port + 11))" -U stockd ledger
}
serve() { # serve NAME PORT OPTIONS...
    service=$1 url=http://127.0.0.1:$2
    shift 2
    start "$service" "$root/build/stockd" serve --listen "${url#http://}" --workers "$workers" "$@"
    until_ok "$service" curl -sf "$url/readyz"
    curl -sS -o /dev/null -X PUT --json '{"on_hand":9000000000000}' "$url/v1/items/hot"
}

cases="memory everysec always replicated ledger-sqlite ledger-postgresql"
redis memory $((port + 6)) no no
redis everysec $((port + 7)) yes everysec
redis always $((port + 8)) yes always
redis replicated $((port + 9)) yes always
redis replica $((port + 10)) yes always
redis-cli -p $((port + 10)) replicaof 127.0.0.1 $((port + 9)) >/dev/null
redis sqlite $((port + 12)) yes everysec
redis postgresql $((port + 13)) yes everysec
postgres
sqlite=sqlite:$dir/ledger.db postgresql=postgresql://stockd@127.0.0.1:$((port + 11))/ledger
"$root/build/stockd" migrate --ledger "$sqlite" >/dev/null
"$root/build/stockd" migrate --ledger "$postgresql" >/dev/null
at=redis://127.0.0.1
serve memory "$port" --redis "$at:$((port + 6))" --durability memory
serve everysec $((port + 1)) --redis "$at:$((port + 7))" --durability everysec
serve always $((port + 2)) --redis "$at:$((port + 8))" --durability always
serve replicated $((port + 3)) --redis "$at:$((port + 9))" --durability replicated
serve ledger-sqlite $((port + 4)) --redis "$at:$((port + 12))" --ledger "$sqlite" --durability ledger
serve ledger-postgresql $((port + 5)) --redis "$at:$((port + 13))" --ledger "$postgresql" --durability ledger

cat >"$dir/wrk.lua" <<'EOF'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"sku":"hot","quantity":1,"ttl_seconds":600}'
done = function(summary, latency) io.write(string.format("rate %.1f median_us %.0f bad %d\n", summary.requests / summary.duration * 1000000, latency:percentile(50), summary.errors.status)) end
EOF
# measure CASE PORT CONNECTIONS FIELD SUFFIX
measure() {
    wrk -t1 -c"$3" -d"$seconds" -s "$dir/wrk.lua" "http://127.0.0.1:$2/v1/reservations" | awk '/^rate / { print }' >"$dir/line"
    awk -v f="$4" '{ if ($6 > 0) { print "durability.sh: " $6 " answers were no success" >"/dev/stderr"; exit 1 } print f == "rate" ? $2 : $4 }' "$dir/line" >>"$dir/$5.$1"
    printf '.' >&2
}
printf 'measuring %d rounds of %d cases, twice %d s each ' "$rounds" 6 "$seconds" >&2
i=0
while [ $i -lt "$rounds" ]; do
    at=$port
    for case in $cases; do
        measure "$case" "$at" "$connections" rate rate
        measure "$case" "$at" 1 median_us time
        at=$((at + 1))
    done
    i=$((i + 1))
done
echo >&2

median() { median_and_range '' '%s%s' <"$1"; }
over() { ratios "$1" "$2" | median_and_range '' '%s%.2f (%.2f to %.2f)'; }
echo "reserve on one hot item, $workers workers, $(nproc) CPUs shared by wrk, service, Redis and SQL; $connections connections, and 1"
echo
printf '%-20s %12s %26s %14s %26s\n' level "answers/s" "over everysec" "one answer us" "over everysec"
for case in $cases; do
    printf '%-20s %12.0f %26s %14.0f %26s\n' "$case" "$(median "$dir/rate.$case")" "$(over "$dir/rate.$case" "$dir/rate.everysec")" \
        "$(median "$dir/time.$case")" "$(over "$dir/time.$case" "$dir/time.everysec")"
done
