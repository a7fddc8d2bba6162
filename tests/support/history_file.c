/* history_file.c -- see history_file.h. */
#include "support/history_file.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct history_file file;

int history_file_setup(void **state)
{
    static const struct history_facts facts = {.zero_ns = 12345,
                                               .items = 7,
                                               .run = "r1",
                                               .prefix = "load-r1-",
                                               .command = "stockload run"};
    snprintf(file.dir, sizeof file.dir, "/tmp/history.XXXXXX");
    if (!mkdtemp(file.dir))
        return -1;
    snprintf(file.path, sizeof file.path, "%s/h", file.dir);
    if (history_create(&file.history, file.path, &facts) < 0)
        return -1;
    history_writer_open(&file.writer, file.history, 3, 0);
    return 0;
}

int history_file_teardown(void **state)
{
    history_unread(&file.reader);
    history_writer_close(&file.writer);
    history_close(file.history);
    unlink(file.path);
    rmdir(file.dir);
    return 0;
}

void history_file_read(void)
{
    file.err[0] = '\0';
    if (history_read(&file.reader, file.path, file.err, sizeof file.err) < 0)
        fail_msg("%s", file.err);
}

struct history_op *put_op(struct history_writer *w, uint32_t client, uint32_t seq, unsigned lines)
{
    assert_int_equal(history_reserve(w, HISTORY_OP_SLOTS(lines)), 0);
    struct history_op *op = history_begin(w, lines);
    op->kind = KIND_RESERVE;
    op->flags = PHASE_LOAD;
    op->client = client;
    op->seq = seq;
    for (unsigned n = 0; n < lines; n++)
        *history_line(op, n) = (struct history_line){n, (int32_t)seq, seq + 1, -(int64_t)n};
    op->begin_ns = seq + 1;
    return op;
}

void assert_op(const struct history_op *op, uint32_t client, uint32_t seq, unsigned lines)
{
    assert_int_equal(op->client, client);
    assert_int_equal(op->seq, seq);
    assert_int_equal(op->lines, lines);
    for (unsigned n = 0; n < lines; n++) {
        const struct history_line *line = history_line_of(op, n);
        assert_int_equal(line->item, n);
        assert_int_equal(line->quantity, seq);
        assert_int_equal(line->version, seq + 1);
        assert_int_equal(line->remaining, -(int64_t)n);
    }
}

const struct history_op *next_op(struct history_pass *pass)
{
    uint32_t slot = 0;
    assert_int_equal(history_next(pass, &slot), SLOT_OP);
    const struct history_op *op = history_op_at(pass->reader, slot);
    assert_non_null(op);
    assert_ptr_equal(op, history_at(pass->reader, slot));
    return op;
}

void assert_end(struct history_pass *pass)
{
    uint32_t slot;
    assert_int_equal(history_next(pass, &slot), SLOT_EMPTY);
    assert_int_equal(history_next(pass, &slot), SLOT_EMPTY);
    assert_int_equal(pass->broken, 0);
}
