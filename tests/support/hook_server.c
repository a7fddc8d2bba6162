/* hook_server.c -- see hook_server.h. */
#include "support/hook_server.h"
#include "support/canned_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX    1024
#define REQUEST_MAX 16384

/* A rule as the server has it. */
struct told {
    char has[128], answer[TEXT_MAX], fill[TEXT_MAX];
    bool answers, fills, hang, reset;
    _Atomic int times;
};

struct hook_log {
    struct told rules[HOOK_RULES];
    _Atomic int count;
    struct hook_request seen[HOOK_SEEN_MAX];
};

/* --- a request -------------------------------------------------------------------------------- */

static void take_field(const char *bytes, const char *name, char *to, size_t size)
{
    const char *at = strcasestr(bytes, name), *value = at ? at + strlen(name) : "";
    snprintf(to, size, "%.*s", (int)strcspn(value, "\r\n"), value);
}

static struct told *rule_for(struct hook_log *log, const char *body)
{
    for (int i = 0; i < HOOK_RULES; i++) {
        struct told *rule = &log->rules[i];
        if (atomic_load(&rule->times) > 0 && strstr(body, rule->has)) {
            atomic_fetch_sub(&rule->times, 1);
            return rule;
        }
    }
    return NULL;
}

/* Closes the connection, unless it is to stay open: then nobody ever does. */
static void answer(int fd, const struct told *rule)
{
    static const char fine[] = "HTTP/1.1 204 x\r\nConnection: close\r\n\r\n";
    const struct linger reset = {.l_onoff = 1};
    bool there = rule ? !rule->answers || canned_say(fd, rule->answer) : canned_say(fd, fine);
    while (there && rule && rule->fills)
        there = canned_say(fd, rule->fill);
    if (rule && rule->hang)
        return;
    if (rule && rule->reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
}

static void serve(struct hook_log *log, int fd)
{
    static char bytes[REQUEST_MAX];
    int n = atomic_load(&log->count);
    size_t length;
    if (!canned_hear(fd, bytes, sizeof(bytes), &length) || n == HOOK_SEEN_MAX) {
        close(fd);
        return;
    }
    struct hook_request *seen = &log->seen[n];
    const char *body = strstr(bytes, "\r\n\r\n") + 4;
    take_field(bytes, "\r\nwebhook-id: ", seen->id, sizeof(seen->id));
    take_field(bytes, "\r\nwebhook-timestamp: ", seen->timestamp, sizeof(seen->timestamp));
    take_field(bytes, "\r\nwebhook-signature: ", seen->signature, sizeof(seen->signature));
    snprintf(seen->body, sizeof(seen->body), "%s", body);
    const struct told *rule = rule_for(log, body);
    seen->taken = !rule;
    atomic_store(&log->count, n + 1);
    answer(fd, rule);
}

/* --- life ------------------------------------------------------------------------------------- */

static _Noreturn void serve_all(struct hook_log *log, int listener)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            serve(log, fd);
    }
}

int hook_server_start(struct hook_server *s)
{
    *s = (struct hook_server){0};
    s->log = mmap(NULL, sizeof(*s->log), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->log == MAP_FAILED)
        return -errno;
    int listener = canned_listen(&s->port);
    if (listener < 0)
        return listener;
    s->pid = fork();
    if (s->pid == 0)
        serve_all(s->log, listener);
    close(listener);
    return s->pid < 0 ? -errno : 0;
}

void hook_server_stop(struct hook_server *s)
{
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    if (s->log)
        munmap(s->log, sizeof(*s->log));
    *s = (struct hook_server){0};
}

void hook_server_rule(struct hook_server *s, int slot, const struct hook_rule *rule)
{
    struct told *to = &s->log->rules[slot];
    atomic_store(&to->times, 0);
    snprintf(to->has, sizeof(to->has), "%s", rule->has);
    snprintf(to->answer, sizeof(to->answer), "%s", rule->answer ? rule->answer : "");
    snprintf(to->fill, sizeof(to->fill), "%s", rule->fill ? rule->fill : "");
    to->answers = rule->answer != NULL;
    to->fills = rule->fill != NULL;
    to->hang = rule->hang;
    to->reset = rule->reset;
    atomic_store(&to->times, rule->times);
}

int hook_server_count(const struct hook_server *s)
{
    return atomic_load(&s->log->count);
}

const struct hook_request *hook_server_get(const struct hook_server *s, int i)
{
    return &s->log->seen[i];
}

int hook_server_with(const struct hook_server *s, const char *text, bool taken)
{
    int n = 0;
    for (int i = 0; i < hook_server_count(s); i++)
        n += (!taken || s->log->seen[i].taken) && strstr(s->log->seen[i].body, text);
    return n;
}
