/* fuzz_history.c -- any bytes as the records of a history, through the reader and the checker.
 * Nothing may crash, hang or read astray, whatever the records say; and each witness must be of
 * operations that can be described.
 *
 * The first two bytes are the items and the restores that the header tells of; what follows is the
 * first chunk from its second slot on, as far as it goes. */
#include "check/check.h"
#include "check/describe.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES_MAX ((size_t)HISTORY_CHUNK_BYTES - HISTORY_SLOT_BYTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];
static int fd = -1;

static void must(bool fine)
{
    if (!fine)
        abort();
}

static void open_file(void)
{
    fd = memfd_create("history", MFD_CLOEXEC);
    must(fd >= 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
}

static void write_file(const uint8_t *data, size_t size)
{
    static union {
        struct history_facts facts;
        unsigned char bytes[HISTORY_HEADER_BYTES];
    } header;
    struct history_chunk chunk = {.type = SLOT_CHUNK};
    header.facts = (struct history_facts){.magic = HISTORY_MAGIC,
                                          .format = HISTORY_FORMAT,
                                          .header_bytes = HISTORY_HEADER_BYTES,
                                          .chunk_bytes = HISTORY_CHUNK_BYTES,
                                          .slot_bytes = HISTORY_SLOT_BYTES,
                                          .chunks = 1,
                                          .progress = RUN_SETTLED,
                                          .items = data[0],
                                          .restores = data[1],
                                          .ttl_ms = 400,
                                          .prefix = "it-"};
    size -= 2;
    size = size < BYTES_MAX ? size : BYTES_MAX;
    must(ftruncate(fd, 0) == 0 &&
         ftruncate(fd, HISTORY_HEADER_BYTES + (off_t)HISTORY_CHUNK_BYTES) == 0);
    must(pwrite(fd, header.bytes, sizeof(header), 0) == sizeof(header));
    must(pwrite(fd, &chunk, sizeof(chunk), HISTORY_HEADER_BYTES) == sizeof(chunk));
    must(pwrite(fd, data + 2, size, HISTORY_HEADER_BYTES + HISTORY_SLOT_BYTES) == (ssize_t)size);
}

static void describe_all(const struct history_reader *r, const struct verdict *v)
{
    struct buf out;
    buf_init(&out, 1u << 20);
    for (unsigned i = 0; i < v->witnesses; i++) {
        assert(v->witness[i].ops <= WITNESS_OPS_MAX);
        for (unsigned n = 0; n < v->witness[i].ops; n++)
            describe_op(&out, r, v->witness[i].op[n]);
    }
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct verdict v;
    struct history_reader r;
    char err[HISTORY_ERR_SIZE];
    if (size < 2)
        return 0;
    if (fd < 0)
        open_file();
    write_file(data, size);
    must(history_read(&r, path, err, sizeof(err)) == 0);
    must(check_history(&v, &r, &(struct check_options){.level = CHECK_FULL}) == 0);
    describe_all(&r, &v);
    history_unread(&r);
    return 0;
}
