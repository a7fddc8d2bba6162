#include "hooks/sender.h"
#include "fail.h"
#include "version.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512
#define KEPT_MAX       256 /* connections that stay open */
#define IDLE_MAX_S     60L
#define CONNECT_MAX_MS 10000L

/* A request under way, or one that has ended and was not taken yet. */
struct call {
    struct sender *sender;
    CURL *curl;
    struct curl_slist *headers;
    void *owner, *user;
    size_t read_bytes;   /* of the answer */
    bool head_ended;     /* of the last answer that began: interim ones have heads, too */
    const char *refused; /* by the guard, static */
    CURLcode rc;
    LIST_ENTRY(call) on;
};

LIST_HEAD(calls, call);

struct sender {
    CURLM *multi;
    const struct guard *guard;
    const char *ca;
    struct calls flying, ended;
};

/* --- what libcurl asks ------------------------------------------------------------------------ */

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
    struct call *call = user;
    call->read_bytes += size * n;
    return call->read_bytes <= SENDER_ANSWER_MAX ? size * n : 0;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *user)
{
    struct call *call = user;
    size_t length = size * n;
    call->read_bytes += length;
    if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
        call->head_ended = false;
    else if ((length == 2 && bytes[0] == '\r') || (length == 1 && bytes[0] == '\n'))
        call->head_ended = true;
    return call->read_bytes <= SENDER_ANSWER_MAX ? length : 0;
}

/* The address that is connected to, whatever name led to it. */
static curl_socket_t on_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct call *call = user;
    struct ip ip;
    if (purpose != CURLSOCKTYPE_IPCXN || !ip_of_socket(&ip, &address->addr))
        call->refused = "no address of the internet";
    else
        call->refused = guard_refuses(call->sender->guard, &ip);
    if (call->refused)
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* --- a request -------------------------------------------------------------------------------- */

static bool add_header(struct call *call, const char *line)
{
    struct curl_slist *longer = curl_slist_append(call->headers, line);
    call->headers = longer ? longer : call->headers;
    return longer != NULL;
}

static bool add_signature(struct call *call, const struct sender_request *request)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    buf_puts(&line, STR("webhook-signature: "));
    bool good = signature_put(&line, request->hook->secrets, request->hook->secret_count,
                              request->id, request->timestamp_s, request->body);
    buf_putc(&line, '\0');
    good = good && !line.failed && add_header(call, line.p);
    buf_free(&line);
    return good;
}

static bool add_headers(struct call *call, const struct sender_request *request)
{
    char id[LINE_MAX_BYTES], timestamp[64], agent[LINE_MAX_BYTES];
    snprintf(id, sizeof(id), "webhook-id: %.*s", STR_ARG(request->id));
    snprintf(timestamp, sizeof(timestamp), "webhook-timestamp: %lld",
             (long long)request->timestamp_s);
    snprintf(agent, sizeof(agent), "User-Agent: stockd/%.*s", (int)strcspn(stockd_version, " "),
             stockd_version);
    /* Without a value, a line that libcurl would write by itself is left out. */
    return add_header(call, "Content-Type: application/json") && add_header(call, "Accept:") &&
           add_header(call, "Expect:") && add_header(call, agent) && add_header(call, id) &&
           add_header(call, timestamp) && add_signature(call, request);
}

static bool set_up_request(struct call *call, const struct sender_request *request)
{
    CURL *curl = call->curl;
    long timeout_ms = (long)request->hook->timeout_ms;
    long connect_ms = timeout_ms < CONNECT_MAX_MS ? timeout_ms : CONNECT_MAX_MS;
    const char *ca = call->sender->ca;
    /* clang-format off */
    return curl_easy_setopt(curl, CURLOPT_URL, request->hook->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PRIVATE, call) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.p) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, IDLE_MAX_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           (!ca || (curl_easy_setopt(curl, CURLOPT_CAINFO, ca) == CURLE_OK &&
                    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK)) &&
           curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, call) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, call) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, call) == CURLE_OK;
    /* clang-format on */
}

static void free_call(struct call *call)
{
    if (call->curl)
        curl_easy_cleanup(call->curl);
    curl_slist_free_all(call->headers);
    free(call);
}

bool sender_post(struct sender *sender, const struct sender_request *request)
{
    struct call *call = calloc(1, sizeof(*call));
    if (!call)
        return false;
    *call = (struct call){.sender = sender, .owner = request->owner, .user = request->user};
    call->curl = curl_easy_init();
    if (!call->curl || !add_headers(call, request) || !set_up_request(call, request) ||
        curl_multi_add_handle(sender->multi, call->curl) != CURLM_OK) {
        free_call(call);
        return false;
    }
    LIST_INSERT_HEAD(&sender->flying, call, on);
    return true;
}

/* --- how it ended ----------------------------------------------------------------------------- */

static const char *why_status(long status)
{
    if (status == 410)
        return "the endpoint says that it is gone";
    if (status == 429)
        return "the endpoint asks for fewer requests";
    if (status >= 300 && status < 400)
        return "the answer is a redirect, and none is followed";
    return status < 500 ? "the endpoint refuses it" : "the endpoint is in trouble";
}

static const char *why_code(const struct call *call)
{
    if (call->refused)
        return call->refused;
    switch ((int)call->rc) {
    case CURLE_OPERATION_TIMEDOUT: return "no answer in time";
    case CURLE_COULDNT_CONNECT: return "nothing could be connected to";
    case CURLE_COULDNT_RESOLVE_HOST: return "the host has no address";
    case CURLE_PEER_FAILED_VERIFICATION: return "the certificate is not to be trusted";
    case CURLE_WRITE_ERROR:
    case CURLE_OK: return "the answer has a head without an end";
    default: return curl_easy_strerror(call->rc);
    }
}

/* Here, and before a byte of an answer: libcurl says the same of an answer's line that is too long.
 */
static bool lacked_memory(const struct call *call)
{
    curl_off_t answered_us = 0;
    curl_easy_getinfo(call->curl, CURLINFO_STARTTRANSFER_TIME_T, &answered_us);
    return !call->refused && call->rc == CURLE_OUT_OF_MEMORY && answered_us == 0;
}

static void judge_answer(const struct call *call, struct sender_result *result)
{
    long status = 0;
    curl_off_t wait_s = 0;
    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->curl, CURLINFO_RETRY_AFTER, &wait_s);
    *result = (struct sender_result){.owner = call->owner, .user = call->user};
    if (!call->head_ended || status < 200 || status > 999) {
        result->why = why_code(call);
        result->no_memory = lacked_memory(call);
        return;
    }
    result->status = (int)status;
    result->retry_after_ms = wait_s > 0 && wait_s < 1000000 ? (int64_t)wait_s * 1000 : 0;
    result->why = status < 300 ? NULL : why_status(status);
}

/* Each that has ended leaves the multi handle, which then has its connection for others. */
static void collect(struct sender *sender)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(sender->multi, &left))) {
        char *of = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode rc = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &of);
        struct call *call = (void *)of;
        call->rc = rc;
        curl_multi_remove_handle(sender->multi, call->curl);
        LIST_REMOVE(call, on);
        LIST_INSERT_HEAD(&sender->ended, call, on);
    }
}

void sender_wait(struct sender *sender, int timeout_ms)
{
    int running = 0;
    curl_multi_perform(sender->multi, &running);
    collect(sender);
    if (timeout_ms == 0 || !LIST_EMPTY(&sender->ended))
        return;
    curl_multi_poll(sender->multi, NULL, 0, timeout_ms, NULL);
    curl_multi_perform(sender->multi, &running);
    collect(sender);
}

bool sender_take(struct sender *sender, struct sender_result *result)
{
    struct call *call = LIST_FIRST(&sender->ended);
    if (!call)
        return false;
    LIST_REMOVE(call, on);
    judge_answer(call, result);
    free_call(call);
    return true;
}

static void cancel_in(struct sender *sender, struct calls *calls, const void *owner)
{
    for (struct call *call = LIST_FIRST(calls), *next; call; call = next) {
        next = LIST_NEXT(call, on);
        if (owner && call->owner != owner)
            continue;
        if (calls == &sender->flying)
            curl_multi_remove_handle(sender->multi, call->curl);
        LIST_REMOVE(call, on);
        free_call(call);
    }
}

void sender_cancel(struct sender *sender, const void *owner)
{
    assert(owner);
    cancel_in(sender, &sender->flying, owner);
    cancel_in(sender, &sender->ended, owner);
}

/* --- life ------------------------------------------------------------------------------------- */

struct sender *sender_new(const struct guard *guard, const char *ca, char why[SENDER_WHY_SIZE])
{
    struct sender *sender = NULL;
    if (ca && access(ca, R_OK) != 0) {
        fail_say(why, SENDER_WHY_SIZE, "--hooks-ca %s: cannot be read", ca);
        return NULL;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        sender = calloc(1, sizeof(*sender));
    if (sender) {
        *sender = (struct sender){.multi = curl_multi_init(), .guard = guard, .ca = ca};
        LIST_INIT(&sender->flying);
        LIST_INIT(&sender->ended);
    }
    if (sender && sender->multi &&
        curl_multi_setopt(sender->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_MAX) == CURLM_OK)
        return sender;
    fail_say(why, SENDER_WHY_SIZE, "out of memory for requests");
    sender_free(sender);
    return NULL;
}

void sender_free(struct sender *sender)
{
    if (!sender)
        return;
    cancel_in(sender, &sender->flying, NULL);
    cancel_in(sender, &sender->ended, NULL);
    curl_multi_cleanup(sender->multi);
    free(sender);
    curl_global_cleanup();
}
