#!/bin/sh
# tests/fuzz/run.sh SECONDS -- runs every fuzzer in build/fuzz/fuzz for SECONDS each, as many at a
# time as there are processors.
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

# One fuzzer, in a process of its own (see below): FUZZ_ONE names it, FUZZ_WORK is where to work.
if test -n "${FUZZ_ONE:-}"; then
    name=${FUZZ_ONE##*/fuzz_}
    mkdir -p "$FUZZ_WORK/$name" "$findings"
    test -d "$here/corpus/$name" && cp "$here/corpus/$name"/* "$FUZZ_WORK/$name"/
    if "$FUZZ_ONE" -seed="${FUZZ_SEED:-1}" -max_total_time="$seconds" -print_final_stats=1 -timeout=60 -rss_limit_mb=1024 \
        -artifact_prefix="$findings/$name-" "$FUZZ_WORK/$name" >"$FUZZ_WORK/$name.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$FUZZ_WORK/$name.log")
        echo "ok   fuzz_$name: ${runs:-?} runs in $seconds s"
        exit 0
    fi
    { tail -n 40 "$FUZZ_WORK/$name.log" | sed 's/^/    /'; echo "FAIL fuzz_$name: see $findings"; }
    exit 1
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/stockd-fuzz.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

set -- "$bins"/fuzz_*
if ! test -x "$1"; then
    echo "no fuzzer in $bins" >&2
    exit 1
fi
printf '%s\n' "$@" | FUZZ_WORK=$work xargs -P "$(nproc)" -I BIN env FUZZ_ONE=BIN "$here/run.sh" "$seconds"
