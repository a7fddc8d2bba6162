#include "http/events/request.h"
#include "http/request/request.h"
#include "ledger/query/tail_cursor.h"

/* --- Accept ----------------------------------------------------------------------------------- */

/* The text up to `stop`, trimmed; *rest is what follows it. False: there is nothing left. */
static bool next_part(struct str *rest, char stop, struct str *part)
{
    if (str_absent(*rest))
        return false;
    const char *at = rest->n ? memchr(rest->p, stop, rest->n) : NULL;
    size_t n = at ? (size_t)(at - rest->p) : rest->n;
    *part = str_trim((struct str){rest->p, n});
    *rest = at ? (struct str){at + 1, rest->n - n - 1} : (struct str){NULL, 0};
    return true;
}

/* "0.25" as 250; -1: no weight. */
static int weight_of(struct str text)
{
    int value = 0;
    if (text.n < 1 || text.n > 5 || (text.p[0] != '0' && text.p[0] != '1') ||
        (text.n > 1 && text.p[1] != '.'))
        return -1;
    for (size_t i = 0; i < 5; i++) {
        if (i == 1)
            continue;
        char c = i < text.n ? text.p[i] : '0';
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    return value <= 1000 ? value : -1;
}

/* The weight among the parameters of a range; 1 if there is none. */
static int weight_among(struct str parameters)
{
    struct str parameter;
    while (next_part(&parameters, ';', &parameter))
        if (parameter.n > 2 && strncasecmp(parameter.p, "q=", 2) == 0)
            return weight_of((struct str){parameter.p + 2, parameter.n - 2});
    return 1000;
}

void events_accept_add(struct events_accept *accept, struct str value)
{
    static const char *const json_names[] = {"*/*", "application/*", "application/json"};
    struct str range, name;
    while (next_part(&value, ',', &range)) {
        (void)next_part(&range, ';', &name);
        int weight = weight_among(range);
        if (weight < 0)
            continue;
        if (str_equal_caseless(name, STR("text/event-stream")))
            accept->stream = weight;
        for (unsigned char i = 0; i < 3; i++)
            if (str_equal_caseless(name, str_of(json_names[i])) && i + 1 >= accept->by_name) {
                accept->json = weight;
                accept->by_name = (unsigned char)(i + 1);
            }
    }
}

bool events_accept_stream(const struct events_accept *accept)
{
    return accept->stream > 0 && accept->stream >= accept->json;
}

/* --- the query -------------------------------------------------------------------------------- */

static bool take_param_number(struct str text, unsigned min, unsigned max, unsigned *number)
{
    int64_t value;
    bool good = request_number(text, 4, min, max, &value);
    *number = good ? (unsigned)value : *number;
    return good;
}

static bool read_cursor(struct events_request *r, const char *field, struct str text,
                        unsigned partitions, struct refusal *why)
{
    r->latest = str_equal(text, STR("latest"));
    r->field = field;
    if (r->latest || text.n == 0)
        return true;
    return tail_cursor_parse(text, r->at, partitions)
               ? true
               : refuse(why, PROBLEM_INVALID_FIELD, field,
                        "must be a cursor as this service answered it, or latest");
}

static bool read_param(struct events_request *r, struct arena *arena, unsigned partitions,
                       const struct query_param *param, struct refusal *why)
{
    if (str_equal(param->name, STR("after")))
        return read_cursor(r, "after", param->value, partitions, why);
    if (str_equal(param->name, STR("limit")))
        return take_param_number(param->value, 1, EVENTS_LIMIT_MAX, &r->limit)
                   ? true
                   : refuse(why, PROBLEM_INVALID_FIELD, "limit",
                            "must be an integer from 1 to 1000");
    if (str_equal(param->name, STR("wait")))
        return take_param_number(param->value, 0, EVENTS_WAIT_MAX_S, &r->wait_s)
                   ? true
                   : refuse(why, PROBLEM_INVALID_FIELD, "wait",
                            "must be a number of seconds from 0 to 30");
    return request_unknown_param(arena, param->name, why);
}

bool events_request_read(struct events_request *r, struct arena *arena, unsigned partitions,
                         struct str query, struct str last_event_id, struct refusal *why)
{
    struct query_param params[8];
    int count = request_params(params, sizeof(params) / sizeof(params[0]), arena, query, why);
    r->latest = false;
    r->field = "after";
    r->limit = EVENTS_LIMIT_DEFAULT;
    r->wait_s = 0;
    memset(r->at, 0, partitions * sizeof(*r->at));
    if (count < 0)
        return false;
    for (int i = 0; i < count; i++)
        if (!read_param(r, arena, partitions, &params[i], why))
            return false;
    /* What a browser that reconnects has seen is newer than what its page once asked for. */
    bool resumes = r->stream && !str_absent(last_event_id) && last_event_id.n > 0;
    return !resumes || read_cursor(r, "Last-Event-ID", last_event_id, partitions, why);
}
