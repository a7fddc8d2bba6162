#!/bin/sh
# redis.sh [NODE...] -- a Redis of docker-compose.yml: alone, one behind Sentinels, or a node of a cluster.
#
# Its configuration lies with its data, so that the role that Sentinels gave it outlives its container: they write it there. They name
# nodes by address, and a container that is made anew has another. So one that was a replica looks for the primary by the names of the
# nodes (all that there are behind Sentinels), and one that is new begins as a replica of the first (NODE), if there is any.
set -eu
conf=/data/redis.conf
primary=

role() { REDISCLI_AUTH="$(cat /admin/redis_password)" redis-cli -e -h "$1" role 2>/dev/null | head -n 1; }

find_primary() {
    tries=60
    while [ "$tries" -gt 0 ]; do
        for node in redis redis-2 redis-3; do
            [ "$(role "$node")" != master ] || { getent hosts "$node" | cut -d ' ' -f 1; return; }
        done
        tries=$((tries - 1))
        sleep 0.5
    done
}

if [ "$REDIS_CLUSTER" != yes ] && { [ $# != 0 ] && [ ! -e "$conf" ] || grep -q '^replicaof' "$conf" 2>/dev/null; }; then
    primary=$(find_primary)
fi
[ -e "$conf" ] || { cp /admin/peers.conf "$conf.new" && mv "$conf.new" "$conf"; } # the password by which replicas sign in
if [ -n "$primary" ]; then
    sed '/^replicaof/d' "$conf" >"$conf.new"
    echo "replicaof $primary 6379" >>"$conf.new"
    mv "$conf.new" "$conf"
fi
set -- --aclfile /admin/redis.acl --appendonly yes --appendfsync "$REDIS_APPENDFSYNC" --save '' \
    --maxmemory "$REDIS_MAXMEMORY" --maxmemory-policy noeviction \
    --min-replicas-to-write "$REDIS_MIN_REPLICAS" --min-replicas-max-lag 5 --repl-diskless-sync-delay 0
[ "$REDIS_CLUSTER" != yes ] ||
    set -- "$@" --cluster-enabled yes --cluster-config-file /data/nodes.conf --cluster-node-timeout 3000
exec redis-server "$conf" --dir /data "$@"
