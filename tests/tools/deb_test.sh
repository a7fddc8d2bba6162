#!/bin/sh
# deb_test.sh VERSION COMMIT SUITE... -- the Debian packages on fresh Debians: built in one that has what debian/control asks for
# and nothing else, looked through by its lintian, installed in another whose first process is a systemd, and used there as an
# operator would: start, load, audit, a service that hangs, stop, upgrade, remove, purge.
#
# Needs root, debootstrap, systemd-nspawn and some GiB in DEB_TEST_DIR (/var/tmp), where a folder of its own is made and removed
# again; a folder `base` in DEB_TEST_DIR, if there is one, keeps the bare systems for the next time. DEB_TEST_PACKAGES is a folder
# of packages that were built before, to be tried instead. The tried system has a
# network of its own, of loopback alone: no port of this machine is taken.
set -eu
version=$1 commit=$2
shift 2
cd "$(dirname "$0")/../.."
mirror=${DEB_MIRROR:-http://deb.debian.org/debian}
dir=${DEB_TEST_DIR:-/var/tmp}
# In tenths of the points of `systemd-analyze security`: a service without any confinement has 100.
exposure_max=12
[ "$(id -u)" = 0 ] || { echo "deb_test: needs root, for debootstrap and systemd-nspawn" >&2; exit 1; }
mkdir -p "$dir"
work=$(mktemp -d "$dir/stockd-deb-test.XXXXXX")
bases=$work
[ ! -d "$dir/base" ] || bases=$dir/base
nspawn=

cleanup() {
    [ -z "$nspawn" ] || kill -KILL "$nspawn" 2>/dev/null || true
    [ -z "$nspawn" ] || wait "$nspawn" 2>/dev/null || true
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

say() { printf '== %s: %s\n' "$suite" "$*"; }
fail() {
    printf 'deb_test: %s: %s\n' "$suite" "$*" >&2
    [ -z "$nspawn" ] || in_box journalctl --no-pager -n 60 >&2 || true
    exit 1
}

# --- the systems -------------------------------------------------------------------------------

# A bare system at $work/NAME.
fresh() {
    if [ ! -d "$bases/$suite" ]; then
        mkdir -p "$work/new"
        debootstrap --variant=minbase --include=systemd,systemd-sysv,curl "$suite" "$work/new/$suite" "$mirror" >"$work/$suite.log" 2>&1 ||
            { tail "$work/$suite.log" >&2; fail "no bare system"; }
        # Renamed when it is whole, so that a base is never half a one.
        mv "$work/new/$suite" "$bases/$suite"
    fi
    cp -a "$bases/$suite" "$work/$1"
    cp /etc/resolv.conf "$work/$1/etc/resolv.conf"
}

# A command in a system that is not booted. Packages of that time start nothing.
outside() {
    root=$1
    shift
    systemd-nspawn -q -D "$root" --register=no --keep-unit --as-pid2 --console=pipe -E DEBIAN_FRONTEND=noninteractive -- "$@" </dev/null
}

# A command in the system that is booted.
in_box() { nsenter -t "$init" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@" </dev/null; }

# A host of cgroups of the first version only can boot a systemd that wants the second if it is told to.
boot() {
    systemd-nspawn -q -D "$work/box" --register=no --keep-unit --private-network --console=pipe --boot -- \
        SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 </dev/null >"$work/console" 2>&1 &
    nspawn=$!
    await "no first process" child_of_nspawn
    init=$(child_of_nspawn)
    await "systemd does not come up: $(tail -n 3 "$work/console")" booted
}

child_of_nspawn() { kill -0 "$nspawn" && cat "/proc/$nspawn/task/$nspawn/children" 2>/dev/null | grep -o '^[0-9]*'; }
booted() { in_box systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; }

shut_down() {
    in_box systemctl poweroff >/dev/null 2>&1 || true
    wait "$nspawn" || true
    nspawn=
}

# await WORDS COMMAND...: until the command succeeds, for at most three minutes.
await() {
    words=$1 i=0
    shift
    until "$@" >/dev/null 2>&1; do
        i=$((i + 1))
        [ $i -lt 900 ] || fail "$words"
        sleep 0.2
    done
}

# --- what is tried -----------------------------------------------------------------------------

build() {
    if [ -n "${DEB_TEST_PACKAGES:-}" ]; then
        cp -r "$DEB_TEST_PACKAGES" "$work/packages"
        return
    fi
    say "building"
    fresh build
    debian/tree.sh "$version" "$commit" "$work/build/stockd"
    outside "$work/build" sh -c 'apt-get update -qq && cd /stockd && apt-get build-dep -y -qq --no-install-recommends ./ &&
        apt-get install -y -qq --no-install-recommends lintian' >"$work/$suite.log" 2>&1 ||
        { tail "$work/$suite.log" >&2; fail "no build dependencies"; }
    outside "$work/build" sh -c 'cd /stockd && dpkg-buildpackage -us -uc -b' >"$work/$suite.log" 2>&1 ||
        { tail -n 30 "$work/$suite.log" >&2; fail "not built"; }
    outside "$work/build" sh -c 'lintian --allow-root --fail-on error,warning /*.changes' || fail "lintian is not content"
    mkdir "$work/packages"
    cp "$work"/build/*.deb "$work/packages"
    rm -rf --one-file-system "$work/build"
}

property() { in_box systemctl show -P "$1" stockd; }
get() { in_box curl -fsS "http://127.0.0.1:8080$1"; }
ready() { [ "$(property ActiveState)" = active ] && get /readyz >/dev/null; }
apple_is() { get /v1/items/apple | grep -q "\"available\":$1,"; }
audit() { in_box runuser -u stockd -- stockd audit --redis unix:/var/lib/stockd/redis.sock --ledger sqlite:/var/lib/stockd/ledger.db; }
listening() { in_box cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == "0A"'; }

installed() {
    outside "$work/box" sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends --download-only /packages/stock*_*.deb' \
        >"$work/$suite.log" 2>&1 || { tail "$work/$suite.log" >&2; fail "what the packages need is not there"; }
    boot
    before=$(listening)
    in_box sh -c 'apt-get install -y -qq --no-install-recommends /packages/stock*_*.deb' >"$work/$suite.log" 2>&1 ||
        { tail "$work/$suite.log" >&2; fail "not installed"; }
    in_box stockd --version | grep -q "^stockd $version${commit:+ ($commit)}\$" || fail "stockd --version says $(in_box stockd --version)"
    [ "$(in_box systemctl is-enabled stockd)" = disabled ] || fail "enabled by its installation"
    [ "$(property ActiveState)" = inactive ] || fail "started by its installation"
    [ "$(listening)" = "$before" ] || fail "something listens since the installation"
}

confined() {
    for unit in stockd stockd-ledger stockd-hooks; do
        said=$(in_box systemd-analyze verify --man=no "$unit.service" 2>&1 | grep "$unit" || true)
        [ -z "$said" ] || fail "systemd-analyze verify: $said"
        in_box systemd-analyze security --no-pager --threshold=$exposure_max "$unit.service" >"$work/$suite.log" ||
            { cat "$work/$suite.log" >&2; fail "$unit is more exposed than $exposure_max"; }
        tail -n 1 "$work/$suite.log"
    done
}

used() {
    in_box systemctl enable --now stockd 2>/dev/null || fail "not started"
    ready || fail "systemd calls it started, and it is not ready"
    in_box curl -fsS -X PUT -H 'Content-Type: application/json' -d '{"on_hand":10}' http://127.0.0.1:8080/v1/items/apple >/dev/null
    in_box curl -fsS -H 'Content-Type: application/json' -d '{"quantity":3}' http://127.0.0.1:8080/v1/items/apple/decrements >/dev/null
    apple_is 7 || fail "what was sold is not gone"
    in_box stockload run http://127.0.0.1:8080 --scenario churn -p 1 -c 8 -d 3s --no-tui --history /tmp/history >"$work/$suite.log" 2>&1 ||
        { cat "$work/$suite.log" >&2; fail "a load under confinement is not judged right"; }
    audit || fail "the audit is not content"
    in_box find /var/lib/stockd ! -user stockd | grep . && fail "not all is the service's"
    in_box runuser -u nobody -- cat /etc/stockd/stockd.conf >/dev/null 2>&1 && fail "anybody can read the configuration"
    return 0
}

# Stopped, it says nothing to the watchdog.
hung() {
    before=$(property MainPID)
    in_box sh -c "kill -STOP $before"
    await "nobody misses a service that hangs" restarted_since "$before"
    await "not ready after it hung" ready
    apple_is 7 || fail "what was sold is back after it hung"
}
restarted_since() { [ "$(property NRestarts)" -ge 1 ] && [ "$(property MainPID)" != "$1" ] && [ "$(property MainPID)" != 0 ]; }

stopped_and_upgraded() {
    in_box systemctl stop stockd
    [ "$(property Result)" = success ] || fail "stopped, with the result $(property Result)"
    in_box systemctl start stockd
    ready || fail "not ready when it was started again"
    apple_is 7 || fail "what was sold is back after a stop"
    before=$(property MainPID)
    in_box sh -c 'apt-get install -y -qq --reinstall /packages/stockd_*.deb' >"$work/$suite.log" 2>&1 ||
        { tail "$work/$suite.log" >&2; fail "not upgraded"; }
    await "not ready after an upgrade" ready
    [ "$(property MainPID)" != "$before" ] || fail "an upgrade goes on with the old program"
    apple_is 7 || fail "what was sold is back after an upgrade"
}

# Both units, on a Redis that is not the service's, with its password in a file for root alone.
apart() {
    in_box systemctl stop stockd
    in_box systemd-run -q --unit=redis-of-others /usr/lib/stockd/redis-server --port 7000 --requirepass s3cr3t --maxmemory-policy noeviction
    cat >"$work/box/etc/stockd/stockd.conf" <<EOF
redis = redis://127.0.0.1:7000
ledger = sqlite:/var/lib/stockd/apart.db
ledger-apply = no
EOF
    (umask 077 && printf s3cr3t >"$work/box/etc/stockd/redis.password")
    for unit in stockd stockd-ledger; do
        mkdir "$work/box/etc/systemd/system/$unit.service.d"
        cat >"$work/box/etc/systemd/system/$unit.service.d/password.conf" <<EOF
[Service]
LoadCredential=redis:/etc/stockd/redis.password
Environment=STOCKD_REDIS_PASSWORD_FILE=%d/redis
EOF
    done
    in_box systemctl daemon-reload
    in_box runuser -u stockd -- stockd migrate --config /etc/stockd/stockd.conf || fail "no ledger was made"
    in_box systemctl start stockd-ledger stockd || fail "not started beside a ledger process"
    ready || fail "systemd calls it started beside a ledger process, and it is not ready"
    in_box curl -fsS -X PUT -H 'Content-Type: application/json' -d '{"on_hand":10}' http://127.0.0.1:8080/v1/items/apple >/dev/null
    in_box env STOCKD_REDIS_PASSWORD=s3cr3t stockd audit --config /etc/stockd/stockd.conf || fail "the audit is not content with what the ledger process did"
    in_box systemctl reload stockd stockd-ledger || fail "not reloaded"
    in_box systemctl stop stockd stockd-ledger
    [ "$(in_box systemctl show -P Result stockd-ledger)" = success ] || fail "the ledger process did not end well"
    rm -r "$work"/box/etc/systemd/system/stockd*.service.d "$work/box/etc/stockd/redis.password"
}

removed() {
    in_box apt-get remove -y -qq stockd stockload >"$work/$suite.log" 2>&1 || { tail "$work/$suite.log" >&2; fail "not removed"; }
    [ "$(property ActiveState)" != active ] || fail "runs on after it was removed"
    in_box test -e /etc/stockd/stockd.conf || fail "its configuration was removed, not only the package"
    in_box apt-get purge -y -qq stockd stockload >"$work/$suite.log" 2>&1 || { tail "$work/$suite.log" >&2; fail "not purged"; }
    [ -z "$(in_box find / -xdev -name '*stockd*' ! -path '/var/lib/stockd*' ! -path '/packages*' ! -path '/var/log/*' ! -path '/var/cache/*')" ] ||
        fail "left after a purge: $(in_box find / -xdev -name '*stockd*' ! -path '/packages*')"
    in_box test -e /var/lib/stockd/ledger.db || fail "a purge took the shop's data"
}

for suite; do
    build
    fresh box
    mv "$work/packages" "$work/box/packages"
    say "installing"
    installed
    say "looking at the units"
    confined
    say "start, load, audit"
    used
    say "a service that hangs"
    hung
    say "stop, start, upgrade"
    stopped_and_upgraded
    say "a ledger process of its own"
    apart
    say "remove, purge"
    removed
    shut_down
    rm -rf --one-file-system "$work/box"
    say "ok"
done
