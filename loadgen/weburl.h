/* weburl.h -- where the service is: http://host[:port][/prefix], taken apart.
 *
 * Layer: loadgen, pure.
 */
#ifndef LOADGEN_WEBURL_H
#define LOADGEN_WEBURL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBURL_DEFAULT  "http://127.0.0.1:8080"
#define WEBURL_MAX      256 /* bytes, with the NUL */
#define WEBURL_ERR_SIZE 256

struct weburl {
    char text[WEBURL_MAX]; /* without slashes at its end */
    char host[WEBURL_MAX]; /* without the brackets of an IPv6 address */
    uint16_t port;
    char prefix[WEBURL_MAX]; /* "/shop", or "": comes before every path */
};

/* False with in err what would be right, to be read behind `"text" `. */
bool weburl_parse(const char *text, struct weburl *url, char *err, size_t err_size)
    __attribute__((warn_unused_result));

#endif
