/* memory.c -- a library to be loaded before the C library of a program (LD_PRELOAD): allocations of
 * a chosen process fail when a test says so (memory.h), those of the libraries that it calls
 * included. Whoever else it is loaded into notices nothing.
 */
#include "preload/memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES 24

void *memalign(size_t alignment, size_t size);

static struct memory_faults *faults; /* NULL: nobody asks */
static bool trace;
static _Thread_local bool tracing;

/* What would be there without this one: a sanitizer's, or the C library's. */
static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*memalign)(size_t, size_t);
    void (*free)(void *);
} next;

static void find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, sizeof(found)); /* C has no cast for that */
}

/* Others may allocate before our turn to begin has come. */
static void find_next(void)
{
    if (next.free)
        return;
    find(&next.malloc, "malloc");
    find(&next.calloc, "calloc");
    find(&next.realloc, "realloc");
    find(&next.memalign, "memalign");
    find(&next.free, "free");
}

__attribute__((constructor)) static void begin(void)
{
    void *frame;
    const char *path = getenv(MEMORY_FAULTS_FILE);
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    find_next();
    if (fd < 0)
        return;
    void *page = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    trace = getenv(MEMORY_FAULTS_TRACE) && backtrace(&frame, 1) > 0; /* loads what it needs */
    faults = page == MAP_FAILED ? NULL : page;
}

static bool is_meant(void)
{
    return faults && atomic_load(&faults->pid) == (int)getpid();
}

static void show_where(void)
{
    static const char end[] = "--\n";
    void *frames[FRAMES];
    if (!trace || tracing)
        return;
    tracing = true;
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES), STDERR_FILENO);
    (void)!write(STDERR_FILENO, end, sizeof(end) - 1);
    tracing = false;
}

static bool fails(void)
{
    if (!is_meant() || tracing)
        return false;
    long behind = atomic_fetch_add(&faults->made, 1) - atomic_load(&faults->first);
    if (behind < 0 || behind >= atomic_load(&faults->count))
        return false;
    show_where();
    errno = ENOMEM;
    return true;
}

static void count(const void *gone, const void *come)
{
    if (!gone != !come && is_meant())
        atomic_fetch_add(&faults->live, come ? 1 : -1);
}

static void *counted(void *block)
{
    count(NULL, block);
    return block;
}

void *malloc(size_t size)
{
    find_next();
    return fails() ? NULL : counted(next.malloc(size));
}

void *calloc(size_t members, size_t size)
{
    find_next();
    return fails() ? NULL : counted(next.calloc(members, size));
}

void *realloc(void *block, size_t size)
{
    find_next();
    if (fails())
        return NULL;
    uintptr_t before = (uintptr_t)block;
    void *grown = next.realloc(block, size);
    if (grown || size == 0) /* else the old one is still there */
        count((void *)before, grown);
    return grown;
}

void *memalign(size_t alignment, size_t size)
{
    find_next();
    return fails() ? NULL : counted(next.memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    int before = errno;
    void *made = memalign(alignment, size);
    errno = before;
    if (made)
        *block = made;
    return made ? 0 : ENOMEM;
}

void free(void *block)
{
    find_next();
    count(block, NULL);
    next.free(block);
}
