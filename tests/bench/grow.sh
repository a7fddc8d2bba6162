#!/bin/sh
# grow.sh [ROUNDS [SECONDS]] -- how the cost of a decrement grows with connections, workers, services and
# items: answers a second, p99, and processor time an operation in service and Redis, as Markdown.
#
# One thing is changed at a time of one service with one worker, 64 connections and one item. Each shape
# of services and workers has a Redis of its own; every round measures one case after the other.
# Environment: PORT (9060 and the 39 behind it).
set -eu
rounds=${1:-3} seconds=${2:-3}
port=${PORT:-9060}
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/group.sh"

# set_case NAME: $shape (services x workers), $connections, $items and $label.
set_case() {
    shape=1x1 connections=64 items=1
    case $1 in
    base) label="1 service, 1 worker, 64 connections, 1 item" ;;
    c*) connections=${1#c} label="$connections connections" ;;
    w*) shape=1x${1#w} label="${1#w} workers" ;;
    s*) shape=${1#s}x1 label="${1#s} services" ;;
    i*) items=${1#i} label="$items items" ;;
    esac
}
cases="base c1 c8 c512 w2 w4 s2 s4 s8 i100 i10000"
for case in $cases; do
    set_case "$case"
    if ! [ -e "$dir/ports.$shape" ]; then
        group_start "$shape" "$root/build/stockd" "${shape%x*}" "${shape#*x}"
        many_items "$(group_url "$shape")"
    fi
    if [ "$items" = 1 ]; then
        wrk_script '{"quantity":1}' >"$dir/$case.lua"
    else
        wrk_script '{"quantity":1}' "local n = 0 request = function() n = (n + 7919) % $items return wrk.format(nil, '/v1/items/s' .. n .. '/decrements') end" >"$dir/$case.lua"
    fi
done
printf 'measuring %d rounds of %d cases, %d s each ' "$rounds" "$(echo "$cases" | wc -w)" "$seconds" >&2
i=0
while [ $i -lt "$rounds" ]; do
    for case in $cases; do
        set_case "$case"
        group_measure "$shape" "$connections" "$seconds" /v1/items/hot/decrements "$dir/$case.lua" >>"$dir/seen.$case"
        printf '.' >&2
    done
    i=$((i + 1))
done
echo >&2
echo "decrements, AOF everysec, $(nproc) processors shared by all; medians of $rounds rounds of ${seconds}s"
echo
echo "| case | answers/s | worst p99 ms | service us an operation | Redis us an operation |"
echo "| --- | --- | --- | --- | --- |"
for case in $cases; do
    set_case "$case"
    seen=$dir/seen.$case
    echo "| $label | $(median_of "$seen" 1 .0f) | $(median_of "$seen" 4 .2f) | $(median_of "$seen" 2 .1f) | $(median_of "$seen" 3 .1f) |"
done
