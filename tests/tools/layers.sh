#!/bin/sh
# layers.sh -- no file includes a header of a higher layer. The order, top first:
#   service/command, service/process  ->  hooks  ->  http, audit, restore  ->  store, ledger, keys  ->  core  ->  common
#   loadgen/*  ->  loadgen/run, loadgen/race  ->  ui  ->  report  ->  check  ->  history  ->  common
#                                             ->  client  ->  history
set -eu
failed=0

# forbid FOLDER PATTERN WHY: no include in a file of FOLDER, or of a folder in it, may match PATTERN.
forbid() {
    if find $1 -name '*.[ch]' -exec grep -nE "^#include [<\"]($2)" {} +; then
        echo "layers: $3" >&2
        failed=1
    fi
}

top='command/|process/|config\.h'
libraries='hiredis|microhttpd|jansson|uv\.h'
forbid common "hooks/|http/|store/|keys/|core/|ledger/|audit/|restore/|client/|history/|check/|report/|run/|$top|$libraries" "common knows nothing above it"
forbid service/core "hooks/|http/|store/|keys/|ledger/|$top|$libraries|sys/socket|unistd|time\.h|log\.h|clock\.h" "core is pure"
forbid service/store "hooks/|http/|keys/|ledger/|audit/|restore/|$top|microhttpd|jansson" "store knows Redis, not HTTP"
forbid service/store/redis "store/(admin|commit)/|store/[a-z_]*\.h|core/" "a connection knows nothing of stock"
forbid service/store/topology "store/(admin|commit)/|store/[a-z_]*\.h|core/" "where a Redis is has nothing to do with stock"
forbid service/store/commit "store/admin/" "batches need nobody beside them"
forbid service/store/relay "store/admin/" "what workers share is operations"
forbid service/store/admin "store/commit/" "what is done beside batches needs none"
forbid service/ledger "hooks/|http/|keys/|store/|audit/|restore/|$top|microhttpd|jansson|hiredis" "ledger knows SQL, not Redis or HTTP"
forbid service/keys "hooks/|http/|store/|ledger/|audit/|restore/|$top|$libraries|sqlite|libpq" "keys are files and hashes"
forbid service/ledger/query "ledger/apply/" "reads need no writer"
forbid service/ledger/apply "ledger/query/" "writers need no reads"
forbid service/http "hooks/|$top|audit/|restore/|hiredis|ledger/(apply/|schema|db_)|ledger/query/current_state|store/(admin/|commit/|redis/|layout|meta|reader)" "http knows the faces of store and ledger only"
forbid service/http/conn "http/(request|builtin|events|history|live)/|http/(server|exchange|handler|dispatch|admit|access|batch)\.h|jansson" "connections and bytes know no request"
forbid "service/http/request service/http/answer" "http/(conn|builtin|events|history|live)/|http/(server|exchange|handler|dispatch|admit|access|batch)\.h" "what is asked and how it is said needs no connection"
forbid service/audit "hooks/|http/|restore/|$top|$libraries|sqlite|libpq" "the audit compares store and ledger, through both"
forbid service/restore "hooks/|http/|audit/|$top|$libraries|sqlite|libpq" "a restore moves from ledger to store, through both"
forbid service/command/client "store/|ledger/|audit/|restore/|process/|hiredis|microhttpd|sqlite|libpq" "the client knows the interface from outside"
forbid service/hooks "$top|audit/|restore/|keys/|store/|hiredis|microhttpd|uv\.h|sqlite|libpq|ledger/(apply/|schema|db_)|http/[a-z_]*/?(server|exchange|handler)" "hooks know the ledger and how events are shown, and send"
ltop='(options|value_parsers)\.h|run/|race/'
forbid loadgen "http/|store/(admin|commit|relay)/|store/[a-z_]*\.h|core/|ledger/" "the load generator knows the service by its contract only"
forbid "$(find loadgen -mindepth 1 -maxdepth 1 -type d ! -name race)" "store/" "only the race speaks with Redis"
forbid loadgen/history "client/|check/|report/|$ltop|uv\.h|jansson" "history knows only its file"
forbid loadgen/check "client/|report/|$ltop|uv\.h|jansson" "the checker works from a history alone"
forbid loadgen/client "check/|report/|$ltop|jansson" "clients send and record, they do not judge"
forbid loadgen/report "client/|ui/|$ltop|uv\.h" "a report is made from a history and a verdict"
forbid loadgen/ui "client/|history/|check/|report/[b-z]|$ltop|uv\.h|jansson" "the live page shows what it is given"
exit $failed
