#!/bin/sh
# threats.sh -- each test that the last column of the table of threats in docs/security.md names exists: a program, as `it/test_keys`,
# and behind it tests of that program, as `the_refusal_comes_before_the_body`. A row names at least one, or a script that is there.
set -eu
awk -F ' [|] ' '
    /^## / { here = ($0 == "## Threats, defences, tests") }
    !here || !/^\|/ || /^\| (threat|---) / { next }
    {
        rows++
        program = ""
        named = 0
        count = split($NF, part, "`")
        for (i = 2; i <= count; i += 2) {
            name = part[i]
            if (name ~ "/") {
                program = name ~ /[.]sh$/ ? name : "tests/" name ".c"
                found = (getline text < program) > 0
                close(program)
            } else {
                found = 0
                while (program != "" && (getline text < program) > 0)
                    if (text ~ "(^static void |^TEST[A-Z_]*[(])" name "[^a-z0-9_]")
                        found = 1
                if (program != "")
                    close(program)
            }
            named++
            if (!found) {
                printf "threats: docs/security.md:%d: there is no %s%s\n", FNR, name, name ~ "/" ? "" : " in " program
                failed = 1
            }
        }
        if (named == 0) {
            printf "threats: docs/security.md:%d: no test shows it\n", FNR
            failed = 1
        }
    }
    END {
        if (rows == 0)
            print "threats: docs/security.md has no table of threats"
        exit failed || rows == 0
    }' docs/security.md >&2
