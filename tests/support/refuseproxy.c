/* refuseproxy.c -- see refuseproxy.h. The proxy's own process runs a link (refuse_link.h) for each
 * connection; rule and counters lie in memory shared with the test. */
#include "support/refuseproxy.h"
#include "support/proxy_process.h"
#include "support/proxy_socket.h"
#include "support/refuse_command.h"
#include "support/refuse_link.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct proxy_address socket_address(const char *path)
{
    struct proxy_address address;
    char url[TEST_PATH_MAX + 32];
    snprintf(url, sizeof(url), "unix:%s", path);
    bool parsed = proxy_address_parse(&address, url);
    assert(parsed);
    return address;
}

__attribute__((noreturn)) static void serve(struct refuse_shared *shared, int listener,
                                            const struct proxy_address *redis)
{
    for (;;) {
        int fd = proxy_accept(listener);
        if (fd < 0)
            continue;
        int up = proxy_connect(redis);
        if (up < 0)
            close(fd);
        else
            refuse_link_start(shared, fd, up);
    }
}

static struct refuse_shared *shared_make(void)
{
    pthread_mutexattr_t attr;
    struct refuse_shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return NULL;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->lock, &attr);
    pthread_mutexattr_destroy(&attr);
    return shared;
}

int refuse_proxy_start(struct refuse_proxy *p, const struct tredis *redis)
{
    *p = (struct refuse_proxy){.pid = 0};
    assert(redis->socket[0]);
    snprintf(p->socket, sizeof(p->socket), "%s/refuse.sock", redis->dir);
    snprintf(p->url, sizeof(p->url), "unix:%s", p->socket);
    if (!refuse_commands_learn(redis))
        return -EIO;
    struct proxy_address here = socket_address(p->socket);
    struct proxy_address there = socket_address(redis->socket);
    int listener = proxy_listen(&here);
    if (listener < 0)
        return listener;
    p->shared = shared_make();
    int theirs = listener;
    p->pid = p->shared ? proxy_process_start(&theirs, 1) : -1;
    if (p->pid == 0)
        serve(p->shared, theirs, &there);
    int err = p->pid < 0 ? -errno : 0;
    close(listener);
    return err;
}

void refuse_proxy_stop(struct refuse_proxy *p)
{
    if (p->pid > 0)
        proxy_process_end(p->pid);
    if (p->shared)
        munmap(p->shared, sizeof(*p->shared));
    *p = (struct refuse_proxy){.pid = 0};
}

void refuse_proxy_arm(struct refuse_proxy *p, const struct refuse_rule *rule)
{
    assert(rule->first >= 1);
    pthread_mutex_lock(&p->shared->lock);
    p->shared->rule = *rule;
    p->shared->armed = true;
    p->shared->counted = p->shared->refused = 0;
    p->shared->last[0] = '\0';
    pthread_mutex_unlock(&p->shared->lock);
}

void refuse_proxy_disarm(struct refuse_proxy *p)
{
    pthread_mutex_lock(&p->shared->lock);
    p->shared->armed = false;
    pthread_mutex_unlock(&p->shared->lock);
}

int refuse_proxy_counted(struct refuse_proxy *p)
{
    pthread_mutex_lock(&p->shared->lock);
    int counted = p->shared->counted;
    pthread_mutex_unlock(&p->shared->lock);
    return counted;
}

int refuse_proxy_refused(struct refuse_proxy *p)
{
    pthread_mutex_lock(&p->shared->lock);
    int refused = p->shared->refused;
    pthread_mutex_unlock(&p->shared->lock);
    return refused;
}

void refuse_proxy_last(struct refuse_proxy *p, char name[REFUSE_NAME_SIZE])
{
    pthread_mutex_lock(&p->shared->lock);
    memcpy(name, p->shared->last, REFUSE_NAME_SIZE);
    pthread_mutex_unlock(&p->shared->lock);
}

const char *refuse_word_name(enum refuse_word word)
{
    static const char *const names[REFUSE_WORDS] = {"NOREPLICAS", "MISCONF",  "READONLY",   "OOM",
                                                    "LOADING",    "BUSY",     "NOPERM",     "MOVED",
                                                    "ASK",        "TRYAGAIN", "CLUSTERDOWN"};
    return names[word];
}
