/* attempt.c -- the bytes of a request, and the results of a batch one by one. */
#include "client/attempt.h"

#include "client/answer.h"
#include "client/json_scan.h"
#include "history/reader.h"

#include <assert.h>
#include <stdio.h>

bool call_mutates(const struct call *call)
{
    enum history_kind kind = call->intent.kind;
    return !history_reads(kind) && kind != KIND_REUSE;
}

bool attempt_mutates(const struct attempt *a)
{
    for (unsigned n = 0; n < a->calls; n++)
        if (call_mutates(&a->call[n]))
            return true;
    return false;
}

static void put_batch(const struct attempt *a, const struct load *load, struct buf *out)
{
    const struct str no_key = {NULL, 0};
    struct buf body;
    buf_init(&body, TARGET_REQUEST_MAX);
    buf_puts(&body, STR("{\"operations\":["));
    for (unsigned n = 0; n < a->calls; n++) {
        if (n > 0)
            buf_putc(&body, ',');
        intent_entry(&a->call[n].intent, load, a->call[n].op, &body);
    }
    buf_puts(&body, STR("]}"));
    target_request(&load->target, out, STR("POST"), STR("/v1/batch"), no_key, buf_str(&body));
    out->failed |= body.failed;
    buf_free(&body);
}

void attempt_request(const struct attempt *a, const struct load *load, struct buf *out)
{
    assert(a->batch || a->calls == 1);
    if (a->batch)
        put_batch(a, load, out);
    else
        intent_request(&a->call[0].intent, load, a->call[0].op, out);
}

static bool is_json(struct str body)
{
    struct json_scan s = json_scan_of(body);
    struct str value;
    return json_scan_skip(&s, &value) && json_scan_ends(&s);
}

bool attempt_results(const struct attempt *a, const struct response *answer,
                     struct mismatch *mismatch)
{
    struct str result;
    size_t at = 0;
    unsigned results = 0;
    bool broken;
    mismatch->text[0] = '\0';
    while (answer_next_result(answer->body, &at, &result, &broken))
        results++;
    if (broken && is_json(answer->body))
        snprintf(mismatch->text, sizeof(mismatch->text), "is JSON without \"results\"");
    else if (!broken && answer->status != 200)
        snprintf(mismatch->text, sizeof(mismatch->text), "has status %u, where a batch gets 200",
                 (unsigned)answer->status);
    else if (!broken && results != a->calls)
        snprintf(mismatch->text, sizeof(mismatch->text), "has %u of the %u results of its batch",
                 results, a->calls);
    return !broken && !mismatch->text[0];
}

bool attempt_result(const struct response *answer, size_t *at, struct response *one)
{
    struct answer a;
    struct str result;
    bool broken;
    if (!answer_next_result(answer->body, at, &result, &broken) || !answer_read(&a, result) ||
        a.status == 0 || str_absent(a.body))
        return false;
    *one = *answer;
    one->status = (uint16_t)a.status;
    one->body = a.body;
    one->replayed = a.replayed;
    one->content = a.status >= 400 ? CONTENT_PROBLEM : CONTENT_JSON;
    one->etag = one->location = (struct str){NULL, 0};
    return true;
}
