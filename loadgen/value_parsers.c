/* value_parsers.c -- one comma at a time. */
#include "value_parsers.h"
#include "digits.h"
#include "fail.h"
#include "units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PART_MAX   64 /* bytes of what stands between two commas, with a NUL */
#define WEIGHT_MAX 1000000

static const char *const kinds[WORKS] = {
    [WORK_RESERVE] = "reserve", [WORK_DECREMENT] = "decrement",
    [WORK_CONFIRM] = "confirm", [WORK_RELEASE] = "release",
    [WORK_EXTEND] = "extend",   [WORK_GET] = "get",
    [WORK_ADJUST] = "adjust",   [WORK_PAST] = "past",
    [WORK_LOOKUP] = "lookup",   [WORK_REUSE] = "reuse",
    [WORK_SET] = "set",         [WORK_LIST] = "list",
    [WORK_BATCH] = "batch",     [WORK_RERESERVE] = "rereserve",
    [WORK_REMOVE] = "remove",   [WORK_TRANSFER] = "transfer",
};

/* Copies the part up to the next comma, or the end, and steps behind it. False when it is too long
 * to be anything. *text is NULL after the last part. */
static bool next_part(const char **text, char part[PART_MAX])
{
    size_t n = strcspn(*text, ",");
    if (n >= PART_MAX)
        return false;
    memcpy(part, *text, n);
    part[n] = '\0';
    *text = (*text)[n] == ',' ? *text + n + 1 : NULL;
    return true;
}

/* Splits "a:b" at the separator. */
static bool split_pair(char *part, char separator, char **second)
{
    char *at = strchr(part, separator);
    if (!at)
        return false;
    *at = '\0';
    *second = at + 1;
    return true;
}

bool form_range_parse(const char *text, int64_t most, struct form_range *range, char *err,
                      size_t err_size)
{
    char part[PART_MAX], ignored[UNITS_ERR_SIZE];
    char *second;
    struct form_range read;
    if (strlen(text) < sizeof(part)) {
        snprintf(part, sizeof(part), "%s", text);
        if (!split_pair(part, '-', &second))
            second = part;
        if (units_parse_int(part, 1, most, &read.min, ignored, sizeof(ignored)) &&
            units_parse_int(second, 1, most, &read.max, ignored, sizeof(ignored)) &&
            read.min <= read.max) {
            *range = read;
            return true;
        }
    }
    return fail_with(
        err, err_size,
        "is no range; give a number, or two as in 1-3, the smaller one first, from 1 to "
        "%" PRId64,
        most);
}

#define LATENCY_MAX_NS INT64_C(60000000000)

bool form_latency_parse(const char *text, int64_t *ns, char *err, size_t err_size)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
    int64_t whole = 0, nanos = 0;
    const char *at = text;
    for (; isdigit((unsigned char)*at) && whole <= LATENCY_MAX_NS; at++)
        whole = 10 * whole + (*at - '0');
    const char *fraction = *at == '.' ? at + 1 : NULL;
    const char *unit = fraction ? fraction + strspn(fraction, "0123456789") : at;
    for (size_t i = 0; at > text && i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].name) != 0 || fraction == unit)
            continue;
        nanos = whole * units[i].ns;
        int64_t digit = units[i].ns;
        for (const char *p = fraction; p && p < unit; p++)
            nanos += (*p - '0') * (digit /= 10);
    }
    *ns = nanos;
    if (nanos >= 1000 && nanos <= LATENCY_MAX_NS)
        return true;
    snprintf(err, err_size, "is no time of an answer; give 1us to 60s, as in 750us, 5ms or 1.5s");
    return false;
}

static bool parse_stage(char *part, struct form_stage *stage)
{
    char *rate, ignored[UNITS_ERR_SIZE];
    return split_pair(part, ':', &rate) &&
           units_parse_duration_ms(part, &stage->duration_ms, ignored, sizeof(ignored)) &&
           units_parse_count(rate, &stage->rate, ignored, sizeof(ignored)) &&
           stage->duration_ms > 0 && stage->duration_ms <= FORM_STAGE_MS_MAX &&
           stage->rate <= FORM_RATE_MAX;
}

bool form_stages_parse(const char *text, struct form_stages *stages, char *err, size_t err_size)
{
    int64_t highest = 0;
    struct form_stages read = {.count = 0};
    while (text) {
        char part[PART_MAX];
        if (read.count == FORM_STAGES_MAX)
            return fail_with(err, err_size, "has more than %d stages", FORM_STAGES_MAX);
        struct form_stage *stage = &read.stage[read.count];
        if (!next_part(&text, part) || !parse_stage(part, stage))
            return fail_with(err, err_size,
                             "is wrong at stage %zu; give TIME:RATE,TIME:RATE as in 30s:500,1m:2k",
                             read.count + 1);
        highest = stage->rate > highest ? stage->rate : highest;
        read.count++;
    }
    if (highest == 0)
        return fail_with(err, err_size, "sends nothing; give at least one rate above 0");
    *stages = read;
    return true;
}

int64_t form_stages_ms(const struct form_stages *stages)
{
    int64_t sum_ms = 0;
    for (size_t i = 0; i < stages->count; i++)
        sum_ms += stages->stage[i].duration_ms;
    return sum_ms;
}

bool form_header_check(const char *text, char *err, size_t err_size)
{
    static const char *const own[] = {"Connection", "Content-Length",  "Content-Type",
                                      "Host",       "Idempotency-Key", "Transfer-Encoding"};
    size_t n = strcspn(text, ": \t\r\n");
    if (n == 0 || text[n] != ':')
        return fail_with(err, err_size, "is no header; give 'NAME: VALUE'");
    if (strpbrk(text, "\r\n"))
        return fail_with(err, err_size, "holds a line end; give one header each");
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (strncasecmp(text, own[i], n) != 0 || own[i][n])
            continue;
        return fail_with(err, err_size, "is %s, which every request says for itself; leave it out",
                         own[i]);
    }
    return true;
}

/* The kind of this name, or WORKS. */
static enum work kind_of(const char *name)
{
    for (size_t i = 0; i < WORKS; i++)
        if (strcmp(kinds[i], name) == 0)
            return (enum work)i;
    return WORKS;
}

static bool refuse_mix(char *err, size_t err_size, const char *why, const char *part)
{
    char names[200];
    size_t n = 0;
    for (size_t i = 0; i < WORKS && n < sizeof(names); i++)
        n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
                              i == 0           ? ""
                              : i + 1 == WORKS ? " and "
                                               : ", ",
                              kinds[i]);
    return fail_with(
        err, err_size,
        "%s%s%s; give KIND=WEIGHT,... as in reserve=70,get=30; kinds are %s, weights 0 to %d", why,
        *part ? " at " : "", part, names, WEIGHT_MAX);
}

bool form_mix_parse(const char *text, uint32_t mix[WORKS], char *err, size_t err_size)
{
    uint32_t read[WORKS] = {0}, sum = 0;
    bool seen[WORKS] = {false};
    while (text) {
        char part[PART_MAX], ignored[UNITS_ERR_SIZE], *weight;
        int64_t value;
        if (!next_part(&text, part))
            return refuse_mix(err, err_size, "is too long", "");
        if (!split_pair(part, '=', &weight))
            return refuse_mix(err, err_size, "has no =", part);
        enum work kind = kind_of(part);
        if (kind == WORKS)
            return refuse_mix(err, err_size, "has an unknown kind", part);
        if (seen[kind])
            return refuse_mix(err, err_size, "names a kind twice,", part);
        if (!units_parse_int(weight, 0, WEIGHT_MAX, &value, ignored, sizeof(ignored)))
            return refuse_mix(err, err_size, "has a wrong weight", part);
        seen[kind] = true;
        read[kind] = (uint32_t)value;
        sum += (uint32_t)value;
    }
    if (sum == 0)
        return refuse_mix(err, err_size, "asks for nothing", "");
    memcpy(mix, read, sizeof(read));
    return true;
}

/* --- where the service is --------------------------------------------------------------------- */

static bool refuse_url(char *err, size_t err_size, const char *why)
{
    return fail_with(err, err_size, "%s; give http://host[:port][/prefix], or https://", why);
}

static bool parse_port(const char *from, const char *end, uint16_t *port)
{
    int64_t value = digits_read(from, (size_t)(end - from), UINT16_MAX);
    *port = (uint16_t)value;
    return value > 0;
}

/* host, host:port, [v6] or [v6]:port between from and end. */
static bool parse_authority(const char *from, const char *end, struct weburl *url, char *err,
                            size_t err_size)
{
    if (memchr(from, '@', (size_t)(end - from)))
        return refuse_url(err, err_size, "must not hold a password (-H and --key-file send one)");
    const char *host = from, *host_end, *rest;
    if (*from == '[') {
        host_end = memchr(from, ']', (size_t)(end - from));
        if (!host_end)
            return refuse_url(err, err_size, "has a [ without a ]");
        host++;
        rest = host_end + 1;
    } else {
        const char *colon = memchr(from, ':', (size_t)(end - from));
        host_end = rest = colon ? colon : end;
    }
    if (host == host_end)
        return refuse_url(err, err_size, "names no host");
    snprintf(url->host, sizeof(url->host), "%.*s", (int)(host_end - host), host);
    if (rest < end && (*rest != ':' || !parse_port(rest + 1, end, &url->port)))
        return refuse_url(err, err_size, "has a port that is not 1 to 65535");
    return true;
}

bool weburl_parse(const char *text, struct weburl *url, char *err, size_t err_size)
{
    bool tls = strncasecmp(text, "https://", 8) == 0;
    size_t scheme = tls ? 8 : 7;
    *url = (struct weburl){.port = tls ? 443 : 80, .tls = tls};
    if (!tls && strncasecmp(text, "http://", 7) != 0)
        return refuse_url(err, err_size, "is no http URL");
    size_t n = strlen(text);
    if (n >= sizeof(url->text))
        return refuse_url(err, err_size, "is longer than 255 bytes");
    for (const char *p = text; *p; p++)
        if (!isgraph((unsigned char)*p))
            return refuse_url(err, err_size, "holds a blank or a control byte");
    if (strpbrk(text, "?#"))
        return refuse_url(err, err_size, "has a query, which no request could carry on");
    while (n > scheme && text[n - 1] == '/')
        n--;
    snprintf(url->text, sizeof(url->text), "%.*s", (int)n, text);
    const char *from = url->text + scheme;
    const char *end = from + strcspn(from, "/");
    snprintf(url->prefix, sizeof(url->prefix), "%s", end);
    return parse_authority(from, end, url, err, err_size);
}
