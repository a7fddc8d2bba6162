#!/bin/sh
# keys.sh               makes the API keys that are missing, each once. Runs to its end before a service starts
# keys.sh show NAME     prints the key of one of the clients below
# keys.sh renew NAME    makes that client another key; the one of before is refused within two seconds
#
#   /keys/keys          what `stockd keys` keeps of all of them, hashes and no keys; read by the services
#   /admin/key          of `admin`, role admin: for whoever runs this
#   /demo/key           of `demo`, role stock: a load makes its own items
#   /metrics/key        of `metrics`, role reader: for what reads /metrics
#
# Each folder is a volume of its own, and whoever mounts one may read it. A key that is there is left as it is, also where
# `stockd keys revoke` has ended it.
set -eu
clients='admin demo metrics'
export STOCKD_KEYS_FILE=/keys/keys

role_of() {
    case $1 in
    admin) echo admin ;;
    demo) echo stock ;;
    metrics) echo reader ;;
    *) echo "keys: there is no client $1 here, but $clients; stockd keys knows all others" >&2 && exit 64 ;;
    esac
}

# Whatever was made for the client before, and perhaps never shown, ends.
renew() {
    role=$(role_of "$1")
    [ ! -e "$STOCKD_KEYS_FILE" ] || stockd keys list | while read -r id name _; do
        [ "$name" != "$1" ] || stockd keys revoke "$id"
    done
    stockd keys add --name "$1" --role "$role" >"/$1/key.new"
    mv "/$1/key.new" "/$1/key"
}

make() {
    first=true
    [ ! -e "$STOCKD_KEYS_FILE" ] || first=false # without it keys of before are good for nothing
    for name in $clients; do
        if $first || [ ! -s "/$name/key" ]; then renew "$name"; fi
    done
}

case $#:${1:-} in
0:) make ;;
2:show) role_of "$2" >/dev/null && cat "/$2/key" ;;
2:renew) renew "$2" ;;
*) sed -n '2,4s/^# //p' "$0" >&2 && exit 64 ;;
esac
