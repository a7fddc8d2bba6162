/* documented.h -- calls whose answers must be those that /openapi.json promises.
 *
 * Layer: tests, for a suite on one service: documented_begin reads the document from it. Everything
 * here may fail the running test.
 */
#pragma once

#include <jansson.h>

void documented_begin(void);
void documented_end(void);

/* Where "#/a/b" leads in the document. */
json_t *documented(const char *reference);

/* Calls an operation of the document, must get this status, and checks all of the answer. Returns
 * the body. */
#define visit(status, id, path, headers, body)                                                     \
    visit_at((status), (id), (path), (headers), (body), __FILE__, __LINE__)
json_t *visit_at(int status, const char *id, const char *path, const char *headers,
                 const char *body, const char *file, int line);

/* The same, and it must be a problem of this name. */
#define visit_problem(status, name, id, path, headers, body)                                       \
    do {                                                                                           \
        visit((status), (id), (path), (headers), (body));                                          \
        check_problem(a, (status), (name), NULL);                                                  \
    } while (0)

/* The last answer is the problem that every operation may answer with. */
#define documented_problem() documented_problem_at(__FILE__, __LINE__)
void documented_problem_at(const char *file, int line);

/* How many operations never succeeded, and how many of their answers were never seen, but for one
 * status; it prints them. */
int documented_missing(const char *excepted);
