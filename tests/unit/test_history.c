/* test_history.c -- what is written is what is read. */
#include "support/history_file.h"
#include "support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

HISTORY_TEST(the_header_says_what_the_run_was)
{
    history_file_read();
    assert_int_equal(file.reader.bytes, HISTORY_HEADER_BYTES);
    assert_string_equal(file.reader.facts->magic, HISTORY_MAGIC);
    assert_int_equal(file.reader.facts->format, HISTORY_FORMAT);
    assert_int_equal(file.reader.facts->chunks, 0);
    assert_int_equal(file.reader.facts->items, 7);
    assert_string_equal(file.reader.facts->prefix, "load-r1-");
    assert_int_equal(file.reader.facts->restores, 0);
    history_facts(file.history)->restores = 3;
    assert_int_equal(file.reader.facts->restores, 3);
    atomic_store(&history_facts(file.history)->progress, RUN_LOADED);
    assert_int_equal(file.reader.facts->progress, RUN_LOADED);
    struct history_pass pass = history_pass(&file.reader);
    assert_end(&pass);
}

HISTORY_TEST(a_file_that_exists_is_left_alone)
{
    struct history_facts facts = {.items = 99};
    struct history *second = NULL;
    put_op(&file.writer, 1, 1, 1);
    assert_int_equal(history_create(&second, file.path, &facts), -EEXIST);
    assert_null(second);
    history_file_read();
    assert_int_equal(file.reader.facts->items, 7);
    assert_int_equal(history_create(&second, "/nonexistent/h", &facts), -ENOENT);
}

HISTORY_TEST(operations_of_1_to_100_lines_come_back_line_by_line)
{
    /* 78,000 slots, so that operations meet the end of a chunk several times. */
    for (uint32_t seq = 0; seq < 3000; seq++)
        put_op(&file.writer, 5, seq, 1 + seq % HISTORY_LINES_MAX);
    assert_int_equal(history_facts(file.history)->chunks,
                     3000 / 100 * 2600 / HISTORY_CHUNK_SLOTS + 1);
    history_file_read();
    struct history_pass pass = history_pass(&file.reader);
    for (uint32_t seq = 0; seq < 3000; seq++)
        assert_op(next_op(&pass), 5, seq, 1 + seq % HISTORY_LINES_MAX);
    assert_int_equal(pass.chunk->worker, 3);
    assert_int_equal(pass.chunk->pid, getpid());
    assert_end(&pass);
}

HISTORY_TEST(a_slot_number_leads_back_to_its_operation_only)
{
    struct history_op *op = put_op(&file.writer, 1, 1, 3);
    uint32_t slot = history_slot(&file.writer, op);
    assert_int_equal(slot, HISTORY_HEADER_SLOTS + 1);
    history_file_read();
    assert_op(history_op_at(&file.reader, slot), 1, 1, 3);
    assert_null(history_op_at(&file.reader, 0));
    assert_null(history_op_at(&file.reader, slot - 1)); /* its chunk's */
    assert_null(history_op_at(&file.reader, slot + 1)); /* its lines */
    assert_null(history_op_at(&file.reader, slot + 2)); /* empty */
    assert_null(history_op_at(&file.reader, file.reader.slots));
    assert_null(history_op_at(&file.reader, UINT32_MAX));
    assert_null(history_at(&file.reader, file.reader.slots));
    assert_non_null(history_at(&file.reader, file.reader.slots - 1));
}

HISTORY_TEST(an_operation_may_have_fewer_lines_than_it_was_begun_with)
{
    put_op(&file.writer, 1, 1, 100)->lines = 0;
    put_op(&file.writer, 1, 2, 6)->lines = 3;
    put_op(&file.writer, 1, 3, 1);
    history_file_read();
    struct history_pass pass = history_pass(&file.reader);
    assert_op(next_op(&pass), 1, 1, 0);
    assert_op(next_op(&pass), 1, 2, 3);
    assert_op(next_op(&pass), 1, 3, 1);
    assert_end(&pass);
}

HISTORY_TEST(an_operation_is_unknown_until_it_is_finished)
{
    put_op(&file.writer, 1, 1, 1);
    history_file_read();
    struct history_pass pass = history_pass(&file.reader);
    const struct history_op *seen = next_op(&pass);
    assert_int_equal(history_outcome(seen), OUTCOME_UNKNOWN);
    assert_int_equal(seen->end_ns, 0);
    history_finish(file.writer.chunk + 1, OUTCOME_OK, 201, DETAIL_HELD, FLAG_REPLAYED, 77);
    assert_int_equal(history_outcome(seen), OUTCOME_OK);
    assert_int_equal(seen->status, 201);
    assert_int_equal(seen->detail, DETAIL_HELD);
    assert_int_equal(seen->flags, PHASE_LOAD | FLAG_REPLAYED);
    assert_int_equal(history_phase(seen), PHASE_LOAD);
    assert_int_equal(seen->end_ns, 77);
    put_op(&file.writer, 1, 2, 4); /* in the same chunk: no refresh is needed to see it */
    pass = history_pass(&file.reader);
    assert_op(next_op(&pass), 1, 1, 1);
    assert_op(next_op(&pass), 1, 2, 4);
    assert_end(&pass);
}

HISTORY_TEST(a_refresh_shows_chunks_that_came_since)
{
    put_op(&file.writer, 1, 0, 1);
    history_file_read();
    uint32_t seq = 1;
    while (history_facts(file.history)->chunks < 2)
        put_op(&file.writer, 1, seq++, 1);
    assert_null(history_op_at(&file.reader, file.writer.chunk_slot + 1));
    assert_int_equal(history_refresh(&file.reader, file.path), 0);
    assert_op(history_op_at(&file.reader, file.writer.chunk_slot + 1), 1, seq - 1, 1);
    struct history_pass pass = history_pass(&file.reader);
    for (uint32_t i = 0; i < seq; i++)
        assert_op(next_op(&pass), 1, i, 1);
    assert_end(&pass);
}

HISTORY_TEST(a_refresh_refuses_another_file_and_keeps_the_old_one)
{
    char other[80];
    struct history_facts facts = {.zero_ns = 12345, .run = "r2"};
    struct history *second;
    snprintf(other, sizeof other, "%s.2", file.path);
    history_file_read();
    assert_int_equal(history_refresh(&file.reader, other), -ENOENT);
    assert_int_equal(history_create(&second, other, &facts), 0);
    assert_int_equal(history_refresh(&file.reader, other), -ESTALE);
    assert_string_equal(file.reader.facts->run, "r1");
    history_close(second);
    unlink(other);
}

HISTORY_TEST(ids_of_any_length_come_back_whole)
{
    static const size_t lengths[] = {0, 1, 26, 56, 57, 112, 113, 223, 224};
    char id[HISTORY_ID_MAX + 1];
    for (size_t i = 0; i < sizeof id; i++)
        id[i] = (char)('a' + i % 23);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(history_put_id(&file.writer, (uint32_t)i, (struct str){id, lengths[i]}),
                         0);
    assert_int_equal(history_put_id(&file.writer, 1, (struct str){id, sizeof id}), -EINVAL);
    history_file_read();
    struct history_pass pass = history_pass(&file.reader);
    for (size_t i = 0; i < 9; i++) {
        size_t got = 0;
        do {
            uint32_t slot = 0;
            assert_int_equal(history_next(&pass, &slot), SLOT_ID);
            const struct history_id *part = history_at(&file.reader, slot);
            assert_int_equal(part->op, i);
            assert_int_equal(part->offset, got);
            assert_memory_equal(part->text, id + got, part->bytes);
            got += part->bytes;
        } while (got < lengths[i]);
        assert_int_equal(got, lengths[i]);
    }
    assert_end(&pass);
}

HISTORY_TEST(notes_come_back_and_long_ones_are_cut_off)
{
    char note[HISTORY_NOTE_MAX + 10];
    uint32_t slot = 0;
    memset(note, 'n', sizeof note);
    assert_int_equal(history_put_note(&file.writer, 77, (struct str){note, sizeof note}), 0);
    assert_int_equal(history_put_note(&file.writer, 78, STR("says 4")), 0);
    history_file_read();
    struct history_pass pass = history_pass(&file.reader);
    for (size_t got = 0; got < HISTORY_NOTE_MAX; got += HISTORY_ID_TEXT) {
        assert_int_equal(history_next(&pass, &slot), SLOT_NOTE);
        const struct history_id *part = history_at(&file.reader, slot);
        assert_int_equal(part->op, 77);
        assert_int_equal(part->offset, got);
        assert_int_equal(part->bytes, HISTORY_ID_TEXT);
        assert_memory_equal(part->text, note, part->bytes);
    }
    assert_int_equal(history_next(&pass, &slot), SLOT_NOTE);
    const struct history_id *last = history_at(&file.reader, slot);
    assert_int_equal(last->op, 78);
    assert_int_equal(last->bytes, 6);
    assert_memory_equal(last->text, "says 4", 6);
    assert_end(&pass);
}

HISTORY_TEST(samples_and_counters_come_back)
{
    struct history_sample sample = {.at_ns = 5, .conflicts = 6, .batches = 7, .batch_ops = 8};
    struct history_counters counters = {.found = 1, .item = 2, .on_hand = -3, .version = 4};
    assert_int_equal(history_put_sample(&file.writer, &sample), 0);
    assert_int_equal(history_put_counters(&file.writer, &counters), 0);
    history_file_read();
    struct history_pass pass = history_pass(&file.reader);
    uint32_t slot = 0;
    sample.type = SLOT_SAMPLE;
    assert_int_equal(history_next(&pass, &slot), SLOT_SAMPLE);
    assert_memory_equal(history_at(&file.reader, slot), &sample, sizeof sample);
    counters.type = SLOT_COUNTERS;
    assert_int_equal(history_next(&pass, &slot), SLOT_COUNTERS);
    assert_memory_equal(history_at(&file.reader, slot), &counters, sizeof counters);
    assert_end(&pass);
}
