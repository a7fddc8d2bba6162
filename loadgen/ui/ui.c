#include "ui/ui.h"
#include "buf.h"
#include "clock.h"
#include "pool/pool.h"
#include "ui/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READY_MS 30000
#define STEP_MS  50
/* For the process to take the last document, and to end, which it does at once unless the load of
 * others leaves it no time: it is nice. The second is longer than it waits for its own clients. */
#define LAST_MS  10000
#define LEAVE_MS 30000

/* That end the lingering. */
static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

struct ui {
    struct pool *pool;
    struct ui_place at;
    int listen_fd; /* -1 once the process has it */
    struct buf message;
    bool leaving, broken; /* it was told to leave; it left before */
    bool catching;        /* signals, which did something else before */
    struct sigaction before[SIGNALS];
};

static volatile sig_atomic_t signalled;

static void on_signal(int signo)
{
    signalled = 1;
}

static void on_exit_of(void *ctx, int slot, const struct pool_exit *gone)
{
    struct ui *ui = ctx;
    ui->broken |= !ui->leaving || gone->signal != 0 || gone->status != 0;
}

static int start_process(struct ui *ui)
{
    const struct pool_events events = {.ctx = ui, .on_exit = on_exit_of};
    const struct pool_slot_options slot = {.name = "ui",
                                           .index = -1,
                                           .restart = POOL_NEVER,
                                           .handshake = true,
                                           .run = ui_server_run,
                                           .arg = &ui->listen_fd};
    int rc = pool_new(&ui->pool, 1, &events);
    rc = rc < 0 ? rc : pool_add(ui->pool, &slot);
    rc = rc < 0 ? rc : pool_start(ui->pool);
    return rc < 0 ? rc : pool_wait_ready(ui->pool, READY_MS);
}

static void free_ui(struct ui *ui)
{
    if (ui->listen_fd >= 0)
        close(ui->listen_fd);
    pool_free(ui->pool);
    buf_free(&ui->message);
    free(ui);
}

/* Says why there is no page. */
static bool refuse_page(struct ui *ui, int err)
{
    char where[UI_PLACE_TEXT_SIZE];
    ui_place_format(&ui->at, where);
    fprintf(stderr, "stockload: the live page can not be served at %s: %s%s\n", where,
            strerror(-err), err == -EADDRINUSE ? "; port 0 takes one that is free" : "");
    free_ui(ui);
    return false;
}

bool ui_open(struct ui **out, const struct ui_place *at)
{
    char where[UI_PLACE_TEXT_SIZE];
    *out = NULL;
    if (!at)
        return true;
    struct ui *ui = calloc(1, sizeof(*ui));
    if (!ui) {
        fprintf(stderr, "stockload: the live page: out of memory\n");
        return false;
    }
    ui->at = *at;
    buf_init(&ui->message, 1 + UI_DOCUMENT_MAX);
    ui->listen_fd = ui_place_open(&ui->at);
    int rc = ui->listen_fd < 0 ? ui->listen_fd : start_process(ui);
    if (rc < 0)
        return refuse_page(ui, rc);
    close(ui->listen_fd);
    ui->listen_fd = -1;
    ui_place_format(&ui->at, where);
    fprintf(stderr, "stockload: live page: http://%s/\n", where);
    *out = ui;
    return true;
}

static int send_document(struct ui *ui, struct str document)
{
    buf_reset(&ui->message);
    buf_putc(&ui->message, UI_MESSAGE_DOCUMENT);
    buf_puts(&ui->message, document);
    if (ui->message.failed)
        return -EMSGSIZE;
    return pool_send(ui->pool, 0, ui->message.p, ui->message.n);
}

/* Looks whether it is still there. */
static void step_pool(struct ui *ui, int64_t ms)
{
    if (pool_step(ui->pool, ms) < 0)
        ui->broken = true;
}

void ui_publish(struct ui *ui, struct str document)
{
    if (!ui || ui->broken)
        return;
    step_pool(ui, 0);
    (void)!send_document(ui, document); /* it lags behind: the next one is as good */
}

static void catch_signals(struct ui *ui)
{
    const struct sigaction action = {.sa_handler = on_signal};
    if (ui->catching)
        return;
    ui->catching = true;
    signalled = 0;
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &action, &ui->before[i]);
}

static void release_signals(struct ui *ui)
{
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &ui->before[i], NULL);
    ui->catching = false;
}

static bool may_wait(const struct ui *ui, int64_t end_ms)
{
    return !ui->broken && !signalled && clock_mono_ms() < end_ms;
}

void ui_publish_last(struct ui *ui, struct str document)
{
    if (!ui || ui->broken)
        return;
    catch_signals(ui); /* before anybody can see that all is over, and end the page */
    int64_t end_ms = clock_mono_ms() + LAST_MS;
    while (send_document(ui, document) == -EAGAIN && may_wait(ui, end_ms))
        step_pool(ui, STEP_MS);
}

static void linger(struct ui *ui, int64_t linger_ms)
{
    int64_t end_ms = clock_mono_ms() + linger_ms;
    catch_signals(ui);
    while (may_wait(ui, end_ms))
        step_pool(ui, STEP_MS);
}

void ui_close(struct ui *ui, int64_t linger_ms)
{
    const char end = UI_MESSAGE_END;
    if (!ui)
        return;
    linger(ui, linger_ms);
    signalled = 0; /* another one: nobody is to be waited for */
    ui->leaving = true;
    int64_t end_ms = clock_mono_ms() + LEAVE_MS;
    while (pool_send(ui->pool, 0, &end, 1) == -EAGAIN && may_wait(ui, end_ms))
        step_pool(ui, STEP_MS);
    while (pool_alive(ui->pool) > 0 && may_wait(ui, end_ms))
        step_pool(ui, STEP_MS);
    release_signals(ui);
    if (ui->broken)
        fprintf(stderr, "stockload: the live page had ended before the run\n");
    free_ui(ui);
}
