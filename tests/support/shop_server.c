/* shop_server.c -- see shop_server.h. */
#include "support/shop_server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define READY_TIMEOUT_MS 180000
#define STOP_TIMEOUT_MS  180000
#define STRUCK           "the fault struck "

int tshop_start(struct tshop *s, const char *fault, int every)
{
    *s = (struct tshop){.proc = {.pidfd = -1, .out_fd = -1}, .struck = -1};
    const char *program = getenv("SHOP");
    if (!program || !*program) {
        fprintf(stderr, "SHOP does not name the test server\n");
        return -ENOENT;
    }
    int err = temp_dir_make(s->dir);
    if (err)
        return err;
    snprintf(s->err_path, sizeof(s->err_path), "%s/shop.err", s->dir);
    char every_text[16], line[128];
    snprintf(every_text, sizeof(every_text), "%d", every);
    const char *argv[] = {program, "--fault", fault, "--every", every_text, NULL};
    err = tproc_start(&s->proc, argv, s->err_path);
    if (!err)
        err = tproc_await_line(&s->proc, "listening on http://", line, sizeof(line),
                               READY_TIMEOUT_MS);
    if (!err) {
        s->port = (int)strtol(strrchr(line, ':') + 1, NULL, 10);
        return 0;
    }
    fprintf(stderr, "the test server did not start: %s\n", strerror(-err));
    (void)tshop_bury(s);
    return err;
}

/* Removes the directory; false, with the text, when the server had something to complain about. */
static bool was_silent(struct tshop *s)
{
    struct stat st;
    bool silent = stat(s->err_path, &st) != 0 || st.st_size == 0;
    if (!silent)
        print_tail(s->err_path, 60);
    temp_dir_remove(s->dir);
    s->dir[0] = '\0';
    return silent;
}

bool tshop_stop(struct tshop *s)
{
    if (s->dir[0] == '\0')
        return true;
    char line[128];
    tproc_signal(&s->proc, SIGTERM);
    if (tproc_await_line(&s->proc, STRUCK, line, sizeof(line), STOP_TIMEOUT_MS) == 0)
        s->struck = strtoll(line + strlen(STRUCK), NULL, 10);
    bool fine = tproc_stop(&s->proc, STOP_TIMEOUT_MS);
    if (!fine)
        fprintf(stderr, "the test server ended with wait status 0x%x\n", (unsigned)s->proc.status);
    return was_silent(s) && fine;
}

bool tshop_bury(struct tshop *s)
{
    if (s->dir[0] == '\0')
        return true;
    tproc_kill9(&s->proc);
    return was_silent(s);
}
