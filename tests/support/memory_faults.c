/* memory_faults.c -- see memory_faults.h. */
#include "support/memory_faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *memory_faults_library(void)
{
    const char *library = getenv("MEMORY_FAULTS_LIBRARY");
    if (!library)
        fprintf(stderr, "MEMORY_FAULTS_LIBRARY does not name the library that is to be loaded\n");
    return library;
}

/* An empty page; 0 or -errno. */
static int map_page(struct memory_faults_file *faults, int fd)
{
    if (ftruncate(fd, sizeof(*faults->page)) < 0)
        return -errno;
    void *page = mmap(NULL, sizeof(*faults->page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return -errno;
    faults->page = page;
    return 0;
}

int memory_faults_begin(struct memory_faults_file *faults)
{
    const char *dir = getenv("TMPDIR");
    *faults = (struct memory_faults_file){.page = NULL};
    snprintf(faults->path, sizeof(faults->path), "%s/memory-faults.XXXXXX", dir ? dir : "/tmp");
    int fd = mkstemp(faults->path);
    if (fd < 0)
        return -errno;
    int err = map_page(faults, fd);
    close(fd);
    if (!err && setenv(MEMORY_FAULTS_FILE, faults->path, 1) < 0)
        err = -errno;
    if (err)
        memory_faults_end(faults);
    return err;
}

void memory_faults_end(struct memory_faults_file *faults)
{
    unsetenv(MEMORY_FAULTS_FILE);
    if (faults->page)
        munmap(faults->page, sizeof(*faults->page));
    unlink(faults->path);
    faults->page = NULL;
}

void memory_faults_choose(struct memory_faults_file *faults, pid_t pid)
{
    atomic_store(&faults->page->count, 0);
    atomic_store(&faults->page->live, 0);
    atomic_store(&faults->page->pid, (int)pid);
}

void memory_faults_arm(struct memory_faults_file *faults, long n, long count)
{
    atomic_store(&faults->page->made, 0);
    atomic_store(&faults->page->first, n);
    atomic_store(&faults->page->count, count);
}

bool memory_faults_disarm(struct memory_faults_file *faults)
{
    atomic_store(&faults->page->count, 0);
    return atomic_load(&faults->page->made) > atomic_load(&faults->page->first);
}

long memory_faults_live(const struct memory_faults_file *faults)
{
    return atomic_load(&faults->page->live);
}
