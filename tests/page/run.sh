#!/bin/sh
# tests/page/run.sh MAKE_REPORT OUT -- makes sample reports, opens each in Chromium (report.mjs).
#
# Reports and screenshots stay in OUT, to be looked at. Fails if one report does; the last line is
# "N passed, M failed". CHROMIUM names the browser.
set -eu

make_report=${1:?usage: tests/page/run.sh MAKE_REPORT OUT}
out=${2:?usage: tests/page/run.sh MAKE_REPORT OUT}
here=$(dirname "$0")

mkdir -p "$out"
"$make_report" "$out"

# The lock file is older than what was installed from it.
if ! [ "$here/node_modules/.package-lock.json" -nt "$here/package-lock.json" ]; then
    (cd "$here" && npm ci --no-audit --no-fund --loglevel=error)
fi

passed=0
failed=0
for report in "$out"/*.html; do
    if node "$here/report.mjs" "$report" "$out/screenshots"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
done
echo "screenshots: $out/screenshots"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
