#include "http/request/json_body.h"

#include "core/limits.h"
#include "http/request/json_path.h"

#include <stdio.h>
#include <stdlib.h>

#define DETAIL_SIZE 256
#define SMALL_BYTES 4096

/* What most bodies are parsed into, a piece behind the other: the allocator would cost a third of
 * the parsing. Given back piece by piece, it is empty again when the last one is. */
static _Thread_local struct {
    _Alignas(16) char bytes[SMALL_BYTES];
    size_t used;
    unsigned pieces;
} small;

/* The parser calls it an invalid token when it finds no memory for one, and leaves characters away
 * in silence when its buffer cannot grow. So a text is not parsed if anything was not allocated. */
static _Thread_local bool loading, exhausted;

static void *take_memory(size_t n)
{
    if (loading && n <= SMALL_BYTES - small.used) {
        void *piece = small.bytes + small.used;
        small.used += (n + 15) & ~(size_t)15;
        small.pieces++;
        return piece;
    }
    void *p = malloc(n);
    exhausted |= !p;
    return p;
}

static void give_memory(void *p)
{
    if ((uintptr_t)p - (uintptr_t)small.bytes >= SMALL_BYTES)
        free(p);
    else if (--small.pieces == 0)
        small.used = 0;
}

static json_t *parse_json(const char *text, size_t n, json_error_t *error)
{
    exhausted = false;
    loading = true;
    json_set_alloc_funcs(take_memory, give_memory);
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, error);
    loading = false;
    if (!exhausted)
        return root;
    json_decref(root);
    return NULL;
}

/* Bytes of the path up to the end of its first element: `operations[7]` of `operations[7].x`. */
static size_t element_length(const char *path)
{
    return strcspn(path, "]");
}

/* Lists the oversized numbers and makes zeros of them. False: out of memory. */
static bool blank_oversized(struct json_body *body, struct arena *arena, char *text, size_t n)
{
    struct json_walk walk;
    struct str number;
    struct json_oversized **tail = &body->oversized, *last = NULL;
    json_walk_init(&walk, (struct str){text, n});
    while (json_walk_number(&walk, &number)) {
        if (!json_number_oversized(number))
            continue;
        char path[JSON_PATH_SIZE];
        size_t length = json_walk_path(&walk, path), element = element_length(path);
        char *to = text + (number.p - text);
        memset(to, ' ', number.n);
        to[0] = '0';
        if (last && element == element_length(last->path) && memcmp(path, last->path, element) == 0)
            continue;
        struct str copy = arena_str(arena, (struct str){path, length});
        struct json_oversized *entry = arena_alloc(arena, sizeof(*entry));
        if (str_absent(copy) || !entry)
            return false;
        *entry = (struct json_oversized){.path = copy.p};
        *tail = last = entry;
        tail = &entry->next;
    }
    return true;
}

static bool refuse_text(struct arena *arena, const json_error_t *error, struct refusal *why)
{
    if (exhausted)
        return refuse_no_memory(why);
    char *detail = arena_alloc(arena, DETAIL_SIZE);
    if (detail)
        snprintf(detail, DETAIL_SIZE, "%s at line %d, column %d", error->text, error->line,
                 error->column);
    return refuse(why, PROBLEM_MALFORMED_JSON, NULL, detail);
}

/* An array is no body, however deep: that is for the parser to say. */
static bool too_deep(struct arena *arena, struct str text, struct refusal *why)
{
    char path[JSON_PATH_SIZE], detail[DETAIL_SIZE];
    if (!json_path_deeper(text, BODY_DEPTH_MAX, path) || path[0] == '[')
        return false;
    snprintf(detail, sizeof(detail),
             "is nested too deep: a body has at most %d levels, metadata of its own %d",
             BODY_DEPTH_MAX, METADATA_DEPTH_MAX);
    refuse(why, PROBLEM_INVALID_FIELD, arena_str(arena, str_of(path)).p,
           arena_str(arena, str_of(detail)).p);
    return true;
}

bool json_body_parse(struct json_body *body, struct arena *arena, char *text, size_t n,
                     struct refusal *why)
{
    json_error_t error;
    *body = (struct json_body){0};
    if (n == 0)
        return refuse(why, PROBLEM_MALFORMED_JSON, NULL, "the body is empty: give a JSON object");
    /* The parser takes a NUL behind a number or a word for a blank. */
    if (memchr(text, '\0', n))
        return refuse(why, PROBLEM_MALFORMED_JSON, NULL, "the body has a NUL byte");
    if (too_deep(arena, (struct str){text, n}, why))
        return false;
    body->root = parse_json(text, n, &error);
    if (!body->root && !exhausted && json_error_code(&error) == json_error_numeric_overflow) {
        if (!blank_oversized(body, arena, text, n))
            return refuse_no_memory(why);
        body->root = parse_json(text, n, &error);
    }
    if (!body->root)
        return refuse_text(arena, &error, why);
    if (!json_is_object(body->root)) {
        json_body_free(body);
        return refuse(why, PROBLEM_MALFORMED_JSON, NULL, "the body must be a JSON object");
    }
    return true;
}

void json_body_free(struct json_body *body)
{
    json_decref(body->root);
    body->root = NULL;
}
