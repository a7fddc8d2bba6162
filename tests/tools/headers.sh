#!/bin/sh
# headers.sh 'COMPILER FLAGS' HEADER... -- every header compiles alone.
set -eu
compile=$1
shift
failed=0
for header; do
    printf '#include "%s"\n' "$PWD/$header" | $compile -fsyntax-only -x c - || failed=1
done
exit $failed
