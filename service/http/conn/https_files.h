/* https_files.h -- what this server shows and whom it lets in when it speaks TLS, as files say.
 *
 * Layer: http. Read once, before anything is forked, and again on SIGHUP; children have it too.
 * https_conn.h makes connections of it.
 *
 *   TLS 1.2 and 1.3, forward secrecy and authenticated encryption alone; ALPN: http/1.1 or nothing.
 *   No renegotiation, no compression, no early data. No session is resumed, by ticket or otherwise:
 *   a ticket's key would have to be the same in all workers, through each SIGHUP, and be forgotten
 *   in time, or who has it reads what was recorded; and a client whose certificate --tls-client-ca
 *   does not know any more could come back. Clients keep their connections instead.
 *
 * Invariant: what was read is whole and fits together, or what was there before stays. There is one
 * of it in a process; connections that began with an earlier one hold that.
 */
#pragma once

#include "tls/tls_context.h"
#include "tls/tls_socket.h"

#include <stdint.h>

/* Paths; cert NULL: no TLS. client_ca NULL: clients need no certificate. */
struct https_files {
    const char *cert, *key, *client_ca;
};

/* Reads them; the strings must outlive the process' use of TLS. On failure nothing has changed, and
 * `why` names the option, its file, what is wrong, and what would be right. */
bool https_load(const struct https_files *files, char why[TLS_WHY_SIZE]) MUST_CHECK;

/* The same files again, as they are now. Fine where there are none. */
bool https_reload(char why[TLS_WHY_SIZE]) MUST_CHECK;

/* There are some. */
bool https_is_on(void);

/* When the first of the certificates that are shown ends, on the wall clock. */
int64_t https_expires_ms(void);

/* For https_conn.c: a connection of what was loaded last. NULL: out of memory. */
struct ssl_st *https_files_new_ssl(struct tls_socket *socket);
