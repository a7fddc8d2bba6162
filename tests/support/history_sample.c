/* history_sample.c -- see history_sample.h. */
#include "support/history_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define US 1000

static void must(int result)
{
    assert(result == 0);
}

struct history_facts history_sample_facts(void)
{
    return (struct history_facts){
        .progress = RUN_SETTLED,
        .started_wall_ms = 1795224697123,
        .zero_ns = 77,
        .go_ns = 1000000000,
        .stop_ns = 2000000000,
        .duration_ns = 1000000000,
        .seed = UINT64_MAX,
        .processes = 2,
        .clients = 4,
        .established = 4,
        .items = 2,
        .stock = 100,
        .ttl_ms = 60000,
        .timeout_ms = 1000,
        .cpu_ns = 500000000,
        .run = "r1",
        .prefix = "it-",
        .scenario = "flash",
        .arrival = "closed",
        .url = "http://127.0.0.1:8080",
        .version = "1.0",
        .host = "here",
        .command = "stockload run --scenario flash",
    };
}

void history_sample_begin(struct history_sample_file *s, const struct history_facts *facts)
{
    memset(s, 0, sizeof *s);
    snprintf(s->path, sizeof s->path, "/tmp/stockload-test.XXXXXX");
    int fd = mkstemp(s->path);
    assert(fd >= 0);
    close(fd);
    unlink(s->path); /* history_create makes the file itself */
    must(history_create(&s->history, s->path, facts));
    for (unsigned i = 0; i < HISTORY_SAMPLE_WORKERS; i++)
        history_writer_open(&s->writer[i], s->history,
                            i == HISTORY_SAMPLE_PARENT ? HISTORY_WORKERS_MAX : i, i == 1 ? 2 : 0);
}

static void fill(struct history_op *op, const struct history_attempt *a, unsigned lines)
{
    op->kind = (uint8_t)a->kind;
    op->client = a->client;
    op->seq = a->seq;
    op->of = a->of;
    op->late_us = a->late_us;
    op->begin_ns = a->begin_us * US;
    op->flags = (uint8_t)(a->flags | a->phase);
    for (unsigned i = 0; i < lines; i++)
        *history_line(op, i) = a->line[i];
    history_finish(op, a->outcome, a->status, a->detail, 0, a->end_us * US);
}

uint32_t history_sample_add(struct history_sample_file *s, const struct history_attempt *a)
{
    struct history_writer *w = &s->writer[a->worker];
    unsigned lines = a->no_lines ? 0 : a->lines ? a->lines : 1;
    assert(lines <= 4);
    must(history_reserve(w, HISTORY_OP_SLOTS(lines)));
    struct history_op *op = history_begin(w, lines);
    uint32_t slot = history_slot(w, op);
    fill(op, a, lines);
    return slot;
}

void history_sample_expiry(struct history_sample_file *s, const struct history_attempt *attempt)
{
    struct history_writer *w = &s->writer[attempt->worker];
    struct history_attempt a = *attempt;
    unsigned lines = a.lines ? a.lines : 1;
    a.kind = KIND_GET_RESERVATION;
    a.outcome = OUTCOME_OK;
    a.status = 200;
    a.detail = DETAIL_EXPIRED;
    must(history_reserve(w, HISTORY_OP_SLOTS(lines)));
    struct history_op *op = history_begin_expiry(w, lines);
    fill(op, &a, lines);
    history_put_expiry(op);
}

void history_sample_id(struct history_sample_file *s, uint32_t op, const char *id)
{
    must(history_put_id(&s->writer[0], op, str_of(id)));
}

void history_sample_conflicts(struct history_sample_file *s, uint64_t at_us, uint64_t conflicts,
                              uint64_t batches, uint64_t batch_ops)
{
    struct history_sample sample = {
        .at_ns = at_us * US, .conflicts = conflicts, .batches = batches, .batch_ops = batch_ops};
    must(history_put_sample(&s->writer[0], &sample));
}

void history_sample_read(struct history_sample_file *s)
{
    char err[HISTORY_ERR_SIZE];
    must(history_read(&s->reader, s->path, err, sizeof err));
}

void history_sample_end(struct history_sample_file *s)
{
    for (unsigned i = 0; i < HISTORY_SAMPLE_WORKERS; i++)
        history_writer_close(&s->writer[i]);
    history_unread(&s->reader);
    history_close(s->history);
    unlink(s->path);
}
