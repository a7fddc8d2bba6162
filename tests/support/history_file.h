/* history_file.h -- a history in a directory of its own, and operations that can be recognized.
 *
 * One at a time: history_file_setup makes it, with a writer; history_file_teardown removes it. The
 * functions are for tests only: they fail the test themselves.
 */
#pragma once

#include "history/reader.h"
#include "history/writer.h"
#include "support/suite.h"

struct history_file {
    char dir[32], path[64];
    char err[HISTORY_ERR_SIZE];
    struct history *history;
    struct history_writer writer;
    struct history_reader reader;
};
extern struct history_file file;

int history_file_setup(void **state);
int history_file_teardown(void **state);

#define HISTORY_TEST(name) TEST_BETWEEN(name, history_file_setup, history_file_teardown)

/* Maps the file with file.reader. */
void history_file_read(void);

/* Begins an operation whose fields all follow from these numbers. */
struct history_op *put_op(struct history_writer *w, uint32_t client, uint32_t seq, unsigned lines);

/* Whether it is that operation. */
void assert_op(const struct history_op *op, uint32_t client, uint32_t seq, unsigned lines);

/* The next slot of the pass, which must be an operation. */
const struct history_op *next_op(struct history_pass *pass);

/* That nothing follows, and nothing was broken. */
void assert_end(struct history_pass *pass);
