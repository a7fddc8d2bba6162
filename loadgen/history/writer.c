/* writer.c -- chunks claimed with one addition, slots published by their type byte. */
#include "history/writer.h"
#include "history/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* So many that every slot has a number of 32 bits. */
#define CHUNKS_MAX ((UINT32_MAX - HISTORY_HEADER_SLOTS) / HISTORY_CHUNK_SLOTS)

static const char magic[sizeof((struct history_facts *)0)->magic] = HISTORY_MAGIC;

struct history {
    int fd;
    struct history_facts *facts;
};

struct history_map {
    struct history_map *next;
    void *at;
    size_t bytes;
};

/* Blocks for a range of the file, which then needs no more room on the disk. */
static int allocate(int fd, off_t offset, off_t bytes)
{
    int rc;
    do {
        rc = posix_fallocate(fd, offset, bytes);
    } while (rc == EINTR);
    return -rc;
}

static int map_header(struct history *h, const struct history_facts *facts)
{
    int rc = allocate(h->fd, 0, HISTORY_HEADER_BYTES);
    if (rc < 0)
        return rc;
    void *at = mmap(NULL, HISTORY_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, h->fd, 0);
    if (at == MAP_FAILED)
        return -errno;
    h->facts = at;
    memcpy(h->facts, facts, sizeof *facts);
    memcpy(h->facts->magic, magic, sizeof magic);
    h->facts->format = HISTORY_FORMAT;
    h->facts->header_bytes = HISTORY_HEADER_BYTES;
    h->facts->chunk_bytes = HISTORY_CHUNK_BYTES;
    h->facts->slot_bytes = HISTORY_SLOT_BYTES;
    atomic_init(&h->facts->chunks, 0);
    return 0;
}

int history_create(struct history **history, const char *path, const struct history_facts *facts)
{
    struct history *h = calloc(1, sizeof *h);
    if (!h)
        return -ENOMEM;
    h->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int rc = h->fd < 0 ? -errno : map_header(h, facts);
    if (rc < 0) {
        if (h->fd >= 0) {
            close(h->fd);
            unlink(path); /* O_EXCL: it is ours */
        }
        free(h);
        return rc;
    }
    *history = h;
    return 0;
}

struct history_facts *history_facts(struct history *history)
{
    return history->facts;
}

void history_close(struct history *history)
{
    if (!history)
        return;
    munmap(history->facts, HISTORY_HEADER_BYTES);
    close(history->fd);
    free(history);
}

void history_writer_open(struct history_writer *w, struct history *history, uint32_t worker,
                         uint32_t life)
{
    assert(worker <= HISTORY_WORKERS_MAX);
    *w = (struct history_writer){.history = history, .worker = worker, .life = life};
}

void history_writer_close(struct history_writer *w)
{
    while (w->maps) {
        struct history_map *map = w->maps;
        w->maps = map->next;
        munmap(map->at, map->bytes);
        free(map);
    }
    w->chunk = NULL;
    w->used = 0;
}

/* Maps the chunk at this offset; it is the end of the mapping, which starts earlier where a page is
 * larger than the header. Its pages are not touched ahead: of 60 ns an operation that saves 8, but
 * it stops the process for half a millisecond, which its clients would measure as latency. */
static int map_chunk(struct history_map *map, int fd, off_t offset)
{
    size_t before = (size_t)(offset % sysconf(_SC_PAGESIZE));
    map->bytes = before + HISTORY_CHUNK_BYTES;
    map->at =
        mmap(NULL, map->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset - (off_t)before);
    return map->at == MAP_FAILED ? -errno : 0;
}

/* Gives the slot at `at`, written but for its type, to the readers. */
static void publish_slot(void *at, enum history_type type)
{
    __atomic_store_n((uint8_t *)at, (uint8_t)type, __ATOMIC_RELEASE);
}

static int open_chunk(struct history_writer *w, uint32_t number)
{
    off_t offset = HISTORY_HEADER_BYTES + (off_t)number * HISTORY_CHUNK_BYTES;
    int rc = allocate(w->history->fd, offset, HISTORY_CHUNK_BYTES);
    if (rc < 0)
        return rc;
    struct history_map *map = malloc(sizeof *map);
    if (!map)
        return -ENOMEM;
    rc = map_chunk(map, w->history->fd, offset);
    if (rc < 0) {
        free(map);
        return rc;
    }
    map->next = w->maps;
    w->maps = map;
    struct history_chunk *head = (void *)((char *)map->at + map->bytes - HISTORY_CHUNK_BYTES);
    w->chunk = (struct history_op *)head;
    w->chunk_slot = HISTORY_HEADER_SLOTS + number * HISTORY_CHUNK_SLOTS;
    w->used = 1;
    head->worker = w->worker;
    head->life = w->life;
    head->pid = (uint32_t)getpid();
    publish_slot(head, SLOT_CHUNK);
    return 0;
}

static int claim_chunk(struct history_writer *w)
{
    _Atomic uint32_t *chunks = &w->history->facts->chunks;
    uint32_t number = atomic_fetch_add(chunks, 1);
    int rc = number < CHUNKS_MAX ? open_chunk(w, number) : -EFBIG;
    if (rc < 0) {
        /* Gives the number back if nobody took one since: tries on a full disk leave no gaps. */
        uint32_t claimed = number + 1;
        (void)atomic_compare_exchange_strong(chunks, &claimed, number);
    }
    return rc;
}

int history_reserve(struct history_writer *w, uint32_t slots)
{
    assert(slots < HISTORY_CHUNK_SLOTS);
    if (w->chunk && w->used + slots <= HISTORY_CHUNK_SLOTS)
        return 0;
    return claim_chunk(w);
}

static void *take_slots(struct history_writer *w, uint32_t slots)
{
    assert(w->chunk && w->used + slots <= HISTORY_CHUNK_SLOTS);
    void *at = w->chunk + w->used;
    w->used += slots;
    return at;
}

/* The slots of an operation, all published but the first one. */
static struct history_op *new_op(struct history_writer *w, unsigned lines)
{
    assert(lines <= HISTORY_LINES_MAX);
    struct history_op *op = take_slots(w, HISTORY_OP_SLOTS(lines));
    struct history_lines *more = (struct history_lines *)(op + 1);
    uint32_t slot = history_slot(w, op);
    for (unsigned first = 1; first < lines; first += 2, more++) {
        more->count = first + 1 < lines ? 2 : 1;
        more->first = (uint16_t)first;
        more->op = slot;
        publish_slot(more, SLOT_LINES);
    }
    op->lines = (uint8_t)lines;
    return op;
}

struct history_op *history_begin(struct history_writer *w, unsigned lines)
{
    struct history_op *op = new_op(w, lines);
    publish_slot(op, SLOT_OP); /* behind its lines: whoever sees it sees them */
    return op;
}

struct history_op *history_begin_expiry(struct history_writer *w, unsigned lines)
{
    return new_op(w, lines);
}

void history_put_expiry(struct history_op *op)
{
    publish_slot(op, SLOT_EXPIRY);
}

uint32_t history_slot(const struct history_writer *w, const struct history_op *op)
{
    assert(op > w->chunk && op < w->chunk + w->used);
    return w->chunk_slot + (uint32_t)(op - w->chunk);
}

struct history_line *history_line(struct history_op *op, unsigned n)
{
    return (struct history_line *)history_line_of(op, n);
}

void history_finish(struct history_op *op, enum history_outcome outcome, uint16_t status,
                    enum history_detail detail, uint8_t flags, uint64_t end_ns)
{
    op->status = status;
    op->detail = (uint8_t)detail;
    op->flags |= flags;
    op->end_ns = end_ns;
    atomic_store_explicit(&op->outcome, (uint8_t)outcome, memory_order_release);
}

/* Appends a text about the operation in slot op, in as many slots as it takes. */
static int append_text(struct history_writer *w, uint32_t op, struct str text,
                       enum history_type type)
{
    uint32_t slots = text.n ? (uint32_t)((text.n + HISTORY_ID_TEXT - 1) / HISTORY_ID_TEXT) : 1;
    int rc = history_reserve(w, slots);
    if (rc < 0)
        return rc;
    struct history_id *first = take_slots(w, slots);
    for (uint32_t i = slots; i-- > 0;) { /* the first one last: no reader sees half a text */
        size_t offset = (size_t)i * HISTORY_ID_TEXT;
        size_t bytes = text.n - offset < HISTORY_ID_TEXT ? text.n - offset : HISTORY_ID_TEXT;
        first[i].bytes = (uint8_t)bytes;
        first[i].offset = (uint16_t)offset;
        first[i].op = op;
        if (bytes > 0)
            memcpy(first[i].text, text.p + offset, bytes);
        publish_slot(&first[i], type);
    }
    return 0;
}

int history_put_id(struct history_writer *w, uint32_t op, struct str id)
{
    return id.n <= HISTORY_ID_MAX ? append_text(w, op, id, SLOT_ID) : -EINVAL;
}

int history_put_note(struct history_writer *w, uint32_t op, struct str note)
{
    if (note.n > HISTORY_NOTE_MAX)
        note.n = HISTORY_NOTE_MAX;
    return append_text(w, op, note, SLOT_NOTE);
}

/* Appends a copy of one whole slot under this type. */
static int put_slot(struct history_writer *w, const void *slot, enum history_type type)
{
    int rc = history_reserve(w, 1);
    if (rc < 0)
        return rc;
    unsigned char *at = take_slots(w, 1);
    memcpy(at + 1, (const unsigned char *)slot + 1, HISTORY_SLOT_BYTES - 1);
    publish_slot(at, type);
    return 0;
}

int history_put_sample(struct history_writer *w, const struct history_sample *sample)
{
    return put_slot(w, sample, SLOT_SAMPLE);
}

int history_put_counters(struct history_writer *w, const struct history_counters *counters)
{
    return put_slot(w, counters, SLOT_COUNTERS);
}
