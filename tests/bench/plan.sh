#!/bin/sh
# plan.sh [NAME=VALUE...] -- how many hosts, Redis nodes and databases a rate of reservations needs, what is
# at its end first, and what one item can do: reckoned from the figures in capacity.txt, or in FIGURES.
#
#     tests/bench/plan.sh rate=1000000 keys=0
#
# rate=1000000      reservations a second, over many items
# ends=1            confirms and releases for each of them; what is left of it expires
# keys=1            the part of the operations with an Idempotency-Key
# held_s=600        how long a hold lives
# kept_h=24         how long a finished reservation is kept in Redis (--reservation-retention)
# keys_h=24         how long a key's result is kept (--operation-retention)
# behind_s=10       how far the ledger is behind: so long events are kept in Redis
# events_h=1        how long they are kept there without a ledger (--event-retention)
# busy=0.6          the part of a processor, and of memory, that is to be used
# cores=16          processors of a host for services, each with a worker
# node_gib=32       memory of a Redis node
# replicas=1        of each node
# partitions=8      of a store, for each of its nodes
# engine=postgresql of the ledger, or sqlite, or none
set -eu
awk -v arguments="$*" '
function up(x) { return x == int(x) ? x : int(x) + 1 }
function most(a, b) { return a > b ? a : b }
function row(what, how_many, why) { printf "| %s | %s | %s |\n", what, how_many, why }
function number(x) { # with commas
    x = sprintf("%.0f", x)
    while (match(x, /^[0-9]+/) && RLENGTH > 3) x = substr(x, 1, RLENGTH - 3) "," substr(x, RLENGTH - 2)
    return x
}
{ figure[$1] = $2 }
END {
    names = "rate=1000000 ends=1 keys=1 held_s=600 kept_h=24 keys_h=24 behind_s=10 events_h=1 busy=0.6 cores=16 node_gib=32 replicas=1 partitions=8 engine=postgresql"
    count = split(names, given, " ")
    for (i = 1; i <= count; i++) { split(given[i], pair, "="); p[pair[1]] = pair[2] }
    count = split(arguments, given, " ")
    for (i = 1; i <= count; i++) {
        split(given[i], pair, "=")
        if (!(pair[1] in p) || pair[2] == "") { print "plan.sh: what is " given[i] "? See the head of plan.sh." >"/dev/stderr"; exit 64 }
        p[pair[1]] = pair[2]
    }
    operations = p["rate"] * (1 + p["ends"])
    events = p["rate"] * (1 + most(p["ends"], 1)) # what is not ended expires
    live = p["rate"] * p["held_s"]
    gib = 1024 * 1024 * 1024
    holds = live * (figure["bytes_record"] + figure["bytes_hold"]) / gib
    finished = p["rate"] * p["kept_h"] * 3600 * figure["bytes_record"] / gib
    results = operations * p["keys"] * p["keys_h"] * 3600 * figure["bytes_key"] / gib
    waiting = events * (p["engine"] == "none" ? p["events_h"] * 3600 : p["behind_s"]) * figure["bytes_event"] / gib
    memory = holds + finished + results + waiting
    workers = up(operations * figure["shop_service"] / 1e6 / p["busy"])
    hosts = up(workers / p["cores"])
    by_time = up(operations * figure["shop_redis"] / 1e6 / p["busy"])
    by_memory = up(memory / p["node_gib"] / p["busy"])
    nodes = most(by_time, by_memory)
    event_us = figure[p["engine"] "_ledger"] + figure[p["engine"] "_server"]
    databases = up(events * event_us / 1e6 / p["busy"])
    stores = p["engine"] == "none" ? 1 : databases
    own_nodes = up(nodes / stores)
    own_workers = up(workers / stores)
    printf "%s reservations a second, %s operations, %s events:\n\n", number(p["rate"]), number(operations), number(events)
    print "| what | how many | why |"
    print "| --- | --- | --- |"
    row("workers", number(workers), sprintf("%.1f us an operation, %.0f %% busy", figure["shop_service"], p["busy"] * 100))
    row("hosts for services", number(hosts), p["cores"] " workers each")
    row("Redis nodes, for their time", number(by_time), sprintf("%.1f us an operation of one thread", figure["shop_redis"]))
    row("Redis nodes, for their memory", number(by_memory), sprintf("%s GiB: live holds %s, finished reservations %s, results of keys %s, events %s",
        number(memory), number(holds), number(finished), number(results), number(waiting)))
    row("Redis nodes with replicas", number(nodes * (1 + p["replicas"])), "the larger of both, each with replicas: " p["replicas"])
    if (p["engine"] != "none") {
        row("databases", number(databases), sprintf("%.1f us an event of ledger process and %s, which take turns", event_us, p["engine"]))
    }
    row("stores", number(stores), p["engine"] == "none" ? "nothing asks for more" : "a store has one database")
    row("of a store: workers, nodes, partitions", number(own_workers) ", " number(own_nodes) ", " number(own_nodes * p["partitions"]), "1,024 partitions at most")
    row("connections of its workers, each", number(own_nodes * (p["partitions"] + 1)), "one a partition that it writes to, one a node to read")
    row("connections to one of its nodes", number(own_workers * (p["partitions"] + 1)), "of all of its workers")
    print "\nOne node at its end by its time: " number(p["busy"] * 1e6 / figure["shop_redis"]) " operations a second. One item, in one partition, at most: " \
        number(1e6 / figure["hot_reserve_redis"]) " reservations or " number(1e6 / figure["hot_decrement_redis"]) " decrements a second by the time of Redis, " \
        number(1e6 / figure["hot_reserve_service"]) " or " number(1e6 / figure["hot_decrement_service"]) " by that of one worker."
    first = by_memory > by_time ? "the memory of Redis" : "the time of Redis"
    if (p["engine"] != "none" && databases > nodes) first = "the database"
    print "With one Redis node and one database, first at its end: " first "."
}' "${FIGURES:-$(dirname "$0")/capacity.txt}"
