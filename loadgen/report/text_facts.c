/* text_facts.c -- what the run was and whether the generator kept up, for people. */
#include "report/text_run.h"

#include "clock.h"
#include "report/human.h"
#include "report/pace.h"
#include "report/page.h"
#include "report/printable.h"

#include <inttypes.h>

#define FIELD(array) STR_ARG(printable_field((array), sizeof(array)))

static void put_clients(struct buf *b, const struct history_facts *facts)
{
    char rate[HUMAN_SIZE];
    page_fact(b, "clients", "%" PRIu32 " in %" PRIu32 " process%s, %" PRIu32 " connected",
              facts->clients, facts->processes, facts->processes == 1 ? "" : "es",
              facts->established);
    if (facts->deaths || facts->respawns)
        page_fact(b, "processes", "%" PRIu64 " died, %" PRIu64 " forked again", facts->deaths,
                  facts->respawns);
    if (facts->restores)
        page_fact(b, "restored", "%" PRIu32 " time%s during the run", facts->restores,
                  facts->restores == 1 ? "" : "s");
    page_fact(b, "stock", "%" PRIu32 " item%s, %" PRIu64 " unit%s%s", facts->items,
              facts->items == 1 ? "" : "s", facts->stock, facts->stock == 1 ? "" : "s",
              facts->items == 1 ? "" : " each");
    if (facts->limit && facts->limited_every)
        page_fact(
            b, "limits", "%" PRIu32 " unit%s for each of %" PRIu32 " customers, 1 item in %" PRIu32,
            facts->limit, facts->limit == 1 ? "" : "s", facts->customers, facts->limited_every);
    if (facts->rate > 0)
        page_fact(b, "arrivals", "%.*s, %s/s", FIELD(facts->arrival),
                  human_number(facts->rate, rate));
    else
        page_fact(b, "arrivals", "closed loop: each client waits for its answer");
}

void text_facts(struct buf *b, const struct report_run *run)
{
    const struct history_facts *facts = run->summary->facts;
    uint32_t trouble = facts->trouble;
    char started[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(facts->started_wall_ms, started);
    page_title(b, "Run");
    page_fact(b, "name", "%s", run->name);
    page_fact(b, "scenario", "%.*s", FIELD(facts->scenario));
    page_fact(b, "server", "%.*s", FIELD(facts->url));
    page_fact(b, "host", "%.*s", FIELD(facts->host));
    page_fact(b, "stockload", "%.*s", FIELD(facts->version));
    page_fact(b, "started", "%s", started);
    page_fact(b, "seed", "%" PRIu64, facts->seed);
    put_clients(b, facts);
    page_fact(b, "command", "%.*s", FIELD(facts->command));
    for (size_t i = 0; i < SUMMARY_TROUBLES; i++)
        if (trouble & summary_troubles[i].bit)
            page_fact(b, "trouble", "%s", summary_troubles[i].text);
}

static void put_target(struct buf *b, const struct summary *s, const struct pace *pace)
{
    char target[HUMAN_SIZE];
    double expected = pace->target * s->seconds;
    if (!pace->open)
        return;
    human_number(pace->target, target);
    if (pace->reached)
        page_fact(b, "target", "%s/s: reached", target);
    else
        page_fact(b, "target", "%s/s: target rate not reached, only %.1f%% of it", target,
                  100 * (double)s->operations / expected);
}

static void put_generator(struct buf *b, const struct summary *s, const struct pace *pace)
{
    char late[HUMAN_SIZE];
    uint64_t dropped = s->facts->dropped;
    if (pace->open)
        page_fact(b, "dropped arrivals", "%" PRIu64 "%s", dropped,
                  dropped ? " (the backlog was full)" : "");
    if (pace->open)
        page_fact(b, "generator lag", "p99 %s behind the planned send%s",
                  human_duration(pace->late_p99_ns, late),
                  pace->late
                      ? "; WARNING: more than 1ms, response times hold it; where all clients "
                        "were busy, more of them (-c) would send sooner"
                      : "");
    if (pace->cpu_share >= 0)
        page_fact(b, "client CPU", "%.1f%% of a processor for each process%s",
                  100 * pace->cpu_share,
                  pace->cpu_bound ? "; WARNING: the generator itself may be the limit" : "");
    if (s->facts->attempts_unsent)
        page_fact(b, "connects failed", "%" PRIu64, s->facts->attempts_unsent);
}

static void put_conflicts(struct buf *b, const struct summary *s)
{
    char ratio[HUMAN_SIZE], each[HUMAN_SIZE];
    if (s->conflicts_per_success < 0) {
        page_fact(b, "conflicts", "not known: %s",
                  s->facts->metrics && !s->successes ? "nothing succeeded"
                                                     : "the server's /metrics did not show them");
        return;
    }
    human_number(s->conflicts_per_success, ratio);
    double mean = s->batches ? (double)s->batch_ops / (double)s->batches : 0;
    page_fact(b, "conflicts",
              "%s per success (%" PRIu64 " lost, %" PRIu64
              " successes); %s operations a transaction",
              ratio, s->conflicts, s->successes, human_number(mean, each));
}

void text_pace(struct buf *b, const struct summary *s)
{
    struct pace pace = pace_of(s);
    char time[HUMAN_SIZE], sent[HUMAN_SIZE], answered[HUMAN_SIZE];
    page_title(b, "Throughput");
    human_duration(s->to_ns - s->from_ns, time);
    if (s->warmup && s->operations == 0)
        page_fact(b, "measured", "nothing: all %" PRIu64 " attempts came within the warm-up",
                  s->warmup);
    else if (s->warmup)
        page_fact(b, "measured", "%s, after %" PRIu64 " attempts of the warm-up", time, s->warmup);
    else
        page_fact(b, "measured", "%s", time);
    page_fact(b, "sent", "%s/s (%" PRIu64 " attempts)", human_number(pace.sent_per_second, sent),
              s->operations);
    page_fact(b, "answered", "%s/s (%" PRIu64 " answers)", human_number(s->per_second, answered),
              s->answers);
    put_target(b, s, &pace);
    put_generator(b, s, &pace);
    put_conflicts(b, s);
}
