#include "http/conn/https_peer.h"
#include "core/access/cert_name.h"

#include <ctype.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which they count; what a CA says of a host does not speak for a common name. */
static const struct kind {
    int type;
    const char *word;
    bool small; /* in any case it is the same name */
} kinds[] = {{GEN_URI, "uri", false}, {GEN_DNS, "dns", true}, {GEN_EMAIL, "email", false}};

static const struct kind common = {.word = "cn"};

/* False: no memory. *name stays NULL if it is none. */
static bool copy_cert_name(const ASN1_STRING *from, const struct kind *kind, char **name)
{
    char text[CERT_NAME_MAX_BYTES + 1];
    unsigned char *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, from);
    if (n < 0)
        return false;
    int size = snprintf(text, sizeof(text), "%s:%.*s", kind->word, n, (const char *)utf8);
    /* Behind a NUL somebody may hide something, and behind the end of the room. */
    bool whole = !memchr(utf8, '\0', (size_t)n) && size < (int)sizeof(text);
    OPENSSL_free(utf8);
    for (char *c = text; whole && kind->small && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (whole && cert_name_valid(str_of(text)))
        return (*name = strdup(text)) != NULL;
    return true;
}

static const ASN1_STRING *first_of(const GENERAL_NAMES *names, int type)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
        if (one->type == type)
            return one->d.ia5; /* as all of the kinds are */
    }
    return NULL;
}

static bool take_common(const X509 *cert, char **name)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    return at < 0 || copy_cert_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)),
                                    &common, name);
}

static bool take_first(const X509 *cert, const GENERAL_NAMES *names, char **name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const ASN1_STRING *found = first_of(names, kinds[i].type);
        if (found)
            return copy_cert_name(found, &kinds[i], name);
    }
    return take_common(cert, name);
}

bool https_peer_name(const SSL *ssl, char **name)
{
    int found = 0;
    const X509 *cert = SSL_get0_peer_certificate(ssl);
    *name = NULL;
    if (!cert || SSL_get_verify_result(ssl) != X509_V_OK)
        return true;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &found, NULL);
    if (!names && found != -1) /* it has some, or several times some */
        return false;
    bool good = take_first(cert, names, name);
    GENERAL_NAMES_free(names);
    return good;
}
