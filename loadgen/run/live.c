/* live.c -- where the view goes, and what is on the screen already. */
#include "run/live.h"
#include "clock.h"
#include "terminal.h"

#include <string.h>

#define TEXT_MAX (16 * 1024) /* bytes of one view: lines of 200 columns, with room to spare */
#define LINE_MS  1000        /* between two plain lines */

static struct {
    FILE *out; /* NULL: no view is open */
    enum live_mode mode;
    unsigned drawn;              /* lines of the block that stand above the cursor */
    bool step;                   /* it shows a step, not the load */
    int64_t next_ms;             /* when a plain line is due */
    char phase[LIVE_PHASE_SIZE]; /* of the last plain line, up to its colon */
    struct buf text, screen;
} view;

static live_show_fn *also; /* NULL: nobody */

void live_also(live_show_fn *show)
{
    also = show;
}

enum live_mode live_choose(FILE *out, bool block_wanted, bool quiet)
{
    if (quiet)
        return LIVE_OFF;
    bool able = terminal_moves(out) && terminal_width(out) >= LIVE_WIDTH_MIN;
    return block_wanted && able ? LIVE_BLOCK : LIVE_LINES;
}

void live_open(FILE *out, enum live_mode mode)
{
    live_close();
    view.out = out;
    view.mode = mode;
    view.next_ms = 0;
    view.phase[0] = '\0';
    buf_init(&view.text, TEXT_MAX);
    buf_init(&view.screen, TEXT_MAX);
}

/* Up to where the last block began, then line over line, so that nothing flickers. */
static void draw_block(const struct live_state *state)
{
    const struct live_look look = {terminal_width(view.out), terminal_utf8(),
                                   terminal_colours(view.out)};
    live_render_block(&view.text, state, look);
    if (view.drawn > 0)
        buf_printf(&view.screen, "\033[%uA\r", view.drawn);
    view.drawn = 0;
    struct str rest = buf_str(&view.text);
    for (const char *end; rest.n > 0 && (end = memchr(rest.p, '\n', rest.n)); view.drawn++) {
        size_t n = (size_t)(end - rest.p);
        buf_put(&view.screen, rest.p, n);
        buf_puts(&view.screen, STR("\033[K\n"));
        rest = (struct str){end + 1, rest.n - n - 1};
    }
    buf_puts(&view.screen, STR("\033[J"));
    fwrite(buf_str(&view.screen).p, 1, view.screen.n, view.out);
}

/* "settling: 12 of 50" is the same phase as "settling: 13 of 50". */
static bool phase_is_new(const char *phase)
{
    char name[LIVE_PHASE_SIZE];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(phase, ":"), phase);
    if (strcmp(name, view.phase) == 0)
        return false;
    snprintf(view.phase, sizeof(view.phase), "%s", name);
    return true;
}

static void write_line(const struct live_state *state)
{
    int64_t now_ms = clock_mono_ms();
    if (!phase_is_new(state->phase ? state->phase : "running") && now_ms < view.next_ms)
        return;
    view.next_ms = now_ms + LINE_MS;
    unsigned width = terminal_width(view.out);
    live_render_line(&view.text, state, width > 0 ? width : LIVE_LINE_WIDTH);
    fwrite(buf_str(&view.text).p, 1, view.text.n, view.out);
}

void live_show(const struct live_state *state)
{
    if (also)
        also(state);
    if (!view.out || view.mode == LIVE_OFF)
        return;
    buf_reset(&view.text);
    buf_reset(&view.screen);
    view.step = state->step;
    if (view.mode == LIVE_BLOCK)
        draw_block(state);
    else
        write_line(state);
    fflush(view.out);
}

void live_pause(void)
{
    view.drawn = 0;
}

void live_close(void)
{
    if (!view.out)
        return;
    if (view.drawn > 0 && view.step)
        fprintf(view.out, "\033[%uA\r\033[J\n", view.drawn); /* and apart from what follows */
    fflush(view.out);
    buf_free(&view.text);
    buf_free(&view.screen);
    view.out = NULL;
    view.drawn = 0;
}
