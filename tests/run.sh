#!/bin/sh
# tests/run.sh DIR [PATTERN] -- runs each test program in DIR whose name contains PATTERN.
#
# Each program has a process and a time limit (TEST_TIMEOUT, 180 s) of its own. Its output is shown
# only if it fails. The last line is "N passed, M failed", counting test functions. It fails if a
# program failed, or if nothing matched: a filter that matches nothing must not pass.
set -u

dir=${1:?usage: tests/run.sh DIR [PATTERN]}
pattern=${2:-}
limit=${TEST_TIMEOUT:-180}

out=$(mktemp "${TMPDIR:-/tmp}/stockd-run.XXXXXX") || exit 1
child=
trap 'rm -f "$out"' EXIT
trap 'test -n "$child" && kill "$child" 2>/dev/null; exit 130' INT TERM HUP

# sum EXPRESSION: adds up the numbers that the sed expression leaves of the lines of $out.
sum() {
    sed -n "s/^ *$1.*/\1/p" "$out" | awk '{ n += $1 } END { print n + 0 }'
}

seconds() {
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", b - a }'
}

passed=0
failed=0
programs=0
for program in "$dir"/*"$pattern"*; do
    case $program in *.o | *.d) continue ;; esac
    test -f "$program" && test -x "$program" || continue
    programs=$((programs + 1))
    name=${program##*/}

    begin=$(date +%s.%N)
    timeout --kill-after=5 "$limit" "$program" >"$out" 2>&1 &
    child=$!
    wait "$child"
    code=$?
    child=
    took=$(seconds "$begin" "$(date +%s.%N)")

    good=$(sum '\[  PASSED  \] \([0-9]*\) test(s)')
    bad=$(sum '\([0-9]*\) FAILED TEST(S)')
    skipped=$(sum '\[  SKIPPED \] \([0-9]*\) test(s)')
    why="exit status $code"
    test "$code" -eq 124 || test "$code" -eq 137 && why="killed after $limit s"
    if test "$code" -eq 0 && test "$good" -eq 0; then
        code=1
        why="no test ran"
    fi
    if test "$code" -ne 0; then
        # A crash, a time limit or a failed set-up names no test: it still counts as one.
        test "$bad" -gt 0 || bad=1
        sed 's/^/    /' "$out"
        echo "FAIL $name: $good passed, $bad failed ($why, ${took}s)"
    else
        note=
        test "$skipped" -eq 0 || note=", $skipped skipped"
        echo "ok   $name: $good passed$note (${took}s)"
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
done

if test "$programs" -eq 0; then
    echo "no test program in $dir matches '$pattern'" >&2
    failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
test "$failed" -eq 0
