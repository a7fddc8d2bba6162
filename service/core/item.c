#include "core/item.h"
#include "core/limits.h"
#include "digits.h"

#include <assert.h>

#define FORMAT 1
#define FIELDS 9

void item_check(const struct item *item)
{
    assert(item->available >= 0);
    assert(item->held >= 0);
    assert(item->sold >= 0);
    assert(item->version >= 0);
    assert(item->max_per_customer >= 0);
    assert(item->exists || (item->available == 0 && item->held == 0));
    assert((item->held > 0) == (item->due_ms > 0));
}

static size_t put_number(char *out, int64_t value, char after)
{
    assert(value >= 0);
    size_t n = digits_put(out, (uint64_t)value);
    out[n++] = after;
    return n;
}

size_t item_encode(const struct item *item, char out[ITEM_TEXT_SIZE])
{
    item_check(item);
    size_t n = put_number(out, FORMAT, ' ');
    n += put_number(out + n, item->available, ' ');
    n += put_number(out + n, item->held, ' ');
    n += put_number(out + n, item->sold, ' ');
    n += put_number(out + n, item->version, ' ');
    n += put_number(out + n, item->max_per_customer, ' ');
    n += put_number(out + n, item->updated_ms, ' ');
    n += put_number(out + n, item->due_ms, ' ');
    n += put_number(out + n, (item->exists ? 1 : 0) | (item->due_exact ? 2 : 0), '\0');
    return n - 1;
}

static bool take_decimal(struct str *text, int64_t *value)
{
    size_t i = 0;
    int64_t v = 0;
    for (; i < text->n && digits_is(text->p[i]); i++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, text->p[i] - '0', &v))
            return false;
    if (i == 0 || (i < text->n && text->p[i] != ' '))
        return false;
    text->p += i + (i < text->n);
    text->n -= i + (i < text->n);
    *value = v;
    return true;
}

bool item_valid(const struct item *item)
{
    return counter_valid(item->available) && counter_valid(item->held) &&
           counter_valid(item_on_hand(item)) && counter_valid(item->sold) &&
           counter_valid(item->version) && counter_valid(item->max_per_customer);
}

bool item_decode(struct str text, struct item *item)
{
    const struct str whole = text;
    int64_t f[FIELDS];
    for (size_t i = 0; i < FIELDS; i++)
        if (!take_decimal(&text, &f[i]))
            return false;
    if (text.n != 0 || f[0] != FORMAT || f[8] > 3)
        return false;
    *item = (struct item){.exists = f[8] & 1,
                          .available = f[1],
                          .held = f[2],
                          .sold = f[3],
                          .version = f[4],
                          .max_per_customer = f[5],
                          .updated_ms = f[6],
                          .due_ms = f[7],
                          .due_exact = f[8] & 2};
    if (!item_valid(item) || item->updated_ms > UNITS_MAX || item->due_ms > UNITS_MAX)
        return false;
    if ((!item->exists && (item->available > 0 || item->held > 0)) ||
        (item->held > 0) != (item->due_ms > 0))
        return false;
    /* One item, one text: no leading zeros, no blank at the end. */
    char again[ITEM_TEXT_SIZE];
    return item_encode(item, again) == whole.n && memcmp(again, whole.p, whole.n) == 0;
}

bool sku_valid(struct str sku)
{
    if (sku.n < 1 || sku.n > SKU_MAX_BYTES)
        return false;
    for (size_t i = 0; i < sku.n; i++) {
        char c = sku.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == ':' || c == '-';
        if (!ok)
            return false;
    }
    return true;
}
