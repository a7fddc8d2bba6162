#!/bin/sh
# sentinel.sh NODE... -- one of three Sentinels, who watch the primary `stock` of these nodes.
#
# What they find out they write into their configuration, which lies in a volume: how often there was a promotion must not be
# forgotten, since stockd believes nobody who knows of fewer. Nodes stand there by address, for a Sentinel that looks up a name does nothing
# else meanwhile. Containers that were made anew have others, so at each start the primary is looked for, and the rest is found anew.
set -eu
conf=/data/sentinel.conf
REDISCLI_AUTH=$(cat /admin/redis_password)
export REDISCLI_AUTH

primary=
until [ -n "$primary" ]; do
    for node; do
        [ "$(redis-cli -e -h "$node" role 2>/dev/null | head -n 1)" != master ] || primary=$(getent hosts "$node" | cut -d ' ' -f 1)
    done
    [ -n "$primary" ] || sleep 0.5
done
{
    echo "sentinel monitor stock $primary 6379 2"
    echo 'sentinel down-after-milliseconds stock 3000'
    echo 'sentinel failover-timeout stock 10000'
    sed -n 's/^masteruser/sentinel auth-user stock/p; s/^masterauth/sentinel auth-pass stock/p' /admin/peers.conf
    [ ! -e "$conf" ] || grep -E '^sentinel (myid|current-epoch|config-epoch|leader-epoch) ' "$conf"
} >"$conf.new"
mv "$conf.new" "$conf"
unset REDISCLI_AUTH
exec redis-server "$conf" --sentinel --port 26379 --dir /tmp
