#!/bin/sh
# install.sh -- `make install` into an empty folder, what came of it, and `make uninstall`: nothing is left, but a configuration
# that was changed and the folders that anybody may have. Where there is a systemd, it says what it thinks of the units.
set -eu
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d "${TMPDIR:-/tmp}/stockd-install.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
fail() { echo "install: $*" >&2; exit 1; }

# put PREFIX TARGET VARIABLE=...: what is told to the make that runs this is not for that one.
put() {
    prefix=$1 target=$2
    shift 2
    MAKEFLAGS= make --no-print-directory HAVE_build=true DESTDIR="$tmp" PREFIX="$prefix" "$@" "$target" >"$tmp/make.log" 2>&1 ||
        { cat "$tmp/make.log" >&2; fail "make $target PREFIX=$prefix"; }
    rm "$tmp/make.log"
}

# What lies in the folder, but for folders that anybody may have.
left() { find "$tmp" -mindepth 1 \( ! -type d -o -name '*stockd*' \) -print; }

# check PREFIX CONFIGURATION_FOLDER
check() {
    put "$1" install
    for name in stockd stockload; do
        "$tmp$1/bin/$name" --version | grep -q "^$name [0-9]" || fail "$name says no version"
    done
    for unit in stockd stockd-ledger stockd-hooks; do
        file=$tmp$1/lib/systemd/system/$unit.service
        ! grep -n '@[a-z]*@' "$file" || fail "a word was not filled in"
        # Each path that the unit names is one that was installed.
        for path in $(sed -n -e 's|^ExecStart=\([^ ]*\) .* --config \(.*\)|\1 \2|p' -e 's|.*file:\([^ ]*\)|\1|p' "$file"); do
            [ -e "$tmp$path" ] || fail "$unit.service names $path, which is not installed"
        done
    done
    echo '# changed' >>"$tmp$2/stockd.conf"
    put "$1" install
    grep -q '^# changed' "$tmp$2/stockd.conf" || fail "a second installation has overwritten the configuration"
    put "$1" uninstall
    [ "$(left)" = "$(printf '%s\n' "$tmp$2" "$tmp$2/stockd.conf")" ] || fail "left, beside a changed configuration: $(left)"
    rm -r "$tmp$2"
    put "$1" install
    touch "$tmp$1/share/doc/stockd/notes"
    put "$1" uninstall
    [ "$(left | grep -c notes)" = 1 ] || fail "somebody else's file was removed"
    rm -r "$tmp$1/share/doc/stockd"
    [ -z "$(left)" ] || fail "left: $(left)"
}

# What systemd says about units of programs that are there, though under another root.
judge_units() {
    put "$tmp/prefix" install DESTDIR=
    for unit in "$tmp"/prefix/lib/systemd/system/*.service; do
        said=$(systemd-analyze verify --man=no "$unit" 2>&1 | grep "$(basename "$unit")" || true)
        [ -z "$said" ] || fail "systemd-analyze verify: $said"
        # In tenths of a point; a service without any confinement has 100.
        systemd-analyze security --no-pager --offline=yes --threshold=12 "$unit" >"$tmp/security" ||
            { cat "$tmp/security" >&2; fail "$(basename "$unit") is less confined than it was"; }
        tail -n 1 "$tmp/security"
    done
}

check /usr /etc/stockd
check /usr/local /usr/local/etc/stockd
! command -v systemd-analyze >/dev/null || judge_units
echo "install: ok"
