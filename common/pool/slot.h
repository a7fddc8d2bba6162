/* slot.h -- the table of a pool: its slots, their states and what the parent holds of each.
 *
 * Layer: common, for pool*.c only; to everybody else struct pool is opaque. pool.c owns the table
 * and waits, spawn.c makes processes, watch.c sees how they fare. The states are drawn in
 * pool.h.
 *
 * Invariant: every change of state passes poolslot_enter, which knows the allowed ones, and after
 * each a slot has a pidfd exactly when it has a process.
 */
#ifndef COMMON_POOL_SLOT_H
#define COMMON_POOL_SLOT_H

#include "pool/options.h"

#include <poll.h>
#include <signal.h>

struct pool_slot {
    struct pool_slot_options options;
    enum pool_state state;
    pid_t pid;
    int pidfd;       /* -1 without a process */
    int fd;          /* our end of the socket; -1 without a process, or when that closed its end */
    bool init_done;  /* in this life; true from the start without an initializer */
    int init_answer; /* what the initializer of this life returned */
    bool was_ready;  /* in this life */
    bool killed;     /* SIGKILL was sent */
    int64_t due_ms;  /* WAITING: when to fork. STOPPING: when to kill */
    int64_t born_ms; /* of this life */
    int64_t backoff_ms; /* the next one; 0 for the first */
    uint64_t restarts;
};

struct pool {
    struct pool_events events;
    size_t max_slots;
    size_t slots_count;
    struct pool_slot *slots;
    struct pollfd *polls; /* room for the signalfd and two per slot */
    int *polled;          /* the slot of each entry of polls, -1 for the signalfd */
    char *message;        /* POOL_MESSAGE_MAX bytes, for one received message */
    int signal_fd;        /* -1 until pool_watch_signals */
    sigset_t mask;        /* as it was when the pool was made: children get it back */
    uint64_t signals_seen;
    bool in_turn; /* guards against a callback that steps */
    bool failed;
    char error[160];
};

struct pool_slot *poolslot_at(const struct pool *pool, int slot);
int poolslot_number(const struct pool *pool, const struct pool_slot *s);

bool poolslot_has_process(const struct pool_slot *s);

/* Every change of state passes here. */
void poolslot_enter(struct pool_slot *s, enum pool_state next);

/* From STARTING to READY, and tells of it; nothing from any other state. */
void poolslot_become_ready(struct pool *pool, struct pool_slot *s);

/* Closes a descriptor of the table and forgets it; -1 is fine. */
void poolslot_close(int *fd);

#endif
