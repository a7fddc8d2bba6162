#include "core/access/quota.h"
#include "core/access/kept.h"
#include "digits.h"

#include <assert.h>
#include <math.h>

static const struct {
    const char *name;
    int64_t most;
} rows[QUOTA_LIMITS] = {
    [QUOTA_RPS] = {"rps", 1000000},
    [QUOTA_BURST] = {"burst", 1000000},
    [QUOTA_HOLDS] = {"holds", KEPT_MAX},
    [QUOTA_UNITS] = {"units", KEPT_MAX},
    [QUOTA_METADATA] = {"metadata", KEPT_MAX},
    [QUOTA_OPERATIONS] = {"operations", KEPT_MAX},
};
static_assert(KEPTS == QUOTA_LIMITS - QUOTA_HOLDS, "each of what is kept has a limit");

#define WHY_FORM                                                                                   \
    "the quota must be none, or limits with commas between them, as in rps=50,burst=100; there "   \
    "are rps, burst, holds, units, metadata and operations"
#define WHY_RATE "the quota must have a number from 1 to 1000000 behind rps= and burst="
#define WHY_KEPT                                                                                   \
    "the quota must have a number from 1 to 1000000000000 behind holds=, units=, metadata= and "   \
    "operations="
#define WHY_TWICE "the quota names a limit twice"
#define WHY_BURST "the quota has a burst without rps"

const char *quota_limit_name(enum quota_limit limit)
{
    assert(limit < QUOTA_LIMITS);
    return rows[limit].name;
}

/* QUOTA_LIMITS: there is none of that name. */
static int limit_of(struct str name)
{
    int limit = 0;
    while (limit < QUOTA_LIMITS && !str_equal(name, str_of(rows[limit].name)))
        limit++;
    return limit;
}

/* NULL: it is one. */
static const char *read_limit(struct quota *quota, struct str word)
{
    const char *equals = word.n ? memchr(word.p, '=', word.n) : NULL;
    if (!equals)
        return WHY_FORM;
    size_t name_n = (size_t)(equals - word.p);
    int limit = limit_of((struct str){word.p, name_n});
    if (limit == QUOTA_LIMITS)
        return WHY_FORM;
    if (quota->limits[limit])
        return WHY_TWICE;
    int64_t value = digits_read(equals + 1, word.n - name_n - 1, rows[limit].most);
    if (value < 1)
        return limit < QUOTA_HOLDS ? WHY_RATE : WHY_KEPT;
    quota->limits[limit] = value;
    return NULL;
}

bool quota_parse(struct quota *quota, struct str text, const char **why)
{
    *quota = (struct quota){0};
    *why = NULL;
    if (str_equal(text, STR(QUOTA_NONE)))
        return true;
    do {
        const char *comma = text.n ? memchr(text.p, ',', text.n) : NULL;
        size_t n = comma ? (size_t)(comma - text.p) : text.n;
        *why = read_limit(quota, (struct str){text.p, n});
        text = comma ? (struct str){comma + 1, text.n - n - 1} : (struct str){NULL, 0};
    } while (!*why && !str_absent(text));
    if (!*why && quota->limits[QUOTA_BURST] && !quota->limits[QUOTA_RPS])
        *why = WHY_BURST;
    return !*why;
}

void quota_write(const struct quota *quota, struct buf *out)
{
    bool any = false;
    for (int i = 0; i < QUOTA_LIMITS; i++)
        if (quota->limits[i]) {
            buf_printf(out, "%s%s=%lld", any ? "," : "", rows[i].name, (long long)quota->limits[i]);
            any = true;
        }
    if (!any)
        buf_puts(out, STR(QUOTA_NONE));
}

bool quota_keeps(const struct quota *quota)
{
    int64_t any = 0;
    for (int i = QUOTA_HOLDS; i < QUOTA_LIMITS; i++)
        any |= quota->limits[i];
    return any != 0;
}

struct bucket_limit quota_rate(const struct quota *quota, double share)
{
    int64_t rps = quota->limits[QUOTA_RPS], burst = quota->limits[QUOTA_BURST];
    assert(share > 0 && share <= 1);
    if (!rps)
        return (struct bucket_limit){0};
    double whole = (double)(burst ? burst : rps) * share;
    /* Never more than was allowed: the step is rounded up, and of the burst only what is whole
     * counts, but for the one without which nothing would ever go. */
    return (struct bucket_limit){.step_ns = (int64_t)ceil(1e9 / ((double)rps * share)),
                                 .burst = whole < 1 ? 1 : (int64_t)whole};
}
