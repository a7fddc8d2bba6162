#!/bin/sh
# secrets.sh -- makes the passwords that are missing, each once, and from them the list of users of Redis. Runs to its end
# before anything else starts.
#
#   /secrets/redis_password     of the Redis user `stockd`, who may do what docker/redis.acl says
#   /secrets/ledger_password    of the PostgreSQL user `stockd`
#   /admin/redis_password       of the Redis user `default`, who may do everything
#   /admin/redis.acl            both users of Redis, with hashes of their passwords
#   /admin/peers.conf           how one Redis signs in at another, as lines of redis.conf
#   /grafana/password           of the user `admin` of Grafana
#
# A file that is there is left as it is: any bytes but NUL; newlines at the end do not count. Whoever mounts a volume may read
# it: /secrets is for those who need it, /admin for Redis alone.
set -eu
umask 022

make() {
    [ -s "$1" ] || { head -c 24 /dev/urandom | base64 | tr '+/' '-_' >"$1.new" && mv "$1.new" "$1"; }
}

hash_of() {
    text=$(cat "$1")
    printf '%s' "$text" | sha256sum | cut -d ' ' -f 1
}

# As redis.conf takes any bytes.
quoted() {
    text=$(cat "$1")
    printf '"%s"' "$(printf '%s' "$text" | od -An -v -tx1 | tr -d ' \n' | sed 's/../\\x&/g')"
}

make /secrets/redis_password
make /secrets/ledger_password
make /admin/redis_password
make /grafana/password
{
    echo "user default on #$(hash_of /admin/redis_password) ~* &* +@all"
    sed "s/>change-me/#$(hash_of /secrets/redis_password)/" /redis.acl
} >/admin/redis.acl.new
mv /admin/redis.acl.new /admin/redis.acl
{
    echo "masteruser default"
    echo "masterauth $(quoted /admin/redis_password)"
} >/admin/peers.conf.new
mv /admin/peers.conf.new /admin/peers.conf
