#include "command/client/listen_url.h"
#include "digits.h"
#include "fail.h"

#include <stdio.h>
#include <string.h>

#define HOST_MAX 255

bool listen_url(const char *scheme, const char *listen, char url[LISTEN_URL_SIZE], char *err,
                size_t err_size)
{
    const char *colon = strrchr(listen, ':');
    size_t n = colon ? (size_t)(colon - listen) : 0;
    int64_t port = colon ? digits_read(colon + 1, strlen(colon + 1), 65535) : -1;
    if (n == 0 || n > HOST_MAX || port < 0)
        return fail_with(err, err_size, "\"%.100s\" is no ADDR:PORT, as 127.0.0.1:8080", listen);
    if (port == 0)
        return fail_with(err, err_size, "\"%.100s\" takes any free port; give --url", listen);
    const char *host = listen;
    if (n == strlen("0.0.0.0") && strncmp(host, "0.0.0.0", n) == 0) {
        host = "127.0.0.1";
        n = strlen(host);
    } else if (n == strlen("[::]") && strncmp(host, "[::]", n) == 0) {
        host = "[::1]";
        n = strlen(host);
    }
    snprintf(url, LISTEN_URL_SIZE, "%s://%.*s:%u", scheme, (int)n, host, (unsigned)port);
    return true;
}
