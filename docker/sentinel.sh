#!/bin/sh
# sentinel.sh -- one of three Sentinels, who watch the primary `stock`; it begins as the service `redis`.
#
# What they find out later they write into their configuration, which therefore lies in a volume.
set -eu
conf=/data/sentinel.conf
if [ ! -e "$conf" ]; then
    {
        echo 'sentinel resolve-hostnames yes'
        echo 'sentinel announce-hostnames yes'
        echo "sentinel announce-ip $(hostname)"
        echo 'sentinel monitor stock redis 6379 2'
        echo 'sentinel down-after-milliseconds stock 3000'
        echo 'sentinel failover-timeout stock 10000'
        sed -n 's/^masteruser/sentinel auth-user stock/p; s/^masterauth/sentinel auth-pass stock/p' /admin/peers.conf
    } >"$conf.new"
    mv "$conf.new" "$conf"
fi
exec redis-server "$conf" --sentinel --port 26379 --dir /tmp
