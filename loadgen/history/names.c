#include "history/names.h"

struct names {
    const char *name, *text;
};

static const struct names kinds[KINDS] = {
    [KIND_PUT] = {"put", "put"},
    [KIND_ADJUST] = {"adjust", "adjust"},
    [KIND_DECREMENT] = {"decrement", "decrement"},
    [KIND_RESERVE] = {"reserve", "reserve"},
    [KIND_CONFIRM] = {"confirm", "confirm"},
    [KIND_RELEASE] = {"release", "release"},
    [KIND_EXTEND] = {"extend", "extend"},
    [KIND_GET_ITEM] = {"get-item", "get of an item"},
    [KIND_GET_RESERVATION] = {"get-reservation", "get of a reservation"},
    [KIND_SET] = {"set", "put with If-Match"},
    [KIND_LIST] = {"list", "list of items"},
    [KIND_LOOKUP] = {"lookup", "look-up of a key"},
    [KIND_REUSE] = {"reuse", "request with a used key"},
    [KIND_RERESERVE] = {"rereserve", "rereserving confirm"},
    [KIND_DELETE] = {"delete", "delete of an item"},
    [KIND_TRANSFER] = {"transfer", "transfer"},
};

static const struct names details[DETAILS] = {
    [DETAIL_NONE] = {"none", ""},
    [DETAIL_HELD] = {"held", "held"},
    [DETAIL_CONFIRMED] = {"confirmed", "confirmed"},
    [DETAIL_RELEASED] = {"released", "released"},
    [DETAIL_EXPIRED] = {"expired", "expired"},
    [DETAIL_NO_STOCK] = {"insufficient-stock", "not enough stock"},
    [DETAIL_NO_ITEM] = {"item-not-found", "no such item"},
    [DETAIL_NO_RESERVATION] = {"reservation-not-found", "no such reservation"},
    [DETAIL_NO_OPERATION] = {"operation-not-found", "no such operation"},
    [DETAIL_UNAVAILABLE] = {"unavailable", "unavailable"},
    [DETAIL_OTHER] = {"other", "refused"},
    [DETAIL_NOT_SENT] = {"not-sent", "never sent"},
    [DETAIL_TIMEOUT] = {"timeout", "no answer in time"},
    [DETAIL_RESET] = {"reset", "the connection broke"},
    [DETAIL_ABORTED] = {"aborted", "closed by the client"},
    [DETAIL_GARBLED] = {"garbled", "not a whole answer"},
    [DETAIL_FOREIGN] = {"foreign", "no problem document"},
    [DETAIL_APART] = {"cross-partition", "items of several partitions"},
    [DETAIL_REUSED] = {"idempotency-key-reused", "key used for another request"},
    [DETAIL_STALE] = {"stale", "not at that version any more"},
    [DETAIL_TOO_LONG] = {"too-long", "longer than anybody may hold"},
    [DETAIL_LIMIT] = {"limit-exceeded", "more than the customer may have"},
    [DETAIL_IN_USE] = {"item-in-use", "units are held"},
    [DETAIL_EXISTS] = {"exists", "there already"},
};

static const struct names outcomes[OUTCOMES] = {[OUTCOME_UNKNOWN] = {.name = "unknown"},
                                                [OUTCOME_OK] = {.name = "ok"},
                                                [OUTCOME_FAIL] = {.name = "fail"}};

static const struct names broken = {"broken", "broken"};

#define NAMES_OF(table, value)                                                                     \
    ((size_t)(value) < sizeof(table) / sizeof(*(table)) ? &(table)[value] : &broken)

const char *history_kind_name(enum history_kind kind)
{
    return NAMES_OF(kinds, kind)->name;
}

const char *history_kind_text(enum history_kind kind)
{
    return NAMES_OF(kinds, kind)->text;
}

const char *history_detail_name(enum history_detail detail)
{
    return NAMES_OF(details, detail)->name;
}

const char *history_detail_text(enum history_detail detail)
{
    return NAMES_OF(details, detail)->text;
}

const char *history_outcome_name(enum history_outcome outcome)
{
    return NAMES_OF(outcomes, outcome)->name;
}
