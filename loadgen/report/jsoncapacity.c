/* jsoncapacity.c -- see jsoncapacity.h. */
#include "report/jsoncapacity.h"

#include "report/units.h"

#include <math.h>
#include <stdio.h>

#define NS(value)    unit_number(unit_named("ns", 2), (double)(value), (char[UNIT_TEXT_SIZE]){""})
#define COUNT(value) FIGURE(count, (int64_t)(value))

void jsoncapacity_step(const struct capacity_step *step, char out[CAPACITY_SENTENCE_SIZE])
{
    const size_t size = CAPACITY_SENTENCE_SIZE;
    switch (step->word) {
    case CAPACITY_LATENCY:
    case CAPACITY_HELD: snprintf(out, size, "p99 was %s", NS(step->p99_ns)); break;
    case CAPACITY_RATE:
        snprintf(out, size, "only %s/s were answered", COUNT(llround(step->answered)));
        break;
    case CAPACITY_ERRORS:
        snprintf(out, size, "%s requests were refused or got no answer", COUNT(step->errors));
        break;
    case CAPACITY_CLIENTS:
        snprintf(out, size, "requests waited for a free client (p99 was %s, from the send %s)",
                 NS(step->p99_ns), NS(step->service_p99_ns));
        break;
    case CAPACITY_GENERATOR:
        snprintf(out, size, "the generator did not keep up (p99 of its own lag was %s)",
                 NS(step->lag_p99_ns));
        break;
    case CAPACITY_BROKEN:
    case CAPACITY_CEILING:
    case CAPACITY_WORDS: snprintf(out, size, "there was no measurement"); break;
    }
}

/* What is behind the rate that was held: why no higher one was. */
static void say_limit(const struct capacity *c, char out[CAPACITY_SENTENCE_SIZE])
{
    static const char *const rest[CAPACITY_WORDS] = {
        [CAPACITY_BROKEN] = "the search did not come to its end",
        [CAPACITY_CEILING] = "no higher rate was to be tried",
        [CAPACITY_CLIENTS] = "; what the service does there is not known: more clients (-c) would "
                             "tell",
        [CAPACITY_GENERATOR] = "; what the service does there is not known: more processes (-p), "
                               "or a machine of its own for the load, would tell",
    };
    char step[CAPACITY_SENTENCE_SIZE];
    const char *more = rest[c->limit] ? rest[c->limit] : "";
    for (size_t i = c->steps; i-- > 0;) {
        if (c->step[i].rate != c->missed || c->step[i].word != c->limit)
            continue;
        jsoncapacity_step(&c->step[i], step);
        snprintf(out, CAPACITY_SENTENCE_SIZE, "at %s/s %.200s%s", COUNT(c->missed), step, more);
        return;
    }
    snprintf(out, CAPACITY_SENTENCE_SIZE, "%s", more);
}

void jsoncapacity_sentence(const struct capacity *c, char out[CAPACITY_SENTENCE_SIZE])
{
    char limit[CAPACITY_SENTENCE_SIZE];
    const struct capacity_step *low = capacity_find(c, c->rate);
    say_limit(c, limit);
    if (low)
        snprintf(out, CAPACITY_SENTENCE_SIZE, "%s%s/s keep p99 at %s (goal %s); %.400s",
                 capacity_known(c) ? "" : "at least ", COUNT(c->rate), NS(low->p99_ns),
                 NS(c->goal_ns), limit);
    else
        snprintf(out, CAPACITY_SENTENCE_SIZE, "no rate was seen to keep p99 at %s; %.400s",
                 NS(c->goal_ns), limit);
}

/* What a reader may take from it. */
static const char *outcome(const struct capacity *c)
{
    if (capacity_known(c))
        return c->rate > 0 ? "known" : "none";
    return c->limit == CAPACITY_CEILING ? "ceiling" : "open";
}

static void put_capacity_step(struct jsonput *j, json_t *list, const struct capacity_step *step,
                              const json_t *run)
{
    json_t *o = jsonput_object(j, list, NULL);
    const char *verdict =
        json_string_value(json_object_get(json_object_get(run, "verdict"), "shown"));
    jsonput_integer(j, o, "rate", step->rate);
    jsonput_text(j, o, "word", str_of(capacity_name(step->word)));
    jsonput_text(j, o, "verdict", str_of(verdict ? verdict : "unchecked"));
    jsonput_number(j, o, "offered_per_second", step->offered);
    jsonput_number(j, o, "answered_per_second", step->answered);
    jsonput_count_if(j, o, "p99_ns", step->answers > 0, step->p99_ns);
    jsonput_count_if(j, o, "service_p99_ns", step->answers > 0, step->service_p99_ns);
    jsonput_count(j, o, "lag_p99_ns", step->lag_p99_ns);
    jsonput_number(j, o, "cpu_share", step->cpu_share >= 0 ? step->cpu_share : (double)NAN);
    jsonput_count(j, o, "errors", step->errors);
}

/* What is the same of all steps, from the first. */
static void put_common(struct jsonput *j, json_t *o, const json_t *run)
{
    static const char *const members[] = {"command", "url",       "scenario",   "arrival",
                                          "seed",    "processes", "clients",    "items",
                                          "verify",  "warmup_ns", "duration_ns"};
    const json_t *facts = json_object_get(run, "facts");
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (json_object_set(o, members[i], json_object_get(facts, members[i])) < 0)
            j->failed = true;
}

void jsoncapacity_put(struct jsonput *j, json_t *root, const struct capacity *c)
{
    char sentence[CAPACITY_SENTENCE_SIZE];
    const json_t *runs = json_object_get(root, "runs");
    const struct capacity_step *low = capacity_find(c, c->rate);
    json_t *o = jsonput_object(j, root, "capacity");
    jsoncapacity_sentence(c, sentence);
    jsonput_text(j, o, "outcome", str_of(outcome(c)));
    jsonput_text(j, o, "sentence", str_of(sentence));
    jsonput_text(j, o, "limit", str_of(capacity_name(c->limit)));
    jsonput_count_if(j, o, "rate", c->rate > 0, (uint64_t)c->rate);
    jsonput_count_if(j, o, "p99_ns", low != NULL, low ? low->p99_ns : 0);
    jsonput_count_if(j, o, "missed_rate", c->missed > 0, (uint64_t)c->missed);
    jsonput_count(j, o, "goal_p99_ns", c->goal_ns);
    jsonput_number(j, o, "precision", c->precision);
    jsonput_count(j, o, "tries", c->tries);
    jsonput_count(j, o, "rate_max", (uint64_t)c->ceiling);
    put_common(j, o, json_array_get(runs, 0));
    json_t *steps = jsonput_array(j, o, "steps");
    for (size_t i = 0; i < c->steps; i++)
        put_capacity_step(j, steps, &c->step[i], json_array_get(runs, i));
}
