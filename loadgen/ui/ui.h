/* ui.h -- the live page, from the side of whoever has something to show.
 *
 * Layer: loadgen/ui, on common/pool. The parent stays single-threaded: it hands documents of JSON,
 * one line each, to a process of their own (server.h), and never waits for it, but for the last
 * one. A process that lags behind misses some; one that died is told of when all is over, and
 * disturbs nothing else. Open it before any other pool, and close it after them (pool.h).
 *
 * The caller owns the page: ui_open .. ui_close.
 */
#pragma once

#include "str.h"
#include "ui/place.h"

#include <stdint.h>

#define UI_DOCUMENT_MAX (64 * 1024) /* bytes */

struct ui;

/* Listens there, starts the process, and says on standard error where the page is, or why there is
 * none. It serves when this returns. NULL: nobody wants a page, and *ui is NULL. */
bool ui_open(struct ui **ui, const struct ui_place *at) MUST_CHECK;

/* The newest document; NULL for `ui` is fine. One that is too long is not shown. */
void ui_publish(struct ui *ui, struct str document);

/* The last one: waits a moment for a process that lags behind. From here to ui_close() SIGINT,
 * SIGTERM and SIGHUP end that waiting, or the lingering, and nothing else. */
void ui_publish_last(struct ui *ui, struct str document);

/* Keeps the page for so long, or until SIGINT, SIGTERM or SIGHUP; then ends it, and who watches
 * gets what was published last. NULL is fine. */
void ui_close(struct ui *ui, int64_t linger_ms);
