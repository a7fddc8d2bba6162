/* test_relay_shared.c -- cells between workers: each operation is taken once or taken back, also by
 * processes that race, and what an ended worker had taken is known to be an orphan.
 */
#include "store/relay/relay_shared.h"
#include "support/suite.h"

#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 3

static struct relay_shared *shared;

static int setup(void **state)
{
    shared = relay_shared_new(WORKERS, 2);
    for (unsigned i = 0; shared && i < WORKERS; i++)
        relay_begin(shared, i);
    return shared ? 0 : -1;
}

static int teardown(void **state)
{
    relay_shared_free(shared);
    return 0;
}

EACH_BETWEEN(setup, teardown)

static struct relay_cell *queue_cell(unsigned from, unsigned to, unsigned number)
{
    struct relay_cell *cell = relay_cell(shared, from, number);
    cell->state = RELAY_QUEUED;
    assert_true(relay_put(shared, from, to, number));
    return cell;
}

TEST(what_is_queued_is_taken_once_in_its_order)
{
    assert_false(relay_has_any(shared, 1));
    struct relay_cell *first = queue_cell(0, 1, 5), *second = queue_cell(0, 1, 2);
    assert_true(relay_has_any(shared, 1));
    assert_false(relay_has_any(shared, 0));
    assert_null(relay_take(shared, 0, 2));
    assert_ptr_equal(relay_take(shared, 0, 1), first);
    assert_int_equal(relay_state_of(first), RELAY_TAKEN);
    assert_ptr_equal(relay_take(shared, 0, 1), second);
    assert_null(relay_take(shared, 0, 1));
    assert_false(relay_has_any(shared, 1));
}

TEST(what_was_taken_back_is_not_taken)
{
    struct relay_cell *cell = queue_cell(0, 1, 0);
    assert_true(relay_take_back(cell));
    assert_null(relay_take(shared, 0, 1));
}

TEST(what_was_taken_is_not_taken_back)
{
    struct relay_cell *cell = queue_cell(0, 1, 0);
    assert_ptr_equal(relay_take(shared, 0, 1), cell);
    assert_false(relay_take_back(cell));
}

/* Taken back and used again, for another worker: the first ring still has its number. */
TEST(a_cell_that_two_rings_lead_to_is_taken_once)
{
    struct relay_cell *cell = queue_cell(0, 1, 7);
    assert_true(relay_take_back(cell));
    assert_ptr_equal(queue_cell(0, 2, 7), cell);
    assert_ptr_equal(relay_take(shared, 0, 1), cell);
    assert_null(relay_take(shared, 0, 2));
}

TEST(a_ring_that_is_full_says_so_and_goes_on_once_it_is_read)
{
    unsigned count = 0;
    struct relay_cell *cell = relay_cell(shared, 0, 0);
    while (count < 10 * relay_cells(shared) && relay_put(shared, 0, 1, 0))
        count++;
    assert_true(count >= relay_cells(shared) && count < 10 * relay_cells(shared));
    assert_null(relay_take(shared, 0, 1)); /* the cell is FREE */
    cell->state = RELAY_QUEUED;
    assert_true(relay_put(shared, 0, 1, 0));
    assert_ptr_equal(relay_take(shared, 0, 1), cell);
}

TEST(what_an_ended_worker_had_taken_is_an_orphan)
{
    struct relay_cell *taken = queue_cell(0, 1, 0), *queued = queue_cell(0, 1, 1);
    assert_ptr_equal(relay_take(shared, 0, 1), taken);
    assert_false(relay_is_orphan(shared, taken));
    relay_end(shared, 2);
    assert_false(relay_is_orphan(shared, taken));
    relay_end(shared, 1);
    assert_true(relay_is_orphan(shared, taken));
    assert_false(relay_is_orphan(shared, queued));
    assert_false(relay_worker(shared, 1)->serves);
    relay_begin(shared, 1);
    assert_true(relay_is_orphan(shared, taken));
    assert_ptr_equal(relay_take(shared, 0, 1), queued);
    assert_false(relay_is_orphan(shared, queued));
}

static bool is_readable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

TEST(only_who_sleeps_is_woken)
{
    struct relay_worker *worker = relay_worker(shared, 1);
    relay_rouse(shared, 1);
    assert_false(is_readable(worker->wake_fd));
    worker->asleep = true;
    relay_rouse(shared, 1);
    assert_true(is_readable(worker->wake_fd));
    assert_false(worker->asleep);
}

TEST(cells_of_workers_are_apart)
{
    unsigned last = relay_cells(shared) - 1;
    char *end = (char *)relay_cell(shared, 0, last) + RELAY_CELL_BYTES;
    assert_ptr_equal(end, relay_cell(shared, 1, 0));
    assert_int_equal((uintptr_t)relay_cell(shared, 2, 1) % 16, 0);
}

TEST(memory_is_bounded_for_any_number_of_workers)
{
    struct relay_shared *many = relay_shared_new(256, 1024);
    assert_non_null(many);
    assert_true(relay_cells(many) >= 32);
    assert_true((size_t)relay_cells(many) * 256 * RELAY_CELL_BYTES <= (size_t)1 << 30);
    relay_shared_free(many);
}

/* --- processes that race ---------------------------------------------------------------------- */

#define ROUNDS 20000u

/* Worker 1: adds one to what it takes, until worker 0 is done. */
static void commit_all(_Atomic bool *done)
{
    for (bool last = false;;) {
        struct relay_cell *cell = relay_take(shared, 0, 1);
        if (cell) {
            cell->op.delta++;
            cell->state = RELAY_ANSWERED;
        } else if (last) {
            _exit(0);
        } else {
            last = *done; /* and look once more */
            if (relay_state_of(relay_cell(shared, 0, 0)) != RELAY_QUEUED)
                sched_yield();
        }
    }
}

/* Worker 0 takes back every other operation, if it comes in time. */
TEST(of_two_processes_one_has_the_operation)
{
    struct relay_cell *cell = relay_cell(shared, 0, 0), *flag = relay_cell(shared, 2, 0);
    _Atomic bool *done = (_Atomic bool *)flag->bytes;
    unsigned back = 0, answered = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        commit_all(done);
    for (unsigned i = 0; i < ROUNDS; i++) {
        cell->op.delta = i;
        (void)queue_cell(0, 1, 0);
        if (i % 2 == 0 && relay_take_back(cell)) {
            assert_true(cell->op.delta == i);
            back++;
            continue;
        }
        while (relay_state_of(cell) != RELAY_ANSWERED)
            sched_yield();
        assert_true(cell->op.delta == i + 1);
        cell->state = RELAY_FREE;
        answered++;
    }
    *done = true;
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(back + answered, ROUNDS);
    assert_true(answered >= ROUNDS / 2);
}
