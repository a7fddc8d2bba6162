#!/bin/sh
# names.sh -- a name leads to its function: fewer than 40 names are those of static functions in three files of the product or more.
# There is room for callbacks of one shape and others that mean the same wherever they stand, as `on_timer` or `find`.
set -eu
find common service loadgen -name '*.[ch]' | LC_ALL=C sort | awk -v most=39 '
    # head: from the line that begins it to the { of a body, the ; of a declaration or the = of a table.
    function note(file, head, name) {
        sub(/^__attribute__.*[)] static /, "static ", head)
        if (head !~ /^static [^(;={]*[(][^;={]*[{]/)
            return
        name = head
        sub(/ *[(].*/, "", name)
        sub(/.*[ *]/, "", name)
        if ((name, file) in seen)
            return
        seen[name, file]
        files[name]++
        where[name] = where[name] " " file
    }
    {
        head = ""
        while ((getline line < $0) > 0) {
            if (head != "" || line ~ /^static / || line ~ /^__attribute__.*[)] static /)
                head = head line " "
            if (head ~ /[;={]/) {
                note($0, head)
                head = ""
            }
        }
        close($0)
    }
    END {
        for (name in files)
            if (files[name] >= 3) {
                shared++
                list = list name ":" where[name] "\n"
            }
        if (shared <= most)
            exit
        printf "%s", list | "sort"
        close("sort")
        printf "names: the %d names above are those of static functions in three files or more, %d may be: say what is done to what\n", shared, most
        exit 1
    }' >&2
