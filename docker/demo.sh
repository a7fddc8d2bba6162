#!/bin/sh
# demo.sh ARGUMENT... -- stockload in a container, as the user to whom the files in /out shall belong: the owner of /out, or,
# where Docker has made that folder itself, of the file /owner. The history of the run before is kept as previous.history.
set -eu
become=
if [ "$(id -u)" = 0 ]; then
    owner=$(stat -c %u:%g /out)
    if [ "$owner" = 0:0 ]; then
        owner=$(stat -c %u:%g /owner)
        chown "$owner" /out
    fi
    become="setpriv --reuid=${owner%:*} --regid=${owner#*:} --clear-groups --no-new-privs"
fi
if [ -e /out/demo.history ]; then
    $become mv -f /out/demo.history /out/previous.history
fi
exec $become stockload "$@"
