#!/bin/sh
# tests/run_one.sh RESULTS LIMIT PROGRAM -- runs one test program for at most LIMIT seconds and says
# how it went; its output only if it failed. TEST_UNDER is what to run it with, as `valgrind -q`. Leaves "PASSED FAILED" in RESULTS/<name>.count.
set -u

results=$1
limit=$2
program=$3
name=${program##*/}
out=$results/$name.out

# sum EXPRESSION: adds up the numbers that the sed expression leaves of the lines of the output.
sum() {
    sed -n "s/^ *$1.*/\1/p" "$out" | awk '{ n += $1 } END { print n + 0 }'
}

begin=$(date +%s.%N)
timeout --kill-after=5 "$limit" ${TEST_UNDER:-} "$program" >"$out" 2>&1
code=$?
took=$(date +%s.%N | awk -v begin="$begin" '{ printf "%.1f", $1 - begin }')

good=$(sum '\[  PASSED  \] \([0-9]*\) test(s)')
bad=$(sum '\([0-9]*\) FAILED TEST(S)')
skipped=$(sum '\[  SKIPPED \] \([0-9]*\) test(s)')
why="exit status $code"
test "$code" -eq 124 || test "$code" -eq 137 && why="killed after $limit s"
if test "$code" -eq 0 && test "$good" -eq 0; then
    code=1
    why="no test ran"
fi
# A crash, a time limit or a failed set-up names no test: it still counts as one.
test "$code" -eq 0 || test "$bad" -gt 0 || bad=1
echo "$good $bad" >"$results/$name.count"

# One at a time: programs that end together do not share lines.
(
    flock 9
    if test "$code" -ne 0; then
        sed 's/^/    /' "$out"
        echo "FAIL $name: $good passed, $bad failed ($why, ${took}s)"
    else
        note=
        test "$skipped" -eq 0 || note=", $skipped skipped"
        echo "ok   $name: $good passed$note (${took}s)"
    fi
) 9>"$results/lock"
test "$code" -eq 0 || exit 1
