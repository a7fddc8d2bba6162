#!/bin/sh
# collect.sh DIR PROGRAM... -- what the programs need beside themselves to run in an empty image, laid out below DIR:
# their libraries and the loader where ldd finds them, and the few files by which the C library names hosts and users.
set -eu
dir=$1
shift
mkdir -p "$dir/etc" "$dir/usr/bin" "$dir/usr/lib" "$dir/usr/lib64"
ln -s usr/bin "$dir/bin"
ln -s usr/lib "$dir/lib"
ln -s usr/lib64 "$dir/lib64"
mkdir -m 1777 "$dir/tmp"
for program; do
    ldd "$program" | grep -o '/[^ ]*'
done | sort -u | while read -r library; do
    mkdir -p "$dir/$(dirname "$library")"
    cp -L "$library" "$dir/$library" # under the name by which it is looked for
done
printf 'hosts: files dns\n' >"$dir/etc/nsswitch.conf"
printf 'root:x:0:0::/:\nstockd:x:65532:65532::/:\n' >"$dir/etc/passwd"
printf 'root:x:0:\nstockd:x:65532:\n' >"$dir/etc/group"
# What scanners for known weaknesses read: which packages these files are of.
mkdir -p "$dir/var/lib/dpkg/status.d"
find "$dir/usr" -type f | while read -r file; do
    dpkg -S "/usr/*/${file##*/}" 2>/dev/null
done | sed -nE 's/^([a-z0-9.+-]+)(:[a-z0-9]+)?: .*/\1/p' | grep -v -- '-dev$' | sort -u | while read -r package; do
    dpkg -s "$package" >"$dir/var/lib/dpkg/status.d/$package"
done
