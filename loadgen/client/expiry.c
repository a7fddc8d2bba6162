#include "client/expiry.h"
#include "client/load.h"
#include "history/reader.h"

/* The line of the answer about that item; NULL unless there is exactly one, and whole. */
static const struct answer_line *only_line(const struct history_facts *facts,
                                           const struct answer_line *line, unsigned lines,
                                           uint32_t item)
{
    const struct answer_line *found = NULL;
    for (unsigned n = 0; n < lines; n++) {
        if (load_item_of(facts, line[n].sku) != item)
            continue;
        if (found || line[n].version == 0 || line[n].remaining == ANSWER_UNSAID)
            return NULL;
        found = &line[n];
    }
    return found;
}

static bool are_whole(const struct history_facts *facts, const struct history_op *op,
                      struct str expired_lines)
{
    struct answer_line line[ANSWER_LINES_MAX];
    unsigned lines;
    if (!answer_read_lines(line, &lines, expired_lines) || lines != op->lines)
        return false;
    for (unsigned n = 0; n < op->lines; n++)
        if (!only_line(facts, line, lines, history_line_of(op, n)->item))
            return false;
    return true;
}

bool expiry_fits(struct mismatch *m, const struct history_facts *facts, const struct history_op *op,
                 const struct answer *a)
{
    const char *wrong = NULL;
    if (str_absent(a->expired_lines))
        return false;
    if (!str_equal(a->state, STR("confirmed")))
        wrong = "has expired_lines, of a reservation that was not confirmed after it expired";
    else if (!are_whole(facts, op, a->expired_lines))
        wrong = "has expired_lines without \"remaining\" and \"version\" of each item, once";
    if (wrong)
        mismatch_say(m, "%s", wrong);
    return !wrong;
}

int expiry_record(struct history_writer *w, const struct history_facts *facts,
                  const struct history_op *op, struct str expired_lines, uint32_t reserve,
                  uint64_t end_ns)
{
    struct answer_line line[ANSWER_LINES_MAX];
    unsigned lines;
    int rc = history_reserve(w, HISTORY_OP_SLOTS(op->lines));
    if (rc < 0 || !answer_read_lines(line, &lines, expired_lines))
        return rc;
    struct history_op *expiry = history_begin_expiry(w, op->lines);
    expiry->kind = KIND_GET_RESERVATION;
    expiry->flags = op->flags & FLAG_PHASE;
    expiry->client = op->client;
    expiry->seq = op->seq;
    expiry->of = reserve;
    expiry->begin_ns = op->begin_ns;
    for (unsigned n = 0; n < op->lines; n++) {
        uint32_t item = history_line_of(op, n)->item;
        const struct answer_line *said = only_line(facts, line, lines, item);
        *history_line(expiry, n) = (struct history_line){
            .item = item, .version = said->version, .remaining = said->remaining};
    }
    history_finish(expiry, OUTCOME_OK, 200, DETAIL_EXPIRED, 0, end_ns);
    history_put_expiry(expiry);
    return 0;
}
