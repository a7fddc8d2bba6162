#include "config.h"
#include "address.h"
#include "fail.h"
#include "stats.h"
#include "url_password.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const durabilities[] = {STORE_DURABILITY_NAMES, NULL};
static const char *const whens[] = {"auto", "always", "off", NULL};
static const char *const formats[] = {"logfmt", "json", NULL};
static const char *const forwarded[] = {"x-forwarded-for", "forwarded", NULL};
static const char *const tenant_items[] = {"shared", "own", NULL};
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};

#define SECOND    INT64_C(1000)
#define HOUR      (3600 * SECOND)
#define DAY       (24 * HOUR)
#define MIB       (INT64_C(1) << 20)
#define AT(field) offsetof(struct config, field)

#define PARTITIONS_ON_CLUSTER 64

/* clang-format off */
const struct arg_spec config_specs[] = {
    {"listen", ARG_STRING, AT(listen), .default_text = "127.0.0.1:8080", .metavar = "ADDR:PORT",
     .help = "Address to serve HTTP on; port 0 takes a free one."},
    {"tls-cert", ARG_STRING, AT(https.cert), .metavar = "FILE",
     .help = "Serve HTTPS with this certificate, in PEM, and the chain behind it."},
    {"tls-key", ARG_STRING, AT(https.key), .metavar = "FILE",
     .help = "The private key of --tls-cert, in PEM, without a password; nobody but its user and group may read it."},
    {"tls-client-ca", ARG_STRING, AT(https.client_ca), .metavar = "FILE",
     .help = "Serve only clients that show a certificate of one of these CAs, in PEM."},
    {"workers", ARG_INT, AT(workers), 0, CONFIG_WORKERS_MAX, .default_text = "0", .metavar = "N",
     .help = "Worker processes; 0 means one per online CPU."},
    {"redis", ARG_STRING, AT(redis), .metavar = "URL", .secret = true,
     .help = "redis://[user:pass@]host:port[/db], unix:/path.sock, redis+sentinel://host:port,.../NAME[/db] or redis+cluster://host:port,..., with rediss for TLS; without it an own Redis is started."},
    {"ledger", ARG_STRING, AT(ledger), .metavar = "URL", .secret = true,
     .help = "SQL ledger: sqlite:PATH, postgresql://... or none. Without it sqlite:<data-dir>/ledger.db for an own Redis, else none."},
    PASSWORD_ROW("redis", AT(redis_password)),
    TLS_CA_ROW(AT(redis_tls.ca)),
    TLS_CERT_ROW(AT(redis_tls.cert)),
    TLS_KEY_ROW(AT(redis_tls.key)),
    PASSWORD_ROW("ledger", AT(ledger_password)),
    {"ledger-listen", ARG_STRING, AT(ledger_listen), .metavar = "ADDR:PORT",
     .help = "Of `stockd ledger`: serve /healthz, /readyz and /metrics there; port 0 takes a free one."},
    {"hooks-file", ARG_STRING, AT(hooks_file), .metavar = "FILE",
     .help = "Of `stockd hooks run`: which events go to which URLs, in JSON; only its owner may have any right to it. Read again on SIGHUP."},
    {"hooks-listen", ARG_STRING, AT(hooks_listen), .metavar = "ADDR:PORT",
     .help = "Of `stockd hooks run`: serve /healthz, /readyz and /metrics there; port 0 takes a free one."},
    {"hooks-allow", ARG_STRING, AT(hooks_allow), .metavar = "NETS",
     .help = "Of `stockd hooks run`: addresses or networks, separated by commas, that hooks may be sent to although they are not of the public internet."},
    {"hooks-ca", ARG_STRING, AT(hooks_ca), .metavar = "FILE",
     .help = "Of `stockd hooks run`: trust servers with a certificate of these CAs, in PEM, and no others."},
    {"ledger-apply", ARG_BOOL, AT(ledger_apply), .default_text = "yes",
     .help = "Bring events into the ledger; --no-ledger-apply where `stockd ledger` does it."},
    {"auto-restore", ARG_BOOL, AT(auto_restore),
     .help = "When Redis was emptied or came back with less than the ledger has, build it anew from the ledger, as `stockd restore` does."},
    {"ledger-max-lag", ARG_COUNT, AT(ledger_max_lag), 1, 1000 * 1000 * 1000, .default_text = "5m", .metavar = "N",
     .help = "Events that the ledger may be behind; past it new holds, sales and transfers are answered 503 overloaded."},
    {"data-dir", ARG_STRING, AT(data_dir), .default_text = "./stockd-data", .metavar = "DIR",
     .help = "Where the embedded Redis and its ledger keep their data."},
    {"partitions", ARG_INT, AT(partitions), 0, PARTITIONS_MAX, .default_text = "0", .metavar = "N",
     .help = "Partitions of the store; fixed when it is first made. 0 means 1, 64 on a Redis Cluster."},
    {"batch-max", ARG_INT, AT(batch_max), 1, 4096, .default_text = "256", .metavar = "N",
     .help = "Operations that one transaction decides at the most; 1 is one transaction a request."},
    {"lanes", ARG_INT, AT(lanes), 0, 64, .default_text = "0", .metavar = "N",
     .help = "Redis connections per worker and partition; 0 means 1, 4 where answers wait for replicas or the ledger, 8 with --batch-max 1. Of several partitions each is opened when it is first needed."},
    {"turns", ARG_ENUM, AT(turns), .choices = whens, .default_text = "auto",
     .help = "Transactions that contend queue for their turn in Redis. auto: once some were lost to others; off with --batch-max 1."},
    {"relay", ARG_ENUM, AT(relaying), .choices = whens, .default_text = "auto",
     .help = "Workers hand operations of a partition to one of them, which commits for all. auto: while they contend for it; off with --batch-max 1."},
    {"queue-max", ARG_COUNT, AT(queue_max), 1, 1000000, .default_text = "10k", .metavar = "N",
     .help = "Operations that may wait per worker and partition; more are answered 503 overloaded."},
    {"tries-max", ARG_INT, AT(tries_max), 1, 100000, .default_text = "200", .metavar = "N",
     .help = "Transactions that one operation may lose to others before 503 contention."},
    {"connections-max", ARG_COUNT, AT(connections_max), 16, 1000000, .default_text = "20k", .metavar = "N",
     .help = "HTTP connections per worker."},
    {"request-timeout", ARG_DURATION_MS, AT(request_timeout_ms), 100, 60 * SECOND, .default_text = "5s",
     .help = "A request takes effect within this time or not at all."},
    {"read-timeout", ARG_DURATION_MS, AT(read_timeout_ms), 100, 600 * SECOND, .default_text = "30s",
     .help = "Time for a request to arrive whole."},
    {"write-timeout", ARG_DURATION_MS, AT(write_timeout_ms), 100, 600 * SECOND, .default_text = "30s",
     .help = "Time for a client to take an answer; past it the connection is cut."},
    {"memory-max", ARG_SIZE, AT(memory_max_bytes), MIB, 1024 * 1024 * MIB, .default_text = "256m",
     .help = "Memory for the bodies and answers under way in a worker; past it 503 overloaded."},
    {"allowed-hosts", ARG_STRING, AT(allowed_hosts), .metavar = "NAMES",
     .help = "Names, separated by commas, that requests to a loopback address may carry in Host besides those of this machine."},
    {"startup-timeout", ARG_DURATION_MS, AT(startup_timeout_ms), 0, 24 * HOUR, .default_text = "30s",
     .help = "Time for Redis to become usable at start; past it the service ends with status 1. 0: it waits for ever."},
    {"drain-delay", ARG_DURATION_MS, AT(drain_delay_ms), 0, 600 * SECOND, .default_text = "0",
     .help = "Time after SIGTERM in which requests are still taken, while /readyz is 503, for a load balancer to look elsewhere."},
    {"drain", ARG_DURATION_MS, AT(drain_ms), 100, 600 * SECOND, .default_text = "10s",
     .help = "Time for requests in flight after SIGTERM."},
    {"operation-retention", ARG_DURATION_MS, AT(operation_retention_ms), SECOND, 365 * DAY, .default_text = "24h",
     .help = "How long the result of an Idempotency-Key is kept."},
    {"reservation-retention", ARG_DURATION_MS, AT(reservation_retention_ms), SECOND, 365 * DAY, .default_text = "24h",
     .help = "How long a finished reservation stays readable; at least --operation-retention."},
    {"event-retention", ARG_DURATION_MS, AT(event_retention_ms), SECOND, 365 * DAY, .default_text = "1h",
     .help = "How long events stay in the stream when no ledger takes them."},
    {"max-hold", ARG_DURATION_MS, AT(max_hold_ms), SECOND, 365 * DAY, .default_text = "7d",
     .help = "The longest life of a hold, extensions included."},
    {"durability", ARG_ENUM, AT(durability), .choices = durabilities, .default_text = "unset",
     .help = "What an answer promises to survive; Redis must be set up for it. unset: what Redis gives; an own Redis syncs every "
             "transaction, as at always. everysec: a Redis that is killed while its disk is busy loses up to 2 s."},
    {"replicas", ARG_INT, AT(replicas), 1, 16, .default_text = "1", .metavar = "N",
     .help = "With --durability replicated: copies that an answer waits for, one for each replica that may be promoted."},
    {"log-format", ARG_ENUM, AT(log_format), .choices = formats, .default_text = "logfmt",
     .help = "Format of the log on standard error."},
    {"log-level", ARG_ENUM, AT(log_level), .choices = levels, .default_text = "info",
     .help = "What is logged."},
    {"log-level-file", ARG_STRING, AT(log_level_file), .metavar = "FILE",
     .help = "File with a level that wins over --log-level; read at start and on SIGHUP."},
    {"keys-file", ARG_STRING, AT(keys_file), .metavar = "FILE",
     .help = "API keys, as `stockd keys` makes them: each request needs one then, whose role allows it. Read again when it has changed."},
    {"tenant-items", ARG_ENUM, AT(tenant_items), .choices = tenant_items, .default_text = "shared",
     .help = "Items of a tenant of --keys-file: those of the store, as all have them, or its own. The same on all services of a store, for good."},
    {"failed-logins", ARG_COUNT, AT(failed_logins), 0, 1000000, .default_text = "600", .metavar = "N",
     .help = "Requests a minute with an API key that is no good that each address is answered 401; more are 429. 0: any number."},
    {"quota-share", ARG_NUMBER, AT(quota_share), .number_min = 0.001, .number_max = 1, .default_text = "1", .metavar = "PART",
     .help = "This host's part of each API key's quota, as 0.25 or 25% of four that share the load."},
    {"trusted-proxies", ARG_STRING, AT(trusted_proxies), .metavar = "NETS",
     .help = "Addresses or networks, separated by commas, of proxies that are believed when they say who asked them, in --forwarded-header or by --proxy-protocol."},
    {"forwarded-header", ARG_ENUM, AT(forwarded_header), .choices = forwarded, .default_text = "x-forwarded-for",
     .help = "The header field in which --trusted-proxies say it; the other one is not looked at."},
    {"proxy-protocol", ARG_BOOL, AT(proxy_protocol),
     .help = "Connections of --trusted-proxies begin with a header of the PROXY protocol, version 2, and all others must not."},
    {"access-log", ARG_STRING, AT(access_log), .metavar = "FILE",
     .help = "File to append a line of JSON to for every operation that changes something, or -: standard output. Opened anew on SIGHUP."},
    {"trace-events", ARG_BOOL, AT(trace_events),
     .help = "Put the traceparent of a request into the events that it makes: in Redis, the ledger, movements and /v1/events. All services of the store are to know this option, and the ledger process first."},
    {"slow-request", ARG_DURATION_MS, AT(slow_request_ms), 0, 600 * SECOND, .default_text = "1s",
     .help = "Log requests that take as long, from their head to the last byte of the answer, with where the time went; at most one a second and worker. 0: none."},
    {"user", ARG_STRING, AT(user), .metavar = "NAME",
     .help = "Started as root: the user to become once the port is bound."},
    {"seccomp", ARG_BOOL, AT(seccomp), .default_text = "yes",
     .help = "Keep each process to the system calls that it needs; --no-seccomp to look for what is refused."},
    {"core-dumps", ARG_BOOL, AT(core_dumps),
     .help = "Let the processes leave core dumps, which have passwords in them."},
    {"insecure", ARG_BOOL, AT(insecure),
     .help = "Allow to listen on other than loopback addresses although clients need neither keys nor certificates."},
    {0},
};
/* clang-format on */
#define SPECS (sizeof(config_specs) / sizeof(config_specs[0]) - 1)

bool config_has_ledger(const struct config *config)
{
    return strcmp(config->ledger, LEDGER_NONE) != 0;
}

bool config_is_public(const struct config *config)
{
    return config->insecure || config->https.client_ca || config->keys_file;
}

/* An embedded Redis has its ledger beside it, unless told otherwise. */
static bool choose_ledger(struct config *config, char *err, size_t err_size)
{
    static const char *const kinds[] = {"sqlite:", "postgresql://", "postgres://"};
    if (!config->ledger) {
        config->ledger_is_own = !config->redis;
        int n = config->redis ? asprintf(&config->ledger, LEDGER_NONE)
                              : asprintf(&config->ledger, "sqlite:%s/ledger.db", config->data_dir);
        if (n < 0)
            config->ledger = NULL;
        return n >= 0 || fail_with(err, err_size, "no memory");
    }
    bool known = !config_has_ledger(config);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        known = known || strncmp(config->ledger, kinds[i], strlen(kinds[i])) == 0;
    return known ||
           fail_with(err, err_size, "--ledger: give sqlite:PATH, postgresql://... or none");
}

/* One batch gathers while one flies. More where a lane waits for something else than Redis, or
 * where each request is a batch. */
static int64_t default_lanes(const struct config *config)
{
    if (config->batch_max == 1)
        return 8;
    return config->durability >= DURABILITY_REPLICATED ? 4 : 1;
}

/* Without a URL it is the embedded Redis, which has no TLS. */
bool config_check_redis(const char *url, const struct tls_files *files, char *err, size_t err_size)
{
    struct address redis = {.tls = false};
    char why[TLS_WHY_SIZE];
    if (url && !address_parse(url, &redis, why, sizeof(why)))
        return fail_with(err, err_size, "--redis: %s", why);
    return tls_load_for(&redis, files, why) || fail_with(err, err_size, "%s", why);
}

/* A cluster has them to spread over its nodes, and over those that it gets later. */
static int64_t default_partitions(const struct config *config)
{
    struct address redis;
    char err[CONFIG_ERR_SIZE];
    bool cluster = config->redis && address_parse(config->redis, &redis, err, sizeof(err)) &&
                   redis.kind == ADDRESS_CLUSTER;
    return cluster ? PARTITIONS_ON_CLUSTER : 1;
}

static void wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
}

static bool read_proxies(struct config *config, char *err, size_t err_size)
{
    char why[CONFIG_ERR_SIZE / 2];
    config->proxies.field = (enum proxies_field)config->forwarded_header;
    if (!proxies_parse(&config->proxies, config->trusted_proxies, why, sizeof(why)))
        return fail_with(err, err_size, "--trusted-proxies: %s", why);
    return !config->proxy_protocol || config->proxies.count > 0 ||
           fail_with(err, err_size,
                     "--proxy-protocol is for --trusted-proxies: say which addresses they have");
}

bool config_complete(struct config *config, char *err, size_t err_size)
{
    char why[TLS_WHY_SIZE];
    if (!choose_ledger(config, err, err_size) ||
        !url_take_password(&config->redis, config->redis_password, "redis", err, err_size) ||
        !url_take_password(&config->ledger, config->ledger_password, "ledger", err, err_size))
        return false;
    wipe(config->redis_password); /* the addresses have them */
    wipe(config->ledger_password);
    if (!config_check_redis(config->redis, &config->redis_tls, err, err_size))
        return false;
    if (!https_load(&config->https, why))
        return fail_with(err, err_size, "%s", why);
    if (!read_proxies(config, err, err_size))
        return false;
    if (config->durability == DURABILITY_LEDGER && !config_has_ledger(config))
        return fail_with(err, err_size, "--durability ledger needs a ledger: give --ledger");
    if (config->durability == DURABILITY_REPLICATED && !config->redis)
        return fail_with(err, err_size,
                         "--durability replicated needs a Redis with replicas: give --redis");
    if (config->reservation_retention_ms < config->operation_retention_ms)
        config->reservation_retention_ms = config->operation_retention_ms;
    if (config->workers == 0)
        config->workers = sysconf(_SC_NPROCESSORS_ONLN);
    if (config->workers > CONFIG_WORKERS_MAX)
        config->workers = CONFIG_WORKERS_MAX;
    if (config->batch_max == 1 && config->turns == TURNS_AUTO)
        config->turns = TURNS_OFF; /* one transaction a request: contention is what is asked for */
    if (config->batch_max == 1 && config->relaying == RELAYING_AUTO)
        config->relaying = RELAYING_OFF;
    if (config->lanes == 0)
        config->lanes = default_lanes(config);
    if (config->partitions == 0)
        config->partitions = default_partitions(config);
    return true;
}

void config_log(const struct config *config)
{
    struct buf text;
    buf_init(&text, 8192);
    args_describe(config_specs, SPECS, config, &text);
    log_event(LOG_INFO, "configuration", LOG_TEXT("values", buf_str(&text)));
    buf_free(&text);
}

/* The level in --log-level-file, or the one of --log-level. */
static enum log_level log_level_of(const struct config *config)
{
    enum log_level level = (enum log_level)config->log_level;
    char text[16] = "";
    FILE *file = config->log_level_file ? fopen(config->log_level_file, "re") : NULL;
    if (!file)
        return level;
    if (fgets(text, sizeof(text), file))
        text[strcspn(text, " \t\r\n")] = '\0';
    fclose(file);
    enum log_level read;
    if (log_level_parse(text, &read))
        return read;
    log_event(LOG_WARN, "no log level in file", LOG_STR("file", config->log_level_file),
              LOG_STR("right", "error, warn, info or debug"));
    return level;
}

void config_log_begin(const struct config *config)
{
    log_configure((enum log_format)config->log_format, log_level_of(config));
}

void config_read_again(const struct config *config)
{
    char why[TLS_WHY_SIZE];
    config_log_begin(config);
    if (!tls_reload(why))
        log_event(LOG_ERROR, "TLS to Redis goes on with the files of before", LOG_STR("why", why));
    if (!https_reload(why))
        log_event(LOG_ERROR, "HTTPS goes on with the certificate of before", LOG_STR("why", why));
    if (https_is_on())
        stats_set(STATS_TLS_EXPIRES_MS, https_expires_ms());
}

struct store_config config_store(const struct config *config, const char *redis_url)
{
    return (struct store_config){
        .redis_url = redis_url,
        .partitions = (unsigned)config->partitions,
        .batch_max = (unsigned)config->batch_max,
        .lanes = (unsigned)config->lanes,
        .queue_max = (unsigned)config->queue_max,
        .turns = (enum store_turns)config->turns,
        .relaying = (enum store_relaying)config->relaying,
        .tries_max = (unsigned)config->tries_max,
        .request_timeout_ms = config->request_timeout_ms,
        .operation_retention_ms = config->operation_retention_ms,
        .reservation_retention_ms = config->reservation_retention_ms,
        .max_hold_ms = config->max_hold_ms,
        .event_retention_ms = config->event_retention_ms,
        .ledger_max_lag = config->ledger_max_lag,
        .ledger = config_has_ledger(config),
        .durability = (enum store_durability)config->durability,
        .replicas = (unsigned)config->replicas,
    };
}
