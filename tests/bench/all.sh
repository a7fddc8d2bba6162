#!/bin/sh
# all.sh [ROUNDS [SECONDS [STEADY_SECONDS]]] -- every benchmark, then one table with each figure beside
# its goal: the median over the rounds, lowest and highest, and the raw figures that it was made of.
#
# Ratios are of cases measured in the same round, so that both saw the same noise. STEADY_SECONDS (60)
# is how long the load of steady.sh lasts.
set -eu
rounds=${1:-3} seconds=${2:-3} steady=${3:-60}
here=$(cd "$(dirname "$0")" && pwd)
BENCH_ROWS=$(mktemp)
export BENCH_ROWS
trap 'rm -f "$BENCH_ROWS"' EXIT
trap 'exit 1' INT TERM

failed=
bench() { # bench NAME ARGUMENT...
    script=$1
    shift
    echo "== $script $*"
    "$here/$script.sh" "$@" || failed="$failed $script"
    echo
}
bench run "$rounds" "$seconds"
bench tls "$rounds" "$seconds"
bench guarded "$rounds" "$seconds"
bench live "$((rounds * 10))" "$seconds"
bench hosts "$rounds" "$seconds"
bench shipped "$rounds" "$seconds"
bench ledger "$rounds"
bench bytes "$rounds" "$seconds"
bench steady "$rounds" "$steady" "$seconds"
bench turns "$rounds" "$seconds"
bench load "$rounds" "$seconds"
bench durability "$rounds" "$seconds"
bench cluster "$rounds" "$seconds"
bench failover "$rounds"

echo "Goals, $rounds rounds of ${seconds}s, $(nproc) processors shared by load, service, Redis and SQL:"
echo
echo "| figure | goal | median | range | met | raw medians |"
echo "| --- | --- | --- | --- | --- | --- |"
cat "$BENCH_ROWS"
[ -z "$failed" ] || { echo; echo "did not come to their end:$failed"; exit 1; }
