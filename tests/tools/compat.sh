#!/bin/sh
# compat.sh NAME... -- the integration tests on other servers than this system's: redis-8.0 and valkey-8.1, of Debian 13.
#
# Their packages, and the libraries that those want, are taken into COMPAT_DIR (build/compat) and unpacked there: nothing is
# installed, no root is needed. Each server gets the name redis-server in a folder of its own, which is put in front of PATH,
# so that the tests and the services that they start use it. T=name runs the matching programs only.
set -eu
cd "$(dirname "$0")/../.."
dir=${COMPAT_DIR:-$PWD/build/compat}
mirror=${DEB_MIRROR:-http://deb.debian.org/debian}
suite=trixie

known='redis-8.0 valkey-8.1'
for name; do
    case " $known " in *" $name "*) ;; *) echo "compat: $name is none of: $known" >&2; exit 2 ;; esac
done

# An apt of our own: another suite, and a system on which nothing is installed.
apt() {
    apt-get -qq -o Dir::State="$dir/state" -o Dir::State::status="$dir/status" -o Dir::Cache="$dir/cache" -o Dir::Etc::sourcelist="$dir/sources.list" \
        -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o APT::Install-Recommends=false -o APT::Sandbox::User= "$@"
}

fetch() {
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial" "$dir/root.new"
    : >"$dir/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$dir/sources.list"
    apt update
    apt --download-only -y install redis-server redis-tools valkey-server valkey-tools
    for package in "$dir"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$dir/root.new"
    done
    mv "$dir/root.new" "$dir/root" # whole, or not there
    rm -rf "$dir/cache"
}

# The program with the libraries of its own system, wherever that lies.
take_program() { # PROGRAM AS
    cp "$dir/root/usr/bin/$1" "$2.new"
    patchelf --set-interpreter "$dir/root/usr/lib64/ld-linux-x86-64.so.2" \
        --force-rpath --set-rpath "$dir/root/usr/lib/x86_64-linux-gnu" "$2.new"
    mv "$2.new" "$2"
}

[ "$(uname -m)" = x86_64 ] || { echo "compat: knows where the libraries of x86_64 lie, and of no other" >&2; exit 1; }
[ -d "$dir/root" ] || { rm -rf "$dir"; fetch; }
failed=
for name; do
    bin=$dir/bin/$name
    mkdir -p "$bin"
    for program in server cli; do
        take_program "${name%-*}-$program" "$bin/redis-$program" # anew: the folder may have moved
    done
    printf '== %s: %s\n' "$name" "$("$bin/redis-server" --version)"
    PATH=$bin:$PATH ${MAKE:-make} --no-print-directory it T="${T:-}" || failed="$failed $name"
done
[ -z "$failed" ] || { echo "compat: failed on$failed" >&2; exit 1; }
