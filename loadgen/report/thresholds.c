#include "report/thresholds.h"
#include "fail.h"

#include <ctype.h>
#include <string.h>

#define EXAMPLES  "as in p99<50ms, rps>1000 or errors<1%"
#define BOUND_MAX 1e15 /* beyond any count of a run; a double still knows each whole number */

enum gate_unit { UNIT_DURATION, UNIT_RATE, UNIT_COUNT };

static const struct {
    const char *name;
    enum gate_unit unit;
} metrics[GATE_METRICS] = {
    [GATE_PERCENTILE] = {"p", UNIT_DURATION}, [GATE_MAX] = {"max", UNIT_DURATION},
    [GATE_MEAN] = {"mean", UNIT_DURATION},    [GATE_RPS] = {"rps", UNIT_RATE},
    [GATE_ERRORS] = {"errors", UNIT_COUNT},   [GATE_UNKNOWN] = {"unknown", UNIT_COUNT},
    [GATE_DROPPED] = {"dropped", UNIT_COUNT}, [GATE_CONFLICTS] = {"conflicts", UNIT_COUNT},
};

/* The longer of two that begin alike comes first. */
static const struct {
    const char *text;
    enum gate_operator op;
} operators[] = {
    {"<=", GATE_AT_MOST}, {">=", GATE_AT_LEAST}, {"<", GATE_LESS},
    {">", GATE_MORE},     {"=", GATE_EQUAL},
};

static const struct {
    const char *text;
    double ms;
} durations[] = {{"us", 1e-3}, {"ms", 1}, {"s", 1e3}};

static const char *skip_space(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* Digits, perhaps with a fraction; strtod would also take "inf", "0x1p3" and a locale's comma. */
static bool read_number(const char **at, double *value)
{
    const char *p = *at;
    double number = 0, scale = 1;
    if (!isdigit((unsigned char)*p))
        return false;
    for (; isdigit((unsigned char)*p); p++)
        number = number * 10 + (*p - '0');
    if (*p == '.') {
        if (!isdigit((unsigned char)*++p))
            return false;
        for (; isdigit((unsigned char)*p); p++) {
            number = number * 10 + (*p - '0');
            scale *= 10;
        }
    }
    *at = p;
    *value = number / scale;
    return number < BOUND_MAX * scale && scale < BOUND_MAX;
}

static bool refuse_threshold(char *err, size_t err_size, const char *message)
{
    return fail_with(err, err_size, "%s", message);
}

static bool read_percentile(struct gate *gate, const char **at, char *err, size_t err_size)
{
    const char *p = *at + 1;
    if (!read_number(&p, &gate->percentile) || gate->percentile <= 0)
        return refuse_threshold(err, err_size,
                                "a percentile lies above 0 and below 100, as in p99.9<200ms");
    if (gate->percentile >= 100)
        return refuse_threshold(
            err, err_size,
            "a percentile lies below 100, as in p99.9<200ms; the largest is called max");
    gate->metric = GATE_PERCENTILE;
    *at = p;
    return true;
}

static bool read_metric(struct gate *gate, const char **at, char *err, size_t err_size)
{
    if (**at == 'p' && !isalpha((unsigned char)(*at)[1]))
        return read_percentile(gate, at, err, err_size);
    size_t n = strspn(*at, "abcdefghijklmnopqrstuvwxyz");
    for (int i = GATE_PERCENTILE + 1; i < GATE_METRICS; i++) {
        if (strlen(metrics[i].name) == n && strncmp(*at, metrics[i].name, n) == 0) {
            gate->metric = (enum gate_metric)i;
            *at += n;
            return true;
        }
    }
    return refuse_threshold(
        err, err_size,
        "it begins with p50 .. p99.99, max, mean, rps, errors, conflicts, dropped or "
        "unknown, " EXAMPLES);
}

static bool read_operator(struct gate *gate, const char **at, char *err, size_t err_size)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        size_t n = strlen(operators[i].text);
        if (strncmp(*at, operators[i].text, n) == 0) {
            gate->op = operators[i].op;
            *at += n;
            if (!strchr("<>=", **at) || **at == '\0')
                return true;
            break;
        }
    }
    return refuse_threshold(err, err_size, "after the name comes one of < <= > >= =, " EXAMPLES);
}

static bool read_duration_unit(struct gate *gate, const char **at, char *err, size_t err_size)
{
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        size_t n = strlen(durations[i].text);
        if (strncmp(*at, durations[i].text, n) == 0) {
            gate->bound *= durations[i].ms;
            *at += n;
            return true;
        }
    }
    const char *metric = metrics[gate->metric].name;
    bool percentile = gate->metric == GATE_PERCENTILE;
    return fail_with(err, err_size, "a response time needs a unit, us, ms or s, as in %s%s<50ms",
                     metric, percentile ? "99" : "");
}

/* Thousands, as the counts of the command line have them: "10k". */
static void read_thousands(struct gate *gate, const char **at)
{
    static const char letters[] = "kmg";
    const char *found = **at ? strchr(letters, **at) : NULL;
    if (!found || isalnum((unsigned char)(*at)[1]))
        return; /* "ms" is no million */
    for (const char *l = letters; l <= found; l++)
        gate->bound *= 1000;
    (*at)++;
}

static bool read_unit(struct gate *gate, const char **at, char *err, size_t err_size)
{
    enum gate_unit unit = metrics[gate->metric].unit;
    if (unit == UNIT_DURATION)
        return read_duration_unit(gate, at, err, err_size);
    gate->share = **at == '%';
    if (!gate->share) {
        read_thousands(gate, at);
        return true;
    }
    if (unit == UNIT_RATE)
        return refuse_threshold(err, err_size,
                                "rps is a number of answers a second, as in rps>1000");
    if (gate->bound > 100 && gate->metric != GATE_CONFLICTS)
        return refuse_threshold(err, err_size, "a share is at most 100%, as in errors<1%");
    (*at)++;
    return true;
}

static bool check_end(const struct gate *gate, const char *at, char *err, size_t err_size)
{
    if (*skip_space(at) != '\0') {
        const char *message = metrics[gate->metric].unit == UNIT_DURATION
                                  ? "nothing may follow the unit, which is us, ms or s"
                              : metrics[gate->metric].unit == UNIT_RATE
                                  ? "rps is a number without a unit, as in rps>1000 or rps>10k"
                                  : "a count has no unit, as in errors<10 or dropped<1k; a share "
                                    "has a percent sign: errors<1%";
        return refuse_threshold(err, err_size, message);
    }
    if (metrics[gate->metric].unit == UNIT_DURATION && gate->bound * 1e6 > (double)HISTOGRAM_MAX)
        return refuse_threshold(err, err_size,
                                "response times are measured up to 137s: the bound is beyond");
    return true;
}

bool gate_parse(struct gate *gate, const char *text, char *err, size_t err_size)
{
    struct gate read = {.text = text};
    const char *at = skip_space(text);
    if (*at == '\0')
        return refuse_threshold(
            err, err_size,
            "it is empty; right would be a name, an operator and a bound, " EXAMPLES);
    if (!read_metric(&read, &at, err, err_size))
        return false;
    at = skip_space(at);
    if (!read_operator(&read, &at, err, err_size))
        return false;
    at = skip_space(at);
    if (!read_number(&at, &read.bound))
        return refuse_threshold(
            err, err_size,
            "the bound is a number that is not negative, with at most 15 digits, " EXAMPLES);
    at = skip_space(at);
    if (!read_unit(&read, &at, err, err_size) || !check_end(&read, at, err, err_size))
        return false;
    *gate = read;
    return true;
}

/* --- how it came out -------------------------------------------------------------------------- */

static double latency_ms(const struct gate *gate, const struct summary *s)
{
    if (gate->metric == GATE_MEAN)
        return histogram_mean(s->response) / 1e6;
    if (gate->metric == GATE_MAX)
        return (double)s->response->max / 1e6;
    return (double)histogram_percentile(s->response, gate->percentile) / 1e6;
}

/* The number of things that a count or a share is about. */
static double counted(const struct gate *gate, const struct summary *s)
{
    switch (gate->metric) {
    case GATE_ERRORS: return (double)s->count[CLASS_BUSY] + (double)s->count[CLASS_UNKNOWN];
    case GATE_UNKNOWN: return (double)s->count[CLASS_UNKNOWN];
    case GATE_DROPPED: return (double)s->facts->dropped;
    default: return gate->share ? (double)s->conflicts : s->conflicts_per_success;
    }
}

static double measure(const struct gate *gate, const struct summary *s)
{
    if (metrics[gate->metric].unit == UNIT_DURATION)
        return latency_ms(gate, s);
    if (gate->metric == GATE_RPS)
        return s->per_second;
    double count = counted(gate, s);
    double whole = (double)s->operations;
    if (gate->metric == GATE_DROPPED)
        whole += (double)s->facts->dropped;
    if (!gate->share)
        return count;
    return whole > 0 ? 100 * count / whole : 0;
}

/* Why there is nothing to measure; "" when there is. A run without any answer must not pass a gate
 * on its latency, nor one without metrics a gate on conflicts. */
static const char *unmeasured(const struct gate *gate, const struct summary *s)
{
    if (metrics[gate->metric].unit == UNIT_DURATION)
        return s->response->count ? "" : "no answer came";
    if (gate->metric == GATE_RPS)
        return s->seconds > 0 ? "" : "no time was measured";
    if (gate->metric == GATE_CONFLICTS && s->conflicts_doubt)
        return s->conflicts_doubt;
    if (gate->metric == GATE_CONFLICTS && s->successes == 0)
        return "nothing succeeded";
    bool arrivals = gate->metric == GATE_DROPPED && s->facts->dropped > 0;
    return s->operations || arrivals ? "" : "nothing was sent";
}

static bool holds(const struct gate *gate, double actual)
{
    switch (gate->op) {
    case GATE_LESS: return actual < gate->bound;
    case GATE_AT_MOST: return actual <= gate->bound;
    case GATE_MORE: return actual > gate->bound;
    case GATE_AT_LEAST: return actual >= gate->bound;
    default: return actual == gate->bound;
    }
}

struct gate_result gate_evaluate(const struct gate *gate, const struct summary *s)
{
    struct gate_result result = {.text = gate->text, .why = unmeasured(gate, s), .unit = ""};
    if (gate->share)
        result.unit = "%";
    else if (metrics[gate->metric].unit == UNIT_DURATION)
        result.unit = "ms";
    else if (metrics[gate->metric].unit == UNIT_RATE)
        result.unit = "/s";
    if (*result.why == '\0') {
        result.actual = measure(gate, s);
        result.met = holds(gate, result.actual);
    }
    result.unknown = gate->metric == GATE_CONFLICTS && *result.why;
    return result;
}
