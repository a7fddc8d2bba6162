/* refuseproxy.c -- see refuseproxy.h. The upper half runs in the proxy's own process, a thread a
 * connection; rule and counters lie in memory shared with the test. */
#include "support/refuseproxy.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_BYTES   65536
#define COMMANDS_MAX 512

static const char *const answers[REFUSE_WORDS] = {
    [REFUSE_NOREPLICAS] = "NOREPLICAS Not enough good replicas to write.",
    [REFUSE_MISCONF] = "MISCONF Redis is configured to save RDB snapshots, but it's currently "
                       "unable to persist to disk.",
    [REFUSE_READONLY] = "READONLY You can't write against a read only replica.",
    [REFUSE_OOM] = "OOM command not allowed when used memory > 'maxmemory'.",
    [REFUSE_LOADING] = "LOADING Redis is loading the dataset in memory",
    [REFUSE_BUSY] = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or "
                    "SHUTDOWN NOSAVE.",
    [REFUSE_NOPERM] = "NOPERM this user has no permissions to run this command",
};

/* What the test and the proxy's process both see. */
struct refuse_shared {
    pthread_mutex_t lock;
    bool armed;
    struct refuse_rule rule;
    int counted, refused;
    char last[REFUSE_NAME_SIZE];
};

/* --- which commands a state concerns ---------------------------------------------------------- */

struct command {
    char name[REFUSE_NAME_SIZE];
    bool writes, takes_memory, while_loading, while_busy;
};

static struct command commands[COMMANDS_MAX];
static size_t command_count;

static void command_take(const redisReply *row)
{
    struct command *command = &commands[command_count++];
    assert(command_count < COMMANDS_MAX);
    *command = (struct command){.writes = false};
    snprintf(command->name, sizeof(command->name), "%s", row->element[0]->str);
    for (size_t i = 0; i < row->element[2]->elements; i++) {
        const char *flag = row->element[2]->element[i]->str;
        command->writes |= strcmp(flag, "write") == 0;
        command->takes_memory |= strcmp(flag, "denyoom") == 0;
        command->while_loading |= strcmp(flag, "loading") == 0;
        command->while_busy |= strcmp(flag, "allow_busy") == 0;
    }
}

static bool commands_learn(const struct tredis *redis)
{
    redisContext *c = tredis_connect(redis);
    redisReply *all = c ? redisCommand(c, "COMMAND") : NULL;
    for (size_t i = 0; all && i < all->elements; i++)
        command_take(all->element[i]);
    freeReplyObject(all);
    redisFree(c);
    return command_count > 0;
}

/* One that is not known is refused by every state, which would show. */
static const struct command *command_find(const char *name)
{
    static const struct command unknown = {.writes = true, .takes_memory = true};
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return &unknown;
}

static bool named(const struct command *command, const char *name)
{
    return strcmp(command->name, name) == 0;
}

/* --- a connection ----------------------------------------------------------------------------- */

struct stream {
    int fd;
    char bytes[READ_BYTES];
    size_t at, end;
};

/* Bytes to be sent on. */
struct message {
    char *p;
    size_t n, cap;
};

struct link {
    struct refuse_shared *shared;
    char role[REFUSE_NAME_SIZE];
    struct stream service, redis;
    struct message message;
    bool in_multi, poisoned;
    struct command queued; /* a flag: some command of the transaction has it, or (while_*) all */
};

static int stream_byte(struct stream *s)
{
    if (s->at == s->end) {
        ssize_t n;
        do
            n = read(s->fd, s->bytes, sizeof(s->bytes));
        while (n < 0 && errno == EINTR);
        if (n <= 0)
            return -1;
        s->at = 0;
        s->end = (size_t)n;
    }
    return (unsigned char)s->bytes[s->at++];
}

static void message_add(struct message *m, char byte)
{
    if (m->n == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 4096;
        m->p = realloc(m->p, m->cap);
        assert(m->p);
    }
    m->p[m->n++] = byte;
}

/* Takes a line with its end; the number behind its first byte. False: the stream has ended. */
static bool take_line(struct stream *s, struct message *m, char *kind, long *number)
{
    size_t from = m->n;
    int byte;
    while ((byte = stream_byte(s)) >= 0) {
        message_add(m, (char)byte);
        if (byte == '\n')
            break;
    }
    if (byte < 0)
        return false;
    *kind = m->p[from];
    *number = strtol(m->p + from + 1, NULL, 10);
    return true;
}

static bool take_bytes(struct stream *s, struct message *m, long count)
{
    for (long i = 0; i < count; i++) {
        int byte = stream_byte(s);
        if (byte < 0)
            return false;
        message_add(m, (char)byte);
    }
    return true;
}

/* A whole value of RESP2: an answer, or a command. */
static bool take_value(struct stream *s, struct message *m)
{
    char kind;
    long number;
    for (long left = 1; left > 0; left--) {
        if (!take_line(s, m, &kind, &number))
            return false;
        if (kind == '$' && number >= 0 && !take_bytes(s, m, number + 2))
            return false;
        if (kind == '*' && number > 0)
            left += number;
    }
    return true;
}

static bool send_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t n = send(fd, bytes, count, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        count -= (size_t)n;
    }
    return true;
}

/* The name in "*3\r\n$3\r\nSET\r\n...", in small letters. */
static const struct command *command_of(const struct message *m)
{
    char name[REFUSE_NAME_SIZE] = "";
    const char *at = memchr(m->p, '\n', m->n);
    at = at ? memchr(at + 1, '\n', m->n - (size_t)(at + 1 - m->p)) : NULL;
    for (size_t i = 0; at && i + 1 < sizeof(name) && isalpha((unsigned char)at[i + 1]); i++)
        name[i] = (char)tolower((unsigned char)at[i + 1]);
    return command_find(name);
}

/* --- refusing --------------------------------------------------------------------------------- */

/* What of an EXEC counts is what its transaction holds. */
static bool concerns(enum refuse_word word, const struct link *link, const struct command *command)
{
    bool exec = named(command, "exec");
    const struct command *judged = exec ? &link->queued : command;
    switch (word) {
    case REFUSE_NOREPLICAS:
    case REFUSE_READONLY: return judged->writes;
    case REFUSE_MISCONF: return judged->writes || named(command, "ping");
    case REFUSE_OOM: /* a queue of commands takes memory, whatever they are */
        return judged->takes_memory || (link->in_multi && !exec && !named(command, "discard"));
    case REFUSE_LOADING: return !judged->while_loading;
    case REFUSE_BUSY: return !command->while_busy;
    case REFUSE_NOPERM: return !named(command, "multi");
    case REFUSE_WORDS: break;
    }
    abort();
}

/* Asks the rule about a command; its answer, or NULL: it may pass. */
static const char *rule_ask(struct link *link, const struct command *command)
{
    struct refuse_shared *shared = link->shared;
    const char *answer = NULL;
    pthread_mutex_lock(&shared->lock);
    const struct refuse_rule *rule = &shared->rule;
    if (shared->armed && (!*rule->role || strcmp(rule->role, link->role) == 0) &&
        concerns(rule->word, link, command)) {
        int number = ++shared->counted;
        if (number >= rule->first && (rule->count == 0 || number < rule->first + rule->count)) {
            answer = answers[rule->word];
            shared->refused++;
            snprintf(shared->last, sizeof(shared->last), "%s", command->name);
        }
    }
    pthread_mutex_unlock(&shared->lock);
    return answer;
}

static bool answer_error(struct link *link, const char *before, const char *text)
{
    char line[256];
    int n = snprintf(line, sizeof(line), "-%s%s\r\n", before, text);
    return send_all(link->service.fd, line, (size_t)n);
}

/* Sends what is in the message to Redis; its answer takes the place of it. */
static bool ask_redis(struct link *link)
{
    if (!send_all(link->redis.fd, link->message.p, link->message.n))
        return false;
    link->message.n = 0;
    return take_value(&link->redis, &link->message);
}

/* The transaction is over, and so is what was watched for it. */
static bool discard(struct link *link)
{
    static const char command[] = "*1\r\n$7\r\nDISCARD\r\n";
    link->in_multi = false;
    link->message.n = 0;
    for (size_t i = 0; i + 1 < sizeof(command); i++)
        message_add(&link->message, command[i]);
    return ask_redis(link);
}

static bool refuse(struct link *link, const struct command *command, const char *text)
{
    if (!link->in_multi)
        return answer_error(link, "", text);
    if (named(command, "exec"))
        return discard(link) &&
               answer_error(link, "EXECABORT Transaction discarded because of: ", text);
    link->poisoned = true;
    return answer_error(link, "", text);
}

static void note_transaction(struct link *link, const struct command *command)
{
    if (named(command, "multi")) {
        link->in_multi = true;
        link->poisoned = false;
        link->queued = (struct command){.while_loading = true};
    } else if (named(command, "exec") || named(command, "discard")) {
        link->in_multi = false;
    } else if (link->in_multi) {
        link->queued.writes |= command->writes;
        link->queued.takes_memory |= command->takes_memory;
        link->queued.while_loading &= command->while_loading;
    }
}

/* One command and its answer. False: one of the two sides has left. */
static bool carry(struct link *link)
{
    link->message.n = 0;
    if (!take_value(&link->service, &link->message))
        return false;
    const struct command *command = command_of(&link->message);
    const char *refusal = rule_ask(link, command);
    if (refusal)
        return refuse(link, command, refusal);
    if (link->in_multi && link->poisoned && named(command, "exec"))
        return discard(link) &&
               answer_error(link, "",
                            "EXECABORT Transaction discarded because of previous errors.");
    note_transaction(link, command);
    return ask_redis(link) && send_all(link->service.fd, link->message.p, link->message.n);
}

static void *link_run(void *arg)
{
    struct link *link = arg;
    while (carry(link))
        ;
    close(link->service.fd);
    close(link->redis.fd);
    free(link->message.p);
    free(link);
    return NULL;
}

/* --- the proxy's process ---------------------------------------------------------------------- */

/* The name that the process at the other end gave itself. */
static void learn_role(int fd, char role[REFUSE_NAME_SIZE])
{
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof(peer);
    char path[64];
    (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)peer.pid);
    FILE *file = fopen(path, "re");
    if (file && fgets(role, REFUSE_NAME_SIZE, file))
        role[strcspn(role, "\n")] = '\0';
    if (file)
        fclose(file);
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    return address;
}

static int redis_connect(const char *path)
{
    struct sockaddr_un to = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void serve(struct refuse_shared *shared, int listener, const char *redis)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        int up = redis_connect(redis);
        if (up < 0) {
            close(fd);
            continue;
        }
        pthread_t thread;
        struct link *link = calloc(1, sizeof(*link));
        assert(link);
        link->shared = shared;
        link->service.fd = fd;
        link->redis.fd = up;
        learn_role(fd, link->role);
        int err = pthread_create(&thread, NULL, link_run, link);
        assert(err == 0);
        pthread_detach(thread);
    }
}

/* Nothing of the test is left here but the listener: a socket of its own that it closes must not
 * stay open in this process. */
static void proxy_main(struct refuse_shared *shared, int listener, const char *redis, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    listener = dup2(listener, 3);
    close_range(4, ~0U, 0);
    signal(SIGPIPE, SIG_IGN);
    serve(shared, listener, redis);
}

/* --- the test's side -------------------------------------------------------------------------- */

static int listener_open(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 256) < 0) {
        int err = errno;
        if (fd >= 0)
            close(fd);
        return -err;
    }
    return fd;
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
    command_count = 0;
    if (!commands_learn(redis))
        return -EIO;
    int listener = listener_open(p->socket);
    if (listener < 0)
        return listener;
    p->shared = shared_make();
    pid_t parent = getpid();
    p->pid = p->shared ? fork() : -1;
    if (p->pid == 0)
        proxy_main(p->shared, listener, redis->socket, parent);
    int err = p->pid < 0 ? -errno : 0;
    close(listener);
    return err;
}

void refuse_proxy_stop(struct refuse_proxy *p)
{
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        while (waitpid(p->pid, NULL, 0) < 0)
            assert(errno == EINTR);
    }
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
    static const char *const names[REFUSE_WORDS] = {"NOREPLICAS", "MISCONF", "READONLY", "OOM",
                                                    "LOADING",    "BUSY",    "NOPERM"};
    return names[word];
}
