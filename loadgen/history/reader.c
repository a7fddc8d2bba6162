/* reader.c -- every number is checked before it is followed. */
#include "history/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[sizeof((struct history_facts *)0)->magic] = HISTORY_MAGIC;

/* Numbers of the header that have one right value in every format. */
static const struct {
    size_t at;
    uint32_t value;
    const char *name;
} fixed[] = {
    {offsetof(struct history_facts, header_bytes), HISTORY_HEADER_BYTES, "header_bytes"},
    {offsetof(struct history_facts, chunk_bytes), HISTORY_CHUNK_BYTES, "chunk_bytes"},
    {offsetof(struct history_facts, slot_bytes), HISTORY_SLOT_BYTES, "slot_bytes"},
};

/* Numbers of the header that others use as enums, or make room for. */
static const struct {
    size_t at;
    uint32_t max;
    const char *name;
} limited[] = {
    {offsetof(struct history_facts, progress), RUN_SETTLED, "progress"},
    {offsetof(struct history_facts, verify), 2, "verify"},
    {offsetof(struct history_facts, customers), HISTORY_CUSTOMERS_MAX, "customers"},
};

#define TEXT(field)                                                                                \
    {                                                                                              \
        offsetof(struct history_facts, field), sizeof((struct history_facts *)0)->field, #field    \
    }

static const struct {
    size_t at, bytes;
    const char *name;
} texts[] = {TEXT(run), TEXT(prefix),  TEXT(scenario), TEXT(arrival),
             TEXT(url), TEXT(version), TEXT(host),     TEXT(command)};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint32_t number_at(const unsigned char *map, size_t at)
{
    uint32_t number;
    memcpy(&number, map + at, sizeof number);
    return number;
}

static int check_texts(const unsigned char *map, const char *path, char *err, size_t err_size)
{
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (memchr(map + texts[i].at, '\0', texts[i].bytes))
            continue;
        snprintf(err, err_size, "%s: its header is damaged: %s does not end within %zu bytes", path,
                 texts[i].name, texts[i].bytes);
        return -EINVAL;
    }
    return 0;
}

static int check_numbers(const unsigned char *map, const char *path, char *err, size_t err_size)
{
    for (size_t i = 0; i < COUNT(fixed); i++) {
        uint32_t found = number_at(map, fixed[i].at);
        if (found == fixed[i].value)
            continue;
        snprintf(err, err_size,
                 "%s: its header is damaged: %s is %" PRIu32 ", %" PRIu32 " is right", path,
                 fixed[i].name, found, fixed[i].value);
        return -EINVAL;
    }
    for (size_t i = 0; i < COUNT(limited); i++) {
        uint32_t found = number_at(map, limited[i].at);
        if (found <= limited[i].max)
            continue;
        snprintf(err, err_size,
                 "%s: its header is damaged: %s is %" PRIu32 ", at most %" PRIu32 " is right", path,
                 limited[i].name, found, limited[i].max);
        return -EINVAL;
    }
    return 0;
}

static int check_header(const unsigned char *map, const char *path, char *err, size_t err_size)
{
    if (memcmp(map, magic, sizeof magic) != 0) {
        snprintf(err, err_size, "%s: not a history: give a file that stockload run --history wrote",
                 path);
        return -EINVAL;
    }
    uint32_t format = number_at(map, offsetof(struct history_facts, format));
    if (format < HISTORY_FORMAT_MIN || format > HISTORY_FORMAT) {
        snprintf(err, err_size,
                 "%s: a history of format %" PRIu32 "; this program reads formats %d to %d%s", path,
                 format, HISTORY_FORMAT_MIN, HISTORY_FORMAT,
                 format > HISTORY_FORMAT ? ": use the stockload that wrote it, or a newer one"
                                         : "");
        return format > HISTORY_FORMAT ? -EPROTO : -EINVAL;
    }
    int rc = check_numbers(map, path, err, err_size);
    return rc < 0 ? rc : check_texts(map, path, err, err_size);
}

static int map_file(struct history_reader *r, int fd, const char *path, char *err, size_t err_size)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        int rc = -errno;
        snprintf(err, err_size, "%s: %s", path, strerror(-rc));
        return rc;
    }
    if (!S_ISREG(st.st_mode) || st.st_size < HISTORY_HEADER_BYTES) {
        snprintf(err, err_size, "%s: not a history: %s", path,
                 S_ISREG(st.st_mode) ? "shorter than its header" : "not a regular file");
        return -EINVAL;
    }
    size_t bytes = (size_t)st.st_size;
    void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        int rc = -errno;
        snprintf(err, err_size, "%s: cannot be mapped: %s", path, strerror(-rc));
        return rc;
    }
    int rc = check_header(map, path, err, err_size);
    if (rc < 0) {
        munmap(map, bytes);
        return rc;
    }
    size_t slots = bytes / HISTORY_SLOT_BYTES;
    *r = (struct history_reader){
        .map = map,
        .bytes = bytes,
        .slots = slots < UINT32_MAX ? (uint32_t)slots : UINT32_MAX,
        .facts = map,
        .fd = fd,
    };
    return 0;
}

int history_read(struct history_reader *r, const char *path, char *err, size_t err_size)
{
    *r = (struct history_reader){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up */
    if (fd < 0) {
        int rc = -errno;
        snprintf(err, err_size, "%s: %s", path, strerror(-rc));
        return rc;
    }
    int rc = map_file(r, fd, path, err, err_size);
    if (rc < 0)
        close(fd);
    return rc;
}

int history_copy(struct history_reader *copy, const struct history_reader *r)
{
    *copy = (struct history_reader){0};
    int fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    void *map = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    *copy = *r;
    copy->map = map;
    copy->facts = map;
    copy->fd = fd;
    copy->copy = true;
    return 0;
}

int history_refresh(struct history_reader *r, const char *path)
{
    struct history_reader now;
    char err[HISTORY_ERR_SIZE];
    int rc = history_read(&now, path, err, sizeof err);
    if (!now.facts)
        return rc;
    bool same = now.bytes >= r->bytes && now.facts->zero_ns == r->facts->zero_ns &&
                strcmp(now.facts->run, r->facts->run) == 0;
    history_unread(same ? r : &now);
    if (!same)
        return -ESTALE;
    *r = now;
    return 0;
}

void history_relax(const struct history_reader *r)
{
    /* Only a hint: when it is refused the pages stay, and nothing else changes. */
    if (!r->copy)
        madvise((void *)(uintptr_t)r->map, r->bytes, MADV_DONTNEED);
}

void history_unread(struct history_reader *r)
{
    if (r->map) {
        munmap((void *)r->map, r->bytes);
        close(r->fd);
    }
    *r = (struct history_reader){0};
}

/* What the writer stored last; everything else of the slot is there when this is. */
static unsigned type_of(const void *slot)
{
    return __atomic_load_n((const uint8_t *)slot, __ATOMIC_ACQUIRE);
}

const void *history_at(const struct history_reader *r, uint32_t slot)
{
    return slot < r->slots ? r->map + (size_t)slot * HISTORY_SLOT_BYTES : NULL;
}

static bool is_op(unsigned type)
{
    return type == SLOT_OP || type == SLOT_EXPIRY;
}

/* How far the slot is from the start of its chunk. */
static uint32_t slot_in_chunk(uint32_t slot)
{
    return (slot - HISTORY_HEADER_SLOTS) % HISTORY_CHUNK_SLOTS;
}

/* The slots that may belong to the one in `slot`: those to the end of its chunk or of the file. */
static uint32_t slots_left(const struct history_reader *r, uint32_t slot)
{
    uint32_t in_chunk = HISTORY_CHUNK_SLOTS - slot_in_chunk(slot);
    uint32_t in_file = r->slots - slot;
    return in_chunk < in_file ? in_chunk : in_file;
}

static bool enums_right(const struct history_op *op)
{
    return op->kind < KINDS && history_outcome(op) < OUTCOMES && op->detail < DETAILS &&
           history_phase(op) <= PHASE_SETTLE && op->lines <= HISTORY_LINES_MAX;
}

/* Whether this is the i-th lines slot of the operation, and holds what the operation needs of it.
 */
static bool holds_lines(const struct history_lines *more, const struct history_op *op,
                        uint32_t slot, unsigned i)
{
    unsigned first = 1 + 2 * i;
    unsigned needed = op->lines - first >= 2 ? 2 : 1;
    return type_of(more) == SLOT_LINES && more->op == slot && more->first == first &&
           more->count >= needed && more->count <= 2;
}

/* Whether the slot holds an operation that is whole. */
static bool op_right(const struct history_reader *r, uint32_t slot)
{
    const struct history_op *op = history_at(r, slot);
    if (!enums_right(op) || HISTORY_OP_SLOTS(op->lines) > slots_left(r, slot))
        return false;
    for (unsigned i = 0; i + 1 < HISTORY_OP_SLOTS(op->lines); i++)
        if (!holds_lines((const struct history_lines *)(op + 1) + i, op, slot, i))
            return false;
    return true;
}

const struct history_op *history_op_at(const struct history_reader *r, uint32_t slot)
{
    const struct history_op *op = history_at(r, slot);
    if (slot < HISTORY_HEADER_SLOTS || !op || slot_in_chunk(slot) == 0)
        return NULL;
    return is_op(type_of(op)) && op_right(r, slot) ? op : NULL;
}

const struct history_line *history_line_of(const struct history_op *op, unsigned n)
{
    assert(n < op->lines || n == 0); /* the first one is always there */
    if (n == 0)
        return &op->line;
    const struct history_lines *more = (const struct history_lines *)(op + 1);
    return &more[(n - 1) / 2].line[(n - 1) % 2];
}

const struct history_line *history_line_about(const struct history_op *op, int64_t item)
{
    for (unsigned n = 0; n < op->lines; n++)
        if (history_line_of(op, n)->item == item)
            return history_line_of(op, n);
    return NULL;
}

/* A part of a text that is `max` bytes long at most. */
static bool text_right(const struct history_id *part, unsigned max)
{
    return part->bytes <= HISTORY_ID_TEXT && part->offset + part->bytes <= max;
}

/* Whether the operation before could have had these lines: it was begun with more than it has. */
static bool spare_lines(const struct history_reader *r, uint32_t slot)
{
    const struct history_lines *more = history_at(r, slot);
    uint32_t back = ((uint32_t)more->first + 1) / 2;
    return back >= 1 && back < slot_in_chunk(slot) && more->op == slot - back &&
           is_op(type_of(history_at(r, more->op)));
}

/* How many slots the thing in this slot takes; 0 when it makes no sense. */
static uint32_t slots_of(const struct history_reader *r, uint32_t slot, unsigned type)
{
    const struct history_op *op = history_at(r, slot);
    switch (type) {
    case SLOT_OP:
    case SLOT_EXPIRY: return op_right(r, slot) ? HISTORY_OP_SLOTS(op->lines) : 0;
    case SLOT_LINES: return spare_lines(r, slot);
    case SLOT_ID: return text_right(history_at(r, slot), HISTORY_ID_MAX);
    case SLOT_NOTE: return text_right(history_at(r, slot), HISTORY_NOTE_MAX);
    case SLOT_SAMPLE:
    case SLOT_COUNTERS: return 1;
    default: return 0;
    }
}

struct history_pass history_pass(const struct history_reader *r)
{
    return (struct history_pass){.reader = r, .next = HISTORY_HEADER_SLOTS};
}

/* Goes on behind `count` slots, or at the next chunk when that is nearer or the file ends. */
static void skip(struct history_pass *pass, uint32_t count)
{
    uint32_t left = slots_left(pass->reader, pass->next);
    pass->next += count < left ? count : left;
}

/* The first slot of a chunk: whose it is, or that it is absent. */
static void enter_chunk(struct history_pass *pass)
{
    if (pass->next - pass->relaxed >= HISTORY_LOOKS) {
        history_relax(pass->reader);
        pass->relaxed = pass->next;
    }
    const struct history_chunk *chunk = history_at(pass->reader, pass->next);
    unsigned type = type_of(chunk);
    bool right = type == SLOT_CHUNK && chunk->worker <= HISTORY_WORKERS_MAX;
    if (right)
        pass->chunk = chunk;
    else
        pass->broken += type != SLOT_EMPTY;
    skip(pass, right ? 1 : HISTORY_CHUNK_SLOTS);
}

enum history_type history_next(struct history_pass *pass, uint32_t *slot)
{
    while (pass->next < pass->reader->slots) {
        uint32_t at = pass->next;
        if (slot_in_chunk(at) == 0) {
            enter_chunk(pass);
            continue;
        }
        unsigned type = type_of(history_at(pass->reader, at));
        uint32_t count = slots_of(pass->reader, at, type);
        pass->broken += count == 0 && type != SLOT_EMPTY;
        skip(pass, count > 0 ? count : HISTORY_CHUNK_SLOTS);
        if (count > 0 && type != SLOT_LINES) {
            *slot = at;
            return (enum history_type)type;
        }
    }
    return SLOT_EMPTY;
}
