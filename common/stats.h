/* stats.h -- counters and histograms of all processes of one service, in shared memory.
 *
 * Layer: common. The master makes the table before it forks; each process writes only its own
 * slot, and from one thread; any process renders the sum of all, so a scrape is the same whichever
 * worker answers. A slot outlives its process: counters never go back when a worker is restarted.
 * Each table has a name of its own, so that who scrapes through a balancer can tell services apart,
 * and a service from the one that was started in its place.
 */
#pragma once

#include "buf.h"

#include <stdint.h>

/* clang-format off */
/* X(id, name of the metric, perhaps with a label, what it says) */
#define STATS_EACH_COUNTER(X) \
    X(STATS_BATCHES, "stockd_batches_total", "Transactions that were decided, those without effects included.") \
    X(STATS_BATCH_OPS, "stockd_batch_operations_total", "Operations in those transactions.") \
    X(STATS_CONFLICTS, "stockd_conflicts_total", "Transactions lost to another writer (EXEC answered nil).") \
    X(STATS_OP_RETRIES, "stockd_operation_retries_total", "Operations that went into another transaction after a lost one.") \
    X(STATS_TURNS_MISSED, "stockd_turns_missed_total", "Turns to commit that did not come in time: lost with who held them, or the first of a contention.") \
    X(STATS_RELAYED, "stockd_relayed_operations_total", "Operations that a worker handed to the one that commits for all, while they contended.") \
    X(STATS_UNKNOWN, "stockd_exec_unknown_total", "Transactions whose EXEC was not answered.") \
    X(STATS_OUTCOME_UNKNOWN, "stockd_outcome_unknown_total", "Operations that were answered 504.") \
    X(STATS_REDIS_CONNECTS, "stockd_redis_connects_total", "Connections made to Redis.") \
    X(STATS_TOPOLOGY_QUESTIONS, "stockd_topology_questions_total", "Times that Sentinels or nodes of a cluster were asked who is primary: about one a second and process.") \
    X(STATS_TOPOLOGY_FAILURES, "stockd_topology_failures_total", "Those of them that no answer came to that could be used.") \
    X(STATS_TOPOLOGY_CHANGES, "stockd_topology_changes_total", "Answers by which a primary was found or has moved, in each process; more than one a process and start means failovers or moved slots.") \
    X(STATS_REDIS_ERRORS, "stockd_redis_errors_total", "Connections to Redis lost, and error replies.") \
    X(STATS_EXPIRED, "stockd_reservations_expired_total", "Reservations whose units were given back at their deadline.") \
    X(STATS_OVERLOADED, "stockd_overloaded_total", "Operations refused because the queue was full.") \
    X(STATS_CONTENTION, "stockd_contention_total", "Operations given up after --tries-max lost transactions.") \
    X(STATS_TRIMMED_RECORDS, "stockd_trimmed_records_total", "Old records removed from Redis.") \
    X(STATS_POOL_RESTARTS, "stockd_process_restarts_total", "Processes that the master started again.") \
    X(STATS_CONNECTIONS, "stockd_http_connections_total", "HTTP connections accepted.") \
    X(STATS_CONNECTIONS_SHED, "stockd_http_connections_shed_total", "Idle HTTP connections closed to make room for others.") \
    X(STATS_UNAUTHENTICATED, "stockd_unauthenticated_total", "Requests answered 401: with no API key, or none that is good.") \
    X(STATS_ROLE_FORBIDDEN, "stockd_role_forbidden_total", "Requests and operations of batches answered 403, as the role of the API key does not allow them.") \
    X(STATS_RATE_LIMITED, "stockd_rate_limited_total{why=\"requests\"}", "Requests answered 429: why=requests, a client used up its requests a second; why=logins, an address its failed logins; why=kept, operations of clients that keep too much.") \
    X(STATS_LOGINS_LIMITED, "stockd_rate_limited_total{why=\"logins\"}", "") \
    X(STATS_KEPT_LIMITED, "stockd_rate_limited_total{why=\"kept\"}", "") \
    X(STATS_TLS_HANDSHAKES, "stockd_tls_handshakes_total", "TLS handshakes of clients that came to their end.") \
    X(STATS_TLS_FAILURES, "stockd_tls_handshake_failures_total", "Those that did not: refused, given up by the client, too slow, too many at a time.") \
    X(STATS_PROXY_FAILURES, "stockd_proxy_header_failures_total", "Connections of trusted proxies that did not begin with a header of the PROXY protocol, or not in time.") \
    X(STATS_LEDGER_COMMITS, "stockd_ledger_commits_total", "SQL transactions that brought events into the ledger.") \
    X(STATS_LEDGER_ERRORS, "stockd_ledger_errors_total", "Times that the ledger could not go on: database in trouble, or events that do not follow.") \
    X(STATS_LEDGER_EVENTS, "stockd_ledger_events_total", "Events brought into the ledger.") \
    X(STATS_EPOCHS_OPENED, "stockd_epochs_opened_total", "Epochs that were opened: one for each partition at first start, at each restart of Redis and at each promotion.") \
    X(STATS_ROLLED_FORWARD, "stockd_rolled_forward_total", "Partitions whose promoted replica lacked what SQL had, and was given it.") \
    X(STATS_HOOKS_DELIVERED, "stockd_hooks_delivered_total", "Events that an endpoint of a hook has taken, as a 2xx says.") \
    X(STATS_HOOKS_FAILED, "stockd_hooks_failed_total", "Attempts to deliver an event that failed.") \
    X(STATS_HOOKS_DEAD, "stockd_hooks_dead_total", "Events that were given up after all attempts at a hook.") \
    X(STATS_ACCESS_DROPPED, "stockd_access_log_dropped_total", "Lines of --access-log that found no room while it could not be written.") \
    X(STATS_SLOW_REQUESTS, "stockd_slow_requests_total", "Requests that took as long as --slow-request says, or longer.")
/* X(id, name, what it says, scale to the metric's unit). Shown is the sum over the processes, of
 * STATS_LOST_RUN_MAX and those of what expires the largest. The length of the stream and the ledger's lag are the keeper's, in
 * `stockd ledger` those of the ledger process; moments are of the wall clock, in ms. */
#define STATS_EACH_GAUGE(X) \
    X(STATS_QUEUE_DEPTH, "stockd_queue_depth", "Operations that wait for a transaction.", 1) \
    X(STATS_STREAM_LENGTH, "stockd_stream_length", "Entries in the event streams of all partitions, every 10 s; with a ledger every second, and left out when the keeper has not been able to look for 5 s.", 1) \
    X(STATS_EXPIRY_LAG_MS, "stockd_expiry_lag_seconds", "How long the oldest due hold may be overdue: what the keeper found when it last looked and, while it can not look, or a partition is not open, the time since.", 1e-3) \
    X(STATS_MEMORY_USED_BYTES, "stockd_redis_memory_used_bytes", "used_memory of Redis; in a cluster that of the node with the most.", 1) \
    X(STATS_MEMORY_USED_PERCENT, "stockd_redis_memory_used_ratio", "Part of its maxmemory that Redis has used, of several the fullest; 0: there is no limit.", 1e-2) \
    X(STATS_EPOCH, "stockd_epoch", "Epoch of the store, which grows with each restart of Redis and each promotion.", 1) \
    X(STATS_PARTITIONS_SHUT, "stockd_partitions_not_open", "Partitions that can not be written, since they are closed or lost or Redis is away, as the keeper saw it last.", 1) \
    X(STATS_HTTP_OPEN, "stockd_http_connections_open", "HTTP connections that are open.", 1) \
    X(STATS_HTTP_MEMORY, "stockd_http_memory_bytes", "Memory of bodies and answers under way, as --memory-max counts it for each worker.", 1) \
    X(STATS_KEYS_STALE, "stockd_api_keys_stale", "Processes that go on with the API keys of before, since the file of them is not good.", 1) \
    X(STATS_KEY_EXPIRES_MS, "stockd_api_key_expiry_timestamp_seconds", "When the first of the clients that have an API key will be without one; 0: nobody will.", 1e-3) \
    X(STATS_TLS_OPEN, "stockd_tls_handshakes_open", "TLS handshakes that have begun and not ended.", 1) \
    X(STATS_TLS_EXPIRES_MS, "stockd_tls_certificate_expiry_timestamp_seconds", "When the certificate of --tls-cert ends, or the first of its chain; 0: there is none.", 1e-3) \
    X(STATS_LEDGER_LAG, "stockd_ledger_lag_events", "Events in Redis that the ledger does not have yet, every second; a large number is estimated from the oldest entries. Left out when the keeper has not been able to look for 5 s.", 1) \
    X(STATS_LEDGER_LAG_MS, "stockd_ledger_lag_seconds", "Age of the oldest of them; while the keeper can not look, what it saw last and the time since: it may be that much.", 1e-3) \
    X(STATS_LEDGER_LOOK_AT_MS, "stockd_ledger_lag_timestamp_seconds", "When the keeper last looked at those, or was first started; 0: there is no ledger.", 1e-3) \
    X(STATS_AUDIT_RESULT, "stockd_audit_last_result", "Of the last audit: 0 equal, 1 drift, 2 could not tell; -1 none yet. Read every second, as the next two are.", 1) \
    X(STATS_AUDIT_DRIFT, "stockd_audit_last_drift", "Differences that it found.", 1) \
    X(STATS_AUDIT_AT_MS, "stockd_audit_last_timestamp_seconds", "When it ended.", 1e-3) \
    X(STATS_HOOKS_SENT, "stockd_hooks_active", "Hooks that this process of `stockd hooks run` sends; of several processes each has those that no other has.", 1) \
    X(STATS_HOOKS_OFF, "stockd_hooks_off", "Those of them that are switched off, as an endpoint that answers 410 is.", 1) \
    X(STATS_HOOKS_STALE, "stockd_hooks_file_stale", "1: --hooks-file is not good, and what it said before is gone on with.", 1) \
    X(STATS_HOOKS_WAITING, "stockd_hooks_waiting", "Events that were read for a hook and are not delivered yet, 4,096 of each at the most.", 1) \
    X(STATS_HOOKS_LAG_MS, "stockd_hooks_lag_seconds", "Age of the oldest of them.", 1e-3) \
    X(STATS_LOST_RUN_MAX, "stockd_exec_lost_run_max", "Transactions that one connection to Redis lost in a row, at the most, since the workers were started; the largest of them.", 1) \
    X(STATS_KEEPER_ROUND_AT_MS, "stockd_keeper_round_timestamp_seconds", "When the keeper last came to the end of a round: looked for due holds in what is open, and did what else was its turn; 0: not since it was started.", 1e-3)
/* X(id, name, what it says, bounds of its buckets in stats.c) */
#define STATS_EACH_HISTOGRAM(X) \
    X(STATS_BATCH_SIZE, "stockd_batch_size", "Operations in a transaction.", size_bounds) \
    X(STATS_TRIES, "stockd_operation_tries", "Transactions that an operation needed.", size_bounds) \
    X(STATS_QUEUE_US, "stockd_operation_queue_seconds", "From the submission of an operation until it is in a transaction.", time_bounds) \
    X(STATS_REDIS_US, "stockd_operation_redis_seconds", "From there until it is decided.", time_bounds) \
    X(STATS_TOTAL_US, "stockd_operation_seconds", "From the submission of an operation until it is decided.", time_bounds) \
    X(STATS_TURN_US, "stockd_turn_wait_seconds", "From when a lane that contends asks for its turn to commit until it has it; its count: turns taken.", time_bounds) \
    X(STATS_LEDGER_CHUNK, "stockd_ledger_chunk_size", "Events that one SQL transaction brought into the ledger.", chunk_bounds) \
    X(STATS_OPENING_US, "stockd_opening_seconds", "From when the ledger process sees that an epoch is to be opened until it is open.", time_bounds)
/* What became of an operation that a client asked for: a label of stockd_operations_total. */
#define STATS_EACH_OUTCOME(X) \
    X(STATS_DONE, "done") \
    X(STATS_REPLAYED, "replayed") \
    X(STATS_INSUFFICIENT, "insufficient_stock") \
    X(STATS_LIMITED, "limit_exceeded") \
    X(STATS_REFUSED, "refused") \
    X(STATS_FAILED, "failed")
/* clang-format on */

#define STATS_ID(id, ...) id,
enum stats_outcome { STATS_EACH_OUTCOME(STATS_ID) STATS_OUTCOMES };
enum stats_counter { STATS_EACH_COUNTER(STATS_ID) STATS_COUNTERS };
enum stats_gauge { STATS_EACH_GAUGE(STATS_ID) STATS_GAUGES };
enum stats_histogram { STATS_EACH_HISTOGRAM(STATS_ID) STATS_HISTOGRAMS };
#undef STATS_ID

#define STATS_ROUTES_MAX 32
#define STATS_KINDS_MAX  16

/* How old a look at the ledger's backlog may be before it is not shown as the present any more:
 * then its age counts as lag, for it may be that, and how many events there are is not said. */
#define STATS_STALE_MS 5000

struct stats;

/* One slot a process. NULL: out of memory. route_names (static texts, in the order of the ids
 * given to stats_request) label the request metrics. */
struct stats *stats_new(unsigned slots, const char *const *route_names, unsigned routes);
void stats_free(struct stats *stats);

/* What kinds of operations are called, before the first fork; static texts, in the order of the
 * kinds that are given to stats_operation. */
void stats_name_operations(struct stats *stats, const char *const *names, unsigned kinds);

/* The name of this table, which no other has. */
uint64_t stats_service(const struct stats *stats);

/* The slot that this process writes from now on. Before it, writing is a no-op. process (a static
 * text) labels what is shown of each process by itself. */
void stats_attach(struct stats *stats, unsigned slot, const char *process);

void stats_count(enum stats_counter counter, uint64_t n);
void stats_set(enum stats_gauge gauge, int64_t value);
void stats_add(enum stats_gauge gauge, int64_t delta);

/* Sets the gauge unless it is as large already. */
void stats_raise(enum stats_gauge gauge, int64_t value);

/* The sum of a gauge over all slots; of one that has a largest value, that. */
int64_t stats_gauge(const struct stats *stats, enum stats_gauge gauge);

void stats_observe(enum stats_histogram histogram, uint64_t value);

/* One answered HTTP request. status 100..599. */
void stats_request(unsigned route, unsigned status, uint64_t us);

/* One operation that a client asked for. */
void stats_operation(unsigned kind, enum stats_outcome outcome);

/* --- what was counted so far: sums over all slots --- */

uint64_t stats_counted(const struct stats *stats, enum stats_counter counter);
uint64_t stats_operations(const struct stats *stats, unsigned kind, enum stats_outcome outcome);
uint64_t stats_requests(const struct stats *stats);

/* Of a histogram of times, in buckets: one for each of stats_time_bounds(), and one above. */
#define STATS_TIME_BUCKETS 18
void stats_times(const struct stats *stats, enum stats_histogram histogram,
                 uint64_t buckets[STATS_TIME_BUCKETS]);

/* In us, growing: STATS_TIME_BUCKETS - 1 of them. */
const uint64_t *stats_time_bounds(void);

/* Prometheus text format 0.0.4, the sum over all slots. */
void stats_render(const struct stats *stats, struct buf *out);
