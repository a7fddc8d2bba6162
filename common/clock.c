/* clock.c -- clocks, and the civil calendar as plain arithmetic. */
#include "clock.h"
#include "digits.h"

#include <assert.h>
#include <time.h>

#define DAY_MS   86400000
#define YEAR0    (-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define YEAR9999 253402300799999   /* 9999-12-31T23:59:59.999Z */

static int64_t read_us(clockid_t id)
{
    struct timespec ts;
    int rc = clock_gettime(id, &ts);
    assert(rc == 0);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

/* After http://howardhinnant.github.io/date_algorithms.html: the year starts in March, so that the
 * leap day is its last. Right for every date here, days may be negative. Answers are full of times,
 * and gmtime_r looks at the time zone for each. */
static void civil_from_days(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (unsigned)((int64_t)yoe + era * 400 + (*month <= 2));
}

static char *put_digits(char *out, unsigned value, int width, char after)
{
    for (int i = width - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    out[width] = after;
    return out + width + 1;
}

void clock_format_rfc3339(int64_t unix_ms, char out[CLOCK_RFC3339_SIZE])
{
    if (unix_ms < YEAR0)
        unix_ms = YEAR0;
    if (unix_ms > YEAR9999)
        unix_ms = YEAR9999;

    int64_t days = (unix_ms >= 0 ? unix_ms : unix_ms - (DAY_MS - 1)) / DAY_MS;
    unsigned ms = (unsigned)(unix_ms - days * DAY_MS);
    assert(ms < DAY_MS);

    unsigned year, month, day;
    civil_from_days(days, &year, &month, &day);
    char *p = put_digits(out, year, 4, '-');
    p = put_digits(p, month, 2, '-');
    p = put_digits(p, day, 2, 'T');
    p = put_digits(p, ms / 3600000, 2, ':');
    p = put_digits(p, ms / 60000 % 60, 2, ':');
    p = put_digits(p, ms / 1000 % 60, 2, '.');
    p = put_digits(p, ms % 1000, 3, 'Z');
    *p = '\0';
}

/* What is left of the text. Every reader below takes its part and says whether it was there. */
struct cursor {
    const char *p;
    const char *end;
};

static bool take_digits(struct cursor *c, int width, unsigned *value)
{
    int64_t digits = c->end - c->p < width ? -1 : digits_read(c->p, (size_t)width, INT64_MAX);
    if (digits < 0)
        return false;
    *value = (unsigned)digits;
    c->p += width;
    return true;
}

static bool take_char(struct cursor *c, char upper)
{
    if (c->p == c->end)
        return false;
    char ch = *c->p;
    if (ch >= 'a' && ch <= 'z')
        ch = (char)(ch - 'a' + 'A');
    if (ch != upper)
        return false;
    c->p++;
    return true;
}

static bool take_date(struct cursor *c, int64_t *days)
{
    unsigned year, month, day;
    if (!take_digits(c, 4, &year) || !take_char(c, '-') || !take_digits(c, 2, &month) ||
        !take_char(c, '-') || !take_digits(c, 2, &day))
        return false;
    struct tm date = {.tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day};
    *days = timegm(&date) / (DAY_MS / 1000);
    /* It makes another one of a date that is not in the calendar. */
    return date.tm_mon == (int)month - 1 && date.tm_mday == (int)day;
}

static bool take_time(struct cursor *c, int64_t *ms)
{
    unsigned hour, minute, second, fraction = 0;
    if (!take_digits(c, 2, &hour) || !take_char(c, ':') || !take_digits(c, 2, &minute) ||
        !take_char(c, ':') || !take_digits(c, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    if (take_char(c, '.')) {
        unsigned weight = 100, digit;
        if (!take_digits(c, 1, &digit))
            return false;
        do {
            fraction += digit * weight;
            weight /= 10;
        } while (take_digits(c, 1, &digit));
    }
    *ms = (int64_t)hour * 3600000 + minute * 60000 + second * 1000 + fraction;
    return true;
}

static bool take_offset(struct cursor *c, int64_t *offset_ms)
{
    *offset_ms = 0;
    if (take_char(c, 'Z'))
        return true;
    bool minus = take_char(c, '-');
    if (!minus && !take_char(c, '+'))
        return false;
    unsigned hour, minute;
    if (!take_digits(c, 2, &hour) || !take_char(c, ':') || !take_digits(c, 2, &minute))
        return false;
    if (hour > 23 || minute > 59)
        return false;
    *offset_ms = (int64_t)(hour * 60 + minute) * (minus ? -60000 : 60000);
    return true;
}

bool clock_parse_rfc3339(const char *text, size_t n, int64_t *unix_ms)
{
    struct cursor c = {text, text + n};
    int64_t days, ms, offset_ms;
    if (!take_date(&c, &days) || !take_char(&c, 'T') || !take_time(&c, &ms) ||
        !take_offset(&c, &offset_ms) || c.p != c.end)
        return false;
    *unix_ms = days * DAY_MS + ms - offset_ms;
    return true;
}
