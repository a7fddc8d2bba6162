#!/bin/sh
# chaos.sh -- kills each container in turn while a load runs, wipes Redis, builds it anew from SQL, and ends with the verdict of the
# load and an audit. At level `ledger`: every answer must still be true, although Redis was lost. Exits 0 only if it was so. It has a
# project, a port and images of its own and leaves nothing.
set -eu
cd "$(dirname "$0")/.."
name=chaos
. docker/lib.sh
export STOCKD_DURABILITY=ledger STOCKD_SCALE=2

events() { sql "SELECT count(*) FROM events"; }
past_goal() { [ "$(events)" -ge "$goal" ]; }

# The load has its effect: so many more events come to SQL.
await_load() {
    goal=$(($(events) + 200))
    until_true 180 "after $1 the load has no effect any more" past_goal
}

kill_and_start() { # SERVICE [NUMBER]
    say "$1${2:+ $2} is killed"
    id=$(container "$1" "${2:-1}")
    docker kill "$id" >/dev/null
    sleep 2
    docker start "$id" >/dev/null
    docker compose up -d --wait --no-recreate >/dev/null 2>&1 || fail "not healthy after $1 was killed"
    until_true 60 "not ready after $1 was killed" ready
    await_load "$1"
}

say "building"
docker compose --profile demo build --quiet
say "up, at level ledger"
docker compose up -d --wait || fail "not healthy"
url=http://$(docker compose port proxy 8080)

say "a load that goes on until all is done"
load=$(docker compose run -d demo run http://proxy:8080 --scenario mixed -p 1 -c 20 -d 30m --ttl 60s --settle 6s --no-tui --quiet \
    --html /out/chaos.html --history /out/chaos.history)
await_load "its start"

kill_and_start stockd 1
kill_and_start stockd 2
kill_and_start ledger
kill_and_start postgres
port_before=$url
kill_and_start redis
say "proxy is killed"
docker kill "$(container proxy)" >/dev/null
sleep 2
docker start "$(container proxy)" >/dev/null
url=http://$(docker compose port proxy 8080) # another one, as it was given none
until_true 60 "not ready after the proxy was killed (it was at $port_before)" ready
await_load proxy

say "Redis is wiped, its files and all"
docker compose kill redis
docker compose run --rm --no-deps --entrypoint sh redis -c 'rm -rf /data/*'
docker start "$(container redis)" >/dev/null
until_true 60 "the services do not notice that Redis is empty" not_ready
docker compose run --rm ledger restore || fail "the restore ended with $?"
until_true 60 "not ready after the restore" ready
await_load "the restore"

say "the verdict"
docker kill -s INT "$load" >/dev/null
status=$(docker wait "$load")
docker logs "$load" 2>&1 | tee "$tmp/verdict" | tail -n 40
docker rm "$load" >/dev/null
# 105: interrupted, and right as far as it went.
[ "$status" = 105 ] || fail "the load ended with $status"
grep -q RIGHT "$tmp/verdict" || fail "no verdict"

say "an audit"
docker compose run --rm ledger audit || fail "the audit ended with $?"
end
say "all as it should be"
