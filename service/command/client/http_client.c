/* http_client.c -- libcurl, with everything off that is not asked for. */
#include "command/client/http_client.h"
#include "fail.h"
#include "ip.h"

#include <assert.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define URL_MAX 8192 /* bytes */

struct http_client {
    CURL *curl;
    char *base; /* of curl_url_get() */
    char *authorization;
    const volatile sig_atomic_t *interrupted;

    /* Of the call that runs. */
    struct http_answer *answer;
    size_t head_bytes;
    bool head_ended;    /* of the last answer that began: interim ones have heads, too */
    const char *broken; /* why what came is not taken; NULL: nothing wrong */
};

/* --- the address ------------------------------------------------------------------------------ */

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

static bool part_is(CURLU *url, CURLUPart part, const char *wanted)
{
    char *text = NULL;
    bool is = curl_url_get(url, part, &text, 0) == CURLUE_OK && strcasecmp(text, wanted) == 0;
    curl_free(text);
    return is;
}

/* What this program can send requests to, and what nothing is left out of when it does. */
static bool check_url(CURLU *url, char *why, size_t size)
{
    if (!part_is(url, CURLUPART_SCHEME, "http") && !part_is(url, CURLUPART_SCHEME, "https"))
        return fail_with(why, size, "must begin with http:// or https://");
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
        return fail_with(why, size, "must not hold a password; --key-file sends a key");
    if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
        return fail_with(why, size, "must end before a query or a fragment");
    return true;
}

/* Requests to this machine itself go through no proxy, whatever the environment says. */
static bool is_loopback_url(CURLU *url)
{
    char *host = NULL;
    struct ip ip;
    if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return false;
    size_t n = strlen(host), domain = strlen(".localhost");
    bool is = strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
              (n > domain && strcasecmp(host + n - domain, ".localhost") == 0) ||
              (ip_parse(&ip, str_of(host)) && ip_is_loopback(&ip));
    curl_free(host);
    return is;
}

static bool read_url(struct http_client *client, const char *base, bool *loopback, char *why,
                     size_t size)
{
    CURLU *url = curl_url();
    CURLUcode rc = url ? curl_url_set(url, CURLUPART_URL, base, 0) : CURLUE_OUT_OF_MEMORY;
    bool ok = rc == CURLUE_OK
                  ? check_url(url, why, size)
                  : fail_with(why, size, "is no URL (%s); give one as http://127.0.0.1:8080",
                              curl_url_strerror(rc));
    if (ok && curl_url_get(url, CURLUPART_URL, &client->base, 0) != CURLUE_OK)
        ok = fail_with(why, size, "could not be taken: no memory");
    if (ok) {
        *loopback = is_loopback_url(url);
        for (size_t n = strlen(client->base); n > 0 && client->base[n - 1] == '/'; n--)
            client->base[n - 1] = '\0';
    }
    curl_url_cleanup(url);
    return ok;
}

const char *http_client_base(const struct http_client *client)
{
    return client->base;
}

void http_put_encoded(struct buf *out, struct str text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c < 0x80 && isalnum(c)) || (c && strchr("-._~", c))) {
            buf_putc(out, (char)c);
            continue;
        }
        buf_putc(out, '%');
        buf_putc(out, hex[c >> 4]);
        buf_putc(out, hex[c & 15]);
    }
}

void http_path_of(char *path, size_t size, const char *above, const char *name, const char *behind)
{
    struct buf out;
    buf_init(&out, size);
    buf_puts(&out, str_of(above));
    http_put_encoded(&out, str_of(name));
    buf_puts(&out, str_of(behind));
    snprintf(path, size, "%.*s", STR_ARG(buf_str(&out)));
    buf_free(&out);
}

/* --- what comes in ---------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t one, size_t n, void *ctx)
{
    struct http_client *client = ctx;
    (void)one; /* always 1 */
    buf_put(&client->answer->body, bytes, n);
    if (client->answer->body.failed)
        client->broken = "the answer is longer than 4 MiB";
    return client->broken ? 0 : n;
}

static size_t on_header(char *bytes, size_t one, size_t n, void *ctx)
{
    struct http_client *client = ctx;
    client->head_bytes += n;
    if (n > 5 && memcmp(bytes, "HTTP/", 5) == 0)
        client->head_ended = false;
    else if (bytes[0] == '\r' || bytes[0] == '\n')
        client->head_ended = true; /* trailers, which come here as well, do not change that */
    if (client->head_bytes > HTTP_HEAD_MAX)
        client->broken = "the header of the answer is longer than 64 KiB";
    return client->broken ? 0 : n;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct http_client *client = ctx;
    (void)a, (void)b, (void)c, (void)d;
    return client->interrupted && *client->interrupted;
}

/* --- opening ---------------------------------------------------------------------------------- */

static bool set_up_client(struct http_client *client, bool loopback)
{
    CURL *curl = client->curl;
    /* clang-format off */
    bool set = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_WRITEDATA, client) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HEADERDATA, client) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_XFERINFODATA, client) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK;
    /* clang-format on */
    return set && (!loopback || curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK);
}

static bool set_text(CURL *curl, CURLoption option, const char *text)
{
    return !text || curl_easy_setopt(curl, option, text) == CURLE_OK;
}

static bool set_up_tls(CURL *curl, const struct http_tls *tls)
{
    bool set =
        curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    if (set && tls->unverified)
        set = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK;
    return set && set_text(curl, CURLOPT_CAINFO, tls->ca) &&
           set_text(curl, CURLOPT_SSLCERT, tls->cert) && set_text(curl, CURLOPT_SSLKEY, tls->key);
}

bool http_client_open(struct http_client **to, const char *base, const char *token,
                      const struct http_tls *tls, const volatile sig_atomic_t *interrupted,
                      char *why, size_t size)
{
    bool loopback = false;
    struct http_client *client = calloc(1, sizeof(*client));
    *to = NULL;
    if (!client || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(client);
        return fail_with(why, size, "could not be taken: no memory");
    }
    client->interrupted = interrupted;
    client->curl = curl_easy_init();
    bool ok = read_url(client, base, &loopback, why, size);
    if (ok && token && asprintf(&client->authorization, "Authorization: Bearer %s", token) < 0)
        client->authorization = NULL;
    if (ok && (!client->curl || (token && !client->authorization) ||
               !set_up_client(client, loopback) || !set_up_tls(client->curl, tls)))
        ok = fail_with(why, size, "could not be taken: libcurl does not do what is needed here");
    if (!ok) {
        http_client_close(client);
        return false;
    }
    *to = client;
    return true;
}

void http_client_close(struct http_client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    curl_free(client->base);
    if (client->authorization)
        explicit_bzero(client->authorization, strlen(client->authorization));
    free(client->authorization);
    free(client);
    curl_global_cleanup();
}

void http_answer_init(struct http_answer *answer)
{
    *answer = (struct http_answer){0};
    buf_init(&answer->body, HTTP_ANSWER_MAX);
}

void http_answer_free(struct http_answer *answer)
{
    buf_free(&answer->body);
}

/* --- a call ----------------------------------------------------------------------------------- */

/* Header lines; once one could not be added, none is. */
struct lines {
    struct curl_slist *list;
    bool failed;
};

static void add_header(struct lines *lines, const char *name, const char *value)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "%s: %s", name, value);
    struct curl_slist *longer =
        n > 0 && (size_t)n < sizeof(text) ? curl_slist_append(lines->list, text) : NULL;
    lines->failed = lines->failed || !longer;
    lines->list = longer ? longer : lines->list;
}

static bool make_headers(const struct http_client *client, const struct http_request *request,
                         struct curl_slist **list)
{
    struct lines lines = {0};
    add_header(&lines, "Accept", "application/json");
    add_header(&lines, "User-Agent", "stockd");
    /* Without a value, a line that libcurl would write by itself is left out. */
    add_header(&lines, "Content-Type", str_absent(request->body) ? "" : "application/json");
    add_header(&lines, "Expect", "");
    if (request->key)
        add_header(&lines, "Idempotency-Key", request->key);
    if (request->if_match)
        add_header(&lines, "If-Match", request->if_match);
    if (request->if_none_match)
        add_header(&lines, "If-None-Match", "*");
    struct curl_slist *all = lines.list;
    if (client->authorization) {
        all = curl_slist_append(lines.list, client->authorization);
        lines.failed = lines.failed || !all;
        all = all ? all : lines.list;
    }
    *list = all;
    return !lines.failed;
}

/* On a connection that was used before and turns out to be dead, libcurl sends a request once more.
 */
static bool prepare_call(struct http_client *client, const struct http_request *request,
                         struct curl_slist *headers, int64_t timeout_ms, char why[HTTP_WHY_SIZE])
{
    char url[URL_MAX];
    CURL *curl = client->curl;
    int n = snprintf(url, sizeof(url), "%s%s", client->base, request->path);
    assert(timeout_ms > 0);
    if (n < 0 || (size_t)n >= sizeof(url))
        return fail_with(why, HTTP_WHY_SIZE, "the address is longer than %d bytes", URL_MAX);
    bool is_get = strcmp(request->method, "GET") == 0;
    struct str body = str_absent(request->body) ? STR("") : request->body;
    bool set = curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, is_get ? 0L : 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms) == CURLE_OK;
    if (set && !is_get)
        set = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.p) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
    else if (set)
        set = curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, NULL) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    return set || fail_with(why, HTTP_WHY_SIZE, "libcurl does not take the request");
}

static void read_type(struct http_answer *answer, const char *type)
{
    size_t n = type ? strcspn(type, "; \t") : 0;
    for (size_t i = 0; i < n && i + 1 < sizeof(answer->type); i++)
        answer->type[i] = (char)tolower((unsigned char)type[i]);
}

static void take_facts(struct http_client *client)
{
    long status = 0;
    char *type = NULL;
    curl_off_t wait_s = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(client->curl, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &wait_s);
    client->answer->status = (unsigned)status;
    client->answer->retry_after_s = wait_s > 0 && wait_s < 1000 * 1000 ? (unsigned)wait_s : 0;
    read_type(client->answer, type);
}

/* libcurl's own words but for what happens every day. */
static const char *reason(const struct http_client *client, CURLcode rc)
{
    long system = 0;
    if (client->broken)
        return client->broken;
    switch (rc) {
    case CURLE_OPERATION_TIMEDOUT: return "no answer in time";
    case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &system);
        return system ? strerror((int)system) : "the connection was refused";
    case CURLE_COULDNT_RESOLVE_HOST: return "there is no host of that name";
    case CURLE_GOT_NOTHING: return "the connection was closed without an answer";
    case CURLE_PARTIAL_FILE: return "the answer was cut off";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return "the connection was lost";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY: return "what answers does not speak HTTP";
    case CURLE_SSL_CONNECT_ERROR: return "it does not speak TLS";
    case CURLE_PEER_FAILED_VERIFICATION:
        return "its certificate is not of a CA that is trusted here (--ca), or not for this name";
    case CURLE_SSL_CACERT_BADFILE: return "the file of --ca has no certificates to be read";
    case CURLE_SSL_CERTPROBLEM: return "--cert and --cert-key are no pair that can be read";
    case CURLE_ABORTED_BY_CALLBACK: return "interrupted";
    default: return curl_easy_strerror(rc);
    }
}

/* Whether a byte of the request went out. */
static bool was_sent(struct http_client *client)
{
    long bytes = 0;
    return curl_easy_getinfo(client->curl, CURLINFO_REQUEST_SIZE, &bytes) != CURLE_OK || bytes > 0;
}

enum http_end http_client_call(struct http_client *client, const struct http_request *request,
                               int64_t timeout_ms, struct http_answer *answer,
                               char why[HTTP_WHY_SIZE])
{
    struct curl_slist *headers = NULL;
    http_answer_free(answer);
    http_answer_init(answer);
    client->answer = answer;
    client->head_bytes = 0;
    client->head_ended = false;
    client->broken = NULL;
    if (!make_headers(client, request, &headers) ||
        !prepare_call(client, request, headers, timeout_ms, why)) {
        curl_slist_free_all(headers);
        return HTTP_UNSENT;
    }
    CURLcode rc = curl_easy_perform(client->curl);
    if (rc == CURLE_OK && !client->head_ended)
        rc = CURLE_PARTIAL_FILE; /* libcurl takes the end of a connection for the end of a head */
    enum http_end end = HTTP_ANSWERED;
    if (rc == CURLE_OK)
        take_facts(client);
    else
        end = was_sent(client) ? HTTP_SILENT : HTTP_UNSENT;
    if (rc != CURLE_OK)
        snprintf(why, HTTP_WHY_SIZE, "%s", reason(client, rc));
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return end;
}
