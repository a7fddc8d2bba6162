#include "tls/tls_pem.h"
#include "fail.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool refuse_pem(char why[TLS_WHY_SIZE], const char *option, const char *path,
                       const char *what)
{
    return fail_with(why, TLS_WHY_SIZE, "%s %.120s: %s", option, path, what);
}

/* NULL, and why: it can not be read. */
static FILE *open_pem(char why[TLS_WHY_SIZE], const char *option, const char *path)
{
    char what[96];
    FILE *file = fopen(path, "re");
    if (file)
        return file;
    snprintf(what, sizeof(what), "can not be read: %s", strerror(errno));
    (void)refuse_pem(why, option, path, what);
    return NULL;
}

static bool can_be_read(char why[TLS_WHY_SIZE], const char *option, const char *path)
{
    FILE *file = open_pem(why, option, path);
    return file && fclose(file) == 0;
}

bool tls_pem_is_private(const char *option, const char *path, char why[TLS_WHY_SIZE])
{
    struct stat st;
    char what[96];
    FILE *file = open_pem(why, option, path);
    if (!file)
        return false;
    bool known = fstat(fileno(file), &st) == 0;
    fclose(file);
    if (known && (st.st_mode & S_IRWXO) == 0)
        return true;
    snprintf(what, sizeof(what), "may be read by others (mode %04o); chmod o= is right",
             known ? (unsigned)st.st_mode & 07777 : 0);
    return refuse_pem(why, option, path, what);
}

/* Nobody is there to be asked for a password; that somebody should have been is kept. */
static int no_password(char *to, int size, int writing, void *asked)
{
    if (asked)
        *(bool *)asked = true;
    return -1;
}

void tls_pem_begin(SSL_CTX *context)
{
    SSL_CTX_set_default_passwd_cb(context, no_password);
}

static bool is_expired(const X509 *cert)
{
    return X509_cmp_current_time(X509_get0_notAfter(cert)) < 0;
}

/* The certificates of a file into the store. Returns how many; *good of them are not over yet. */
static size_t take_certificates(FILE *file, X509_STORE *store, size_t *good)
{
    size_t count = 0;
    *good = 0;
    for (X509 *cert; (cert = PEM_read_X509(file, NULL, no_password, NULL)) != NULL; count++) {
        *good += !is_expired(cert);
        (void)X509_STORE_add_cert(store, cert); /* what is there twice is there */
        X509_free(cert);
    }
    return count;
}

/* At the end of a file OpenSSL says that there is no more that begins a certificate. */
static const char *cert_trouble(void)
{
    unsigned long first = ERR_peek_error(), error = ERR_peek_last_error();
    if (ERR_GET_REASON(error) == SSL_R_EE_KEY_TOO_SMALL)
        return "has a key that is too small; 2048 bits of RSA are the least";
    if (ERR_GET_REASON(error) == PEM_R_NO_START_LINE ||
        ERR_GET_REASON(first) == PEM_R_NO_START_LINE)
        return "has no certificate; it must be a file of PEM, -----BEGIN CERTIFICATE-----";
    return "has a certificate that is damaged; it must be a file of PEM as it was made";
}

bool tls_pem_ca(SSL_CTX *context, const char *option, const char *path, char why[TLS_WHY_SIZE])
{
    size_t good;
    FILE *file = open_pem(why, option, path);
    if (!file)
        return false;
    size_t count = take_certificates(file, SSL_CTX_get_cert_store(context), &good);
    fclose(file);
    if (count == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return refuse_pem(why, option, path, cert_trouble());
    return good > 0 ||
           refuse_pem(why, option, path, "has expired; give the CA that certificates are of now");
}

bool tls_pem_cert(SSL_CTX *context, const char *option, const char *path, char why[TLS_WHY_SIZE])
{
    if (!can_be_read(why, option, path))
        return false;
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, path) != 1)
        return refuse_pem(why, option, path, cert_trouble());
    const X509 *cert = SSL_CTX_get0_certificate(context);
    if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
        return refuse_pem(why, option, path, "is not valid yet; compare its dates with the clock");
    return !is_expired(cert) || refuse_pem(why, option, path, "has expired; it needs a new one");
}

static bool refuse_key(char why[TLS_WHY_SIZE], const char *option, const char *path,
                       const char *cert_option, bool asked)
{
    char what[96];
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH) {
        snprintf(what, sizeof(what),
                 "is not the key of the certificate in %s; give both of one pair", cert_option);
        return refuse_pem(why, option, path, what);
    }
    if (asked)
        return refuse_pem(why, option, path,
                          "is encrypted; give it without a password, readable by this user alone");
    return refuse_pem(why, option, path,
                      "has no private key; it must be a file of PEM, -----BEGIN PRIVATE KEY-----");
}

bool tls_pem_key(SSL_CTX *context, const char *option, const char *path, const char *cert_option,
                 char why[TLS_WHY_SIZE])
{
    bool asked = false;
    if (!can_be_read(why, option, path))
        return false;
    SSL_CTX_set_default_passwd_cb_userdata(context, &asked);
    ERR_clear_error();
    bool good = SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1 &&
                SSL_CTX_check_private_key(context) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    return good || refuse_key(why, option, path, cert_option, asked);
}
