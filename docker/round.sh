#!/bin/sh
# round.sh -- the whole of docker-compose.yml, once: up, requests with and without keys, a reservation, its event at a receiver of
# hooks, three services, a load with its verdict, one of three stopped under load, an audit, Redis emptied and restored, a look for passwords and keys, down. Says what it
# saw; exits 0 only if all of it was as it should be. It has a project, a port and images of its own and leaves nothing.
set -eu
cd "$(dirname "$0")/.."
name=round
. docker/lib.sh

# Passwords with everything that an address, a shell or a configuration file might stumble over. The pieces are looked for later.
piece() { head -c 12 /dev/urandom | base64 | tr -d '+/=\n'; }

give_password() { # FILE in a volume of the service `secrets`
    first=$(piece) second=$(piece)
    printf '%s\n%s\n' "$first" "$second" >>"$tmp/pieces"
    printf '%s@:/?#%%zz "\\$(id) '\''>~* ü&%s' "$first" "$second" |
        docker compose run --rm -T --no-deps --entrypoint sh secrets -c 'umask 022; cat >"$1"' sh "$1"
}

# Passwords and keys stand nowhere but in their volumes.
look_for_secrets() {
    for service in stockd ledger hooks receiver redis postgres proxy; do
        for id in $(containers --filter "label=com.docker.compose.service=$service" --filter status=running); do
            docker top "$id" -eo pid,args
        done
    done >"$tmp/ps"
    docker inspect $(containers) >"$tmp/inspect"
    docker image inspect "stockd:$STOCKD_TAG" "stockd-keys:$STOCKD_TAG" "stockload:$STOCKD_TAG" >>"$tmp/inspect"
    docker image history --no-trunc "stockd:$STOCKD_TAG" >>"$tmp/inspect"
    docker compose --profile demo --profile hooks --profile grafana config >"$tmp/config"
    docker compose --ansi never logs --no-color >"$tmp/logs" 2>&1
    for text in ps inspect config logs; do
        [ -s "$tmp/$text" ] || fail "no $text to look for passwords in"
        ! grep -qFf "$tmp/pieces" "$tmp/$text" || fail "a password stands in $text"
        ! grep -qE 'sk_[0-9a-f]{12}_' "$tmp/$text" || fail "a key stands in $text"
        ! grep -qF whsec_ "$tmp/$text" || fail "the secret of hooks stands in $text"
    done
}

owned_by() { [ "$(stat -c %u:%g "$STOCKD_OUT/$1")" = "$(stat -c %u:%g "$STOCKD_OUT")" ]; }

running() { containers --filter label=com.docker.compose.service=stockd --filter status=running | wc -l; }

say "building"
docker compose --profile demo build --quiet
say "passwords of our own"
: >"$tmp/pieces"
for file in /secrets/redis_password /secrets/ledger_password /admin/redis_password; do
    give_password "$file"
done
say "up"
docker compose up -d --wait || fail "not healthy"
docker compose ps --format '{{.Service}} {{.State}} {{.Health}}'
url=http://$(docker compose port proxy 8080)

say "an item and a reservation"
sku=round-$$
call admin -f -X PUT -H 'Content-Type: application/json' -d '{"on_hand":10}' "$url/v1/items/$sku"
echo
call admin -f -H 'Content-Type: application/json' -d "{\"sku\":\"$sku\",\"quantity\":4}" "$url/v1/reservations"
echo

say "who has no key is told 401, and whose role is too low 403"
[ "$(curl -sS -o /dev/null -w '%{http_code}' "$url/v1/items")" = 401 ] || fail "whoever asks is answered"
[ "$(status_of metrics "$url/metrics")" = 200 ] || fail "the key of metrics does not open /metrics"
[ "$(status_of metrics -X DELETE -H 'If-Match: *' "$url/v1/items/$sku")" = 403 ] || fail "the key of metrics may delete"
[ "$(status_of demo "$url/v1/items/$sku")" = 200 ] || fail "the key of the demo does not open /v1/items"

say "a key that is replaced is good no longer"
docker compose run --rm keys renew metrics
old_is_refused() { [ "$(status_of metrics "$url/metrics")" = 401 ]; }
until_true 60 "the key of before is still good" old_is_refused
rm "$tmp/metrics.header"
[ "$(status_of metrics "$url/metrics")" = 200 ] || fail "the new key is not good"

say "its event has come to the receiver of hooks, which takes nothing that is not signed"
docker compose --profile hooks up -d --wait || fail "hooks are not healthy"
received() { docker compose --ansi never logs --no-log-prefix receiver | grep "204 evt_.*\"type\":\"reserve\".*\"sku\":\"$sku\""; }
until_true 60 "no event came" received
received
docker compose exec -T hooks stockd hooks test receiver
docker compose exec -T receiver bash -c 'exec 3<>/dev/tcp/127.0.0.1/8083 && printf "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}" >&3 &&
    head -n 1 <&3' | grep -q ' 401 ' || fail "the receiver takes what is not signed"

say "three services behind one port"
docker compose up -d --wait --scale stockd=3 || fail "three services are not healthy"

say "a load, and its verdict"
[ "$(id -u)" != 0 ] || chown 12345:23456 "$STOCKD_OUT" # a user who is not root
docker compose run --rm demo || fail "the demo ended with $?"
[ "$(running)" = 3 ] || fail "the demo left $(running) services of 3"
for file in report.html demo.history; do
    [ -s "$STOCKD_OUT/$file" ] || fail "no $file in ./out"
    owned_by "$file" || fail "$file in ./out belongs to somebody else"
done

say "one of three is stopped under load: nobody is told 503"
load=$(docker compose run -d demo run http://proxy:8080 --scenario churn -p 1 -c 20 -d 15s --no-tui --quiet \
    --output-format json -o /out/stop.json --history /out/demo.history)
sleep 5
docker stop "$(container stockd 2)" >/dev/null
status=$(docker wait "$load")
docker logs "$load"
docker rm "$load" >/dev/null
[ "$status" = 0 ] || fail "the load ended with $status"
grep -q '"status": *20[01]' "$STOCKD_OUT/stop.json" || fail "the load was told nothing"
! grep -E '"status": *(null|5[0-9][0-9])' "$STOCKD_OUT/stop.json" || fail "somebody was told that, or nothing"
[ -s "$STOCKD_OUT/previous.history" ] || fail "the history of the run before is gone"

say "a run that is not right leaves its report and history"
! docker compose run --rm demo run http://proxy:8080 -n 500 --no-tui --quiet --threshold 'p99<1us' --html /out/missed.html \
    --history /out/missed.history -o /out/missed.txt || fail "a threshold that cannot be kept was kept"
[ -s "$STOCKD_OUT/missed.html" ] && [ -s "$STOCKD_OUT/missed.history" ] || fail "they are gone"
docker compose up -d --wait --scale stockd=3 || fail "three services are not healthy again"

say "the reservation is in SQL"
in_sql() { [ "$(sql "SELECT available, held FROM items WHERE sku = '$sku'")" = "6|4" ]; }
until_true 60 "the ledger does not show the reservation" in_sql
docker compose exec -T postgres psql -U stockd -d stock -c "SELECT * FROM items WHERE sku = '$sku'" \
    -c "SELECT count(*) AS unbalanced_items FROM unbalanced_items"

say "an audit"
docker compose run --rm ledger audit || fail "the audit ended with $?"

say "Redis is emptied, and restored from SQL"
redis_admin FLUSHALL
until_true 60 "the service does not notice that Redis is empty" not_ready
docker compose run --rm ledger restore || fail "the restore ended with $?"
back() { call admin -f "$url/v1/items/$sku" | grep -q '"available":6,"held":4'; }
until_true 60 "the reservation is not back" back
call admin -f "$url/v1/items/$sku"
echo
docker compose run --rm ledger audit || fail "the audit after the restore ended with $?"
[ "$(running)" = 3 ] || fail "audit and restore left $(running) services of 3"

say "no password and no key anywhere"
look_for_secrets

say "where there is no service the balancer says so, as stockd would"
docker compose stop stockd
curl -sS -i "$url/v1/items/$sku" | tr -d '\r' >"$tmp/none"
cat "$tmp/none"
echo
for line in '^HTTP/1.1 503 ' '^content-type: application/problem+json$' '^retry-after: 1$' '"status":503'; do
    grep -qi "$line" "$tmp/none" || fail "it does not say $line"
done

end
say "all as it should be"
