/* admin.c -- its life and its connection. admin_link.c asks, admin_check.c checks Redis,
 * admin_epoch.c opens, admin_trim.c finds and drops. */
#include "store/admin/admin.h"
#include "clock.h"
#include "random.h"
#include "stats.h"
#include "store/admin/admin_link.h"
#include "store/redis/resp.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define TIMEOUT_MS       1000
#define OUT_MAX_BYTES    (1u << 20)
#define LOOK_MS          500 /* from one look of the keeper at meta to the next */
#define LOOK_SOON_MS     50  /* the same while what is wrong may pass */
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

/* --- looking at all of it --------------------------------------------------------------------- */

bool admin_passes(enum admin_result result)
{
    return result == ADMIN_DOWN || result == ADMIN_LOADING || result == ADMIN_MISSING ||
           result == ADMIN_RESTARTED;
}

bool admin_is_open(const struct admin *admin, unsigned partition)
{
    return admin->context && admin->open[partition];
}

unsigned admin_open_count(const struct admin *admin)
{
    return admin->context ? admin->open_count : 0;
}

/* It says something of this partition, and nothing of the others. */
static bool is_of_partition(enum admin_result result)
{
    return result == ADMIN_LOST || result == ADMIN_CLOSED || result == ADMIN_MISSING ||
           result == ADMIN_RESTARTED;
}

/* The first result that is not ADMIN_OK, or the one after which no partition can be looked at. */
static enum admin_result look_at_all(struct admin *admin)
{
    unsigned may = admin->config->ledger ? ADMIN_LOOK : ADMIN_CREATE | ADMIN_RENEW;
    enum admin_result first = ADMIN_OK;
    const char *why;
    for (unsigned p = 0; p < admin->config->partitions; p++) {
        enum admin_result result = admin_open_partition(admin, p, may, &why);
        bool over = result != ADMIN_OK && !is_of_partition(result);
        if (over || (result != ADMIN_OK && first == ADMIN_OK)) {
            first = result;
            snprintf(admin->looked_why, sizeof(admin->looked_why), "%s", why);
        }
        if (over)
            break;
        admin->open[p] = result == ADMIN_OK;
        admin->open_count += admin->open[p];
    }
    return first;
}

static enum admin_result look_anew(struct admin *admin)
{
    const char *why;
    enum admin_result result = admin_connect(admin, &why);
    admin->open_count = 0;
    if (result == ADMIN_OK)
        return look_at_all(admin);
    snprintf(admin->looked_why, sizeof(admin->looked_why), "%s", why);
    return result;
}

/* Anybody may close a partition, and a restore may give the store another id: whoever leaves the
 * ledger to another host has nobody but the keeper to notice. A Redis that is not as it should be
 * is looked at on a new connection: its address may lead elsewhere by now. */
enum admin_result admin_open(struct admin *admin, const char **why)
{
    int64_t wait_ms = admin->config->partitions * LOOK_PER_PART_MS;
    *why = admin->looked_why;
    if (admin->context && clock_mono_ms() < admin->look_ms)
        return admin->looked;
    if (admin->looked != ADMIN_OK)
        admin_hang_up(admin);
    admin->looked = look_anew(admin);
    if (admin_open_count(admin) == 0)
        admin_hang_up(admin);
    else
        stats_set(STATS_EPOCH, admin->shared->epoch);
    wait_ms += admin_passes(admin->looked) ? LOOK_SOON_MS : LOOK_MS;
    admin->look_ms = clock_mono_ms() + wait_ms;
    return admin->looked;
}
