/* history_mutate.c -- see history_mutate.h. */
#include "support/history_mutate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

static const char *const names[MUTATIONS] = {
    [MUTATE_VERSION] = "version",
    [MUTATE_REMAINING] = "remaining",
    [MUTATE_QUANTITY] = "quantity",
    [MUTATE_ITEM] = "item",
    [MUTATE_LINES] = "lines",
    [MUTATE_STATUS] = "status",
    [MUTATE_OUTCOME] = "outcome",
    [MUTATE_DETAIL] = "detail",
    [MUTATE_BEGIN] = "begin",
    [MUTATE_END] = "end",
    [MUTATE_CLIENT] = "client",
    [MUTATE_SEQ] = "seq",
    [MUTATE_OF] = "of",
    [MUTATE_KIND] = "kind",
    [MUTATE_PHASE] = "phase",
    [MUTATE_REPLAYED] = "replay flag",
    [MUTATE_RESENT] = "resent flag",
    [MUTATE_AGAIN] = "taken-again flag",
    [MUTATE_BATCHED] = "batched flag",
    [MUTATE_COUNTERS] = "counters",
    [MUTATE_DROP] = "record dropped",
    [MUTATE_DUPLICATE] = "record twice",
    [MUTATE_SWAP_VERSIONS] = "versions swapped",
    [MUTATE_SWAP_ANSWERS] = "answers swapped",
    [MUTATE_TURN_ROUND] = "batch turned round",
};

const char *history_mutation_name(enum mutation mutation)
{
    return names[mutation];
}

static int gather(struct history_mutant *m)
{
    m->op = calloc(m->reader.slots, sizeof(*m->op));
    m->counters = calloc(m->reader.slots, sizeof(*m->counters));
    if (!m->op || !m->counters)
        return -ENOMEM;
    struct history_pass pass = history_pass(&m->reader);
    uint32_t slot;
    for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        if (type == SLOT_OP || type == SLOT_EXPIRY)
            m->op[m->ops++] = slot;
        else if (type == SLOT_COUNTERS)
            m->counters[m->counter_count++] = slot;
    }
    return m->ops > 0 ? 0 : -ENOENT;
}

int history_mutant_open(struct history_mutant *m, const char *path)
{
    *m = (struct history_mutant){0};
    char err[HISTORY_ERR_SIZE];
    int rc = history_read(&m->reader, path, err, sizeof(err));
    if (rc < 0)
        return rc;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED
                       : mmap(NULL, m->reader.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    rc = map == MAP_FAILED ? -errno : 0;
    if (fd >= 0)
        close(fd);
    m->map = rc < 0 ? NULL : map;
    if (rc == 0)
        rc = gather(m);
    if (rc < 0)
        history_mutant_close(m);
    return rc;
}

void history_mutant_close(struct history_mutant *m)
{
    if (m->map)
        munmap(m->map, m->reader.bytes);
    history_unread(&m->reader);
    free(m->op);
    free(m->counters);
    *m = (struct history_mutant){0};
}

/* The slot, to be changed; what is in it comes back in the end. */
static void *touch(struct history_mutant *m, uint32_t slot)
{
    unsigned char *at = m->map + (size_t)slot * HISTORY_SLOT_BYTES;
    for (unsigned i = 0; i < m->touched; i++)
        if (m->at[i] == slot)
            return at;
    if (m->touched == MUTANT_SLOTS)
        abort();
    m->at[m->touched] = slot;
    memcpy(m->was[m->touched++], at, HISTORY_SLOT_BYTES);
    return at;
}

void history_mutate_back(struct history_mutant *m)
{
    while (m->touched > 0) {
        m->touched--;
        memcpy(m->map + (size_t)m->at[m->touched] * HISTORY_SLOT_BYTES, m->was[m->touched],
               HISTORY_SLOT_BYTES);
    }
}

static struct history_op *op_in(struct history_mutant *m, uint32_t slot)
{
    return (void *)(m->map + (size_t)slot * HISTORY_SLOT_BYTES);
}

static struct history_line *touch_line(struct history_mutant *m, uint32_t slot, unsigned n)
{
    if (n == 0)
        return &((struct history_op *)touch(m, slot))->line;
    return &((struct history_lines *)touch(m, slot + (n + 1) / 2))->line[(n - 1) % 2];
}

static struct history_line *draw_line(struct history_mutant *m, struct rng *rng)
{
    unsigned lines = op_in(m, m->slot)->lines;
    return lines == 0 ? NULL : touch_line(m, m->slot, (unsigned)rng_below(rng, lines));
}

/* Something near it, and now and then something far away. */
static uint64_t other(struct rng *rng, uint64_t value)
{
    switch (rng_below(rng, 5)) {
    case 0: return value + 1;
    case 1: return value - 1;
    case 2: return value + 1 + rng_below(rng, 10);
    case 3: return 0;
    default: return rng_below(rng, 64);
    }
}

static uint64_t other_time(struct rng *rng, uint64_t at_ns)
{
    uint64_t by_ns = rng_below(rng, rng_below(rng, 2) ? 5 * MS : 500 * MS);
    return rng_below(rng, 2) || at_ns < by_ns ? at_ns + by_ns : at_ns - by_ns;
}

static bool change_line(struct history_mutant *m, enum mutation mutation, struct rng *rng)
{
    struct history_line *line = draw_line(m, rng);
    if (!line)
        return false;
    if (mutation == MUTATE_VERSION)
        line->version = other(rng, line->version);
    else if (mutation == MUTATE_REMAINING)
        line->remaining = (int64_t)other(rng, (uint64_t)line->remaining);
    else if (mutation == MUTATE_QUANTITY)
        line->quantity = (int32_t)other(rng, (uint64_t)line->quantity);
    else
        line->item = (uint32_t)rng_below(rng, m->reader.facts->items);
    return true;
}

static bool change_field(struct history_mutant *m, enum mutation mutation, struct rng *rng)
{
    static const uint16_t statuses[] = {0, 200, 201, 404, 409, 500, 503};
    struct history_op *op = touch(m, m->slot);
    uint32_t some = m->op[rng_below(rng, m->ops)];
    switch (mutation) {
    case MUTATE_LINES: op->lines = (uint8_t)other(rng, op->lines); break;
    case MUTATE_STATUS: op->status = statuses[rng_below(rng, 7)]; break;
    case MUTATE_OUTCOME: op->outcome = (uint8_t)rng_below(rng, OUTCOMES); break;
    case MUTATE_DETAIL: op->detail = (uint8_t)rng_below(rng, DETAILS); break;
    case MUTATE_BEGIN: op->begin_ns = other_time(rng, op->begin_ns); break;
    case MUTATE_END: op->end_ns = other_time(rng, op->end_ns); break;
    case MUTATE_CLIENT: op->client = (uint32_t)other(rng, op->client); break;
    case MUTATE_SEQ: op->seq = (uint32_t)other(rng, op->seq); break;
    case MUTATE_OF: op->of = some; break;
    case MUTATE_KIND: op->kind = (uint8_t)rng_below(rng, KIND_SET); break;
    case MUTATE_PHASE: op->flags = (uint8_t)((op->flags | FLAG_PHASE) - rng_below(rng, 4)); break;
    case MUTATE_REPLAYED: op->flags ^= FLAG_REPLAYED; break;
    case MUTATE_AGAIN: op->flags ^= FLAG_TOOK_AGAIN; break;
    case MUTATE_BATCHED: op->flags ^= FLAG_BATCHED; break;
    default: op->flags ^= FLAG_RESENT; break;
    }
    return true;
}

static bool change_counters(struct history_mutant *m, struct rng *rng)
{
    if (m->counter_count == 0)
        return false;
    m->slot = m->counters[rng_below(rng, m->counter_count)];
    struct history_counters *c = touch(m, m->slot);
    int64_t *const fields[] = {&c->on_hand, &c->available, &c->held, &c->sold};
    uint64_t drawn = rng_below(rng, 6);
    if (drawn < 4)
        *fields[drawn] = (int64_t)other(rng, (uint64_t)*fields[drawn]);
    else if (drawn == 4)
        c->version = other(rng, c->version);
    else
        c->found = !c->found;
    return true;
}

/* What was a record is a sample now, which says nothing. */
static bool drop(struct history_mutant *m)
{
    unsigned slots = HISTORY_OP_SLOTS(op_in(m, m->slot)->lines);
    for (unsigned i = 0; i < slots; i++)
        ((struct history_op *)touch(m, m->slot + i))->type = SLOT_SAMPLE;
    return true;
}

/* Once more, in the empty slots at the end of its chunk. */
static bool duplicate(struct history_mutant *m)
{
    unsigned slots = HISTORY_OP_SLOTS(op_in(m, m->slot)->lines);
    uint32_t at = m->slot;
    while (at < m->reader.slots && op_in(m, at)->type != SLOT_EMPTY)
        at++;
    if ((at - HISTORY_HEADER_SLOTS) / HISTORY_CHUNK_SLOTS !=
            (m->slot - HISTORY_HEADER_SLOTS) / HISTORY_CHUNK_SLOTS ||
        (at + slots - HISTORY_HEADER_SLOTS) / HISTORY_CHUNK_SLOTS !=
            (m->slot - HISTORY_HEADER_SLOTS) / HISTORY_CHUNK_SLOTS)
        return false;
    for (unsigned i = 0; i < slots; i++) {
        memcpy(touch(m, at + i), op_in(m, m->slot + i), HISTORY_SLOT_BYTES);
        if (i > 0)
            ((struct history_lines *)touch(m, at + i))->op = at;
    }
    return true;
}

static void swap_line(struct history_line *a, struct history_line *b)
{
    struct history_line was = *a;
    a->version = b->version;
    a->remaining = b->remaining;
    b->version = was.version;
    b->remaining = was.remaining;
}

static bool swap_versions(struct history_mutant *m, struct rng *rng)
{
    uint32_t with = m->op[rng_below(rng, m->ops)];
    if (op_in(m, m->slot)->lines == 0 || op_in(m, with)->lines == 0 || with == m->slot)
        return false;
    struct history_line *a = draw_line(m, rng);
    for (unsigned n = 0; n < op_in(m, with)->lines; n++) {
        struct history_line *b = touch_line(m, with, n);
        if (a->item != b->item || a->version == 0 || b->version == 0)
            continue;
        swap_line(a, b);
        return true;
    }
    return false;
}

static bool swap_answers(struct history_mutant *m, struct rng *rng)
{
    uint32_t with = m->op[rng_below(rng, m->ops)];
    struct history_op *a = touch(m, m->slot), *b = touch(m, with), was = *a;
    if (a == b || a->kind != b->kind || a->lines != b->lines || history_phase(a) != PHASE_LOAD ||
        history_phase(b) != PHASE_LOAD)
        return false;
    for (unsigned n = 0; n < a->lines; n++)
        swap_line(touch_line(m, m->slot, n), touch_line(m, with, n));
    a->status = b->status;
    a->detail = b->detail;
    a->outcome = history_outcome(b);
    b->status = was.status;
    b->detail = was.detail;
    b->outcome = history_outcome(&was);
    return true;
}

/* Both of one line, so of one slot: they take each other's places. */
static bool turn_round(struct history_mutant *m, struct rng *rng)
{
    uint32_t at = (uint32_t)rng_below(rng, m->ops);
    while (at > 0 && !(op_in(m, m->op[at])->flags & FLAG_BATCHED))
        at--;
    if (at == 0 || op_in(m, m->op[at])->lines != 1 || op_in(m, m->op[at - 1])->lines != 1)
        return false;
    struct history_op *b = touch(m, m->slot = m->op[at]), *a = touch(m, m->op[at - 1]), was = *a;
    uint8_t batched = a->flags & FLAG_BATCHED;
    *a = *b;
    *b = was;
    a->flags = (uint8_t)((a->flags & ~FLAG_BATCHED) | batched);
    b->flags |= FLAG_BATCHED;
    return true;
}

static bool mutate(struct history_mutant *m, enum mutation mutation, struct rng *rng)
{
    switch (mutation) {
    case MUTATE_VERSION:
    case MUTATE_REMAINING:
    case MUTATE_QUANTITY:
    case MUTATE_ITEM: return change_line(m, mutation, rng);
    case MUTATE_COUNTERS: return change_counters(m, rng);
    case MUTATE_DROP: return drop(m);
    case MUTATE_DUPLICATE: return duplicate(m);
    case MUTATE_SWAP_VERSIONS: return swap_versions(m, rng);
    case MUTATE_SWAP_ANSWERS: return swap_answers(m, rng);
    case MUTATE_TURN_ROUND: return turn_round(m, rng);
    default: return change_field(m, mutation, rng);
    }
}

bool history_mutate(struct history_mutant *m, enum mutation mutation, struct rng *rng)
{
    m->touched = 0;
    m->slot = m->op[rng_below(rng, m->ops)];
    if (!mutate(m, mutation, rng)) {
        history_mutate_back(m);
        return false;
    }
    for (unsigned i = 0; i < m->touched; i++)
        if (memcmp(m->was[i], m->map + (size_t)m->at[i] * HISTORY_SLOT_BYTES, HISTORY_SLOT_BYTES) !=
            0)
            return true;
    return false;
}
