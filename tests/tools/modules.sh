#!/bin/sh
# modules.sh FOLDER... -- the JavaScript modules of the folders: each parses, is shorter than 400 lines, imports what is there
# and only what that exports, and makes no HTML or code of text.
set -eu
[ "$#" -gt 0 ] || { echo "usage: tests/tools/modules.sh FOLDER..." >&2; exit 2; }
failed=0
fault()
{
    echo "modules: $*" >&2
    failed=1
}
for folder; do
    for module in "$folder"/*.js; do
        node --input-type=module --check < "$module" || fault "$module does not parse"
        [ "$(wc -l < "$module")" -lt 400 ] || fault "$module has 400 lines or more"
        ! grep -nE 'innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|setAttribute\(.style' "$module" ||
            fault "$module makes HTML, code or a style of text"
        sed -nE "s/^import \{ (.*) \} from '\.\/(.*)';\$/\2 \1/p; s/^import '\.\/(.*)';\$/\1/p" "$module" | while read -r from names; do
            [ -e "$folder/$from" ] || echo "$module imports $from, which is not there"
            for name in $(echo "$names" | tr -d ','); do
                grep -qE "^export (async )?(function|const|let|class) $name\b" "$folder/$from" || echo "$module: $from exports no $name"
                [ "$(grep -cE "(^|[^.A-Za-z_']|[.]{3})$name\b" "$module")" -gt 1 ] || echo "$module imports $name and does not use it"
            done
        done > "${TMPDIR:-/tmp}/modules.$$"
        while read -r line; do fault "$line"; done < "${TMPDIR:-/tmp}/modules.$$"
        rm -f "${TMPDIR:-/tmp}/modules.$$"
    done
done
exit "$failed"
