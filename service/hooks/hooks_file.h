/* hooks_file.h -- the file that says which events go to which URLs.
 *
 * Layer: hooks. JSON, since other programs write it; only its owner may have any right to it, as
 * there are secrets in it. Read whole or not at all: one that is wrong changes nothing.
 *
 *   {"hooks": [{"name": "shop", "url": "https://shop.example/stock", "secret": "whsec_..."}]}
 *
 * Invariant: every spec of a list is one that can be sent: names differ, URLs are http or https
 * without a password, there is a secret.
 */
#pragma once

#include "hooks/signature.h"
#include "private_file.h"

#define HOOKS_MAX            64
#define HOOK_NAME_MAX        64 /* bytes */
#define HOOK_URL_MAX         2048
#define HOOK_FILTERS_MAX     64
#define HOOKS_FILE_MAX_BYTES (256u << 10)
#define HOOKS_WHY_SIZE       512

#define HOOK_IN_FLIGHT_MAX 64

struct hook_texts {
    char *text[HOOK_FILTERS_MAX];
    size_t n; /* 0: all */
};

struct hook_spec {
    char *name, *url, *tenant; /* tenant NULL: the default one */
    struct hook_secret secrets[SECRETS_MAX];
    size_t secret_count;           /* 1, 2 */
    struct hook_texts types, skus; /* skus: beginnings of them */
    bool from_beginning;           /* when it is first met; else from then on */
    int64_t in_flight;             /* requests at a time, 1..HOOK_IN_FLIGHT_MAX */
    int64_t attempts;              /* before an event is given up, 1..100 */
    int64_t retry_first_ms;        /* 10..600,000 */
    int64_t timeout_ms;            /* of a request, 100..60,000 */
};

struct hook_list {
    struct hook_spec hooks[HOOKS_MAX];
    size_t count;
};

/* Fills the list, which hooks_file_free() frees. False, with why: to be read behind the path. */
bool hooks_file_read(struct hook_list *list, const char *path, char why[HOOKS_WHY_SIZE]) MUST_CHECK;

/* The same of its text. */
bool hooks_file_parse(struct hook_list *list, struct str text, char why[HOOKS_WHY_SIZE]) MUST_CHECK;
void hooks_file_free(struct hook_list *list);

/* NULL: there is none of that name. */
const struct hook_spec *hooks_file_find(const struct hook_list *list, const char *name);

/* Whether an event of this type and this item, by its outer name, is for the hook. */
bool hook_wants(const struct hook_spec *spec, struct str type, struct str sku);
