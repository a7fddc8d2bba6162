#!/bin/sh
# hooks.sh         makes, from docker/hooks.json or the file that STOCKD_HOOKS_FILE names, the one that `stockd hooks run` reads. Runs
#                  to its end before that starts
# hooks.sh show    prints the secret of this project, with which a receiver verifies what comes
#
#   /hooks/hooks.json     the file, for stockd alone: "secret": "made here" is the secret of this project
#   /hooks/secret         that one, made once
#   /receiver/secrets     the same, for docker/receiver.cfg
set -eu
umask 077
from=/hooks.json to=/hooks/hooks.json secret=/hooks/secret

case $#:${1:-} in
0:) ;;
1:show) cat "$secret" && exit ;;
*) sed -n '2,4s/^# //p' "$0" >&2 && exit 64 ;;
esac
[ -s "$secret" ] || { stockd hooks secret >"$secret.new" && mv "$secret.new" "$secret"; }
sed "s|\"made here\"|\"$(cat "$secret")\"|" "$from" >"$to.new"
chown 65532:65532 "$to.new"
mv "$to.new" "$to"
sed 's/^whsec_/key /' "$secret" >/receiver/secrets.new
chmod 644 /receiver/secrets.new
mv /receiver/secrets.new /receiver/secrets
