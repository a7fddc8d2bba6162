/* tls_files.h -- what a process trusts and shows, as OpenSSL has it. Private to tls*.c.
 *
 * Invariant: there is at most one at a time; connections that began with an earlier one hold it.
 */
#pragma once

#include <stdbool.h>

/* A connection of what was loaded last, on this socket. NULL: out of memory. */
struct ssl_st *tls_files_new_ssl(int fd);

/* How what goes over a socket may be put right: which options were given. */
bool tls_has_own_ca(void);
bool tls_has_own_cert(void);
