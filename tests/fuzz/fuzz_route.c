/* Any method and target: "METHOD target". A parameter never outgrows its room. */
#include "core/route.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *blank = memchr(data, ' ', size);
    size_t method_n = blank ? (size_t)(blank - data) : 0;
    size_t start = blank ? method_n + 1 : 0;
    struct str method = {(const char *)data, method_n};
    struct str target = {(const char *)data + start, size - start};
    char *room = malloc(target.n + 1), *more = malloc(target.n + 1);
    if (!room || !more)
        abort();
    room[target.n] = 'x';
    struct route_match match = route_find(method, target, room);
    if (room[target.n] != 'x' || match.id >= ROUTES)
        abort();
    if ((match.verdict == ROUTE_FOUND || match.verdict == ROUTE_METHOD_NOT_ALLOWED) !=
        (match.id != ROUTE_NONE))
        abort();
    if (!str_absent(match.param) && match.param.n > target.n)
        abort();
    struct query_param params[8];
    int count = str_absent(match.query) ? 0 : query_parse(match.query, more, params, 8);
    for (int i = 0; i < count; i++)
        if (params[i].name.n + params[i].value.n > match.query.n)
            abort();
    free(room);
    free(more);
    return 0;
}
