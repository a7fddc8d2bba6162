/* test_history_damage.c -- files that are no histories, and histories with wrong bytes: each is
 * read as far as it makes sense or refused, and nothing is followed out of the file. */
#include "random.h"
#include "support/history_file.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPS 60 /* operations in the small history */

static int fd; /* the file, to damage it */

static int setup(void **state)
{
    if (history_file_setup(state) < 0)
        return -1;
    for (uint32_t seq = 0; seq < OPS; seq++) {
        put_op(&file.writer, 1, seq, seq % 9)->of = seq;
        if (history_put_id(&file.writer, seq,
                           STR("0123456789012345678901234567890123456789"
                               "0123456789012345678901234567890123456789")) < 0)
            return -1;
    }
    fd = open(file.path, O_RDWR | O_CLOEXEC);
    return fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    close(fd);
    return history_file_teardown(state);
}

static void assert_inside(const struct history_reader *r, const void *at, size_t bytes)
{
    const unsigned char *p = at;
    assert_true(p >= r->map && p + bytes <= r->map + r->bytes);
}

static uint64_t touched; /* sum of what was read, so that reading is not left out */

/* Reads every byte that a pass leads to. The number of operations. */
static uint32_t walk(const struct history_reader *r, uint64_t *broken)
{
    uint32_t ops = 0, slot, last = 0;
    enum history_type type;
    struct history_pass pass = history_pass(r);
    while ((type = history_next(&pass, &slot)) != SLOT_EMPTY) {
        assert_true(slot > last && slot < r->slots);
        last = slot;
        assert_inside(r, history_at(r, slot), HISTORY_SLOT_BYTES);
        assert_inside(r, pass.chunk, HISTORY_SLOT_BYTES);
        const struct history_op *op = history_op_at(r, slot);
        assert_int_equal(op != NULL, type == SLOT_OP || type == SLOT_EXPIRY);
        for (unsigned n = 0; op && n < op->lines; n++) {
            assert_inside(r, history_line_of(op, n), sizeof(struct history_line));
            touched += history_line_of(op, n)->version;
        }
        if (op && history_op_at(r, op->of))
            touched += history_op_at(r, op->of)->lines;
        ops += op != NULL;
    }
    *broken = pass.broken;
    return ops;
}

/* 0 when the file was read, else the error, which then has a text that names the file. */
static int read_all(uint32_t *ops, uint64_t *broken)
{
    struct history_reader r;
    char err[HISTORY_ERR_SIZE] = "";
    int rc = history_read(&r, file.path, err, sizeof err);
    if (rc == 0) {
        *ops = walk(&r, broken);
        history_unread(&r);
    } else {
        assert_memory_equal(err, file.path, strlen(file.path));
        assert_true(strlen(err) > strlen(file.path) + 10);
    }
    return rc;
}

static void write_at(size_t at, const void *bytes, size_t n)
{
    assert_int_equal(pwrite(fd, bytes, n, (off_t)at), n);
}

/* The error that follows when this number stands in the header; the right one is put back. */
static int with_number(size_t at, uint32_t number)
{
    uint32_t right, ops;
    uint64_t broken;
    assert_int_equal(pread(fd, &right, sizeof right, (off_t)at), sizeof right);
    write_at(at, &number, sizeof number);
    int rc = read_all(&ops, &broken);
    write_at(at, &right, sizeof right);
    return rc;
}

TEST(the_undamaged_file_is_read_whole)
{
    uint32_t ops;
    uint64_t broken;
    assert_int_equal(read_all(&ops, &broken), 0);
    assert_int_equal(ops, OPS);
    assert_int_equal(broken, 0);
}

TEST(a_newer_format_is_told_from_a_broken_file)
{
    size_t format = offsetof(struct history_facts, format);
    assert_int_equal(with_number(format, HISTORY_FORMAT_MIN), 0);
    assert_int_equal(with_number(format, HISTORY_FORMAT + 1), -EPROTO);
    assert_int_equal(with_number(format, UINT32_MAX), -EPROTO);
    assert_int_equal(with_number(format, HISTORY_FORMAT_MIN - 1), -EINVAL);
    write_at(format, "\6", 1);
    assert_int_equal(history_read(&file.reader, file.path, file.err, sizeof file.err), -EPROTO);
    assert_non_null(strstr(file.err, "format 6"));
    assert_non_null(strstr(file.err, "reads formats 1 to 5"));
}

TEST(numbers_that_no_format_has_are_refused)
{
    assert_int_equal(with_number(offsetof(struct history_facts, header_bytes), 0), -EINVAL);
    assert_int_equal(with_number(offsetof(struct history_facts, chunk_bytes), 4096), -EINVAL);
    assert_int_equal(with_number(offsetof(struct history_facts, slot_bytes), 128), -EINVAL);
    assert_int_equal(with_number(offsetof(struct history_facts, progress), RUN_SETTLED + 1),
                     -EINVAL);
    assert_int_equal(with_number(offsetof(struct history_facts, progress), RUN_SETTLED), 0);
    assert_int_equal(with_number(offsetof(struct history_facts, verify), 3), -EINVAL);
    assert_int_equal(with_number(offsetof(struct history_facts, verify), 2), 0);
    assert_int_equal(
        with_number(offsetof(struct history_facts, customers), HISTORY_CUSTOMERS_MAX + 1), -EINVAL);
    assert_int_equal(with_number(offsetof(struct history_facts, customers), HISTORY_CUSTOMERS_MAX),
                     0);
}

#define TEXT(field)                                                                                \
    {                                                                                              \
        offsetof(struct history_facts, field), sizeof(((struct history_facts *)0)->field)          \
    }

TEST(a_text_without_an_end_is_refused)
{
    static const struct {
        size_t at, bytes;
    } texts[] = {TEXT(run), TEXT(prefix),  TEXT(scenario), TEXT(arrival),
                 TEXT(url), TEXT(version), TEXT(host),     TEXT(command)};
    static const char zeros[2048];
    char full[2048];
    uint32_t ops;
    uint64_t broken;
    memset(full, 'x', sizeof full);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_at(texts[i].at, full, texts[i].bytes - 1);
        assert_int_equal(read_all(&ops, &broken), 0);
        write_at(texts[i].at, full, texts[i].bytes);
        assert_int_equal(read_all(&ops, &broken), -EINVAL);
        write_at(texts[i].at, zeros, texts[i].bytes);
    }
}

TEST(what_is_no_history_is_refused)
{
    struct history_reader r;
    char err[HISTORY_ERR_SIZE], other[80];
    assert_int_equal(history_read(&r, file.dir, err, sizeof err), -EINVAL);
    assert_int_equal(history_read(&r, "/dev/null", err, sizeof err), -EINVAL);
    snprintf(other, sizeof other, "%s.fifo", file.path);
    assert_int_equal(history_read(&r, other, err, sizeof err), -ENOENT);
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_int_equal(history_read(&r, other, err, sizeof err), -EINVAL); /* and does not wait */
    unlink(other);
}

TEST(any_wrong_byte_of_the_header_is_survived)
{
    static const unsigned char changes[] = {0x01, 0x80, 0xff};
    unsigned char header[HISTORY_HEADER_BYTES];
    uint32_t ops;
    uint64_t broken;
    assert_int_equal(pread(fd, header, sizeof header, 0), sizeof header);
    for (size_t at = 0; at < sizeof header; at++)
        for (size_t i = 0; i < sizeof changes; i++) {
            unsigned char wrong = header[at] ^ changes[i];
            write_at(at, &wrong, 1);
            int rc = read_all(&ops, &broken);
            bool older = at == offsetof(struct history_facts, format) && wrong < HISTORY_FORMAT &&
                         wrong >= HISTORY_FORMAT_MIN;
            if (at < offsetof(struct history_facts, chunks) && !older)
                assert_true(rc < 0); /* magic, format and sizes */
            else if (rc == 0)
                assert_int_equal(ops, OPS);
            write_at(at, &header[at], 1);
        }
}

TEST(any_wrong_bytes_of_the_slots_are_survived)
{
    struct rng r;
    size_t from = HISTORY_HEADER_BYTES, bytes = (size_t)file.writer.used * HISTORY_SLOT_BYTES;
    unsigned char good[OPS * 8 * HISTORY_SLOT_BYTES];
    uint32_t ops, hurt = 0;
    uint64_t broken;
    rng_seed(&r, 11);
    assert_true(bytes <= sizeof good);
    assert_int_equal(pread(fd, good, bytes, (off_t)from), bytes);
    for (int i = 0; i < 20000; i++) {
        /* Often the first bytes of a slot, where types and counts are. */
        for (uint64_t n = 1 + rng_below(&r, 4); n > 0; n--) {
            uint64_t slot = rng_below(&r, file.writer.used), wrong = rng_next(&r);
            uint64_t place = rng_below(&r, rng_below(&r, 2) ? 8 : HISTORY_SLOT_BYTES);
            unsigned char byte = (unsigned char)(wrong % 3 ? wrong >> 8 : wrong % 8);
            write_at(from + slot * HISTORY_SLOT_BYTES + place, &byte, 1);
        }
        assert_int_equal(read_all(&ops, &broken), 0);
        hurt += broken > 0;
        write_at(from, good, bytes);
    }
    assert_true(hurt > 1000);
    the_undamaged_file_is_read_whole(state);
}

TEST(a_file_cut_anywhere_is_read_up_to_there)
{
    uint32_t before = OPS, ops = 0;
    uint64_t broken;
    size_t whole = HISTORY_HEADER_BYTES + HISTORY_CHUNK_BYTES;
    for (size_t bytes = whole; bytes >= HISTORY_HEADER_BYTES; bytes -= HISTORY_SLOT_BYTES) {
        assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
        assert_int_equal(read_all(&ops, &broken), 0);
        assert_true(ops == before || ops + 1 == before);
        assert_true(broken <= 1);
        before = ops;
    }
    assert_int_equal(ops, 0);
    for (size_t bytes = HISTORY_HEADER_BYTES - 1; bytes > 0; bytes -= 63) {
        assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
        assert_int_equal(read_all(&ops, &broken), -EINVAL);
    }
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(read_all(&ops, &broken), -EINVAL);
}

TEST(a_file_cut_within_a_slot_ends_before_it)
{
    uint32_t ops;
    uint64_t broken;
    size_t two = HISTORY_HEADER_BYTES + 2 * HISTORY_SLOT_BYTES; /* the chunk's and operation 0 */
    assert_int_equal(ftruncate(fd, (off_t)two + 1), 0);
    assert_int_equal(read_all(&ops, &broken), 0);
    assert_int_equal(ops, 1);
    assert_int_equal(ftruncate(fd, (off_t)two - 1), 0);
    assert_int_equal(read_all(&ops, &broken), 0);
    assert_int_equal(ops, 0);
}

/* A process died between its claim and its first slot, or its claim failed; others went on. */
TEST(an_absent_chunk_hides_nothing_behind_it)
{
    static const char zeros[HISTORY_SLOT_BYTES];
    uint32_t ops, seq = 0;
    uint64_t broken;
    while (history_facts(file.history)->chunks < 3)
        put_op(&file.writer, 2, seq++, 1);
    assert_int_equal(read_all(&ops, &broken), 0);
    assert_int_equal(ops, OPS + seq);
    write_at(HISTORY_HEADER_BYTES + HISTORY_CHUNK_BYTES, zeros, sizeof zeros);
    assert_int_equal(read_all(&ops, &broken), 0);
    assert_int_equal(ops, OPS + seq - (HISTORY_CHUNK_SLOTS - 1));
    assert_int_equal(broken, 0);
    write_at(HISTORY_HEADER_BYTES + HISTORY_CHUNK_BYTES, "\1", 1);
    assert_int_equal(read_all(&ops, &broken), 0);
    assert_int_equal(ops, OPS + seq - (HISTORY_CHUNK_SLOTS - 1));
    assert_int_equal(broken, 1);
}

EACH_BETWEEN(setup, teardown)
