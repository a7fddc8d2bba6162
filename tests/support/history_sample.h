/* history_sample.h -- small histories for tests, written and read with the real writer and reader.
 *
 * Owned by the caller: history_sample_begin, some attempts, history_sample_read, then
 * history_sample_end, which removes the file. Times are in microseconds since the file's time 0,
 * since histories of nanoseconds are hard to read. Anything that fails aborts the test.
 */
#pragma once

#include "history/reader.h"
#include "history/writer.h"

#define HISTORY_SAMPLE_WORKERS 3 /* 0 and 1 are clients, 2 stands for the parent */
#define HISTORY_SAMPLE_PARENT  2

struct history_sample_file {
    char path[64];
    struct history *history;
    struct history_writer writer[HISTORY_SAMPLE_WORKERS];
    struct history_reader reader; /* after history_sample_read */
};

/* One attempt; what is left out is 0. */
struct history_attempt {
    unsigned worker; /* 0, 1, or HISTORY_SAMPLE_PARENT */
    enum history_phase phase;
    enum history_kind kind;
    enum history_outcome outcome;
    uint16_t status;
    enum history_detail detail;
    uint8_t flags; /* besides the phase */
    uint32_t client, seq, of;
    uint64_t begin_us, end_us; /* end 0: never */
    uint32_t late_us;
    unsigned lines; /* 0 means 1; for a read that found nothing, give no_lines */
    bool no_lines;
    struct history_line line[4];
};

/* Facts of a run of one second with one second from time 0 to the start, two items "it-0" and
 * "it-1" with 100 units each; change them in the result before the first attempt. */
struct history_facts history_sample_facts(void);

void history_sample_begin(struct history_sample_file *s, const struct history_facts *facts);

/* Appends the attempt; its slot. */
uint32_t history_sample_add(struct history_sample_file *s, const struct history_attempt *attempt);
/* What the answer to such an attempt tells of an expiry: its lines, and when it was there. */
void history_sample_expiry(struct history_sample_file *s, const struct history_attempt *attempt);
void history_sample_id(struct history_sample_file *s, uint32_t op, const char *id);
void history_sample_conflicts(struct history_sample_file *s, uint64_t at_us, uint64_t conflicts,
                              uint64_t batches, uint64_t batch_ops);

void history_sample_read(struct history_sample_file *s);
void history_sample_end(struct history_sample_file *s);
