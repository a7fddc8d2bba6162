/* summary.h -- what a run was like, in numbers, made from its history: rates, latencies, outcomes,
 * over time and per item.
 *
 * Layer: report. Made in two passes over a history, never from anything else, so that the report of
 * a run and the one made from its file years later are the same. Owned by the caller:
 * summary_make .. summary_free.
 *
 * Statistics are of PHASE_LOAD attempts planned after the warm-up; attempts before it are only
 * counted in `warmup`. Response time runs from the planned send, service time from the real one.
 * Each operation of a batch is an attempt, with the times of their one request.
 * An attempt is answered when a whole HTTP answer came that says what happened: latencies and rates
 * are of those. Times are nanoseconds since facts.zero_ns, as in the history.
 */
#pragma once

#include "histogram.h"
#include "history/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUMMARY_INTERVALS_MAX 600 /* longer runs have longer intervals */
#define SUMMARY_HOT           8   /* items whose stock is drawn */
#define SUMMARY_TOP           20  /* items in the table */
#define SUMMARY_STATUSES      32
#define SUMMARY_STATUS_REST   65535 /* stands for all statuses beyond the table */

/* How the answers of one kind of operation fell out. */
enum summary_class {
    CLASS_OK,
    CLASS_NO_STOCK,
    CLASS_REFUSED, /* any other 4xx */
    CLASS_BUSY,    /* nobody served it: 503, 429, or it could not be sent */
    CLASS_UNKNOWN,
    CLASSES
};

/* Interval i runs from from_ns + i * interval_ns; the last one may be shorter. Its percentiles are
 * known to 1.6 %, its conflicts are interpolated between the samples. */
struct summary_interval {
    uint64_t count[CLASSES]; /* answers that came in it; unknowns when they were given up */
    uint64_t p50_ns, p90_ns, p99_ns, max_ns; /* response time; 0 when there was no answer */
    uint64_t conflicts;        /* transactions the services lost in it; 0 when not known */
    uint64_t in_flight;        /* at its end, those planned in the warm-up included */
    int64_t left[SUMMARY_HOT]; /* available at its end; -1: not known yet */
};

struct summary_item {
    uint32_t item;
    uint64_t requests, sold_out_answers;
    int64_t demand, taken; /* units asked for by reserves and decrements; units they got: both once
                              for each key, however often it was sent */
    int64_t remaining;     /* last known, the reading after the load included; -1: never */
    uint64_t sold_out_ns;  /* first answer with remaining 0 or a stock refusal, also one in the
                              warm-up; 0: never */
};

struct summary_worker {
    uint64_t operations, ok, unknown;
    uint32_t lives; /* 1 unless it was forked again */
};

struct summary_status {
    uint16_t status; /* 0: no answer */
    uint64_t count[OUTCOMES];
};

struct summary {
    const struct history_facts *facts; /* of the reader, which must outlive the summary */
    uint64_t from_ns, to_ns; /* measured: from the end of warm-up to the last client's stop */
    double seconds;          /* between the two */
    uint64_t operations;     /* attempts planned after warm-up */
    uint64_t requests;       /* they went out in: a batch is one */
    uint64_t warmup;         /* planned before it */
    uint64_t answers;        /* of `operations` */
    uint64_t successes;      /* effects that an answer told of: no reads, no replays */
    uint64_t count[CLASSES];
    uint64_t kind_count[KINDS][CLASSES];
    double per_second;                      /* answers */
    double conflicts_per_success;           /* -1 when they are not known, or without a success */
    uint64_t conflicts, batches, batch_ops; /* in the measured time; 0 when not known */
    const char *conflicts_doubt;            /* why they are not known, a literal; NULL: they are */
    struct histogram *response;             /* all answers */
    struct histogram *service;
    struct histogram *late;              /* begin - planned, of all attempts */
    struct histogram *by_kind[KINDS][2]; /* response, service; NULL where nothing happened */
    size_t statuses;
    struct summary_status status[SUMMARY_STATUSES];
    uint64_t detail[DETAILS];
    uint64_t interval_ns;
    size_t intervals;
    struct summary_interval *interval;
    size_t hot;
    uint32_t hot_item[SUMMARY_HOT];
    size_t top;
    struct summary_item top_item[SUMMARY_TOP];
    size_t workers;
    struct summary_worker worker[HISTORY_WORKERS_MAX];
};

/* 0 or -ENOMEM. */
int summary_make(struct summary *s, const struct history_reader *r) MUST_CHECK;
void summary_free(struct summary *s);

/* The class of one attempt. */
enum summary_class summary_classify(const struct history_op *op);

/* A whole answer came, and it says what happened. */
bool summary_answered(const struct history_op *op);

/* When the attempt should have begun. */
uint64_t summary_planned_ns(const struct history_op *op);

const char *summary_class_name(enum summary_class c); /* "ok", "no-stock", ... */

/* The TROUBLE_ bits of facts.trouble: a name for programs, a sentence for people. */
#define SUMMARY_TROUBLES 6
struct summary_trouble {
    uint32_t bit;
    const char *name, *text;
};
extern const struct summary_trouble summary_troubles[SUMMARY_TROUBLES];

/* --- whether the load generator itself kept up ------------------------------------------------ */

/* Numbers of a run are worth as much as the generator that made them: it must have sent at the rate
 * that was asked for, on time, and with processor time to spare. */

#define PACE_REACHED       0.98    /* of the target */
#define PACE_LATE_LIMIT_NS 1000000 /* 99 of 100 sends should be nearer to their plan */
#define PACE_CPU_LIMIT     0.90

struct pace {
    double sent_per_second;
    bool open;     /* arrivals were planned, whatever the answers did */
    double target; /* a second; 0: closed loop */
    bool reached;  /* true when nothing can be compared */
    uint64_t late_p99_ns;
    bool late;        /* late_p99_ns is beyond the limit; never in the closed loop */
    double cpu_share; /* of one processor for each client process; -1: not known */
    bool cpu_bound;
};

struct pace pace_of(const struct summary *s);
