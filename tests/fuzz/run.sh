#!/bin/sh
# tests/fuzz/run.sh SECONDS -- runs every fuzzer in build/fuzz/fuzz for SECONDS each.
#
# fuzz_NAME starts from tests/fuzz/corpus/NAME, in a copy that is thrown away. Prints how many
# inputs each one ran; fails on any finding, and if there is no fuzzer. What made a fuzzer fail is
# kept in build/fuzz/findings. FUZZ_SEED (1) makes another run of it.
set -u

seconds=${1:?usage: tests/fuzz/run.sh SECONDS}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bins=${FUZZ_BINS:-$root/build/fuzz/fuzz}
findings=${FUZZ_FINDINGS:-$root/build/fuzz/findings}

work=$(mktemp -d "${TMPDIR:-/tmp}/stockd-fuzz.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

ran=0
failed=0
for bin in "$bins"/fuzz_*; do
    test -f "$bin" && test -x "$bin" || continue
    name=${bin##*/fuzz_}
    ran=$((ran + 1))
    mkdir -p "$work/$name" "$findings"
    test -d "$here/corpus/$name" && cp "$here/corpus/$name"/* "$work/$name"/
    if "$bin" -seed="${FUZZ_SEED:-1}" -max_total_time="$seconds" -print_final_stats=1 -timeout=10 -rss_limit_mb=1024 \
        -artifact_prefix="$findings/$name-" "$work/$name" >"$work/$name.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$name.log")
        echo "ok   fuzz_$name: ${runs:-?} runs in $seconds s"
    else
        failed=$((failed + 1))
        tail -n 40 "$work/$name.log" | sed 's/^/    /'
        echo "FAIL fuzz_$name: see $findings"
    fi
done

if test "$ran" -eq 0; then
    echo "no fuzzer in $bins" >&2
    exit 1
fi
test "$failed" -eq 0
