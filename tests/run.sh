#!/bin/sh
# tests/run.sh DIR [WORDS] -- runs each test program in DIR whose name contains one of the WORDS.
#
# Those that take minutes begin first, so that nobody waits for one of them alone at the end.
# As many at a time as TEST_JOBS says (five for each processor): most of them wait most of the time,
# and each has servers, ports and directories of its own. TEST_LEAVE_OUT names programs that are
# not to be run. tests/run_one.sh runs one, within a time limit (TEST_TIMEOUT, 1,800 s), and shows
# its output only if it fails. With TEST_AGAIN=N up to N programs that failed among others are run
# once more, alone, and that counts, unless a sanitizer had something to say: what they printed
# the first time stays in the log, and is a defect to be looked at all the same. The last line is "N passed, M failed", counting test
# functions. It fails if a program failed, or if nothing matched: a filter that matches nothing must
# not pass.
set -u

dir=${1:?usage: tests/run.sh DIR [WORDS]}
words=${2:-}
jobs=${TEST_JOBS:-$(($(nproc) * 5))}
here=$(dirname "$0")

results=$(mktemp -d "${TMPDIR:-/tmp}/stockd-run.XXXXXX") || exit 1
child=
trap 'rm -rf "$results"' EXIT
trap 'test -n "$child" && kill "$child" 2>/dev/null; exit 130' INT TERM HUP

longest='test_load_faults test_sentinel test_cluster test_opening test_refusals test_restore test_audit test_relay test_https_contract test_ledger'

is_among() { case " $2 " in *" ${1##*/} "*) true ;; *) false ;; esac }

is_meant() {
    test -z "$words" && return
    for word in $words; do
        case ${1##*/} in *"$word"*) return 0 ;; esac
    done
    return 1
}

for program in "$dir"/*; do
    case $program in *.o | *.d) continue ;; esac
    test -f "$program" && test -x "$program" || continue
    is_meant "$program" || continue
    is_among "$program" "${TEST_LEAVE_OUT:-}" && continue
    if is_among "$program" "$longest"; then printf '0 %s\n' "$program"; else printf '1 %s\n' "$program"; fi
done | sort -s -k 1,1 | cut -d ' ' -f 2- >"$results/programs"

if ! test -s "$results/programs"; then
    echo "no test program in $dir matches '$words'" >&2
    echo "0 passed, 1 failed"
    exit 1
fi
xargs -P "$jobs" -n 1 sh "$here/run_one.sh" "$results" "${TEST_TIMEOUT:-1800}" <"$results/programs" &
child=$!
wait "$child"
child=

failed() {
    grep -lv ' 0$' "$results"/*.count 2>/dev/null | sed 's|.*/||; s|\.count$||'
}

# Leaks behind the last line of a program with failed tests are what those did not free, no finding. One
# of the service stands before it, in the end of its log.
sanitizer_said() {
    grep -qE 'ERROR: AddressSanitizer|WARNING: ThreadSanitizer|runtime error:' "$1" ||
        sed '/ FAILED TEST(S)/,$d' "$1" | grep -q 'ERROR: LeakSanitizer'
}

if test "${TEST_AGAIN:-0}" -gt 0 && test "$(failed | wc -l)" -le "$TEST_AGAIN"; then
    for name in $(failed); do
        sanitizer_said "$results/$name.out" && continue
        echo "again, alone: $name"
        sh "$here/run_one.sh" "$results" "${TEST_TIMEOUT:-1800}" "$dir/$name" && echo "UNSTEADY $name"
    done
fi

programs=$(wc -l <"$results/programs")
cat "$results"/*.count 2>/dev/null | awk -v programs="$programs" '
    { passed += $1; failed += $2 }
    END {
        failed += programs - NR # a program that was never counted has not passed
        print passed + 0 " passed, " failed + 0 " failed"
        exit failed > 0
    }'
