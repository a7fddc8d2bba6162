#!/bin/sh
# headers.sh 'COMPILER FLAGS' HEADER... -- every header compiles alone; as many at a time as there
# are processors.
set -eu
export COMPILE="$1"
shift
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 8 sh -c '
    failed=0
    for header; do
        printf "#include \"%s\"\n" "$PWD/$header" | $COMPILE -fsyntax-only -x c - || failed=1
    done
    exit $failed' headers
