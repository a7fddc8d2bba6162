#include "report/html.h"
#include "report/document.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#define DIGEST_BYTES 32                                 /* SHA-256 */
#define DIGEST_TEXT  (4 * ((DIGEST_BYTES + 2) / 3) + 1) /* in Base64, with its NUL */

static int digest(struct str asset, char to[DIGEST_TEXT])
{
    unsigned char bytes[DIGEST_BYTES];
    unsigned int n = 0;
    if (EVP_Digest(asset.p, asset.n, bytes, &n, EVP_sha256(), NULL) != 1)
        return -ENOMEM;
    assert(n == DIGEST_BYTES);
    EVP_EncodeBlock((unsigned char *)to, bytes, DIGEST_BYTES);
    return 0;
}

static void write_bytes(FILE *out, struct str bytes)
{
    fwrite(bytes.p, 1, bytes.n, out);
}

int html_head(FILE *out, const struct html_parts *parts)
{
    char chart[DIGEST_TEXT], script[DIGEST_TEXT];
    if (digest(parts->chart, chart) < 0 || digest(parts->script, script) < 0)
        return -ENOMEM;
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n", out);
    fprintf(out,
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; "
            "script-src 'sha256-%s' 'sha256-%s'\">\n",
            chart, script);
    fputs("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<title>stockload</title>\n<style>\n",
          out);
    write_bytes(out, parts->css);
    fputs("</style>\n</head>\n", out);
    return 0;
}

/* What means something to a parser of HTML, and its escapes. */
static const char special[] = "<>&";
static const char *const in_html[] = {"&lt;", "&gt;", "&amp;"};
static const char *const in_json[] = {"\\u003c", "\\u003e", "\\u0026"};

static void put_escaped(FILE *out, struct str bytes, const char *const *escapes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        const char *found = bytes.p[i] ? strchr(special, bytes.p[i]) : NULL;
        if (found)
            fputs(escapes[found - special], out);
        else
            putc(bytes.p[i], out);
    }
}

void html_text(FILE *out, struct str text)
{
    put_escaped(out, text, in_html);
}

/* These occur in JSON only within strings, where their escapes mean the same: no text can end the
 * script element, or open a comment in it. */
static int put_piece(const char *bytes, size_t n, void *stream)
{
    put_escaped(stream, (struct str){bytes, n}, in_json);
    return 0;
}

int html_json(FILE *out, const char *id, json_t *value)
{
    if (!value)
        return -ENOMEM;
    fprintf(out, "<script type=\"application/json\" id=\"%s\">", id);
    int rc = json_dump_callback(value, put_piece, out,
                                JSON_COMPACT | JSON_ENSURE_ASCII | DOCUMENT_FORMAT);
    fputs("</script>\n", out);
    json_decref(value);
    return rc < 0 ? -ENOMEM : 0;
}

/* They stand between their tags byte for byte: their digests are in the policy. */
void html_scripts(FILE *out, const struct html_parts *parts)
{
    fputs("<script>", out);
    write_bytes(out, parts->chart);
    fputs("</script>\n<script>", out);
    write_bytes(out, parts->script);
    fputs("</script>\n</body>\n</html>\n", out);
}
