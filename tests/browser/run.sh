#!/bin/sh
# tests/browser/run.sh OUT [WORD...] -- the dashboard in headless Chromium: each test_*.mjs here, or
# those whose names hold one of the words.
#
# Screenshots stay in OUT, to be looked at. STOCKD, STOCKLOAD, CHROMIUM and HAPROXY name the programs.
# The last line is "N passed, M failed"; fails if one test does, or if none ran.
set -eu

out=${1:?usage: tests/browser/run.sh OUT [WORD...]}
shift
here=$(cd "$(dirname "$0")" && pwd)

# The lock file is newer than what was installed from it.
if ! [ "$here/node_modules/.package-lock.json" -nt "$here/package-lock.json" ]; then
    (cd "$here" && npm ci --no-audit --no-fund --loglevel=error)
fi

chosen=
for test in "$here"/test_*.mjs; do
    meant=$([ $# -gt 0 ] || echo yes)
    for word; do
        case $(basename "$test") in *"$word"*) meant=yes ;; esac
    done
    [ -z "$meant" ] || chosen="$chosen $test"
done
[ -n "$chosen" ] || { echo "browser: no test is called that: $*" >&2; exit 1; }

mkdir -p "$out"
rm -f "$out"/*.png
status=0
# shellcheck disable=SC2086 # a list of files
SHOTS=$out node --test --test-reporter=spec $chosen >"$out/log" 2>&1 || status=$?
[ "$status" -eq 0 ] || cat "$out/log"
echo "screenshots: $out"
passed=$(sed -n 's/^. pass //p' "$out/log")
echo "${passed:-0} passed, $(sed -n 's/^. fail //p' "$out/log") failed"
[ "$status" -eq 0 ] && [ "${passed:-0}" -gt 0 ]
