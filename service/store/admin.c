/* admin.c -- its life and its connection. admin_link.c asks, admin_check.c checks Redis,
 * admin_epoch.c opens, admin_trim.c finds and drops. */
#include "store/admin.h"
#include "random.h"
#include "stats.h"
#include "store/admin_link.h"
#include "store/resp.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define TIMEOUT_MS       1000
#define OUT_MAX_BYTES    (1u << 20)
#define LOOK_MS          500 /* from one look of the keeper at meta to the next */
#define LOOK_PER_PART_MS 10

struct admin *admin_new(const struct store_config *config, struct store_shared *shared, char *err,
                        size_t err_size)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    if (!admin) {
        snprintf(err, err_size, "out of memory");
        return NULL;
    }
    admin->config = config;
    admin->shared = shared;
    buf_init(&admin->out, OUT_MAX_BYTES);
    if (address_parse(config->redis_url, &admin->address, err, err_size))
        return admin;
    free(admin);
    return NULL;
}

void admin_free(struct admin *admin)
{
    admin_hang_up(admin);
    buf_free(&admin->out);
    free(admin);
}

const char *admin_why(const struct admin *admin)
{
    return admin->why;
}

/* --- connecting ------------------------------------------------------------------------------- */

static bool dial(struct admin *admin)
{
    const struct address *a = &admin->address;
    struct timeval timeout = {.tv_sec = TIMEOUT_MS / 1000, .tv_usec = TIMEOUT_MS % 1000 * 1000};
    admin->context = a->is_unix ? redisConnectUnixWithTimeout(a->host, timeout)
                                : redisConnectWithTimeout(a->host, a->port, timeout);
    if (!admin->context || admin->context->err ||
        redisSetTimeout(admin->context, timeout) != REDIS_OK) {
        snprintf(admin->why, sizeof(admin->why), "%s",
                 admin->context ? admin->context->errstr : "out of memory");
        admin_hang_up(admin);
        return false;
    }
    char db[16];
    snprintf(db, sizeof(db), "%d", a->db);
    if (a->password[0] && a->user[0])
        resp_words(&admin->out, 3, "AUTH", a->user, a->password);
    else if (a->password[0])
        resp_words(&admin->out, 2, "AUTH", a->password);
    if (a->password[0] && !admin_done(admin, ANSWER_OK))
        return false;
    resp_words(&admin->out, 2, "SELECT", db);
    return a->db == 0 ? (buf_reset(&admin->out), true) : admin_done(admin, ANSWER_OK);
}

static enum admin_result connect_anew(struct admin *admin)
{
    admin->opened = false;
    buf_reset(&admin->out);
    if (!dial(admin))
        return ADMIN_DOWN;
    random_bytes(&admin->new_store_id, sizeof(admin->new_store_id));
    admin->new_store_id |= 1; /* never 0 */
    return admin_check_redis(admin);
}

enum admin_result admin_connect(struct admin *admin, const char **why)
{
    *why = admin->why;
    if (admin->context)
        return ADMIN_OK;
    enum admin_result result = connect_anew(admin);
    if (result != ADMIN_OK)
        admin_hang_up(admin);
    if (result != ADMIN_LOADING)
        admin->shared->loading = false;
    return result;
}

/* With a ledger a restore may give the store another id at any time, and whoever leaves the ledger
 * to another host has nobody but the keeper to notice. */
static bool look_is_due(const struct admin *admin)
{
    return admin->config->ledger && admin->now_ms >= admin->look_ms;
}

enum admin_result admin_open(struct admin *admin, const char **why)
{
    unsigned partitions = admin->config->partitions;
    *why = admin->why;
    if (admin->context && admin->opened && !look_is_due(admin))
        return ADMIN_OK;
    if (!admin->opened)
        admin_hang_up(admin);
    unsigned may = admin->config->ledger ? ADMIN_LOOK : ADMIN_CREATE | ADMIN_RENEW;
    enum admin_result result = admin_connect(admin, why);
    for (unsigned p = 0; p < partitions && result == ADMIN_OK; p++)
        result = admin_open_partition(admin, p, may, why);
    admin->opened = result == ADMIN_OK;
    admin->look_ms = admin->now_ms + LOOK_MS + partitions * LOOK_PER_PART_MS;
    if (admin->opened)
        stats_set(STATS_EPOCH, admin->epoch);
    else
        admin_hang_up(admin);
    return result;
}
