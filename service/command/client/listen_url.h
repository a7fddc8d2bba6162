/* listen_url.h -- under which URL a program on this machine reaches what listens on ADDR:PORT.
 *
 * Layer: command, pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LISTEN_URL_SIZE 300

/* For "http", "0.0.0.0:8080" gives "http://127.0.0.1:8080", "[::]:8080" "http://[::1]:8080"; other
 * addresses stay. False with err: the text is none, or its port is 0, which says nothing. */
bool listen_url(const char *scheme, const char *listen, char url[LISTEN_URL_SIZE], char *err,
                size_t err_size) MUST_CHECK;
