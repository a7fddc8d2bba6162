/* slot.h -- the table of a pool: its slots, their states and what the parent holds of each.
 *
 * Layer: common, for pool*.c only; to everybody else struct pool is opaque. pool.c owns the table
 * and waits, slot.c makes processes, watch.c sees how they fare. The states are drawn in
 * pool.h.
 *
 * Invariant: every change of state passes poolslot_enter, which knows the allowed ones, and after
 * each a slot has a pidfd exactly when it has a process.
 */
#pragma once

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

/* Forks the slot, which is then STARTING, or READY when it needs no handshake. -EAGAIN, -EMFILE and
 * their like when the system has no more to give: then the slot is left as it was, and no process
 * or descriptor behind. */
int poolslot_start(struct pool *pool, struct pool_slot *s, int64_t now_ms) MUST_CHECK;

/* Closes a descriptor of the table and forgets it; -1 is fine. */
void poolslot_close(int *fd);

/* --- what a pool makes of its children: watch.c. It decides who is forked again, and when, tells
 * the owner of the pool of everything, and never waits --- */

/* Takes up to `limit` messages off the slot's socket. */
void poolwatch_messages(struct pool *pool, struct pool_slot *s, int limit);

/* Waits, without blocking, for a process that seems to have ended. */
void poolwatch_end(struct pool *pool, struct pool_slot *s, int64_t now_ms);

/* The slot is WAITING to be forked again, or STOPPING and about to be killed, at due_ms. */
bool poolwatch_has_timer(const struct pool_slot *s);

/* Forks and kills what is due. */
void poolwatch_timers(struct pool *pool, int64_t now_ms);
