/* test_race_shm.c -- which books of a race balance. */
#include "race/shm.h"
#include "support/suite.h"

TEST(every_unit_must_be_accounted_for)
{
    static const struct {
        struct race_result result;
        int64_t oversold, unclaimed;
        bool balanced;
    } rows[] = {
        {{.stock = 100, .sold = 100, .left = 0}, 0, 0, true},
        {{.stock = 100, .sold = 40, .left = 60}, 0, 0, true},
        {{.stock = 100, .sold = 101, .left = 0}, 1, 0, false},
        {{.stock = 100, .sold = 103, .left = -3}, 3, 0, false},
        {{.stock = 100, .sold = 100, .left = -3}, 3, 3, false},
        {{.stock = 100, .sold = 41, .left = 60}, 1, 0, false},
        {{.stock = 100, .sold = 39, .left = 60}, 0, 1, false},
        /* Dead workers may have taken what they had pending, and no more. */
        {{.stock = 100, .sold = 40, .left = 60, .pending = 5}, 0, 0, true},
        {{.stock = 100, .sold = 35, .left = 60, .pending = 5}, 0, 5, true},
        {{.stock = 100, .sold = 34, .left = 60, .pending = 5}, 0, 6, false},
        {{.stock = 100, .sold = 41, .left = 60, .pending = 5}, 1, 0, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(race_oversold(&rows[i].result), rows[i].oversold);
        assert_int_equal(race_unclaimed(&rows[i].result), rows[i].unclaimed);
        assert_int_equal(race_balanced(&rows[i].result), rows[i].balanced);
    }
}

TEST(the_pages_of_all_workers_are_summed_up)
{
    struct race_books *books;
    struct race_result result = {.stock = 10};
    assert_int_equal(race_books_new(&books, 3), 0);
    assert_int_equal(race_books_sum(books, &result), 0);
    assert_true(result.sold == 0 && result.p99_ms < 0);
    for (unsigned i = 0; i < 3; i++) {
        struct race_page *page = &books->page[i];
        page->sold = i + 1;
        page->conflicts = 10 * (int64_t)i;
        histogram_add(&page->wait, 1000000);
    }
    books->page[2].pending = 4;
    assert_int_equal(race_books_sum(books, &result), 0);
    assert_int_equal(result.sold, 6);
    assert_int_equal(result.pending, 4);
    assert_int_equal(result.conflicts, 30);
    assert_true(result.p50_ms > 0.99 && result.p99_ms < 1.01);
    race_books_free(books);
}
