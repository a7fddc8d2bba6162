/* jsonrun_verdict.c -- the verdict, what proves it and what it covers, in JSON. */
#include "report/jsonrun.h"

#include "check/describe.h"
#include "report/printable.h"

#define DESCRIPTION_MAX 4096 /* of one operation */
#define FIELD(array)    printable_field((array), sizeof(array))

static void put_property(struct jsonput *j, json_t *list, enum property property,
                         const struct property_result *result)
{
    json_t *o = jsonput_object(j, list, NULL);
    jsonput_text(j, o, "name", str_of(property_name(property)));
    jsonput_text(j, o, "title", str_of(property_title(property)));
    jsonput_text(j, o, "word", str_of(verdict_name(result->word)));
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

static void put_coverage(struct jsonput *j, json_t *run, const struct coverage *c,
                         const struct history_facts *facts)
{
    const struct {
        const char *key;
        uint64_t count;
    } counts[] = {
        {"operations", c->operations},
        {"ok", c->ok},
        {"fail", c->fail},
        {"unknown", c->unknown},
        {"successes", c->successes},
        {"happened", c->happened},
        {"absent", c->absent},
        {"unresolved", c->unresolved},
        {"replays", c->replays},
        {"resent", c->resent},
        {"baskets", c->baskets},
        {"batches", c->batches},
        {"sold_out_items", c->sold_out_items},
        {"sold_out_answers", c->sold_out_answers},
        {"limit_answers", c->limit_answers},
        {"reservations", c->reservations},
        {"confirmed", c->confirmed},
        {"taken_again", c->taken_again},
        {"released", c->released},
        {"expired", c->expired},
        {"held", c->held},
        {"read_back", c->read_back},
        {"most_in_flight", c->most_in_flight},
    };
    json_t *o = jsonput_object(j, run, "coverage");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        jsonput_count(j, o, counts[i].key, counts[i].count);
    if (c->most_in_flight)
        jsonrun_sku(j, o, "most_in_flight_item", facts, c->most_in_flight_item);
    else
        jsonput_null(j, o, "most_in_flight_item");
    jsonput_integer(j, o, "received", c->received);
    jsonput_integer(j, o, "sold_units", c->sold_units);
    jsonput_integer(j, o, "held_units", c->held_units);
    jsonput_integer(j, o, "oversold_units", c->oversold_units);
}

void jsonrun_verdict(struct jsonput *j, json_t *run, const struct report_run *from)
{
    const struct verdict *v = from->verdict;
    json_t *o = jsonput_object(j, run, "verdict");
    jsonput_text(j, o, "word", str_of(verdict_name(v->word)));
    jsonput_text_or_null(j, o, "why_unknown", FIELD(v->why_unknown));
    jsonput_count(j, o, "took_ms", v->took_ms);
    json_t *properties = jsonput_array(j, o, "properties");
    for (int i = 0; i < PROPERTIES; i++)
        put_property(j, properties, (enum property)i, &v->property[i]);
    json_t *witnesses = jsonput_array(j, o, "witnesses");
    for (unsigned i = 0; i < v->witnesses; i++)
        put_witness(j, witnesses, &v->witness[i], from->history);
    put_coverage(j, run, &v->coverage, from->summary->facts);
}
