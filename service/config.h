/* config.h -- the options of `stockd serve`, from flags and environment.
 *
 * One struct, filled once by main before anything is forked; everybody else reads it.
 */
#pragma once

#include "args/args.h"
#include "http/conn/https_files.h"
#include "http/conn/proxies.h"
#include "log.h"
#include "store/redis/tls_files.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define EXIT_USAGE         64
#define CONFIG_ERR_SIZE    ARGS_ERR_SIZE
#define CONFIG_WORKERS_MAX 256

/* The row of an option with a password that is kept apart from its address: url_take_password(). */
#define PASSWORD_ROW(of, at)                                                                       \
    {                                                                                              \
        of "-password", ARG_STRING, at,                                                            \
            .metavar = "TEXT", .secret = true,                                                     \
            .help = "Password for the user in --" of ", as it is: nothing in it is escaped. Keep " \
                    "it in a file."                                                                \
    }

/* Whose the items are that a tenant names. */
enum tenant_items { TENANT_ITEMS_SHARED, TENANT_ITEMS_OWN };

struct config {
    char *listen;
    int64_t workers; /* 0: online CPUs */
    char *redis;     /* NULL: embedded; with its password */
    char *ledger;    /* LEDGER_NONE or an address with its password; never NULL */
    char *redis_password, *ledger_password; /* NULL: none that is kept apart */
    struct tls_files redis_tls;
    struct https_files https;
    bool ledger_is_own;  /* the default of the embedded Redis: migrated at start */
    char *ledger_listen; /* NULL: nowhere */
    bool ledger_apply, auto_restore;
    char *hooks_file;   /* NULL: none */
    char *hooks_listen; /* NULL: nowhere */
    char *hooks_allow;  /* NULL: no other network than the internet */
    char *hooks_ca;     /* NULL: those of the system */
    char *data_dir;
    int64_t partitions, batch_max, lanes, queue_max, tries_max, connections_max;
    int64_t startup_timeout_ms; /* 0: none */
    int64_t request_timeout_ms, read_timeout_ms, write_timeout_ms, drain_delay_ms, drain_ms;
    int64_t memory_max_bytes;
    char *allowed_hosts; /* NULL: none but this machine's names */
    int64_t operation_retention_ms, reservation_retention_ms, event_retention_ms, max_hold_ms;
    int64_t ledger_max_lag;
    int durability; /* enum store_durability */
    int turns;      /* enum store_turns */
    int relaying;   /* enum store_relaying */
    int64_t replicas;
    int log_format; /* enum log_format */
    int log_level;  /* enum log_level */
    char *log_level_file;
    char *keys_file;       /* NULL: everybody may everything */
    int tenant_items;      /* enum tenant_items */
    int64_t failed_logins; /* a minute and address; 0: any number */
    double quota_share;    /* of each quota, that this host gives */
    char *trusted_proxies; /* NULL: none */
    int forwarded_header;  /* enum proxies_field */
    bool proxy_protocol;
    struct proxies proxies; /* those, as config_complete() has read them */
    char *access_log;       /* NULL: none is kept */
    bool trace_events;
    int64_t slow_request_ms; /* 0: none is logged */
    char *user;              /* NULL: whoever started it */
    bool seccomp, core_dumps;
    bool insecure;
};

/* The rows of all fields, up to one without a name. */
extern const struct arg_spec config_specs[];

/* What no row can say: checks what does not go together, fills in what depends on the rest. False,
 * with err. */
bool config_complete(struct config *config, char *err, size_t err_size) MUST_CHECK;

/* Is this a URL of a Redis, and are the files that it needs for TLS as they should be? Reads them.
 * Messages as of options. */
bool config_check_redis(const char *url, const struct tls_files *files, char *err,
                        size_t err_size) MUST_CHECK;

/* There is a ledger. */
bool config_has_ledger(const struct config *config);

/* A port may be on other than loopback addresses: its user says so, or clients must show a
 * certificate or a key. */
bool config_is_public(const struct config *config);

/* Logs the values in force, without secrets. */
void config_log(const struct config *config);

/* Logs from now on as the options say, the level in --log-level-file before that of --log-level. */
void config_log_begin(const struct config *config);

/* What may change while a process runs is read again, on SIGHUP: that level, and the files for TLS,
 * to Redis and of our own, unless something is wrong with them. */
void config_read_again(const struct config *config);

/* The part that the store needs; strings stay the config's. redis_url: of the embedded Redis, or
 * config->redis. */
struct store_config config_store(const struct config *config, const char *redis_url);
