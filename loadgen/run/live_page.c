#include "run/live_page.h"
#include "clock.h"
#include "report/document.h"
#include "run/live.h"
#include "run/live_json.h"
#include "ui/ui.h"

#include <string.h>

#define PAUSE_MS 90 /* between two documents: the load is looked at ten times a second */

static struct {
    struct ui *ui;    /* NULL: no page is open */
    json_t *document; /* of the run that began last; NULL: none, or there was no memory */
    int64_t next_ms;  /* when another moment is due */
    char phase[LIVE_PHASE_SIZE];
} page;

/* `made`: the document is whole. One that is not is dropped, and the page keeps what it has. */
static void publish(bool made, void (*how)(struct ui *ui, struct str document))
{
    char *text = made ? json_dumps(page.document, JSON_COMPACT | DOCUMENT_FORMAT) : NULL;
    if (text)
        how(page.ui, str_of(text));
    free(text);
    if (made)
        return;
    json_decref(page.document);
    page.document = NULL;
}

void live_page_begin(const struct history_facts *facts)
{
    if (!page.ui)
        return;
    json_decref(page.document);
    page.document = live_json_begin(facts);
    page.next_ms = 0;
    if (page.document)
        publish(true, ui_publish);
}

/* The first of a phase is always shown. */
static bool is_due(const struct live_state *state)
{
    const char *phase = state->phase ? state->phase : "running";
    int64_t now_ms = clock_mono_ms();
    if (now_ms < page.next_ms && strcmp(phase, page.phase) == 0)
        return false;
    snprintf(page.phase, sizeof(page.phase), "%s", phase);
    page.next_ms = now_ms + PAUSE_MS;
    return true;
}

/* What comes too soon after the one before is left out. */
static void show_moment(const struct live_state *state)
{
    if (page.document && is_due(state))
        publish(live_json_moment(page.document, state), ui_publish);
}

bool live_page_open(const struct options *options)
{
    if (!ui_open(&page.ui, options->ui ? &options->ui_at : NULL))
        return false;
    live_also(page.ui ? show_moment : NULL);
    return true;
}

void live_page_judge(const struct report_run *run)
{
    if (page.document)
        publish(live_json_verdict(page.document, run), ui_publish);
}

void live_page_close(const struct options *options, int exit_status)
{
    if (page.document)
        publish(live_json_end(page.document, exit_status), ui_publish_last);
    ui_close(page.ui, exit_status == EXITS_INTERRUPTED ? 0 : options->ui_linger_ms);
    live_also(NULL);
    json_decref(page.document);
    page.ui = NULL;
    page.document = NULL;
}
