#!/bin/sh
# peers.sh [ROUNDS [SECONDS]] -- reservations by stockd beside what people use instead: PostgreSQL, a
# Redis script behind nginx or webdis, Node.js and Python with WATCH. Loopback only, one machine.
# peers/README.md says what each does and why it is fair.
#
# Every round measures each case for SECONDS on one item and on 10,000, one after the other, so that all
# see the same noise. Then the clients of each are cut off and killed and ask again, and stock is compared with
# records. Prints the versions and a table in Markdown. Environment: CASES (all: stockd pg-update pg pg-pool
# nginx webdis node node-default python python-pool), CONNECTIONS (64), WORKERS (processes or threads of each server: half the CPUs),
# DURABILITY (everysec: Redis syncs every second, PostgreSQL commits asynchronously; or always: each answer
# is on disk), FAULT_SECONDS (10; 0: no faults), PORT (8750 and the four behind it).
set -eu
rounds=${1:-3} seconds=${2:-3}
connections=${CONNECTIONS:-64} workers=${WORKERS:-$(($(nproc) / 2 > 0 ? $(nproc) / 2 : 1))} port=${PORT:-8750}
durability=${DURABILITY:-everysec} fault_seconds=${FAULT_SECONDS:-10}
cases=${CASES:-stockd pg-update pg pg-pool nginx webdis node node-default python python-pool}
here=$(cd "$(dirname "$0")" && pwd)/peers
. "$(dirname "$0")/lib.sh"
chmod 711 "$dir"

many=10000         # items
pooled=$((4 * $(nproc))) # connections of the cases that have fewer of them than clients
faulty_units=4000 # what there is to have while clients are cut off
python="/usr/bin/python3 -B" # Debian's, which sees Debian's python3-redis; leaves no bytecode here

die() { echo "peers.sh: $*" >&2; exit 1; }
wants() { case " $cases " in *" $1 "*) ;; *) return 1 ;; esac; } # wants CASE
case $rounds$seconds in *[!0-9]*) die "usage: peers.sh [ROUNDS [SECONDS]]" ;; esac
for case in $cases; do
    case $case in stockd | pg-update | pg | pg-pool | nginx | webdis | node | node-default | python | python-pool) ;; *) die "there is no case $case" ;; esac
done
case $durability in
    everysec) synchronous_commit=off ;;
    always) synchronous_commit=on ;;
    *) die "DURABILITY is everysec or always" ;;
esac
need() { command -v "$1" >/dev/null || die "$1 is missing: Debian's package $2"; }
need curl curl
need wrk wrk
need redis-server redis-server
$python -c 'import redis' 2>/dev/null || die "$python has no module redis: Debian's package python3-redis"
for i in 0 1 2 3 4; do # what listens there would be measured in place of ours
    status=0
    curl -s -o /dev/null --max-time 1 "http://127.0.0.1:$((port + i))/" || status=$?
    [ "$status" -eq 7 ] || die "port $((port + i)) is in use; PORT names others"
done
! wants nginx || need nginx nginx
! wants webdis || need webdis webdis

# --- servers ----------------------------------------------------------------------------------

redis() { # redis CASE: a Redis of its own, at $dir/CASE/redis.sock
    mkdir "$dir/$1"
    chmod 711 "$dir/$1"
    start "$1-redis" redis-server --port 0 --unixsocket "$dir/$1/redis.sock" --unixsocketperm 777 --dir "$dir/$1" \
        --save '' --appendonly yes --appendfsync "$durability" --auto-aof-rewrite-percentage 0
    until_ok "Redis of $1" at "$1" ping
}
at() { # at CASE COMMAND...: at its Redis
    peer=$1
    shift
    redis-cli -s "$dir/$peer/redis.sock" "$@"
}
fill() { # fill TEMPLATE OUT PORT SOCKET
    sed "s|@DIR@|$dir|g; s|@HERE@|$here|; s|@PORT@|$3|; s|@SOCKET@|$4|; s|@WORKERS@|$workers|" "$here/$1" >"$2"
}
items() { seq 1 "$many"; }
stock_of_redis() { items | awk '{ print "SET item:s" $1 " 1000000000000" }' | at "$1" >/dev/null; }

start_stockd() {
    redis stockd
    start stockd "$root/build/stockd" serve --listen "127.0.0.1:$port" --redis "unix:$dir/stockd/redis.sock" --ledger none \
        --durability "$durability" --workers "$workers"
    stockd_pid=${pids%% *}
    until_ok stockd curl -sf "http://127.0.0.1:$port/readyz"
    i=0
    while [ "$i" -lt "$many" ]; do # a thousand a request
        seq "$((i + 1))" "$((i + 1000))" |
            awk 'BEGIN { printf "{\"operations\":[" } { printf "%s{\"op\":\"put\",\"sku\":\"s%d\",\"on_hand\":1000000000000}", (NR > 1) ? "," : "", $1 } END { print "]}" }' >"$dir/items.json"
        curl -sS -o /dev/null --fail-with-body --json @"$dir/items.json" "http://127.0.0.1:$port/v1/batch"
        i=$((i + 1000))
    done
}
# PostgreSQL does not run as root. Both of its cases share it: one is idle while the other is measured.
start_postgres() {
    bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
    [ -x "$bin/pgbench" ] || die "PostgreSQL with pgbench is missing: Debian's package postgresql"
    as=
    mkdir "$dir/pg"
    if [ "$(id -u)" = 0 ]; then
        as="runuser -u postgres --"
        chown postgres "$dir/pg"
    fi
    $as "$bin/initdb" -D "$dir/pg/data" -U bench -A trust -E UTF8 --locale=C >/dev/null
    start postgres $as "$bin/postgres" -D "$dir/pg/data" -k "$dir/pg" -c listen_addresses= -c max_connections=200 \
        -c shared_buffers=512MB -c max_wal_size=16GB -c synchronous_commit="$synchronous_commit"
    sql="$bin/psql -XqAt -v ON_ERROR_STOP=1 -h $dir/pg -U bench postgres"
    until_ok PostgreSQL $sql -c 'SELECT 1'
    $sql -f "$here/postgres/schema.sql" -c "INSERT INTO item SELECT 's' || n, 1000000000000 FROM generate_series(1, $many) n" -c 'VACUUM ANALYZE item'
}
start_nginx() {
    [ -r /usr/lib/nginx/modules/ngx_http_lua_module.so ] || die "nginx has no Lua: Debian's package libnginx-mod-http-lua"
    redis nginx
    stock_of_redis nginx
    fill nginx.conf.in "$dir/nginx.conf" $((port + 1)) "$dir/nginx/redis.sock"
    start nginx nginx -c "$dir/nginx.conf"
    nginx_pid=${pids%% *}
    until_ok nginx curl -s -o /dev/null "http://127.0.0.1:$((port + 1))/"
}
# webdis has no parent that would start it again; an init does that elsewhere.
start_webdis() {
    redis webdis
    stock_of_redis webdis
    script=$(at webdis -x script load <"$here/reserve.lua")
    fill webdis.json.in "$dir/webdis.json" $((port + 2)) "$dir/webdis/redis.sock"
    start webdis sh -c 'trap "kill \$child; exit" TERM; while :; do webdis "$1" & child=$!; wait "$child" || true; done' sh "$dir/webdis.json"
    webdis_pid=${pids%% *}
    until_ok webdis curl -s -o /dev/null "http://127.0.0.1:$((port + 2))/"
}
get_ioredis() {
    [ "$here/node/node_modules/.package-lock.json" -nt "$here/node/package-lock.json" ] && return
    need npm npm
    (cd "$here/node" && npm ci --no-audit --no-fund --loglevel=error >&2) || die "npm ci did not get ioredis"
}
start_node() { # start_node [CASE PORT RECONNECT]
    set -- "${1:-node}" "${2:-$((port + 3))}" "${3:-0}"
    need node nodejs
    get_ioredis
    redis "$1"
    stock_of_redis "$1"
    start "$1" env RECONNECT="$3" node "$here/node/server.js" "$2" "$dir/$1/redis.sock" "$workers"
    until_ok "$1" curl -s -o /dev/null --json '{}' "http://127.0.0.1:$2/"
}
start_python() {
    redis python
    stock_of_redis python
}

# --- loads ------------------------------------------------------------------------------------

by_wrk() { # by_wrk PORT STYLE TARGET ITEMS
    wrk -t1 -c"$connections" -d"$seconds" --timeout 30s -s "$here/load.lua" "http://127.0.0.1:$1" -- "$2" "$3" "$4" "k$tag-" | grep '^rate '
}
by_pgbench() { # by_pgbench SCRIPT ITEMS CLIENTS; two seconds more, as its clock runs while it connects
    rm -f "$dir"/pgbench.*
    "$bin/pgbench" -n -M prepared -h "$dir/pg" -U bench -c "$3" -j "$workers" -T $((seconds + 2)) -f "$here/postgres/$1" -D items="$2" \
        -l --log-prefix="$dir/pgbench" postgres >"$dir/tps" || die "pgbench failed"
    sort -n -k3,3 "$dir"/pgbench.* | awk -v tps="$(awk '/^tps/ { print $3 }' "$dir/tps")" -v bad="$(awk '/failed transactions/ { print $5 + 0 }' "$dir/tps")" \
        '{ us[NR] = $3 } END { printf "rate %.1f p99_ms %.2f answers %d bad %d\n", tps, us[int(NR * 0.99)] / 1000, NR, bad }'
}
by_python() { # by_python ITEMS CLIENTS
    $python "$here/python/reserve.py" "$dir/python/redis.sock" "$2" "$seconds" "$1" "k$tag-"
}
load() { # load CASE ITEMS: "rate R p99_ms T answers N bad N", of Python also "cpu_s S", as its clients are its workers
    case $1 in
        stockd) by_wrk "$port" http /v1/reservations "$2" ;;
        pg-update) by_pgbench update_insert.sql "$2" "$connections" ;;
        pg) by_pgbench one_transaction.sql "$2" "$connections" ;;
        pg-pool) by_pgbench one_transaction.sql "$2" "$pooled" ;;
        nginx) by_wrk $((port + 1)) http /reservations "$2" ;;
        webdis) by_wrk $((port + 2)) webdis "$script" "$2" ;;
        node) by_wrk $((port + 3)) http /reservations "$2" ;;
        node-default) by_wrk $((port + 4)) http /reservations "$2" ;;
        python) by_python "$2" "$connections" ;;
        python-pool) by_python "$2" "$pooled" ;;
    esac
}
# Transactions that were lost to others, so far. Each success of Node.js and Python is one EXEC that runs its XADD.
lost_tries() {
    case $1 in
        stockd) curl -s "http://127.0.0.1:$port/metrics" | awk '$1 == "stockd_conflicts_total" { print $2 }' ;;
        node* | python*) at "${1%-pool}" info commandstats | awk -F '[=,]' '/^cmdstat_exec:/ { tries = $2 } /^cmdstat_xadd:/ { done = $2 } END { print tries - done }' ;;
        *) echo 0 ;;
    esac
}
# Processor time in ticks that server and store of a case used so far, children that ended included. wrk and pgbench are not theirs.
ticks() { # ticks CASE
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v roots="$(cat "$dir/pids.$1")" '
        { pid = $1; sub(/.*\) /, ""); parent[pid] = $2; used[pid] = $12 + $13 + $14 + $15 }
        END {
            n = split(roots, root, " ")
            for (i = 1; i <= n; i++) mine[root[i]] = 1
            for (pid in parent) {
                for (p = pid; p in parent && !(p in mine);) p = parent[p]
                if (p in mine) sum += used[pid]
            }
            print sum + 0
        }'
}
measure() { # measure CASE ITEMS
    tag=$1-$2-$(date +%s)
    before=$(lost_tries "$1") ticks_before=$(ticks "$1")
    load "$1" "$2" >"$dir/line" || die "the load of $1 did not end as it should"
    after=$(lost_tries "$1") ticks_used=$(($(ticks "$1") - ticks_before))
    awk '{ exit ($6 == 0 || $8 > 0) }' "$dir/line" || {
        tail -n 3 "$dir"/*.err "$dir"/*.log >&2
        die "no answers of $1 in $seconds s, or some that were no success: $(cat "$dir/line")"
    }
    awk '{ print $2 }' "$dir/line" >>"$dir/rate.$1.$2"
    awk '{ print $4 }' "$dir/line" >>"$dir/p99.$1.$2"
    awk -v lost=$((after - before)) '{ print lost / $6 }' "$dir/line" >>"$dir/conflicts.$1.$2"
    awk -v s="$((ticks_used * 1000 / $(getconf CLK_TCK)))e-3" '{ print (s + $10) * 1000000 / $6 }' "$dir/line" >>"$dir/cpu.$1.$2"
    printf '.' >&2
}

# --- faults -----------------------------------------------------------------------------------

restock() { # restock CASE: nothing but the item "faulty"
    case $1 in
        stockd) curl -sS -o /dev/null --fail-with-body -X PUT --json "{\"on_hand\":$faulty_units}" "http://127.0.0.1:$port/v1/items/faulty" ;;
        pg*) $sql -c "TRUNCATE item, reservation, idempotency_key, event" -c "INSERT INTO item VALUES ('faulty', $faulty_units)" ;;
        *) at "$1" flushall >/dev/null && at "$1" set item:faulty "$faulty_units" >/dev/null ;;
    esac
}
statement() { # statement SCRIPT: that of a script for pgbench, on one line, as faults.py wants it
    grep -v -e '^--' -e '^\\' "$here/postgres/$1" | tr '\n' ' ' | sed "s/'s' || :sku/'{sku}'/g; s/'k' || :key/'{key}'/g"
}
psql_plain="-XqAt -h $dir/pg -U bench postgres"
cut_off() { # cut_off CASE: what faults.py printed; $dir/answers are "KEY ID"
    socket=$dir/$1/redis.sock
    case $1 in
        stockd) set -- --http "$port/v1/reservations" --redis "$socket" --parent "$stockd_pid" ;;
        pg-update) set -- --psql "$bin/psql $psql_plain" --statement "$(statement update_insert.sql)" ;;
        pg) set -- --psql "$bin/psql $psql_plain" --statement "$(statement one_transaction.sql)" ;;
        nginx) set -- --http "$((port + 1))/reservations" --redis "$socket" --parent "$nginx_pid" ;;
        webdis) set -- --webdis "$((port + 2))/$script" --redis "$socket" --parent "$webdis_pid" ;;
        node) set -- --http "$((port + 3))/reservations" --redis "$socket" --parent "$node_pid" ;;
        node-default) set -- --http "$((port + 4))/reservations" --redis "$socket" --parent "$node_default_pid" ;;
        python) set -- --python --redis "$socket" ;;
    esac
    $python "$here/faults.py" --seconds "$fault_seconds" "$@" "$dir/answers"
}
units_left() {
    case $1 in
        stockd) curl -sf "http://127.0.0.1:$port/v1/items/faulty" | sed 's/.*"available":\([0-9]*\),.*/\1/' ;;
        pg*) $sql -c "SELECT available FROM item" ;;
        *) at "$1" get item:faulty ;;
    esac
}
# stockd's own index of an item's holds has ids in binary: what it lists beyond those that were answered, and can be read, is numbered.
records_of_stockd() {
    sed "s|^[^ ]* \(.*\)|url = http://127.0.0.1:$port/v1/reservations/\1|" "$dir/answers" | curl -s -K - >"$dir/read"
    grep -o '{"id":"[^"]*","state":"held"' "$dir/read" | cut -d '"' -f 4 | sort -u >"$dir/held"
    cat "$dir/held"
    seq "$(wc -l <"$dir/held")" "$(at stockd zcard '{p0}:holds:faulty')" | sed '1d'
}
records() { # the ids of all reservations
    case $1 in
        stockd) records_of_stockd ;;
        pg*) $sql -c "SELECT id FROM reservation" ;;
        *) at "$1" --scan --pattern 'reservation:*' | sed 's/^reservation://' ;;
    esac
}
# A unit is lost that is gone without a record, or was answered for without one; doubled is one that was taken
# twice for one key, as every key was asked for until it had an answer, or was never there. What is recorded for
# one key may yet be told to another, too.
tally() { # tally CASE: "KEYS | ASKED AGAIN | LOST | DOUBLED | TOLD TO TWO"
    restock "$1"
    cut_off "$1" >"$dir/faults.$1" || die "the faults of $1 did not end as they should"
    records "$1" | sort >"$dir/records"
    cut -d ' ' -f 2 "$dir/answers" | sort >"$dir/answered"
    recorded=$(wc -l <"$dir/records") answered=$(wc -l <"$dir/answered") gone=$((faulty_units - $(units_left "$1")))
    no_record=$(sort -u "$dir/answered" | comm -13 "$dir/records" - | wc -l)
    told_to_two=$((answered - $(sort -u "$dir/answered" | wc -l)))
    lost=$((no_record + (gone > recorded ? gone - recorded : 0)))
    doubled=$(((recorded > answered ? recorded - answered : 0) + (recorded > gone ? recorded - gone : 0) + (gone > faulty_units ? gone - faulty_units : 0)))
    awk -v tail="$lost | $doubled | $told_to_two" '{ print $2 " | " $4 " | " tail }' "$dir/faults.$1" >"$dir/tally.$1"
    echo "$1: $(cat "$dir/faults.$1"); units gone $gone, records $recorded, answers $answered, told to two $told_to_two" >&2
}

# --- the run ----------------------------------------------------------------------------------

for case in $cases; do
    pids_before=$pids
    case $case in
        pg*) if ! [ -d "$dir/pg" ]; then start_postgres; fi ;;
        node) start_node; node_pid=${pids%% *} ;;
        node-default) start_node node-default $((port + 4)) 1; node_default_pid=${pids%% *} ;;
        python*) if ! [ -d "$dir/python" ]; then start_python; fi ;;
        *) "start_$case" ;;
    esac
    started=${pids%"$pids_before"}
    case $case in # what two cases share was started by the first of them
        pg*) started=${pg_pids:=$started} ;;
        python*) started=${python_pids:=$started} ;;
    esac
    echo "$started" >"$dir/pids.$case"
done

measured_seconds=$seconds
for case in $cases; do # what compiles itself while it runs, and what is read for the first time
    seconds=1 tag=warm-$case
    load "$case" "$many" >/dev/null || die "the load of $case did not end as it should"
done
seconds=$measured_seconds
printf 'measuring %d rounds of %d cases, twice %d s each ' "$rounds" "$(echo "$cases" | wc -w)" "$seconds" >&2
i=0
while [ "$i" -lt "$rounds" ]; do
    for case in $cases; do
        measure "$case" 1
        measure "$case" "$many"
    done
    i=$((i + 1))
done
echo >&2
if [ "$fault_seconds" -gt 0 ]; then
    for case in $cases; do
        case $case in
            *-pool) ;; # the same code as without
            *) tally "$case" ;;
        esac
    done
fi

# --- what was seen ----------------------------------------------------------------------------

named() {
    case $1 in
        stockd) echo "**stockd** (HTTP)" ;;
        pg-update) echo "PostgreSQL: \`UPDATE\` + insert; no key, no event" ;;
        pg) echo "PostgreSQL: one transaction" ;;
        pg-pool) echo "PostgreSQL: one transaction, $pooled connections" ;;
        nginx) echo "Redis script behind nginx (HTTP)" ;;
        webdis) echo "Redis script behind webdis (HTTP)" ;;
        node) echo "Node.js, ioredis, \`WATCH\` (HTTP)" ;;
        node-default) echo "Node.js, ioredis reconnecting as by default (HTTP)" ;;
        python) echo "Python, redis-py, \`WATCH\`" ;;
        python-pool) echo "Python, redis-py, \`WATCH\`, $pooled processes" ;;
    esac
}
versions() {
    echo "stockd $("$root/build/stockd" --version | sed 's/^stockd //')"
    redis-server --version | sed 's/.* v=\([^ ]*\).*/Redis \1/'
    ! [ -d "$dir/pg" ] || "$bin/postgres" --version | sed 's/postgres (PostgreSQL) \([^ ]*\).*/PostgreSQL \1/'
    ! wants nginx || nginx -v 2>&1 | sed 's|.*nginx/\([^ ]*\).*|nginx \1|'
    ! wants webdis || dpkg-query -W -f 'webdis ${Version}\n' webdis 2>/dev/null || echo webdis
    if wants node || wants node-default; then
        node -p '`Node.js ${process.versions.node}\nioredis ` + require(process.argv[1]).version' "$here/node/node_modules/ioredis/package.json"
    fi
    ! [ -d "$dir/python" ] || $python -c 'import platform, redis; print("Python", platform.python_version() + "\nredis-py", redis.__version__)'
}
cell() { median_and_range '' "%s$2" <"$dir/$1"; } # cell FILE FORMAT
echo "$connections clients, $workers workers a server, $(nproc) CPUs shared by clients, servers and stores; durability $durability (Redis"
echo "appendfsync $durability, PostgreSQL synchronous_commit $synchronous_commit); medians of $rounds rounds of $seconds s, lowest and highest in brackets."
echo "$(versions | paste -s -d , | sed 's/,/, /g')."
for items in 1 "$many"; do
    echo
    echo "| $items item$([ "$items" = 1 ] || echo s) | answers/s | p99 ms | conflicts a success | CPU us an answer |"
    echo "| --- | --- | --- | --- | --- |"
    for case in $cases; do
        printf '| %s | %s | %s | %s | %s |\n' "$(named "$case")" "$(cell "rate.$case.$items" '%.0f (%.0f to %.0f)')" "$(cell "p99.$case.$items" '%.1f (%.1f to %.1f)')" \
            "$(cell "conflicts.$case.$items" '%.3f')" "$(cell "cpu.$case.$items" '%.0f (%.0f to %.0f)')"
    done
done
[ "$fault_seconds" -gt 0 ] || exit 0
echo
echo "| cut off and killed | keys | asked again | lost | doubled | told to two |"
echo "| --- | --- | --- | --- | --- | --- |"
for case in $cases; do
    ! [ -f "$dir/tally.$case" ] || echo "| $(named "$case") | $(cat "$dir/tally.$case") |"
done
