# lib.sh -- what the benchmarks share; to be read by them with `.`. Gives $root (of the project), $dir
# (temporary) and start(); whatever was started, and $dir, is gone when the script ends.
root=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
pids=
cleanup() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

start() { # start NAME COMMAND...
    name=$1
    shift
    "$@" >"$dir/$name.out" 2>"$dir/$name.err" &
    pids="$! $pids"
}

until_ok() { # until_ok WHAT COMMAND...: until the command succeeds
    what=$1 i=0
    shift
    until "$@" >/dev/null 2>&1; do
        i=$((i + 1))
        [ $i -lt 300 ] || { echo "bench: $what is not up" >&2; cat "$dir"/*.err >&2; exit 1; }
        sleep 0.1
    done
}

# median_and_range NAME FORMAT: of the numbers on standard input.
median_and_range() {
    sort -n | awk -v name="$1" -v format="$2" '{ v[NR] = $1 } END { printf format, name, v[int((NR + 1) / 2)], v[1], v[NR] }'
}
