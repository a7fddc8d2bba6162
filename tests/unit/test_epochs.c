/* test_epochs.c -- which moments are of the history that SQL has gone through. */
#include "ledger/epochs.h"
#include "support/suite.h"

/* SQL is at 5-10. Epoch 4 ended at 4-7, epoch 3 at its first entry; of epoch 2 there is nothing. */
static const struct event_id at = {5, 10};
static const int64_t ends[] = {[2] = EPOCHS_ABSENT, [3] = 0, [4] = 7};

static const struct {
    struct event_id id;
    int64_t restored; /* the last epoch that a restore began */
    bool held;
} cases[] = {
    {{5, 10}, 0, true}, /* nothing is lacking */
    {{5, 9}, 0, true},
    {{5, 0}, 0, true},
    {{5, 11}, 0, false}, /* SQL lacks it */
    {{6, 0}, 0, false},
    {{4, 7}, 0, true}, /* where the epoch ended */
    {{4, 6}, 0, true},
    {{4, 0}, 0, true},
    {{4, 8}, 0, false}, /* disowned */
    {{3, 0}, 0, true},
    {{3, 1}, 0, false},
    {{2, 0}, 0, false}, /* an epoch that SQL never saw */
    {{0, 0}, 0, false}, /* no stream */
    /* A restore changed what no event tells of. */
    {{4, 7}, 5, false},
    {{5, 0}, 5, true},
    {{5, 9}, 5, true},
    {{4, 7}, 4, true},
    {{3, 0}, 4, false},
    {{4, 7}, 3, true},
};

TEST(a_moment_is_of_the_history_up_to_the_end_of_its_epoch)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct event_id id = cases[i].id;
        int64_t last_seq = id.epoch >= 2 && id.epoch < at.epoch ? ends[id.epoch] : EPOCHS_ABSENT;
        if (epochs_hold(at, id, last_seq, cases[i].restored) != cases[i].held)
            fail_msg("%lld-%lld, restored in %lld", (long long)id.epoch, (long long)id.seq,
                     (long long)cases[i].restored);
    }
}
