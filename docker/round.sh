#!/bin/sh
# round.sh -- the whole of docker-compose.yml, once: up, a reservation, two services, a load with its
# verdict, an audit, Redis emptied and restored, down. Says what it saw; exits 0 only if all of it was as it should be, and leaves nothing.
set -eu
cd "$(dirname "$0")/.."
port=${STOCKD_PORT:-8080}
export STOCKD_PORT="$port"
url=http://127.0.0.1:$port
trap 'docker compose --profile demo down -v --remove-orphans >/dev/null 2>&1' EXIT
trap 'exit 1' INT TERM

say() { printf '== %s\n' "$*"; }
fail() { printf 'round: %s\n' "$*" >&2; docker compose --ansi never logs --no-color --tail 30 >&2; exit 1; }

say "building"
docker compose --profile demo build --quiet
say "up"
docker compose up -d --wait || fail "not healthy"
docker compose ps --format '{{.Service}} {{.State}} {{.Health}}'
say "an item and a reservation"
sku=round-$$
curl -fsS -X PUT -H 'Content-Type: application/json' -d '{"on_hand":10}' "$url/v1/items/$sku"
echo
curl -fsS -H 'Content-Type: application/json' -d "{\"sku\":\"$sku\",\"quantity\":4}" "$url/v1/reservations"
echo
say "two services behind one port"
docker compose up -d --wait --scale stockd=2 || fail "the second service is not healthy"
say "a load, and its verdict"
status=0
docker compose run --rm demo || status=$?
[ "$status" -eq 0 ] || fail "the demo ended with $status"
[ -s out/report.html ] || fail "no report in ./out"
say "the reservation is in SQL"
i=0
until [ "$(docker compose exec -T postgres psql -qAt -U stockd -d stock -c "SELECT available, held FROM items WHERE sku = '$sku'")" = "6|4" ]; do
    i=$((i + 1))
    [ $i -lt 50 ] || fail "the ledger does not show the reservation"
    sleep 0.2
done
docker compose exec -T postgres psql -U stockd -d stock -c "SELECT * FROM items WHERE sku = '$sku'" \
    -c "SELECT count(*) AS unbalanced_items FROM unbalanced_items"
say "an audit"
docker compose run --rm ledger audit || fail "the audit ended with $?"
say "Redis is emptied, and restored from SQL"
docker compose exec -T redis redis-cli FLUSHALL
i=0
while curl -fsS -o /dev/null "$url/readyz" 2>/dev/null; do
    i=$((i + 1))
    [ $i -lt 100 ] || fail "the service does not notice that Redis is empty"
    sleep 0.2
done
docker compose run --rm ledger restore || fail "the restore ended with $?"
i=0
until curl -fsS "$url/v1/items/$sku" 2>/dev/null | grep -q '"available":6,"held":4'; do
    i=$((i + 1))
    [ $i -lt 100 ] || fail "the reservation is not back"
    sleep 0.2
done
curl -fsS "$url/v1/items/$sku"
echo
docker compose run --rm ledger audit || fail "the audit after the restore ended with $?"
say "down"
docker compose --profile demo down -v --remove-orphans || fail "down"
left=$(docker ps -aq --filter label=com.docker.compose.project=stockd; docker volume ls -q --filter label=com.docker.compose.project=stockd)
[ -z "$left" ] || fail "left behind: $left"
say "all as it should be; the report is out/report.html"
