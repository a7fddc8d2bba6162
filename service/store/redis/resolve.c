#include "store/redis/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PORT_SIZE 16

/* One question; it belongs to both sides until one of them is done with it. */
struct question {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool done;   /* rc and list are there */
    bool let_go; /* nobody waits: the thread frees it */
    int rc;
    struct addrinfo *list;
    char *host;
    char port[PORT_SIZE];
};

static int get_addresses(const char *host, const char *port, int flags, struct addrinfo **list)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
    *list = NULL;
    return getaddrinfo(host, port, &hints, list);
}

static void free_question(struct question *q)
{
    if (q->list)
        freeaddrinfo(q->list);
    pthread_cond_destroy(&q->answered);
    pthread_mutex_destroy(&q->lock);
    free(q->host);
    free(q);
}

static void *run_resolver(void *arg)
{
    struct question *q = arg;
    struct addrinfo *list;
    int rc = get_addresses(q->host, q->port, 0, &list);
    pthread_mutex_lock(&q->lock);
    q->rc = rc;
    q->list = rc == 0 ? list : NULL;
    q->done = true;
    bool alone = q->let_go;
    pthread_cond_signal(&q->answered);
    pthread_mutex_unlock(&q->lock);
    if (alone)
        free_question(q);
    return NULL;
}

static struct question *new_question(const char *host, const char *port)
{
    pthread_condattr_t monotonic;
    struct question *q = calloc(1, sizeof(*q));
    char *copy = strdup(host);
    if (!q || !copy) {
        free(copy);
        free(q);
        return NULL;
    }
    q->host = copy;
    snprintf(q->port, sizeof(q->port), "%s", port);
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->answered, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return q;
}

/* Signals are for the threads that were there before. 0 or an error number. */
static int start_resolver(struct question *q)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread, NULL, run_resolver, q);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        pthread_detach(thread);
    return rc;
}

static int await(struct question *q, int timeout_ms, struct addrinfo **list)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += timeout_ms / 1000;
    end.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (end.tv_nsec >= 1000000000L) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&q->lock);
    while (!q->done && pthread_cond_timedwait(&q->answered, &q->lock, &end) != ETIMEDOUT)
        ;
    bool done = q->done;
    int rc = done ? q->rc : EAI_AGAIN;
    *list = q->list;
    q->list = NULL;
    q->let_go = !done;
    pthread_mutex_unlock(&q->lock);
    if (done)
        free_question(q);
    return rc;
}

int resolve_host(const char *host, int port, int timeout_ms, struct addrinfo **list)
{
    char digits[PORT_SIZE];
    snprintf(digits, sizeof(digits), "%d", port);
    int rc = get_addresses(host, digits, AI_NUMERICHOST, list);
    if (rc != EAI_NONAME)
        return rc;
    struct question *q = new_question(host, digits);
    if (!q)
        return EAI_MEMORY;
    if (start_resolver(q) == 0)
        return await(q, timeout_ms, list);
    free_question(q);
    return EAI_MEMORY;
}
