/* jsonrun_verdict.c -- the verdict, what proves it and what it covers, in JSON. */
#include "report/document.h"

#include "check/describe.h"
#include "printable.h"

#include <inttypes.h>
#include <stdio.h>

#define DESCRIPTION_MAX 4096 /* of one operation */
#define SENTENCE_SIZE   (WITNESS_TEXT_SIZE + 64)
#define FIELD(array)    printable_field((array), sizeof(array))

static bool was_checked(const struct property_result *result)
{
    return result->word != VERDICT_RIGHT || result->checked > 0;
}

/* What nobody looked at is not called right. */
static const char *shown(enum verdict_word word, bool checked)
{
    return word != VERDICT_RIGHT || checked ? verdict_name(word) : "unchecked";
}

static unsigned count_checked(const struct verdict *v)
{
    unsigned checked = 0;
    for (int i = 0; i < PROPERTIES; i++)
        checked += was_checked(&v->property[i]);
    return checked;
}

static uint64_t count_violations(const struct verdict *v)
{
    uint64_t violations = 0;
    for (int i = 0; i < PROPERTIES; i++)
        violations += v->property[i].violations;
    return violations;
}

/* Beyond the witnesses, and what is counted with them. */
static uint64_t count_more(const struct verdict *v)
{
    uint64_t more = count_violations(v);
    for (unsigned i = 0; i < v->witnesses; i++)
        more -= 1 + v->witness[i].also + v->witness[i].alike;
    return more;
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

static void say_right(const struct verdict *v, unsigned checked, char *line, size_t size)
{
    if (v->lost_count == 0)
        snprintf(line, size, "every answer was right: %u of %d properties checked, all hold",
                 checked, PROPERTIES);
    else
        snprintf(
            line, size,
            "LOST %" PRIu64 " acknowledged operation%s in a failover, which this level of "
            "durability allows; every other answer was right: %u of %d properties checked, all "
            "hold",
            v->lost_count, v->lost_count == 1 ? "" : "s", checked, PROPERTIES);
}

static void put_sentence(struct jsonput *j, json_t *o, const struct verdict *v)
{
    char line[SENTENCE_SIZE];
    unsigned checked = count_checked(v);
    if (v->word == VERDICT_VIOLATION)
        say_violated(v, line, sizeof line);
    else if (v->word == VERDICT_UNKNOWN)
        snprintf(line, sizeof line, "%.*s", STR_ARG(FIELD(v->why_unknown)));
    else if (checked == 0)
        snprintf(line, sizeof line, "nobody looked whether the answers were right");
    else
        say_right(v, checked, line, sizeof line);
    jsonput_text(j, o, "sentence", str_of(line));
}

static void put_property(struct jsonput *j, json_t *list, enum property property,
                         const struct property_result *result)
{
    json_t *o = jsonput_object(j, list, NULL);
    jsonput_text(j, o, "name", str_of(property_name(property)));
    jsonput_text(j, o, "title", str_of(property_title(property)));
    jsonput_text(j, o, "word", str_of(verdict_name(result->word)));
    jsonput_text(j, o, "shown", str_of(shown(result->word, was_checked(result))));
    jsonput_count(j, o, "checked", result->checked);
    jsonput_count(j, o, "violations", result->violations);
    jsonput_text_or_null(j, o, "why", FIELD(result->why));
}

static void put_witness(struct jsonput *j, json_t *list, const struct witness *witness,
                        const struct history_reader *history)
{
    json_t *o = jsonput_object(j, list, NULL);
    jsonput_text(j, o, "property", str_of(property_name(witness->property)));
    jsonput_text(j, o, "text", FIELD(witness->text));
    json_t *operations = jsonput_array(j, o, "operations");
    for (unsigned i = 0; i < witness->ops; i++) {
        struct buf b;
        buf_init(&b, DESCRIPTION_MAX);
        describe_op(&b, history, witness->op[i]);
        json_t *op = jsonput_object(j, operations, NULL);
        jsonput_count(j, op, "slot", witness->op[i]);
        jsonput_text(j, op, "text", buf_str(&b));
        buf_free(&b);
    }
    jsonput_count(j, o, "also", witness->also);
    jsonput_count(j, o, "alike", witness->alike);
}

/* Which operations, by what each made of its first item that did not keep it. */
static void put_lost(struct jsonput *j, json_t *verdict, const struct verdict *v,
                     const struct history_reader *history)
{
    json_t *o = jsonput_object(j, verdict, "lost");
    jsonput_count(j, o, "operations", v->lost_count);
    jsonput_count(j, o, "more", v->lost_count - verdict_lost_told(v));
    json_t *told = jsonput_array(j, o, "told");
    for (unsigned i = 0; i < verdict_lost_told(v); i++) {
        const struct lost *lost = &v->lost[i];
        const struct history_op *op = history_op_at(history, lost->op);
        struct buf b;
        buf_init(&b, DESCRIPTION_MAX);
        describe_op(&b, history, lost->op);
        json_t *one = jsonput_object(j, told, NULL);
        jsonrun_sku(j, one, "sku", history, lost->item);
        jsonput_count(j, one, "version", lost->version);
        jsonput_text(j, one, "operation", str_of(op ? describe_who(op).text : ""));
        jsonput_text(j, one, "text", buf_str(&b));
        buf_free(&b);
    }
}

/* That nothing was oversold is a claim: it is made only where the sums were checked and hold, and
 * no violation says that a unit may have gone twice all the same. */
static void put_oversold(struct jsonput *j, json_t *o, const struct verdict *v)
{
    const struct property_result *sums = &v->property[PROPERTY_SUMS];
    const char *word = "not-seen";
    if (v->coverage.oversold_units)
        word = "found";
    else if (!was_checked(sums) || v->coverage.operations == 0)
        word = "unchecked";
    else if (sums->word == VERDICT_RIGHT && v->word != VERDICT_VIOLATION)
        word = "none";
    jsonput_integer(j, o, "oversold_units", v->coverage.oversold_units);
    jsonput_text(j, o, "oversold", str_of(word));
    jsonput_integer_if(j, o, "oversold_known",
                       strcmp(word, "found") == 0 || strcmp(word, "none") == 0,
                       v->coverage.oversold_units);
}

void jsonrun_sku(struct jsonput *j, json_t *parent, const char *key,
                 const struct history_reader *history, uint32_t item)
{
    jsonput_text(j, parent, key, str_of(describe_sku(history, item).text));
}

static void put_coverage(struct jsonput *j, json_t *run, const struct verdict *v,
                         const struct history_reader *history)
{
    const struct coverage *c = &v->coverage;
    /* clang-format off */
#define COUNT(member) {#member, c->member}
    const struct { const char *key; uint64_t count; } counts[] = {
        COUNT(operations), COUNT(ok), COUNT(fail), COUNT(unknown), COUNT(successes),
        COUNT(happened), COUNT(absent), COUNT(unresolved), COUNT(replays), COUNT(resent),
        COUNT(baskets), COUNT(batches), COUNT(sold_out_items), COUNT(sold_out_answers),
        COUNT(limit_answers), COUNT(unpromised), COUNT(reservations), COUNT(confirmed), COUNT(taken_again),
        COUNT(released), COUNT(expired), COUNT(held), COUNT(read_back), COUNT(most_in_flight),
    };
    /* clang-format on */
    json_t *o = jsonput_object(j, run, "coverage");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        jsonput_count(j, o, counts[i].key, counts[i].count);
    if (c->most_in_flight)
        jsonrun_sku(j, o, "most_in_flight_item", history, c->most_in_flight_item);
    else
        jsonput_null(j, o, "most_in_flight_item");
    jsonput_integer(j, o, "received", c->received);
    jsonput_integer(j, o, "sold_units", c->sold_units);
    jsonput_integer(j, o, "held_units", c->held_units);
    put_oversold(j, o, v);
}

void jsonrun_verdict(struct jsonput *j, json_t *run, const struct report_run *from)
{
    const struct verdict *v = from->verdict;
    json_t *o = jsonput_object(j, run, "verdict");
    jsonput_text(j, o, "word", str_of(verdict_name(v->word)));
    jsonput_text(j, o, "shown", str_of(shown(v->word, count_checked(v) > 0)));
    put_sentence(j, o, v);
    jsonput_count(j, o, "checked", count_checked(v));
    jsonput_count(j, o, "violations", count_violations(v));
    jsonput_count(j, o, "more_violations", count_more(v));
    jsonput_text_or_null(j, o, "why_unknown", FIELD(v->why_unknown));
    jsonput_count(j, o, "took_ms", v->took_ms);
    json_t *properties = jsonput_array(j, o, "properties");
    for (int i = 0; i < PROPERTIES; i++)
        put_property(j, properties, (enum property)i, &v->property[i]);
    json_t *witnesses = jsonput_array(j, o, "witnesses");
    for (unsigned i = 0; i < v->witnesses; i++)
        put_witness(j, witnesses, &v->witness[i], from->history);
    put_lost(j, o, v, from->history);
    put_coverage(j, run, v, from->history);
}
