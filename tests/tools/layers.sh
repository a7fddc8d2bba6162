#!/bin/sh
# layers.sh -- no file includes a header of a higher layer. The order, top first:
#   service/*  ->  service/http  ->  service/store  ->  service/core  ->  common
#   service/*  ->  service/audit, service/restore  ->  service/store, service/ledger
#   service/http  ->  service/store, service/ledger  ->  service/core
#   loadgen/*  ->  loadgen/report  ->  loadgen/check  ->  loadgen/history  ->  common
#   loadgen/*  ->  loadgen/client  ->  loadgen/history
set -eu
failed=0

# forbid FILES PATTERN WHY: no include in FILES may match PATTERN.
forbid() {
    if grep -nE "^#include [<\"]($2)" $1; then
        echo "layers: $3" >&2
        failed=1
    fi
}

top='(config|master|worker|keeper|embedded|listen|ledger_[a-z]*|command_[a-z]*)\.h"'
forbid "common/*.[ch]" "http/|store/|core/|$top|hiredis|microhttpd|jansson|uv\.h" "common knows nothing above it"
forbid "service/core/*.[ch]" "http/|store/|$top|hiredis|microhttpd|jansson|uv\.h|sys/socket|unistd|time\.h|log\.h|clock\.h" "core is pure"
forbid "service/store/*.[ch]" "http/|ledger/|$top|microhttpd|jansson" "store knows Redis, not HTTP"
forbid "service/ledger/*.[ch]" "http/|store/|$top|hiredis|microhttpd|jansson" "ledger knows SQL, not Redis or HTTP"
forbid "service/http/*.[ch]" "$top|hiredis|ledger/(apply|fold|migrate|current_state|db_)|store/(lane|batch|conn|reader|resp|layout|gate|admin|feed|scan|rebuild)" "http knows the faces of store and ledger only"
forbid "service/audit/*.[ch]" "http/|restore/|(master|worker|keeper|ledger_[a-z]*|command_[a-z]*)\.h\"|hiredis|microhttpd|sqlite|libpq" "the audit compares store and ledger, through both"
forbid "service/restore/*.[ch]" "http/|audit/|(master|worker|keeper|ledger_[a-z]*|command_[a-z]*)\.h\"|hiredis|microhttpd|sqlite|libpq" "a restore moves from ledger to store, through both"
forbid "common/*.[ch]" "client/|history/|check/|report/" "common knows nothing above it"
ltop='(options|run|race|settle|setup|live|exits)\.h"|http/|store/|core/'
forbid "loadgen/*.[ch]" "http/|store/|core/" "the load generator knows the service by its contract only"
forbid "loadgen/history/*.[ch]" "client/|check/|report/|$ltop|uv\.h|jansson" "history knows only its file"
forbid "loadgen/check/*.[ch]" "client/|report/|$ltop|uv\.h|jansson" "the checker works from a history alone"
forbid "loadgen/client/*.[ch]" "check/|report/|$ltop|jansson" "clients send and record, they do not judge"
forbid "loadgen/report/*.[ch]" "client/|$ltop|uv\.h" "a report is made from a history and a verdict"
exit $failed
