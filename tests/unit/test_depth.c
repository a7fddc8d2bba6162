/* test_depth.c -- how deep a body may be nested, and which member is named when it is deeper. */
#include "core/limits.h"
#include "http/request/json_path.h"
#include "http/request/request.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

#define DEEP_MAX 5000

static struct arena arena;
static struct refusal why;

static int begin(void **state)
{
    arena_init(&arena, 4096, 64 << 20);
    why = (struct refusal){0};
    return 0;
}

static int end(void **state)
{
    arena_free(&arena);
    return 0;
}

/* `before`, a value of so many levels, objects or arrays, and `behind`. The caller frees it. */
static char *nested(const char *before, unsigned levels, bool arrays, const char *behind)
{
    char *text = malloc(strlen(before) + strlen(behind) + (size_t)levels * 6 + 2);
    size_t n = (size_t)sprintf(text, "%s", before);
    for (unsigned i = 0; i < levels; i++)
        n += (size_t)sprintf(text + n, "%s", arrays ? "[" : i + 1 < levels ? "{\"a\":" : "{");
    for (unsigned i = 0; i < levels; i++)
        text[n++] = arrays ? ']' : '}';
    sprintf(text + n, "%s", behind);
    return text;
}

static bool reserve(char *body, struct op *op)
{
    char room[64];
    struct route_match match = route_find(STR("POST"), STR("/v1/reservations"), room);
    struct request_head head = {.match = &match};
    bool taken = request_op(op, &arena, &head, body, strlen(body), &why);
    free(body);
    return taken;
}

static bool reserve_with_metadata(unsigned levels)
{
    struct op op;
    return reserve(nested("{\"sku\":\"a\",\"quantity\":1,\"metadata\":", levels, false, "}"), &op);
}

static void check_refused(enum problem_id problem, const char *field)
{
    assert_int_equal(why.problem, problem);
    if (field)
        assert_string_equal(why.field, field);
}

TEST(metadata_has_at_most_so_many_levels)
{
    static const unsigned deeper[] = {METADATA_DEPTH_MAX + 1, 50,   BODY_DEPTH_MAX, 100,
                                      681 /* 4,096 bytes */,  2000, DEEP_MAX};
    assert_true(reserve_with_metadata(1));
    assert_true(reserve_with_metadata(METADATA_DEPTH_MAX));
    for (size_t i = 0; i < sizeof(deeper) / sizeof(deeper[0]); i++) {
        assert_false(reserve_with_metadata(deeper[i]));
        check_refused(PROBLEM_INVALID_FIELD, "metadata");
    }
}

TEST(arrays_are_levels_too)
{
    struct op op;
    static const char before[] = "{\"sku\":\"a\",\"quantity\":1,\"metadata\":{\"a\":";
    assert_true(reserve(nested(before, METADATA_DEPTH_MAX - 1, true, "}}"), &op));
    for (unsigned levels = METADATA_DEPTH_MAX; levels < DEEP_MAX; levels = levels * 3 / 2) {
        assert_false(reserve(nested(before, levels, true, "}}"), &op));
        check_refused(PROBLEM_INVALID_FIELD, "metadata");
    }
}

TEST(a_body_that_is_too_deep_names_the_member)
{
    struct op op;
    assert_false(reserve(nested("{\"quantity\":1,\"lines\":", 3000, true, "}"), &op));
    check_refused(PROBLEM_INVALID_FIELD, "lines");
    assert_false(
        reserve(nested("{\"quantity\":1,\"lines\":[{},{\"sku\":", 3000, true, "}]}"), &op));
    check_refused(PROBLEM_INVALID_FIELD, "lines[1].sku");
    assert_false(reserve(nested("{\"x\":", 3000, false, "}"), &op));
    check_refused(PROBLEM_INVALID_FIELD, "x");
    /* Brackets in a text are no levels. */
    assert_false(reserve(nested("{\"x\":\"", 3000, true, "\"}"), &op));
    check_refused(PROBLEM_INVALID_FIELD, "x");
    assert_string_equal(why.detail, "there is no such field");
    /* What is no object is no body. */
    assert_false(reserve(nested("", 3000, true, ""), &op));
    check_refused(PROBLEM_MALFORMED_JSON, NULL);
}

TEST(an_operation_of_a_batch_has_its_own_refusal)
{
    static const char before[] =
        "{\"operations\":[{\"op\":\"get\",\"id\":\"x\"},{\"op\":\"reserve\","
        "\"sku\":\"a\",\"quantity\":1,\"metadata\":";
    struct request_batch batch;
    struct request_head head = {.match = NULL, .role = ROLE_ADMIN};
    struct op op;
    char *body = nested(before, METADATA_DEPTH_MAX + 1, false, "}]}");
    assert_true(request_batch_open(&batch, &arena, &head, body, strlen(body), &why));
    assert_false(request_batch_op(&op, &arena, &batch, 1, &why));
    check_refused(PROBLEM_INVALID_FIELD, "metadata");
    request_batch_close(&batch);
    free(body);
    body = nested(before, 2000, false, "}]}");
    assert_false(request_batch_open(&batch, &arena, &head, body, strlen(body), &why));
    check_refused(PROBLEM_INVALID_FIELD, "operations[1].metadata");
    free(body);
}

EACH_BETWEEN(begin, end)
