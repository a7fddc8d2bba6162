/* memory_faults.h -- a process whose n-th allocation fails, whoever in it makes it.
 *
 * Layer: tests. The process, or one that forked it, was started with the library of
 * tests/preload/memory.c (`preload` in fixture.h) after memory_faults_begin(). One process at a
 * time. Nothing here calls a cmocka assertion.
 */
#pragma once

#include "preload/memory.h"
#include "support/proc.h"

struct memory_faults_file {
    struct memory_faults *page;
    char path[TEST_PATH_MAX];
};

/* The library, which MEMORY_FAULTS_LIBRARY of the environment names; NULL with a message. */
const char *memory_faults_library(void);

/* Programs that are started from now on can be told. */
int memory_faults_begin(struct memory_faults_file *faults) MUST_CHECK;
void memory_faults_end(struct memory_faults_file *faults);

/* The process that is meant from now on. */
void memory_faults_choose(struct memory_faults_file *faults, pid_t pid);

/* The n-th allocation from now on and `count - 1` behind it will fail, n from 0 on. */
void memory_faults_arm(struct memory_faults_file *faults, long n, long count);

/* No other one fails. True: it came to the n-th. */
bool memory_faults_disarm(struct memory_faults_file *faults);

/* Blocks that it has, less those that it had when it was chosen. */
long memory_faults_live(const struct memory_faults_file *faults);
