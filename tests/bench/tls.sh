#!/bin/sh
# tls.sh [ROUNDS [SECONDS]] -- HTTPS beside nginx, on one machine, loopback only: whole handshakes a
# second, as each request has a connection of its own, and requests a second on connections that
# stay, which are also measured without TLS.
#
# Both answer 15 bytes that need no store, with one certificate (P-256), and resume no session. Every
# round measures each case for SECONDS, one after the other. Environment: CONNECTIONS (64), WORKERS
# (half the CPUs), PORT (8620 and the two behind it).
set -eu
rounds=${1:-5} seconds=${2:-3}
connections=${CONNECTIONS:-64} workers=${WORKERS:-$(($(nproc) / 2 > 0 ? $(nproc) / 2 : 1))} port=${PORT:-8620}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
until_up() { until_ok "$1" curl -sk -o /dev/null --max-time 1 "$1"; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$dir/tls.key" -out "$dir/tls.pem" 2>"$dir/openssl.err"
serve() { # serve NAME PORT OPTION...
    name=$1 at=$2
    shift 2
    start "$name" "$root/build/stockd" serve --listen "127.0.0.1:$at" --ledger none --durability everysec \
        --workers "$workers" --data-dir "$dir/$name" "$@"
}
stockd=https://127.0.0.1:$port plain=http://127.0.0.1:$((port + 1)) nginx=https://127.0.0.1:$((port + 2))
serve stockd "$port" --tls-cert "$dir/tls.pem" --tls-key "$dir/tls.key"
serve plain "$((port + 1))"
sed "s|@DIR@|$dir|g; s|@PORT@|$((port + 2))|; s|@WORKERS@|$workers|" "$here/nginx_tls.conf.in" >"$dir/nginx.conf"
chmod 755 "$dir"
start nginx nginx -c "$dir/nginx.conf"
until_up "$stockd/healthz"
until_up "$plain/healthz"
until_up "$nginx/healthz"

# measure CASE URL [HEADER]: answers a second into $dir/case.CASE.
measure() {
    wrk -t1 -c"$connections" -d"$seconds" ${3:+-H "$3"} "$2/healthz" | awk '/^Requests\/sec:/ { print $2 }' >>"$dir/case.$1"
    printf '.' >&2
}
printf 'measuring %d rounds of %d cases, %d s each ' "$rounds" 5 "$seconds" >&2
i=0
while [ $i -lt "$rounds" ]; do
    measure stockd_handshakes "$stockd" 'Connection: close'
    measure nginx_handshakes "$nginx" 'Connection: close'
    measure stockd_https "$stockd"
    measure nginx_https "$nginx"
    measure stockd_http "$plain"
    i=$((i + 1))
done
echo >&2

echo "$connections connections, $workers workers, $(nproc) CPUs shared by wrk and server"
echo
printf '%-22s %12s %12s %12s\n' "answers a second" median lowest highest
for case in stockd_handshakes nginx_handshakes stockd_https nginx_https stockd_http; do
    median_and_range "$case" '%-22s %12.0f %12.0f %12.0f\n' <"$dir/case.$case"
done
echo
printf '%-38s %7s %7s %7s\n' "ratio, round by round" median lowest highest
ratio() { # ratio NAME CASE OVER GOAL UNIT
    ratios "$dir/case.$2" "$dir/case.$3" >"$dir/ratio"
    median_and_range "$1" '%-38s %7.2f %7.2f %7.2f\n' <"$dir/ratio"
    goal "$1" at-least "$4" %.2f "$(medians "$dir/case.$2" "$dir/case.$3" "$5")" <"$dir/ratio"
}
ratio "TLS handshakes / nginx" stockd_handshakes nginx_handshakes 0.80 handshakes/s
ratio "requests by HTTPS / nginx" stockd_https nginx_https 0.50 answers/s
ratio "requests by HTTPS / by HTTP" stockd_https stockd_http 0.70 answers/s
