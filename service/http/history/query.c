#include "http/history/query.h"
#include "clock.h"
#include "core/limits.h"
#include "http/request/request.h"
#include "ledger/text.h"

#include <assert.h>

#define PARAMS_MAX     12
#define VERSION_DIGITS 18
#define POINTS_DIGITS  3
#define POINTS_DEFAULT 60

struct reader {
    struct history_query *query;
    struct arena *arena;
    struct refusal *why;
};

struct param {
    const char *name;
    bool (*read)(struct reader *r, const struct param *param, struct str value);
    size_t at; /* of the member in struct history_query */
};

static void *place(struct reader *r, const struct param *param)
{
    return (char *)r->query + param->at;
}

static bool wrong(struct reader *r, const struct param *param, const char *detail)
{
    return refuse(r->why, PROBLEM_INVALID_FIELD, param->name, detail);
}

static bool read_sku(struct reader *r, const struct param *param, struct str value)
{
    *(struct str *)place(r, param) = value;
    return sku_valid(value) ? true
                            : wrong(r, param, "must be 1 to 64 characters of A-Z a-z 0-9 . _ : -");
}

static bool read_text(struct reader *r, const struct param *param, struct str value)
{
    *(struct str *)place(r, param) = value;
    return value.n >= 1 && value.n <= TEXT_MAX_BYTES && text_storable(value)
               ? true
               : wrong(r, param, "must be 1 to 128 bytes of UTF-8");
}

static bool read_state(struct reader *r, const struct param *param, struct str value)
{
    *(struct str *)place(r, param) = value;
    for (int i = 0; i < RESERVATION_STATES; i++)
        if (str_equal(value, str_of(reservation_state_name((enum reservation_state)i))))
            return true;
    return wrong(r, param, "must be held, confirmed, released or expired");
}

static bool read_page_limit(struct reader *r, const struct param *param, struct str value)
{
    return request_limit(value, place(r, param), r->why);
}

#define CURSOR_DETAIL "must be a next_cursor as answered before"

static bool read_id_cursor(struct reader *r, const struct param *param, struct str value)
{
    struct rid id;
    *(struct str *)place(r, param) = value;
    return rid_parse(value, &id) ? true : wrong(r, param, CURSOR_DETAIL);
}

static bool read_version_cursor(struct reader *r, const struct param *param, struct str value)
{
    return request_number(value, VERSION_DIGITS, 1, INT64_MAX, place(r, param)) && value.p[0] != '0'
               ? true
               : wrong(r, param, CURSOR_DETAIL);
}

/* A `+` in a query is a blank unless it is encoded, and hardly anybody encodes that of an offset.
 * A time has no blank otherwise. */
static bool read_time(struct reader *r, const struct param *param, struct str value)
{
    char *text = arena_copy(r->arena, value.p, value.n);
    if (!text)
        return refuse_no_memory(r->why);
    for (size_t i = 0; i < value.n; i++)
        if (text[i] == ' ')
            text[i] = '+';
    return clock_parse_rfc3339(text, value.n, place(r, param))
               ? true
               : wrong(r, param, "must be a time as 2026-11-21T01:31:37.123Z");
}

static bool read_points(struct reader *r, const struct param *param, struct str value)
{
    int64_t points;
    if (!request_number(value, POINTS_DIGITS, HISTORY_POINTS_MIN, HISTORY_POINTS_MAX, &points))
        return wrong(r, param, "must be a number from 2 to 200");
    *(unsigned *)place(r, param) = (unsigned)points;
    return true;
}

/* clang-format off */
#define AT(member) offsetof(struct history_query, member)
static const struct param params_of_reservations[] = {
    {"sku", read_sku, AT(reservations.sku)},
    {"customer", read_text, AT(reservations.customer)},
    {"reference", read_text, AT(reservations.reference)},
    {"state", read_state, AT(reservations.state)},
    {"limit", read_page_limit, AT(reservations.limit)},
    {"cursor", read_id_cursor, AT(reservations.before)},
    {NULL, NULL, 0},
};
static const struct param params_of_movements[] = {
    {"limit", read_page_limit, AT(movements.limit)},
    {"cursor", read_version_cursor, AT(movements.before)},
    {NULL, NULL, 0},
};
static const struct param params_of_item[] = {
    {"at", read_time, AT(instant.at_ms)},
    {NULL, NULL, 0},
};
static const struct param params_of_levels[] = {
    {"from", read_time, AT(levels.from_ms)},
    {"to", read_time, AT(levels.to_ms)},
    {"points", read_points, AT(levels.points)},
    {NULL, NULL, 0},
};
static const struct { enum route_id route; const struct param *params; } kinds[] = {
    [HISTORY_RESERVATIONS] = {ROUTE_RESERVATIONS, params_of_reservations},
    [HISTORY_MOVEMENTS]    = {ROUTE_MOVEMENTS, params_of_movements},
    [HISTORY_ITEM]         = {ROUTE_ITEM, params_of_item},
    [HISTORY_LEVELS]       = {ROUTE_LEVELS, params_of_levels},
};
/* clang-format on */
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static enum history_kind kind_of(enum route_id route)
{
    size_t i = 0;
    while (i < KINDS && kinds[i].route != route)
        i++;
    return (enum history_kind)i;
}

bool history_query_meant(const struct route_match *match, struct arena *arena)
{
    struct query_param params[PARAMS_MAX];
    struct refusal why;
    if (match->id != ROUTE_ITEM || str_absent(match->query))
        return match->id != ROUTE_ITEM && kind_of(match->id) < KINDS;
    int count = request_params(params, PARAMS_MAX, arena, match->query, &why);
    if (count < 0)
        return true; /* one of them may have been `at`: to be refused, not to be overlooked */
    for (int i = 0; i < count; i++)
        if (str_equal(params[i].name, STR("at")))
            return true;
    return false;
}

static bool read_params(struct reader *r, const struct param *known, struct str text)
{
    struct query_param params[PARAMS_MAX];
    int count = request_params(params, PARAMS_MAX, r->arena, text, r->why);
    for (int i = 0; i < count; i++) {
        const struct param *param = known;
        while (param->name && !str_equal(params[i].name, str_of(param->name)))
            param++;
        if (!param->name)
            return request_unknown_param(r->arena, params[i].name, r->why);
        if (!param->read(r, param, params[i].value))
            return false;
    }
    return count >= 0;
}

/* Whose past is asked for, and the inner names of the items; by the arena, since whoever asks may
 * be gone before the answer. */
static bool go_in(struct history_query *query, struct arena *arena, const struct requester *by,
                  struct refusal *why)
{
    struct str tenant = arena_str(arena, owner_tenant(by->owner));
    struct str *sku =
        query->kind == HISTORY_RESERVATIONS ? &query->reservations.sku : &query->movements.sku;
    bool named = !str_absent(*sku);
    *sku = tenant_inner(arena, by->items, TENANT_MARK_ITEM, *sku);
    if (query->kind != HISTORY_RESERVATIONS)
        query->instant.sku = query->levels.sku = *sku;
    query->reservations.tenant = query->movements.tenant = tenant;
    return str_absent(tenant) || (named && str_absent(*sku)) ? refuse_no_memory(why) : true;
}

bool history_query_read(struct history_query *query, struct arena *arena,
                        const struct route_match *match, const struct requester *by,
                        struct refusal *why)
{
    static const struct param of_path = {"sku", read_sku, 0};
    struct reader r = {query, arena, why};
    *query = (struct history_query){.kind = kind_of(match->id)};
    assert(query->kind < KINDS);
    query->reservations.limit = query->movements.limit = LIST_DEFAULT;
    query->movements.before = query->levels.to_ms = INT64_MAX;
    query->levels.from_ms = INT64_MIN;
    query->levels.points = POINTS_DEFAULT;
    if (query->kind != HISTORY_RESERVATIONS) {
        struct str sku = arena_str(arena, match->param);
        if (str_absent(sku))
            return refuse_no_memory(why);
        query->movements.sku = sku;
        if (!sku_valid(sku))
            return wrong(&r, &of_path, "must be 1 to 64 characters of A-Z a-z 0-9 . _ : -");
    }
    if (!read_params(&r, kinds[query->kind].params, match->query))
        return false;
    if (query->levels.from_ms > query->levels.to_ms)
        return refuse(why, PROBLEM_INVALID_FIELD, "from", "must not be after `to`");
    return go_in(query, arena, by, why);
}
