/* json_same.c -- value by value, down to the same texts. */
#include "client/json_same.h"
#include "client/json_scan.h"
#include "digits.h"

#include <stdlib.h>

#define NUMBER_MAX 64 /* bytes of a number whose value is looked at */

/* --- texts ------------------------------------------------------------------------------------ */

static uint32_t take_hex(struct str *rest)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 4 | (uint32_t)digits_hex(*rest->p++);
    rest->n -= 4;
    return value;
}

/* Behind a backslash; the text is what json_scan_text gave, so it is whole. */
static uint32_t take_escape(struct str *rest)
{
    static const char names[] = "bfnrt", bytes[] = "\b\f\n\r\t";
    char name = *rest->p++;
    rest->n--;
    const char *at = strchr(names, name);
    if (name != 'u')
        return (unsigned char)(at ? bytes[at - names] : name);
    uint32_t high = take_hex(rest);
    bool pair = high >= 0xd800 && high < 0xdc00 && rest->n >= 6 && memcmp(rest->p, "\\u", 2) == 0;
    if (!pair)
        return high;
    struct str low_text = {rest->p + 2, rest->n - 2};
    uint32_t low = take_hex(&low_text);
    if (low < 0xdc00 || low > 0xdfff)
        return high;
    *rest = low_text;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* The next character of a text that is not at its end. */
static uint32_t take_character(struct str *rest)
{
    unsigned char lead = (unsigned char)*rest->p++;
    rest->n--;
    if (lead == '\\')
        return take_escape(rest);
    unsigned more = lead < 0xc0 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    uint32_t character = more ? lead & (0x3fu >> more) : lead;
    for (; more > 0 && rest->n > 0; more--, rest->n--)
        character = character << 6 | ((unsigned char)*rest->p++ & 0x3fu);
    return character;
}

static bool same_text(struct str a, struct str b)
{
    while (a.n > 0 && b.n > 0)
        if (take_character(&a) != take_character(&b))
            return false;
    return a.n == b.n;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool same_number(struct str a, struct str b)
{
    char texts[2][NUMBER_MAX + 1] = {""};
    if (a.n > NUMBER_MAX || b.n > NUMBER_MAX)
        return str_equal(a, b);
    memcpy(texts[0], a.p, a.n);
    memcpy(texts[1], b.p, b.n);
    return strtod(texts[0], NULL) == strtod(texts[1], NULL);
}

static bool same_array(struct str a, struct str b)
{
    struct json_scan s = json_scan_of(a), other = json_scan_of(b);
    struct str mine, theirs;
    if (!json_scan_enter(&s, '[') || !json_scan_enter(&other, '['))
        return false;
    for (bool first = true;; first = false) {
        enum json_step step = json_scan_element(&s, first);
        if (step != json_scan_element(&other, first))
            return false;
        if (step != JSON_ITEM)
            return step == JSON_END;
        if (!json_scan_skip(&s, &mine) || !json_scan_skip(&other, &theirs) ||
            !json_same(mine, theirs))
            return false;
    }
}

/* How many members an object has; the value of the one of that name, absent when it has none. */
static size_t seek_member(struct str object, struct str name, struct str *value)
{
    struct json_scan s = json_scan_of(object);
    struct str found, raw;
    size_t members = 0;
    *value = (struct str){NULL, 0};
    if (!json_scan_enter(&s, '{'))
        return 0;
    for (; json_scan_member(&s, members == 0, &found) == JSON_ITEM; members++) {
        if (!json_scan_skip(&s, &raw))
            break;
        if (same_text(found, name))
            *value = raw;
    }
    return members;
}

static bool same_object(struct str a, struct str b)
{
    struct json_scan s = json_scan_of(a);
    struct str name, mine, theirs;
    size_t members = 0, of_other = seek_member(b, STR(""), &theirs);
    if (!json_scan_enter(&s, '{'))
        return false;
    for (; json_scan_member(&s, members == 0, &name) == JSON_ITEM; members++) {
        (void)seek_member(b, name, &theirs);
        if (!json_scan_skip(&s, &mine) || str_absent(theirs) || !json_same(mine, theirs))
            return false;
    }
    return members == of_other;
}

static bool is_number(char begins)
{
    return begins == '-' || digits_is(begins);
}

/* Recursion ends where that of json_scan_skip did. */
bool json_same(struct str a, struct str b)
{
    if (str_equal(a, b))
        return true;
    if (a.n == 0 || b.n == 0)
        return false;
    if (is_number(*a.p) && is_number(*b.p))
        return same_number(a, b);
    if (*a.p != *b.p)
        return false;
    switch (*a.p) {
    case '{': return same_object(a, b);
    case '[': return same_array(a, b);
    case '"': return same_text((struct str){a.p + 1, a.n - 2}, (struct str){b.p + 1, b.n - 2});
    default: return false; /* another word */
    }
}
