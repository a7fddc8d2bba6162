#!/bin/sh
# redis.sh [PRIMARY] -- a Redis of docker-compose.yml: alone, one behind Sentinels, or a node of a cluster.
#
# Its configuration lies with its data, so that the role that Sentinels gave it outlives its container: they write it there.
# Only a Redis that is new is told whose replica it is (PRIMARY).
set -eu
conf=/data/redis.conf
if [ ! -e "$conf" ]; then
    cat /admin/peers.conf >"$conf.new" # the password by which replicas sign in
    [ $# = 0 ] || [ "$REDIS_CLUSTER" = yes ] || echo "replicaof $1 6379" >>"$conf.new"
    mv "$conf.new" "$conf"
fi
set -- --aclfile /admin/redis.acl --appendonly yes --appendfsync "$REDIS_APPENDFSYNC" --save '' \
    --maxmemory "$REDIS_MAXMEMORY" --maxmemory-policy noeviction \
    --min-replicas-to-write "$REDIS_MIN_REPLICAS" --min-replicas-max-lag 5 --repl-diskless-sync-delay 0
if [ "$REDIS_CLUSTER" = yes ]; then
    set -- "$@" --cluster-enabled yes --cluster-config-file /data/nodes.conf --cluster-node-timeout 3000 \
        --cluster-announce-hostname "$(hostname)" --cluster-preferred-endpoint-type hostname
else
    set -- "$@" --replica-announce-ip "$(hostname)"
fi
exec redis-server "$conf" --dir /data "$@"
