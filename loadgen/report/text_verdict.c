/* text_verdict.c -- the verdict for people: the word, the properties, the witnesses. */
#include "report/text_run.h"

#include "check/describe.h"
#include "report/human.h"
#include "report/page.h"
#include "report/printable.h"

#include <inttypes.h>

#define WORD_COLUMNS    13 /* "NOT CHECKED  " */
#define LINE_SIZE       (WITNESS_TEXT_SIZE + 64)
#define DESCRIPTION_MAX 4096 /* bytes, of one operation */
#define FIELD(array)    printable_field((array), sizeof(array))

static unsigned count_checked(const struct verdict *v)
{
    unsigned checked = 0;
    for (int i = 0; i < PROPERTIES; i++)
        checked += v->property[i].checked > 0;
    return checked;
}

bool text_was_checked(const struct verdict *v)
{
    return count_checked(v) > 0;
}

static uint64_t count_violations(const struct verdict *v)
{
    uint64_t violations = 0;
    for (int i = 0; i < PROPERTIES; i++)
        violations += v->property[i].violations;
    return violations;
}

static void say_violated(const struct verdict *v, char *line, size_t size)
{
    uint64_t violations = count_violations(v);
    int n =
        snprintf(line, size, "%" PRIu64 " violation%s of:", violations, violations == 1 ? "" : "s");
    const char *separator = " ";
    for (int i = 0; i < PROPERTIES && (size_t)n < size; i++) {
        if (v->property[i].word != VERDICT_VIOLATION)
            continue;
        n += snprintf(line + n, size - (size_t)n, "%s%s", separator,
                      property_name((enum property)i));
        separator = ", ";
    }
}

/* A run that nobody checked is not called right. */
const char *text_word(const struct verdict *v)
{
    static const char *const words[] = {[VERDICT_RIGHT] = "RIGHT",
                                        [VERDICT_UNKNOWN] = "UNKNOWN",
                                        [VERDICT_VIOLATION] = "VIOLATION"};
    bool idle = v->word == VERDICT_RIGHT && count_checked(v) == 0;
    return idle ? "NOT CHECKED" : words[v->word];
}

void text_verdict(struct buf *b, const struct verdict *v)
{
    char line[LINE_SIZE];
    unsigned checked = count_checked(v);
    if (v->word == VERDICT_VIOLATION)
        say_violated(v, line, sizeof line);
    else if (v->word == VERDICT_UNKNOWN)
        snprintf(line, sizeof line, "%.*s", STR_ARG(FIELD(v->why_unknown)));
    else if (checked == 0)
        snprintf(line, sizeof line, "nobody looked whether the answers were right");
    else
        snprintf(line, sizeof line, "every answer was right: %u of %d properties checked, all hold",
                 checked, PROPERTIES);
    buf_printf(b, "%-*s", WORD_COLUMNS, text_word(v));
    page_wrap(b, WORD_COLUMNS, WORD_COLUMNS, str_of(line));
}

void text_properties(struct buf *b, const struct verdict *v)
{
    static const char *const words[] = {
        [VERDICT_RIGHT] = "holds", [VERDICT_UNKNOWN] = "unknown", [VERDICT_VIOLATION] = "VIOLATED"};
    page_title(b, "Properties               checked");
    for (int i = 0; i < PROPERTIES; i++) {
        const struct property_result *result = &v->property[i];
        bool idle = result->word == VERDICT_RIGHT && result->checked == 0;
        char checked[HUMAN_SIZE];
        buf_printf(b, "  %-9s %-13s %6s  ", idle ? "unchecked" : words[result->word],
                   property_name((enum property)i), human_count(result->checked, checked));
        page_wrap(b, 34, 34, str_of(property_title((enum property)i)));
        if (result->word == VERDICT_UNKNOWN) {
            buf_printf(b, "%34s", "");
            page_wrap(b, 34, 34, FIELD(result->why));
        }
    }
}

static void put_witness(struct buf *b, unsigned number, const struct witness *witness,
                        const struct history_reader *history)
{
    char line[LINE_SIZE];
    buf_printf(b, "  %2u. ", number);
    snprintf(line, sizeof line, "%s: %.*s", property_name(witness->property),
             STR_ARG(FIELD(witness->text)));
    page_wrap(b, 6, 6, str_of(line));
    for (unsigned i = 0; i < witness->ops; i++) {
        struct buf op;
        buf_init(&op, DESCRIPTION_MAX);
        describe_op(&op, history, witness->op[i]);
        buf_puts(b, STR("      - "));
        page_wrap(b, 8, 8, buf_str(&op));
        buf_free(&op);
    }
    if (witness->also)
        buf_printf(b, "      and %" PRIu64 " more about one of these operations\n", witness->also);
    if (witness->alike)
        buf_printf(b, "      and %" PRIu64 " more of this sort\n", witness->alike);
}

void text_witnesses(struct buf *b, const struct verdict *v, const struct history_reader *history)
{
    uint64_t violations = count_violations(v);
    if (v->witnesses == 0)
        return;
    page_title(b, "Witnesses");
    for (unsigned i = 0; i < v->witnesses; i++) {
        put_witness(b, i + 1, &v->witness[i], history);
        violations -= 1 + v->witness[i].also + v->witness[i].alike;
    }
    if (violations > 0)
        buf_printf(b, "      and %" PRIu64 " more violations\n", violations);
}

void text_coverage(struct buf *b, const struct verdict *v, const struct history_facts *facts)
{
    const struct coverage *c = &v->coverage;
    page_title(b, "Coverage of the check");
    page_fact(b, "attempts", "%" PRIu64 ": %" PRIu64 " ok, %" PRIu64 " failed, %" PRIu64 " unknown",
              c->operations, c->ok, c->fail, c->unknown);
    page_fact(b, "unknown mutations",
              "%" PRIu64 " happened, %" PRIu64 " did not, %" PRIu64 " nobody could tell",
              c->happened, c->absent, c->unresolved);
    page_fact(b, "effects", "%" PRIu64 ", of them %" PRIu64 " basket%s", c->successes, c->baskets,
              c->baskets == 1 ? "" : "s");
    if (c->batches)
        page_fact(b, "batches", "%" PRIu64 " of several operations", c->batches);
    page_fact(b, "same key again", "%" PRIu64 " sent, %" PRIu64 " answered as a replay", c->resent,
              c->replays);
    page_fact(b, "sold out", "%" PRIu64 " item%s, %" PRIu64 " answer%s", c->sold_out_items,
              c->sold_out_items == 1 ? "" : "s", c->sold_out_answers,
              c->sold_out_answers == 1 ? "" : "s");
    if (facts->limit)
        page_fact(b, "limits", "%" PRIu64 " answer%s that a customer has enough", c->limit_answers,
                  c->limit_answers == 1 ? "" : "s");
    if (c->most_in_flight)
        page_fact(b, "most in flight", "%" PRIu64 " request%s at one time on item %.*s%" PRIu32,
                  c->most_in_flight, c->most_in_flight == 1 ? "" : "s",
                  STR_ARG(FIELD(facts->prefix)), c->most_in_flight_item);
    page_fact(b, "reservations",
              "%" PRIu64 ": %" PRIu64 " confirmed (%" PRIu64 " taken again), %" PRIu64
              " released, %" PRIu64 " expired, %" PRIu64 " held; %" PRIu64 " read back",
              c->reservations, c->confirmed, c->taken_again, c->released, c->expired, c->held,
              c->read_back);
    page_fact(b, "units",
              "%" PRId64 " received, %" PRId64 " sold, %" PRId64 " held, %" PRId64 " oversold",
              c->received, c->sold_units, c->held_units, c->oversold_units);
}
