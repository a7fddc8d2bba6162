#!/bin/sh
# cycles.sh -- no file needs itself: a source and its header are one unit, and the units that include
# each other have an order, lowest first. Prints a circle if there is one.
set -eu
for root in common service loadgen; do
    find "$root" -name '*.[ch]'
done | awk '
    function unit(path) { sub(/\.[ch]$/, "", path); return path }
    { path[$0] = 1; files[++count] = $0 }
    END {
        for (i = 1; i <= count; i++) {
            file = files[i]
            root = file
            sub(/\/.*/, "", root)
            while ((getline line < file) > 0) {
                if (line !~ /^#include "/)
                    continue
                split(line, part, "\"")
                header = (root "/" part[2]) in path ? root "/" part[2] : "common/" part[2]
                if (header in path && unit(header) != unit(file))
                    print unit(file), unit(header)
            }
            close(file)
        }
    }' >"${TMPDIR:-/tmp}/cycles.$$"
trap 'rm -f "${TMPDIR:-/tmp}/cycles.$$"' EXIT
if ! tsort <"${TMPDIR:-/tmp}/cycles.$$" >/dev/null; then
    echo "cycles: the units above include each other in a circle: what they share stands below them" >&2
    exit 1
fi
