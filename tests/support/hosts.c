/* hosts.c -- see hosts.h. */
#include "support/hosts.h"
#include "support/proc.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define IP_TIMEOUT_MS 60000

/* One `ip`, in the namespace of the caller. 0, or -errno with what it said. */
__attribute__((format(printf, 1, 2))) static int ip(const char *format, ...)
{
    char line[256], dir[TEST_PATH_MAX], err_path[TEST_PATH_MAX + 16];
    const char *argv[24] = {"ip"};
    struct tproc p;
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    size_t n = 1;
    char *rest = line;
    for (char *word; (word = strtok_r(rest, " ", &rest)) && n < 23;)
        argv[n++] = word;
    int err = temp_dir_make(dir);
    if (err)
        return err;
    snprintf(err_path, sizeof(err_path), "%s/ip.err", dir);
    err = tproc_start(&p, argv, err_path);
    if (!err)
        err = tproc_wait(&p, IP_TIMEOUT_MS);
    if (!err && (!WIFEXITED(p.status) || WEXITSTATUS(p.status) != 0)) {
        print_tail(err_path, 5);
        err = -EIO;
    }
    temp_dir_remove(dir);
    return err;
}

static int own_namespace(void)
{
    return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void go_to(int ns)
{
    int err = setns(ns, CLONE_NEWNET);
    assert(err == 0);
    (void)err;
}

/* A new one, in which the caller is then; -errno. */
static int new_namespace(void)
{
    if (unshare(CLONE_NEWNET) < 0)
        return -errno;
    int ns = own_namespace();
    return ns < 0 ? -errno : ns;
}

/* From the hub: a bridge, at which the test is the last address. */
static int bridge_make(const char *name, int subnet)
{
    int err = ip("link add %s type bridge", name);
    if (!err)
        err = ip("addr add 10.%d.0.254/24 dev %s", subnet, name);
    return err ? err : ip("link set %s up", name);
}

/* From the hub: a cable between the bridge and host number n. */
static int cable_make(const struct thost *host, const char *bridge, int n)
{
    int err = ip("link add %s%d type veth peer name %s netns /proc/%d/fd/%d", bridge, n, bridge,
                 (int)getpid(), host->ns);
    if (!err)
        err = ip("link set %s%d master %s", bridge, n, bridge);
    return err ? err : ip("link set %s%d up", bridge, n);
}

static int end_make(const char *bridge, const char *address)
{
    int err = ip("addr add %s/24 dev %s", address, bridge);
    return err ? err : ip("link set %s up", bridge);
}

static int host_make(struct thosts *hosts, int n)
{
    struct thost *host = &hosts->host[n];
    *host = (struct thost){.all = hosts, .ns = new_namespace()};
    if (host->ns < 0)
        return host->ns;
    snprintf(host->address, sizeof(host->address), "10.78.0.%d", n + 1);
    snprintf(host->front, sizeof(host->front), "10.77.0.%d", n + 1);
    hosts->count = n + 1;
    go_to(hosts->hub);
    int err = cable_make(host, "back", n);
    if (!err)
        err = cable_make(host, "front", n);
    thost_enter(host);
    if (!err)
        err = ip("link set lo up");
    if (!err)
        err = end_make("back", host->address);
    if (!err)
        err = end_make("front", host->front);
    thost_leave(host);
    return err;
}

int thosts_start(struct thosts *hosts, int count)
{
    assert(count <= THOSTS_MAX);
    *hosts = (struct thosts){.before = own_namespace(), .hub = -1};
    hosts->hub = hosts->before < 0 ? -errno : new_namespace();
    int err = hosts->hub < 0 ? hosts->hub : ip("link set lo up");
    if (!err)
        err = bridge_make("back", 78);
    if (!err)
        err = bridge_make("front", 77);
    for (int n = 0; !err && n < count; n++)
        err = host_make(hosts, n);
    if (!err)
        return 0;
    fprintf(stderr, "no networks of its own for this test: %s%s\n", strerror(-err),
            err == -EPERM ? "; only root may make them" : "");
    thosts_stop(hosts);
    return err;
}

void thosts_stop(struct thosts *hosts)
{
    for (int n = 0; n < hosts->count; n++)
        close(hosts->host[n].ns);
    if (hosts->hub > 0) {
        go_to(hosts->before);
        close(hosts->hub);
    }
    if (hosts->before > 0)
        close(hosts->before);
    *hosts = (struct thosts){.count = 0};
}

void thost_enter(const struct thost *host)
{
    if (host)
        go_to(host->ns);
}

void thost_leave(const struct thost *host)
{
    if (host)
        go_to(host->all->hub);
}

static void cable(const struct thost *host, const char *end)
{
    int err = ip("link set back%d %s", (int)(host - host->all->host), end);
    assert(err == 0);
    (void)err;
}

void thost_cut(const struct thost *host)
{
    cable(host, "nomaster");
}

void thost_mend(const struct thost *host)
{
    cable(host, "master back");
}
