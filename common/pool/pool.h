/* pool.h -- a parent and its processes: forked, watched, restarted, stopped, never forgotten.
 *
 * Layer: common. The parent is single-threaded and waits in poll(2): one pidfd and one
 * SOCK_SEQPACKET socket per child, and a signalfd. No shared memory, so a dead child holds no
 * lock. The table of slots is allocated once. The caller owns the pool: pool_new .. pool_free. It
 * waits for its own children only, so the program may have others, and handle SIGCHLD. A program
 * with two pools makes the one that watches signals last, and frees it first: a child closes what
 * belongs to its own pool, and gets the signal mask of the moment when that was made.
 *
 *   IDLE     -start->  STARTING  -handshake->  READY
 *   STARTING, READY  -dies->  WAITING  -back-off over->  STARTING      (POOL_ALWAYS)
 *                    -dies->  ENDED                                    (POOL_NEVER, or stopped)
 *                    -dies->  FAILED     (exit POOL_EXIT_FATAL, or the initializer did not pass)
 *                    -stop->  STOPPING  -dies->  ENDED
 *
 * Invariant: a slot has a process and a pidfd exactly in STARTING, READY and STOPPING. Children
 * ask for a death signal before anything else, so none outlives the parent; each that ends is
 * waited for, so none stays a zombie: a SIGCHLD that the program ignores, which would hide how they
 * ended, is set to its default before a fork. Call pool_start before the process has a second
 * thread.
 *
 * Callbacks run inside pool_start*, pool_step, pool_wait_* and pool_stop. They may start, send and
 * pool_stop_slot, not step, wait or free. Exit status is protocol: see POOL_EXIT_*.
 */
#pragma once

#include "pool/child.h"
#include "pool/options.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pool;

/* A pool with room for max_slots children; forks nothing. */
int pool_new(struct pool **pool, size_t max_slots, const struct pool_events *events) MUST_CHECK;

/* Kills and waits for what still runs, restores the signal mask. NULL is fine. */
void pool_free(struct pool *pool);

/* Blocks these signals, then 0, in the parent and hands them to on_signal. At most once per pool.
 */
int pool_watch_signals(struct pool *pool, const int *signals) MUST_CHECK;

/* Takes the next slot, in state IDLE. Its number, from 0 on, or -ENOSPC. */
int pool_add(struct pool *pool, const struct pool_slot_options *options) MUST_CHECK;

/* Forks one slot that is IDLE or ENDED; -EBUSY from any other state. */
int pool_start_slot(struct pool *pool, int slot) MUST_CHECK;

/* Forks every IDLE slot. On an error those before it run. */
int pool_start(struct pool *pool) MUST_CHECK;

/* Steps until every slot that was started is ready. -ETIMEDOUT; -ECHILD when one ended before it
 * was ready and stays down; -ECANCELED when the pool failed; -EINTR after a watched signal. */
int pool_wait_ready(struct pool *pool, int64_t timeout_ms) MUST_CHECK;

/* Waits for events, at most timeout_ms (< 0: for ever), and handles them and all timers due.
 * -ECANCELED when an initializer failed: pool_error says which, pool_stop is all that is left. */
int pool_step(struct pool *pool, int64_t timeout_ms) MUST_CHECK;

/* Begins to stop one slot: its stop signal now, SIGKILL in grace_ms. Again, with less grace,
 * hurries. Does not wait: that is pool_wait_stopped, or pool_step. */
void pool_stop_slot(struct pool *pool, int slot, int64_t grace_ms);

/* A signal to the slot's own process, or to none: never to one that got its pid later. What it does
 * there is no stop: a process that it ends is started again. */
void pool_signal_slot(struct pool *pool, int slot, int signo);

/* Steps until nothing is STOPPING any more; what is not stopping lives on. */
void pool_wait_stopped(struct pool *pool);

/* Stops every slot and waits until the last one is gone. */
void pool_stop(struct pool *pool, int64_t grace_ms);

/* One message to a child. Never blocks: -EAGAIN when the child lags behind, -EPIPE when it is
 * gone, has exec'd or was not started, -EMSGSIZE. */
int pool_send(struct pool *pool, int slot, const void *bytes, size_t n) MUST_CHECK;

enum pool_state pool_slot_state(const struct pool *pool, int slot);

/* It has a process, ready or not. */
bool pool_slot_alive(const struct pool *pool, int slot);

/* 0 when it has no process. */
pid_t pool_slot_pid(const struct pool *pool, int slot);

/* How often it was started again after an end nobody asked for. */
uint64_t pool_slot_restarts(const struct pool *pool, int slot);

/* Slots taken, and processes running. */
size_t pool_slots(const struct pool *pool);
size_t pool_alive(const struct pool *pool);

/* Why the pool failed, or "". */
const char *pool_error(const struct pool *pool);
