/* load.c -- names of keys and items, and the clock. */
#include "client/load.h"
#include "digits.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t load_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

size_t load_key(char key[LOAD_KEY_MAX], const struct history_facts *facts, uint32_t client,
                uint32_t seq)
{
    size_t n = strlen(facts->run); /* at most 15: the header is checked when it is read */
    memcpy(key, facts->run, n);
    key[n++] = '-';
    n += digits_put(key + n, client);
    key[n++] = '-';
    n += digits_put(key + n, seq);
    return n;
}

size_t load_customer(char name[LOAD_KEY_MAX], const struct history_facts *facts, uint32_t client)
{
    name[0] = 'c';
    return 1 + digits_put(name + 1, history_customer(facts, client));
}

/* Values of every type, nested, and a text with what JSON has to escape. */
size_t load_metadata(char json[LOAD_METADATA_MAX], const struct history_facts *facts,
                     uint32_t client, uint32_t seq)
{
    int n = snprintf(json, LOAD_METADATA_MAX,
                     "{\"order\":{\"no\":%" PRIu32 ",\"of\":[%" PRIu32 ",\"%s\"],\"gift\":%s},"
                     "\"note\":\"f\\u00fcr \\\"%" PRIu32 "\\\"\",\"coupon\":null}",
                     seq, client, facts->run, seq % 3 == 0 ? "true" : "false", seq);
    assert(n > 0 && n < LOAD_METADATA_MAX);
    return (size_t)n;
}

int64_t load_item_of(const struct history_facts *facts, struct str sku)
{
    size_t prefix = strlen(facts->prefix);
    if (sku.n <= prefix || sku.n > prefix + 9 || memcmp(sku.p, facts->prefix, prefix) != 0)
        return -1;
    return digits_read(sku.p + prefix, sku.n - prefix, (int64_t)facts->items - 1);
}
