/* report_html.c -- the HTML report: one file with its style, its script and the report's document.
 *
 * The page embeds what --output-format json writes and, beside it, how to show that (layout.h);
 * page/report.js draws it. Where no script runs the text report is shown. The page loads nothing: a
 * content security policy says so to the browser, and names the two scripts by their digests, so
 * that a text that got past the escaping could still not run.
 *
 * Invariant: what came from a server, a user or a file is in the page only as JSON without "<", ">"
 * and "&", and as escaped text.
 */
#include "report/assets.h"
#include "report/document.h"
#include "report/layout.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

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

static int put_head(FILE *out)
{
    char chart[DIGEST_TEXT], script[DIGEST_TEXT];
    if (digest(REPORT_ASSET(chart), chart) < 0 || digest(REPORT_ASSET(script), script) < 0)
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
    write_bytes(out, REPORT_ASSET(css));
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

static int put_body(FILE *out, const struct report *report)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    if (!to)
        return -ENOMEM;
    struct report whole = *report;
    whole.style = (struct report_style){.whole = true};
    int result = report_text(to, &whole);
    if (fclose(to) == EOF && result == 0)
        result = -ENOMEM;
    fputs("<body>\n<header><h1>stockload <span>load, and proof</span></h1></header>\n"
          "<noscript><pre class=\"card\">",
          out);
    if (result == 0)
        put_escaped(out, (struct str){text, bytes}, in_html);
    fputs("</pre></noscript>\n<main></main>\n<footer>This file is complete in itself and loads "
          "nothing.</footer>\n",
          out);
    free(text);
    return result;
}

/* These occur in JSON only within strings, where their escapes mean the same: no text can end the
 * script element, or open a comment in it. */
static int put_piece(const char *bytes, size_t n, void *stream)
{
    put_escaped(stream, (struct str){bytes, n}, in_json);
    return 0;
}

/* Takes the value over. */
static int put_json(FILE *out, const char *id, json_t *value)
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

/* The scripts stand between their tags byte for byte: their digests are in the policy. */
static void put_scripts(FILE *out)
{
    fputs("<script>", out);
    write_bytes(out, REPORT_ASSET(chart));
    fputs("</script>\n<script>", out);
    write_bytes(out, REPORT_ASSET(script));
    fputs("</script>\n</body>\n</html>\n", out);
}

int report_html(FILE *out, const struct report *report)
{
    assert(report->count > 0);
    int err = put_head(out);
    if (err == 0)
        err = put_body(out, report);
    if (err == 0)
        err = put_json(out, "document", document_make(report));
    if (err == 0)
        err = put_json(out, "layout", layout_json());
    if (err < 0)
        return err;
    put_scripts(out);
    return fflush(out) == EOF || ferror(out) ? -EIO : 0;
}
