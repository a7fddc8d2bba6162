/* https_peer.h -- whose the certificate is that a client has shown.
 *
 * Layer: http, private to https_conn.c.
 */
#pragma once

#include <stdbool.h>

struct ssl_st;

/* Its first name of a URI, or else of a host, or else of mail (subjectAltName), and if it has none
 * of these its common name, as cert_name.h writes them; the caller's to free. NULL: it has shown
 * none that --tls-client-ca has signed, or its name is none for cert_name.h. False: no memory, or
 * its names cannot be read. */
bool https_peer_name(const struct ssl_st *ssl, char **name) MUST_CHECK;
