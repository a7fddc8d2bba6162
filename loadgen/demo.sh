#!/bin/sh
# demo.sh -- one minute that shows what stockd is about, and leaves nothing running.
#
# Three runs, each against a service of its own with its own Redis, on loopback:
#   1. a flash sale, one transaction per request (--batch-max 1), as most programs do it
#   2. the same sale with group commit: the same stock, asked for as often
#   3. churn - hold, then confirm, give back or forget - while a worker of the service and a process
#      of the load generator are killed half-way
# Then the three side by side. While one runs a page on this machine shows it (its address is printed; UI is another one). The histories and the report stay in OUT (./demo-out). DURABILITY is
# the service's --durability. It is everysec unless said, where `make run` is at always: what is
# compared is contention, and at always the first run mostly waits for the disk.
#
# How much the first run sells in a second is tried before, so that its sale takes about half of
# SECONDS_A_RUN on any machine; and the first two end by a number of requests, which no stock
# outlives, not by the clock: a machine that gets slower meanwhile takes longer, and sells out.
set -eu
out=${OUT:-./demo-out} durability=${DURABILITY:-everysec} seconds=${SECONDS_A_RUN:-10} connections=${CONNECTIONS:-64}
# One address for all runs, so that a browser goes on from one to the next: below the ports that the kernel gives to clients.
page=${UI:-127.0.0.1:$((20000 + $$ % 10000))}
clients="-p 2 -c $connections --seed 1" sale="--scenario flash --mix decrement=90,get=10"
root=$(cd "$(dirname "$0")/.." && pwd)
stockd=$root/build/stockd stockload=$root/build/stockload
tmp=$(mktemp -d "${TMPDIR:-/tmp}/stockd-demo.XXXXXX")
service= load=
cleanup() {
    for pid in $load $service; do kill "$pid" 2>/dev/null || true; done
    for pid in $load $service; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 105' INT TERM HUP

say() { printf '\n== %s\n' "$*" >&2; }

# start_service NAME OPTION...: sets service and url.
start_service() {
    name=$1
    shift
    "$stockd" serve --listen 127.0.0.1:0 --data-dir "$tmp/$name" --durability "$durability" "$@" >"$tmp/$name.out" 2>"$tmp/$name.log" &
    service=$!
    i=0
    until grep -q '^listening on' "$tmp/$name.out"; do
        i=$((i + 1))
        if [ $i -gt 1200 ] || ! kill -0 "$service" 2>/dev/null; then
            echo "demo: the service did not start:" >&2
            cat "$tmp/$name.log" >&2
            exit 255
        fi
        sleep 0.1
    done
    url=$(sed -n 's/^listening on //p' "$tmp/$name.out")
}
stop_service() {
    kill "$service"
    wait "$service" || { echo "demo: the service did not end well" >&2; exit 255; }
    service=
}

# child_of PID NAME: the first child of that process that calls itself so; nothing if there is none.
child_of() {
    sed -n "s/^\([0-9]*\) ($2) . $1 .*/\1/p" /proc/[0-9]*/stat 2>/dev/null | head -n 1
}

# run NAME OPTION...: a load in the background; its exit status is what `wait` gives.
run() {
    name=$1
    shift
    rm -f "$out/$name.history"
    "$stockload" run "$url" $clients --no-tui --ui-listen "$page" --history "$out/$name.history" --output-format quiet "$@" &
    load=$!
}
# sold_a_second: how many units the service sells now; a moment's work of which nothing is kept.
sold_a_second() {
    "$stockload" run "$url" $clients $sale --stock 10m -d 2s -q --verify off --settle 0 --output-format json >"$tmp/trial.json" || true
    sold=$(sed -n 's/.*"successes": *\([0-9]*\).*/\1/p' "$tmp/trial.json" | head -n 1)
    echo $((${sold:-0} / 2))
}
# A violation is the report's to tell; anything but 0 and 1 here is the demo's own trouble.
finish() {
    status=0
    wait "$load" || status=$?
    load=
    [ "$status" -le 2 ] || { echo "demo: stockload ended with $status" >&2; exit "$status"; }
}

mkdir -p "$out"
case $durability in
always) promise="Redis syncs each transaction to its disk before it is answered" ;;
everysec) promise="a Redis that is killed while its disk is busy loses up to 2 s of answers; make run is at always" ;;
*) promise="see docs/durability.md" ;;
esac
say "--durability $durability: $promise"
say "1 of 3: flash sale, one transaction per request"
start_service single --batch-max 1
rate=$(sold_a_second)
stock=$((rate * seconds / 2 + 300))
requests=$((stock * 2))
echo "demo: this machine sells $rate units a second so; $stock are for sale, and asked for $requests times" >&2
run 1-single $sale --stock $stock -n $requests
finish
stop_service

say "2 of 3: the same sale, group commit"
start_service group
run 2-group $sale --stock $stock -n $requests
finish
stop_service

say "3 of 3: churn, with a worker and a client process killed half-way"
start_service churn
run 3-churn --scenario churn --stock 20 -d "${seconds}s" --dup 0.02 --abort 0.001 --worker-death respawn
until [ -n "$(child_of "$load" load-client)" ] || ! kill -0 "$load" 2>/dev/null; do sleep 0.1; done
sleep $((seconds / 2))
victim=$(child_of "$service" stockd-worker) client=$(child_of "$load" load-client)
echo "demo: kill -9 of worker $victim of the service and of process $client of the load generator" >&2
kill -9 $victim $client || echo "demo: they were gone already" >&2
finish
stop_service

say "side by side"
status=0
"$stockload" report "$out/1-single.history" "$out/2-group.history" "$out/3-churn.history" \
    --html "$out/report.html" -q || status=$?
echo
case $status in
0) verdict="every answer of the three runs was right" ;;
1) verdict="WRONG answers, as shown above" ;;
2) verdict="NOT KNOWN, for the reasons above" ;;
*) verdict="none, as the report failed with $status" ;;
esac
echo "verdict: $verdict (--durability $durability)"
echo "report: $out/report.html"
exit $status
