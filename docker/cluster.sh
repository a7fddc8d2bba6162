#!/bin/sh
# cluster.sh NODE... -- makes a cluster of Redis nodes with a replica for each primary, if it is not one yet; then stays, and
# introduces the nodes to each other again: their addresses are others after `docker compose down` and `up`.
set -eu
REDISCLI_AUTH=$(cat /admin/redis_password)
export REDISCLI_AUTH
trap 'exit 0' TERM INT

at() {
    node=$1
    shift
    redis-cli -e -h "$node" "$@" 2>/dev/null
}

address() { getent hosts "$1" | cut -d ' ' -f 1; }

for node; do
    until at "$node" ping >/dev/null; do sleep 0.2; done
done
if ! at "$1" cluster info | grep -q '^cluster_slots_assigned:16384'; then
    all=
    for node; do all="$all $(address "$node"):6379"; done
    redis-cli --cluster create $all --cluster-replicas 1 --cluster-yes
fi
first=$1
while :; do
    for node; do
        found=$(address "$node") && at "$first" cluster meet "$found" 6379 >/dev/null || true
    done
    sleep 5 &
    wait $!
done
