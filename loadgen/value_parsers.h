/* value_parsers.h -- the small notations of the command line: "1-3", "30s:500,1m:2k",
 * "reserve=70,get=5", http://host[:port][/prefix].
 *
 * Layer: loadgen, pure. Each function takes the whole text or refuses it: false, with in err what
 * would be right, to be read behind `--flag: "text" `.
 */
#pragma once

#include "client/workload.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORM_STAGES_MAX   64
#define FORM_RATE_MAX     INT64_C(100000000) /* requests a second */
#define FORM_STAGE_MS_MAX (INT64_C(7) * 24 * 3600 * 1000)
#define FORM_ERR_SIZE     320

struct form_range {
    int64_t min, max; /* min <= max */
};

struct form_stage {
    int64_t duration_ms; /* > 0 */
    int64_t rate;        /* a second; 0: silence */
};

struct form_stages {
    size_t count; /* 0: none */
    struct form_stage stage[FORM_STAGES_MAX];
};

/* "3" or "1-3", within 1..most. */
bool form_range_parse(const char *text, int64_t most, struct form_range *range, char *err,
                      size_t err_size) MUST_CHECK;

/* "TIME:RATE,TIME:RATE", at least one rate above 0. */
bool form_stages_parse(const char *text, struct form_stages *stages, char *err,
                       size_t err_size) MUST_CHECK;

/* "5ms", "750us", "1.5s": nanoseconds, up to a minute. */
bool form_latency_parse(const char *text, int64_t *ns, char *err, size_t err_size) MUST_CHECK;

/* How long all of them take. */
int64_t form_stages_ms(const struct form_stages *stages);

/* "KIND=WEIGHT,...": kinds left out weigh 0, at least one weighs more. */
bool form_mix_parse(const char *text, uint32_t mix[WORKS], char *err, size_t err_size) MUST_CHECK;

/* "NAME: VALUE" that may stand in every request: it has a name, no line end to smuggle another one,
 * and says nothing that each request must say for itself. The value, which may be secret, is not
 * repeated in err. */
bool form_header_check(const char *text, char *err, size_t err_size) MUST_CHECK;

#define WEBURL_DEFAULT  "http://127.0.0.1:8080"
#define WEBURL_MAX      256 /* bytes, with the NUL */
#define WEBURL_ERR_SIZE 256

/* Where the service is, taken apart. */
struct weburl {
    char text[WEBURL_MAX]; /* without slashes at its end */
    char host[WEBURL_MAX]; /* without the brackets of an IPv6 address */
    uint16_t port;
    bool tls;                /* https:// */
    char prefix[WEBURL_MAX]; /* "/shop", or "": comes before every path */
};

/* False with in err what would be right, to be read behind `"text" `. */
bool weburl_parse(const char *text, struct weburl *url, char *err, size_t err_size) MUST_CHECK;
