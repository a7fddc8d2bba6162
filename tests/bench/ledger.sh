#!/bin/sh
# ledger.sh [ROUNDS [EVENTS]] -- events a second into the SQL ledger, SQLite and PostgreSQL (ledger.c).
set -eu
rounds=${1:-5} events=${2:-200000}
. "$(dirname "$0")/lib.sh"
i=0
while [ $i -lt "$rounds" ]; do
    "$root/build/release/bench/ledger" "$events" | tee -a "$dir/lines"
    i=$((i + 1))
done
for engine in sqlite postgresql; do
    sed -nE "s/^$engine .* ([0-9]+) events\/s, .*/\1/p" "$dir/lines" | goal "events a second into $engine" at-least 100000 %.0f
done
