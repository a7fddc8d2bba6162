/* tls.c -- the steps of one connection; tls_files.c reads the files. */
#include "store/redis/tls.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what went wrong -------------------------------------------------------------------------- */

static int fail_tls(struct tls *tls, const char *what)
{
    snprintf(tls->why, sizeof(tls->why), "%s", what);
    return -EPROTO;
}

/* The certificate that we were shown is not good. */
static int fail_verify(struct tls *tls, long verdict)
{
    const char *what;
    switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        what = "the certificate of Redis, or of its CA, has expired: it needs a new one";
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        what = "the certificate of Redis is not valid yet: compare the clocks of both hosts";
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        snprintf(tls->why, sizeof(tls->why),
                 "the certificate of Redis is not for \"%.100s\": its subjectAltName must have "
                 "that, or --redis a name that it has",
                 tls->host);
        return -EPROTO;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        what = tls_has_own_ca() ? "the certificate of Redis is not of a CA in the file that "
                                  "--redis-ca names"
                                : "the certificate of Redis is not of a CA that this system "
                                  "trusts: give its CA to --redis-ca";
        break;
    default:
        snprintf(tls->why, sizeof(tls->why), "the certificate of Redis is not good: %s",
                 X509_verify_cert_error_string(verdict));
        return -EPROTO;
    }
    return fail_tls(tls, what);
}

/* What Redis says, or what it sent instead of TLS; NULL: nothing that is known here. */
static const char *explain(int reason)
{
    switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        return tls_has_own_cert() ? "Redis refused the TLS handshake: no cipher or no version of "
                                    "TLS suits both"
                                  : "Redis wants a certificate of ours: give --redis-cert and "
                                    "--redis-key (or it has tls-auth-clients no)";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return "Redis does not trust the CA of --redis-cert: its tls-ca-cert-file must have it";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return "Redis says that the certificate in --redis-cert has expired: it needs a new one";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        return "Redis does not accept the certificate in --redis-cert; its log says why";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_HTTP_REQUEST:
        return "what answers there does not speak TLS: give the port that Redis has as tls-port, "
               "or a URL without the second s";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return "Redis has no TLS 1.2 or newer: see its tls-protocols";
    case ERR_R_MALLOC_FAILURE: return "out of memory";
    default: return NULL;
    }
}

static int fail_protocol(struct tls *tls)
{
    unsigned long error = ERR_get_error();
    const char *known = explain(ERR_GET_REASON(error)), *text = ERR_reason_error_string(error);
    if (known)
        return fail_tls(tls, known);
    snprintf(tls->why, sizeof(tls->why), "TLS failed: %s", text ? text : "no reason is known");
    return -EPROTO;
}

static bool is_end_of_file(int failed)
{
    return failed == SSL_ERROR_ZERO_RETURN ||
           (failed == SSL_ERROR_SYSCALL && ERR_peek_error() == 0 &&
            (errno == 0 || errno == EPIPE || errno == ECONNRESET)) ||
           (failed == SSL_ERROR_SSL &&
            ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
}

/* What a step of OpenSSL's came to that was no success: -EAGAIN, 0 at the end, or -EPROTO. */
static int step_result(struct tls *tls, int returned)
{
    int failed = SSL_get_error(tls->ssl, returned);
    tls->wants_write = failed == SSL_ERROR_WANT_WRITE;
    if (failed == SSL_ERROR_WANT_READ || failed == SSL_ERROR_WANT_WRITE)
        return -EAGAIN;
    if (is_end_of_file(failed))
        return 0;
    if (failed == SSL_ERROR_SYSCALL && ERR_peek_error() == 0)
        return fail_tls(tls, strerror(errno));
    return fail_protocol(tls);
}

static void begin_step(struct tls *tls)
{
    ERR_clear_error();
    errno = 0;
    tls->wants_write = false;
}

/* --- its life --------------------------------------------------------------------------------- */

struct tls *tls_new(int fd, const char *host)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    if (!tls)
        return NULL;
    begin_step(tls);
    snprintf(tls->host, sizeof(tls->host), "%s", host);
    tls->socket = (struct tls_socket){fd, TLS_SOCKET_UNBOUND};
    tls->ssl = tls_files_new_ssl(&tls->socket);
    if (tls->ssl && tls_socket_expect(tls->ssl, host)) {
        SSL_set_connect_state(tls->ssl);
        return tls;
    }
    SSL_free(tls->ssl);
    free(tls);
    ERR_clear_error();
    return NULL;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    begin_step(tls);
    if (SSL_is_init_finished(tls->ssl) && !tls->why[0])
        (void)SSL_shutdown(tls->ssl);
    SSL_free(tls->ssl);
    free(tls);
    ERR_clear_error();
}

/* --- steps ------------------------------------------------------------------------------------ */

int tls_handshake(struct tls *tls)
{
    begin_step(tls);
    int returned = SSL_do_handshake(tls->ssl);
    if (returned == 1)
        return 0;
    long verdict = SSL_get_verify_result(tls->ssl);
    int rc = step_result(tls, returned);
    if (rc == -EAGAIN)
        return rc;
    if (rc == -EPROTO && verdict != X509_V_OK)
        return fail_verify(tls, verdict);
    return rc == 0 ? fail_tls(tls, "the connection was closed in the TLS handshake") : rc;
}

/* A certificate that Redis does not like is refused after our handshake, in TLS 1.3; the alert that
 * says so may be lost with what we had sent meanwhile. */
static ssize_t fail_early(struct tls *tls)
{
    return fail_tls(
        tls, tls_has_own_cert()
                 ? "Redis closed the connection right after the TLS handshake; its log says "
                   "why"
                 : "Redis closed the connection right after the TLS handshake: it may want a "
                   "certificate of ours (--redis-cert, --redis-key)");
}

/* Reads until there is nothing: what is left inside of OpenSSL, no poll would see. */
ssize_t tls_read(struct tls *tls, void *bytes, size_t size)
{
    size_t n = 0, got = 0;
    int returned = 1;
    if (tls->why[0])
        return -EPROTO; /* the read before this one had bytes to give first */
    begin_step(tls);
    while (n < size) {
        returned = SSL_read_ex(tls->ssl, (char *)bytes + n, size - n, &got);
        if (returned != 1)
            break;
        n += got;
    }
    int rc = returned == 1 ? 0 : step_result(tls, returned);
    tls->more = n > 0 && rc != -EAGAIN;
    tls->heard = tls->heard || n > 0;
    if (n > 0)
        return (ssize_t)n;
    return rc == 0 && !tls->heard ? fail_early(tls) : rc;
}

ssize_t tls_write(struct tls *tls, const void *bytes, size_t size)
{
    size_t sent = 0;
    assert(size > 0);
    begin_step(tls);
    int returned = SSL_write_ex(tls->ssl, bytes, size, &sent);
    if (returned == 1)
        return (ssize_t)sent;
    int rc = step_result(tls, returned);
    if (rc < 0)
        return rc;
    return tls->heard ? fail_tls(tls, "Redis closed the connection") : fail_early(tls);
}
