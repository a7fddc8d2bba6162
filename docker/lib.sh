# lib.sh -- what round.sh and chaos.sh share: a project, a port, images and an ./out of their own, so that nothing of another
# stockd on this host is touched. Sourced, with `name` set, in the root of the repository.
#
# Whoever sources it is inside a project that is not there yet; at the end of the script it is gone again.

say() { printf '== %s\n' "$*"; }

fail() {
    printf '%s: %s\n' "$name" "$*" >&2
    docker compose --ansi never logs --no-color --tail 30 >&2
    exit 1
}

# until_true SECONDS WHAT COMMAND...
until_true() {
    tries=$(($1 * 5)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "$what"
        sleep 0.2
    done
}

# A request with the key of a client of docker/keys.sh; the key is on no command line.
call() { # NAME ARGUMENT...
    client=$1
    shift
    [ -s "$tmp/$client.header" ] || (
        umask 077
        printf 'Authorization: Bearer %s\n' "$(docker compose run --rm -T keys show "$client")" >"$tmp/$client.header"
    )
    curl -sS -H "@$tmp/$client.header" "$@"
}

# What such a request is answered.
status_of() { call "$@" -o /dev/null -w '%{http_code}'; }

ready() { curl -fsS -o /dev/null "$url/readyz"; }
not_ready() { ! ready; }

# Of this project, whatever state they are in.
containers() { docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" "$@"; }

# The n-th container of a service.
container() { containers --filter "label=com.docker.compose.service=$1" --filter "label=com.docker.compose.container-number=${2:-1}" --filter label=com.docker.compose.oneoff=False; }

# What this host has of others, to be the same at the end.
others() {
    docker ps -a --format '{{.ID}} {{.Names}}' --no-trunc | grep -v "$COMPOSE_PROJECT_NAME" || true
    docker volume ls -q | grep -v "$COMPOSE_PROJECT_NAME" || true
    docker images --format '{{.Repository}}:{{.Tag}} {{.ID}}' | grep '^stock' | grep -v ":$STOCKD_TAG " | sort || true # two names of one image come in any order
}

# Redis as the one who may do everything; the password is on no command line.
redis_admin() {
    docker compose exec -T redis sh -c 'REDISCLI_AUTH="$(cat /admin/redis_password)" exec redis-cli -e "$@"' sh "$@"
}

sql() { docker compose exec -T postgres psql -qAt -U stockd -d stock -c "$1"; }

leave() {
    docker compose --profile demo --profile hooks down -v --remove-orphans >/dev/null 2>&1 || true
    docker image rm "stockd:$STOCKD_TAG" "stockd-keys:$STOCKD_TAG" "stockload:$STOCKD_TAG" >/dev/null 2>&1 || true
    rm -rf "$tmp"
}

# Brings the whole down, and fails if anything of it is left, or if anything of others is not as it was.
end() {
    say "down"
    docker compose --profile demo --profile hooks down -v --remove-orphans || fail "down"
    left=$(containers; docker volume ls -q --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME")
    [ -z "$left" ] || fail "left behind: $left"
    others >"$tmp/after"
    cmp -s "$tmp/before" "$tmp/after" || fail "something of others has changed: $(diff "$tmp/before" "$tmp/after")"
}

unset COMPOSE_FILE COMPOSE_PROFILES POSTGRES_PASSWORD STOCKD_HOOKS_FILE STOCKD_HOOKS_ALLOW STOCKD_HOOKS_CA
export COMPOSE_PROJECT_NAME="stockd-$name-$$" STOCKD_TAG="$name-$$" STOCKD_PORT=0
export STOCKD_RECEIVER_NETWORK="10.203.$((48 + $$ % 200)).0/29"
STOCKD_VERSION=$(make -s version)
tmp=$(mktemp -d)
export STOCKD_VERSION STOCKD_OUT="$tmp/out"
mkdir "$STOCKD_OUT"
others >"$tmp/before"
trap leave EXIT
trap 'exit 1' INT TERM
