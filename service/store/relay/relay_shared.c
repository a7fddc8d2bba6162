#include "store/relay/relay_shared.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define CELLS_MAX 1024u       /* of a worker */
#define CELLS_ALL (16u << 10) /* of all workers, about */
#define CELLS_MIN 32u

#define STATE_BITS  8
#define WORKER_BITS 16

struct relay_shared {
    unsigned workers, partitions, cells;
    size_t ring_bytes, bytes;
    struct relay_worker *worker;
    struct relay_partition *partition;
    char *rings, *cell; /* ring_bytes, RELAY_CELL_BYTES each */
};

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Room for each cell twice: once as it is, once from before it was taken back. */
static unsigned ring_size(const struct relay_shared *shared)
{
    return 2 * shared->cells;
}

static void lay_out(struct relay_shared *shared, char *base)
{
    size_t workers = shared->workers, at = round_up(sizeof(*shared), 64);
    shared->worker = (struct relay_worker *)(base + at);
    at += workers * sizeof(struct relay_worker);
    shared->partition = (struct relay_partition *)(base + at);
    at = round_up(at + shared->partitions * sizeof(struct relay_partition), 64);
    shared->rings = base + at;
    shared->ring_bytes =
        round_up(sizeof(struct relay_ring) + ring_size(shared) * sizeof(uint16_t), 64);
    at = round_up(at + workers * workers * shared->ring_bytes, 4096);
    shared->cell = base + at;
    shared->bytes = at + workers * shared->cells * (size_t)RELAY_CELL_BYTES;
}

static bool open_descriptors(struct relay_shared *shared)
{
    bool ok = true;
    for (unsigned i = 0; i < shared->workers; i++) {
        shared->worker[i].wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        ok = ok && shared->worker[i].wake_fd >= 0;
    }
    return ok;
}

struct relay_shared *relay_shared_new(unsigned workers, unsigned partitions)
{
    assert(workers >= 2 && workers <= RELAY_WORKERS_MAX && partitions >= 1);
    struct relay_shared measure = {.workers = workers, .partitions = partitions};
    measure.cells = CELLS_ALL / workers > CELLS_MAX ? CELLS_MAX : CELLS_ALL / workers;
    if (measure.cells < CELLS_MIN)
        measure.cells = CELLS_MIN;
    lay_out(&measure, NULL);
    /* Reserves addresses; memory is taken page by page, as cells are used for the first time. */
    char *base = mmap(NULL, measure.bytes, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    struct relay_shared *shared = (struct relay_shared *)base;
    *shared = measure;
    lay_out(shared, base);
    if (!open_descriptors(shared)) {
        relay_shared_free(shared);
        return NULL;
    }
    return shared;
}

void relay_shared_free(struct relay_shared *shared)
{
    if (!shared)
        return;
    for (unsigned i = 0; i < shared->workers; i++)
        if (shared->worker[i].wake_fd >= 0)
            close(shared->worker[i].wake_fd);
    munmap(shared, shared->bytes);
}

unsigned relay_workers(const struct relay_shared *shared)
{
    return shared->workers;
}

unsigned relay_cells(const struct relay_shared *shared)
{
    return shared->cells;
}

struct relay_worker *relay_worker(struct relay_shared *shared, unsigned worker)
{
    assert(worker < shared->workers);
    return &shared->worker[worker];
}

struct relay_partition *relay_partition(struct relay_shared *shared, unsigned partition)
{
    assert(partition < shared->partitions);
    return &shared->partition[partition];
}

struct relay_cell *relay_cell(struct relay_shared *shared, unsigned worker, unsigned number)
{
    assert(worker < shared->workers && number < shared->cells);
    return (struct relay_cell *)(shared->cell +
                                 ((size_t)worker * shared->cells + number) * RELAY_CELL_BYTES);
}

static struct relay_ring *ring_of(struct relay_shared *shared, unsigned from, unsigned to)
{
    return (struct relay_ring *)(shared->rings +
                                 ((size_t)from * shared->workers + to) * shared->ring_bytes);
}

/* --- lives ------------------------------------------------------------------------------------ */

void relay_begin(struct relay_shared *shared, unsigned worker)
{
    struct relay_worker *w = relay_worker(shared, worker);
    w->life++;
    w->asleep = false;
    w->serves = true;
}

void relay_end(struct relay_shared *shared, unsigned worker)
{
    struct relay_worker *w = relay_worker(shared, worker);
    w->serves = false;
    w->life++;
}

/* --- states ----------------------------------------------------------------------------------- */

static uint64_t taken_by(struct relay_shared *shared, unsigned worker)
{
    uint64_t life = relay_worker(shared, worker)->life;
    return RELAY_TAKEN | (uint64_t)worker << STATE_BITS | life << (STATE_BITS + WORKER_BITS);
}

enum relay_state relay_state_of(const struct relay_cell *cell)
{
    return (enum relay_state)(cell->state & ((1u << STATE_BITS) - 1));
}

bool relay_is_orphan(struct relay_shared *shared, const struct relay_cell *cell)
{
    uint64_t state = cell->state;
    unsigned worker = (unsigned)(state >> STATE_BITS) & ((1u << WORKER_BITS) - 1);
    bool taken = (state & ((1u << STATE_BITS) - 1)) == RELAY_TAKEN;
    return taken && state != taken_by(shared, worker);
}

bool relay_take_back(struct relay_cell *cell)
{
    uint64_t queued = RELAY_QUEUED;
    return atomic_compare_exchange_strong(&cell->state, &queued, RELAY_FREE);
}

/* --- rings ------------------------------------------------------------------------------------ */

bool relay_put(struct relay_shared *shared, unsigned from, unsigned to, unsigned number)
{
    struct relay_ring *ring = ring_of(shared, from, to);
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail - ring->head >= ring_size(shared))
        return false;
    ring->at[tail % ring_size(shared)] = (uint16_t)number;
    ring->tail = tail + 1;
    return true;
}

struct relay_cell *relay_take(struct relay_shared *shared, unsigned from, unsigned to)
{
    struct relay_ring *ring = ring_of(shared, from, to);
    for (uint32_t head = ring->head; head != ring->tail; ring->head = ++head) {
        uint64_t queued = RELAY_QUEUED;
        struct relay_cell *cell = relay_cell(shared, from, ring->at[head % ring_size(shared)]);
        if (atomic_compare_exchange_strong(&cell->state, &queued, taken_by(shared, to))) {
            ring->head = head + 1;
            return cell;
        }
    }
    return NULL;
}

bool relay_has_any(struct relay_shared *shared, unsigned to)
{
    for (unsigned from = 0; from < shared->workers; from++) {
        struct relay_ring *ring = ring_of(shared, from, to);
        if (ring->head != ring->tail)
            return true;
    }
    return false;
}

void relay_rouse(struct relay_shared *shared, unsigned worker)
{
    static const uint64_t once = 1;
    struct relay_worker *w = relay_worker(shared, worker);
    /* Full only after 2^64 - 2 of them, and then it is readable as well. */
    if (atomic_exchange(&w->asleep, false) && write(w->wake_fd, &once, sizeof(once)) < 0)
        return;
}
