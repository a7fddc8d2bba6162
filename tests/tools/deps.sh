#!/bin/sh
# deps.sh GOAL WHY PACKAGE... -- installs the Debian packages that are missing, as root, and starts
# no server. `make deps FOR=GOAL` is how it is called again as root by who is not.
#
# It says what is about to be installed, and why, before it is, and how far it has come. Of a
# package named alone:NAME-dev only the headers are taken, into .deps, with the library that belongs
# to them: what else it depends on is of no use here (libmicrohttpd-dev: GnuTLS to build with).
#
# What was not there before is neither running nor enabled afterwards: while dpkg works, a
# policy-rc.d refuses to start what belongs to a new package; then its units and init scripts are
# disabled; PostgreSQL makes no cluster. What was there stays as it is: nothing is removed, no file
# in /etc is replaced, services that were installed already are restarted by their packages as
# ever. Whatever ends this script, policy-rc.d is the one of before, when apt is through with what
# it had begun. After kill -9 the next run sees to all of that.
set -eu
cd "$(dirname "$0")/../.."
goal=$1 why=$2
shift 2
policy=/usr/sbin/policy-rc.d
kept=$policy.before-stockd
clusters=/etc/postgresql-common/createcluster.d
mark='# Of stockd, tests/tools/deps.sh'

say() { printf '%s\n' "$*" >&2; }
wrapped() { echo $1 | fold -s -w 76 | sed 's/^/    /; s/ *$//' >&2; }
is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

if ! command -v apt-get >/dev/null; then
    say "missing $why: what these packages bring on Debian: $(echo "$*" | sed 's/alone://g')"
    exit 1
fi
asked= alone=
for package; do
    name=${package#alone:}
    if is_installed "$name"; then
        continue
    elif [ "$name" = "$package" ]; then
        asked="$asked $name"
    else
        alone="$alone $name"
    fi
done
if [ -z "$asked$alone" ]; then
    say "deps: all packages are installed, and yet not all is found that is needed $why"
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    say "packages are missing $why:$asked$alone"
    say "This installs them, and starts no server:  sudo make deps FOR=$goal"
    say "This may start those among them:           sudo apt-get install$asked$alone"
    exit 1
fi

exec 9</usr/sbin # the lock: one of these at a time, until its apt has ended
flock 9
tmp=$(mktemp -d "${TMPDIR:-/tmp}/stockd-deps.XXXXXX")
new= child= interrupted=

# Leaves policy-rc.d as it was before this script, or before one that was killed.
restore_policy() {
    if grep -qs "^$mark" "$policy"; then
        if [ -e "$kept" ] || [ -L "$kept" ]; then mv -fT "$kept" "$policy"; else rm "$policy"; fi
    fi
    rm -f "$kept" "$policy.stockd"
}

# What belongs to a new package is not started; for all else the policy of before is asked.
put_policy() {
    cat >"$policy.stockd" <<END
#!/bin/sh
$mark: packages that it is just installing start nothing.
ask_before() {
    [ ! -x $kept ] || exec $kept "\$@"
    exit 0
}
! flock -n /usr/sbin true || ask_before "\$@"
for id; do
    case \$id in --*) ;; *) break ;; esac
done
case \$id in *@*.*) id=\${id%%@*}@.\${id##*.} ;; esac
for package in $(echo $new); do
    dpkg-query -L "\$package" 2>/dev/null | sed 's|.*/||; p; s|\.service\$||' | grep -qxF "\$id" && exit 101
done
ask_before "\$@"
END
    chmod 755 "$policy.stockd"
    if [ -e "$policy" ] || [ -L "$policy" ]; then ln -P "$policy" "$kept"; fi
    mv -fT "$policy.stockd" "$policy"
}

# What new packages enabled: the links that Debian's postinst scripts noted to have made, as
# `systemctl disable` would take them away, and those of init scripts.
disable_all() {
    for package in $new; do
        for file in $(dpkg-query -L "$package" 2>/dev/null | grep -E '^/etc/init\.d/.|/systemd/system/[^/]+\.[a-z]+$'); do
            name=${file##*/} made=/var/lib/systemd/deb-systemd-helper-enabled/${file##*/}.dsh-also
            if [ "${file%/*}" = /etc/init.d ]; then
                ! ls /etc/rc[S2-5].d/S??"$name" >/dev/null 2>&1 || update-rc.d "$name" disable >>"$tmp/log" 2>&1
            elif [ -f "$made" ]; then
                xargs rm -f <"$made"
            fi || say "deps: $name could not be disabled"
        done
    done
    [ -z "$new" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
}

# A new PostgreSQL would make a cluster, and start it at every boot.
forbid_clusters() {
    if [ "$1" = undone ]; then
        rm -f "$clusters/stockd-deps.conf"
        rmdir "$clusters" "${clusters%/*}" 2>/dev/null || true # if they are not the package's
    elif echo "$new" | grep -qE '^postgresql-[0-9]+$'; then
        mkdir -p "$clusters"
        echo 'create_main_cluster = false' >"$clusters/stockd-deps.conf"
    fi
}

end() {
    status=$?
    trap '' INT TERM HUP
    disable_all
    forbid_clusters undone
    restore_policy
    if [ $status != 0 ] && [ -z "$interrupted" ]; then
        tail -n 20 "$tmp/log" >&2 2>/dev/null || true
        say "deps: the packages are not all installed; what apt said last is above"
    fi
    rm -rf "$tmp"
    exit $status
}

# Shows apt's status lines: on a terminal in one line, otherwise each fourth part.
progress() {
    shown=-1
    while IFS=: read -r kind what percent text; do
        case $kind in dlstatus | pmstatus) percent=${percent%%.*} ;; *) continue ;; esac
        if [ -t 2 ]; then
            printf '\r\033[K%s: %3d %%  %.50s' "$1" "$percent" "$text" >&2
        elif [ $((percent / 25)) -gt "$shown" ]; then
            shown=$((percent / 25))
            say "$1: $percent %"
        fi
    done
    [ ! -t 2 ] || echo >&2
}

# apt TITLE ARGUMENT...: apt-get in a session of its own, so that Ctrl-C reaches this script alone.
apt() {
    title=$1
    shift
    [ -p "$tmp/status" ] || mkfifo "$tmp/status"
    progress "$title" <"$tmp/status" &
    shower=$!
    setsid apt-get -y -q --no-install-recommends --no-remove -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
        "$@" </dev/null 3>"$tmp/status" >>"$tmp/log" 2>&1 &
    child=$!
    while :; do
        code=0
        wait "$child" || code=$?
        kill -0 "$child" 2>/dev/null || break # else a signal ended the wait, not apt
    done
    child=
    wait "$shower" || true
    return $code
}
give_up() {
    interrupted=yes
    [ -z "$child" ] || kill "$child" 2>/dev/null || true
}
finish_first() {
    interrupted=yes
    say ""
    say "deps: dpkg is at work; ending when what was begun is whole"
}

trap end EXIT
trap give_up INT TERM HUP
if grep -qs "^$mark" "$policy"; then
    new=$(sed -n 's/^for package in \(.*\); do$/\1/p' "$policy")
    disable_all
    forbid_clusters undone
    new=
fi
restore_policy
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1

say "Debian packages are missing $why; reading what there is"
apt "reading" update || say "deps: apt-get update failed; going on with what was known before"
for dev in $alone; do # the library is the one it needs in just its version
    asked="$asked $(apt-cache show --no-all-versions "$dev" | sed -n 's/^Depends: //p' | tr ',' '\n' | sed -n 's/^ *\([^ ]*\) (= .*/\1/p')"
done
apt-get install -s -y -q --no-install-recommends --no-remove $asked >"$tmp/plan" 2>>"$tmp/log"
new=$(sed -n 's/^Inst \([^ ]*\) (.*/\1/p' "$tmp/plan")
size=$(apt-get install --assume-no --no-install-recommends $asked 2>/dev/null | sed -n 's/^Need to get \(.*\) of archives.*/\1/p; s/^After this operation, \(.*\) of additional.*/\1/p' |
    paste -sd'|' | sed 's/|/ to fetch, /')
if [ -n "$new" ]; then
    say "$(echo $new | wc -w) packages are installed now, $why${size:+ ($size on disk)}:"
    wrapped "$(echo "$new" | grep -xF "$(printf '%s\n' $asked)")"
    say "and what these need:"
    wrapped "$(echo "$new" | grep -vxF "$(printf '%s\n' $asked)")"
fi
[ -z "$alone" ] || say "Of$alone the headers alone, into .deps."
say "No server is started or enabled, and none that is there is touched."

[ -z "$alone" ] || (cd "$tmp" && apt-get download -q -o APT::Sandbox::User=root $alone >>log 2>&1)
apt "fetching" install --download-only $asked
[ -z "$interrupted" ] || exit 130

trap finish_first INT TERM HUP
put_policy
forbid_clusters now
apt "installing" install --no-download $asked

# Headers, links to the library and what pkg-config reads, without what this asks for in turn.
for deb in "$tmp"/*.deb; do
    [ -e "$deb" ] || continue
    dpkg-deb -x "$deb" .deps
    for pc in .deps/usr/lib/*/pkgconfig/*.pc; do
        sed 's|=/usr|=${pcfiledir}/usr|; /^Requires.private/d; /^Libs.private/d' "$pc" >".deps/${pc##*/}"
    done
    find .deps/usr/lib -name '*.so' -type l | while read -r link; do
        soname=$(readlink "$link" | grep -o '^.*\.so\.[0-9]*')
        rm "$link"
        echo "INPUT(-l:$soname)" >"$link"
    done
done
[ ! -d .deps ] || chown -R --reference=. .deps
[ -z "$interrupted" ] || exit 130
