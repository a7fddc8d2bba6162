/* test_expiry.c -- what an answer tells of an expiry before: taken, told to be wrong, written down.
 */
#include "client/expiry.h"
#include "client/intent.h"
#include "support/history_sample.h"
#include "support/suite.h"

#include <string.h>

#define LINE(n, rest)   "{\"sku\":\"it-" #n "\"" rest "}"
#define PAIR            ",\"remaining\":7,\"version\":5"
#define BODY(state, of) "{\"id\":\"r1\",\"state\":\"" state "\",\"lines\":[" LINES "]" of "}"
#define LINES           LINE(0, ",\"quantity\":1" PAIR) "," LINE(1, ",\"quantity\":2" PAIR)
#define EXPIRED(lines)  ",\"expired_lines\":[" lines "]"

static struct history_sample_file file;
static struct history_facts facts;

/* The answer with that body to a request of that kind about two items; its slot. */
static uint32_t answered(enum history_kind kind, const char *body, struct lesson *lesson)
{
    struct history_attempt a = {.kind = kind,
                                .phase = PHASE_LOAD,
                                .client = 3,
                                .seq = 4,
                                .begin_us = 50,
                                .lines = 2,
                                .line = {{.item = 0, .quantity = 1}, {.item = 1, .quantity = 2}}};
    uint32_t slot = history_sample_add(&file, &a);
    struct history_op *op =
        (struct history_op *)(void *)(file.writer[0].chunk + (slot - file.writer[0].chunk_slot));
    const struct response response = {.status = 200, .content = CONTENT_JSON, .body = str_of(body)};
    *lesson = intent_learn(&facts, op, &(struct mismatch_request){0}, &response);
    int rc = str_absent(lesson->expired_lines)
                 ? 0
                 : expiry_record(&file.writer[0], &facts, op, lesson->expired_lines, 77, 90000);
    assert_int_equal(rc, 0);
    history_finish(op, lesson->outcome, 200, lesson->detail, 0, 90000);
    return slot;
}

static int set_up(void **state)
{
    facts = history_sample_facts();
    history_sample_begin(&file, &facts);
    return 0;
}

static int tear_down(void **state)
{
    history_sample_end(&file);
    return 0;
}

TEST(what_expired_lines_say_is_an_expiry_of_its_own)
{
    struct lesson lesson;
    uint32_t slot, at;
    slot = answered(KIND_RERESERVE,
                    BODY("confirmed", EXPIRED(LINE(1, ",\"remaining\":9,\"version\":3") "," LINE(
                                          0, ",\"remaining\":8,\"version\":2"))),
                    &lesson);
    assert_string_equal(lesson.mismatch.text, "");
    history_sample_read(&file);
    assert_true(history_op_at(&file.reader, slot)->flags & FLAG_TOOK_AGAIN);
    struct history_pass pass = history_pass(&file.reader);
    assert_int_equal(history_next(&pass, &at), SLOT_OP);
    assert_int_equal(history_next(&pass, &at), SLOT_EXPIRY);
    const struct history_op *expiry = history_op_at(&file.reader, at);
    assert_int_equal(expiry->kind, KIND_GET_RESERVATION);
    assert_int_equal(history_outcome(expiry), OUTCOME_OK);
    assert_int_equal(expiry->detail, DETAIL_EXPIRED);
    assert_int_equal(expiry->of, 77);
    assert_int_equal(expiry->client, 3);
    assert_int_equal(expiry->seq, 4);
    assert_int_equal(expiry->begin_ns, 50000);
    assert_int_equal(expiry->end_ns, 90000);
    assert_int_equal(history_line_of(expiry, 0)->item, 0);
    assert_int_equal(history_line_of(expiry, 0)->version, 2);
    assert_int_equal(history_line_of(expiry, 0)->remaining, 8);
    assert_int_equal(history_line_of(expiry, 1)->version, 3);
    assert_int_equal(history_next(&pass, &at), SLOT_EMPTY);
    assert_int_equal(pass.broken, 0);
}

TEST(an_answer_without_them_tells_of_none)
{
    static const char *const bodies[] = {BODY("confirmed", ""),
                                         BODY("confirmed", ",\"expired_lines\":null")};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct lesson lesson;
        uint32_t slot = answered(KIND_RERESERVE, bodies[i], &lesson);
        assert_true(str_absent(lesson.expired_lines));
        assert_string_equal(lesson.mismatch.text, "");
        history_sample_read(&file);
        assert_false(history_op_at(&file.reader, slot)->flags & FLAG_TOOK_AGAIN);
        history_unread(&file.reader);
    }
}

TEST(what_they_lack_is_told)
{
    static const struct {
        enum history_kind kind;
        const char *body, *says;
    } rows[] = {
        {KIND_RERESERVE, BODY("confirmed", EXPIRED("")), "has expired_lines without"},
        {KIND_RERESERVE, BODY("confirmed", EXPIRED(LINE(0, PAIR))), "has expired_lines without"},
        {KIND_RERESERVE, BODY("confirmed", EXPIRED(LINE(0, PAIR) "," LINE(0, PAIR))),
         "has expired_lines without"},
        {KIND_RERESERVE, BODY("confirmed", EXPIRED(LINE(0, PAIR) "," LINE(9, PAIR))),
         "has expired_lines without"},
        {KIND_RERESERVE, BODY("confirmed", EXPIRED(LINE(0, PAIR) "," LINE(1, ",\"remaining\":1"))),
         "has expired_lines without"},
        {KIND_RERESERVE, BODY("confirmed", EXPIRED(LINE(0, PAIR) "," LINE(1, ",\"version\":1"))),
         "has expired_lines without"},
        {KIND_RERESERVE, BODY("confirmed", ",\"expired_lines\":7"), "has expired_lines without"},
        {KIND_GET_RESERVATION, BODY("expired", EXPIRED(LINE(0, PAIR) "," LINE(1, PAIR))),
         "has expired_lines, of a reservation"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lesson lesson;
        (void)answered(rows[i].kind, rows[i].body, &lesson);
        assert_int_equal(lesson.outcome, OUTCOME_OK);
        assert_true(str_absent(lesson.expired_lines));
        if (strncmp(lesson.mismatch.text, rows[i].says, strlen(rows[i].says)) != 0)
            fail_msg("row %zu: said \"%s\"", i, lesson.mismatch.text);
    }
}

EACH_BETWEEN(set_up, tear_down)
