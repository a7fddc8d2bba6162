#include "support/request_case.h"

#include <stdlib.h>

struct arena arena;
struct refusal why;
struct requester by;
struct op op;

int request_begin(void **state)
{
    arena_init(&arena, 4096, 64 << 20);
    why = (struct refusal){0};
    by = (struct requester){.owner = {NULL, 0}};
    return 0;
}

int request_end(void **state)
{
    arena_free(&arena);
    return 0;
}

struct request_head head_of(struct route_match *match, const char *method, const char *target)
{
    static char room[1024];
    assert_true(strlen(target) < sizeof(room));
    *match = route_find(str_of(method), str_of(target), room);
    assert_int_equal(match->verdict, ROUTE_FOUND);
    return (struct request_head){.match = match, .role = ROLE_ADMIN, .by = by};
}

bool ask_with(const char *method, const char *target, const char *body, const char *key,
              const char *if_match)
{
    struct route_match match;
    struct request_head head = head_of(&match, method, target);
    head.key = str_of(key);
    head.if_match = str_of(if_match);
    char *copy = strdup(body);
    bool ok = request_op(&op, &arena, &head, copy, strlen(copy), &why);
    free(copy);
    return ok;
}

bool ask(const char *method, const char *target, const char *body)
{
    return ask_with(method, target, body, NULL, NULL);
}

bool text_is(struct str text, const char *want)
{
    return str_equal(text, str_of(want));
}
