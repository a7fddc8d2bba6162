/* key_watch.h -- the API keys of a service while it runs: read at its start, again whenever the
 * file has changed, and their use written down.
 *
 * Layer: process. The master and each worker follow the file by themselves, so that nobody has to
 * be well for a key to be revoked; the keeper writes when keys were used.
 */
#pragma once

#include "process/process.h"

#define KEY_WATCH_MS 1000  /* from one look at the file to the next */
#define KEY_SAVE_MS  20000 /* from one writing of their use to the next */

/* Whether there is a file of --keys-file that this service can go by, or none is asked for: so that
 * a mistake in it is told before anything begins. False, with err. */
bool key_watch_check(const struct config *config, char *err, size_t err_size) MUST_CHECK;

/* Makes what the processes share of them, before the first fork. False, with err. */
bool key_watch_begin(struct shared_state *shared, char *err, size_t err_size) MUST_CHECK;

/* Takes what the file has now, on SIGHUP always; says it, and what is wrong with it. keys NULL:
 * there is nothing to do. */
void key_watch_look(struct key_ring *keys, bool always);

/* Writes down when keys were used, if that is new. */
void key_watch_save(const struct shared_state *shared);
