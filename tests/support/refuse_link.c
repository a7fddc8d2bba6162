#include "support/refuse_link.h"
#include "support/refuse_command.h"
#include "support/refuse_wire.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
    [REFUSE_MOVED] = "MOVED 3999 127.0.0.1:1",
    [REFUSE_ASK] = "ASK 3999 127.0.0.1:1",
    [REFUSE_TRYAGAIN] = "TRYAGAIN Multiple keys request during rehashing of slot",
    [REFUSE_CLUSTERDOWN] = "CLUSTERDOWN The cluster is down",
};

struct link {
    struct refuse_shared *shared;
    char role[REFUSE_NAME_SIZE];
    struct refuse_stream service, redis;
    struct refuse_message message;
    bool in_multi, poisoned;
    /* A flag: some command of the transaction has it, or (while_*) all. */
    struct refuse_command queued;
};

/* The name in "*3\r\n$3\r\nSET\r\n...", in small letters. */
static const struct refuse_command *command_of(const struct refuse_message *m)
{
    char name[REFUSE_NAME_SIZE] = "";
    const char *at = memchr(m->p, '\n', m->n);
    at = at ? memchr(at + 1, '\n', m->n - (size_t)(at + 1 - m->p)) : NULL;
    for (size_t i = 0; at && i + 1 < sizeof(name) && isalpha((unsigned char)at[i + 1]); i++)
        name[i] = (char)tolower((unsigned char)at[i + 1]);
    return refuse_command_find(name);
}

/* --- refusing --------------------------------------------------------------------------------- */

/* What of an EXEC counts is what its transaction holds. */
static bool concerns(enum refuse_word word, const struct link *link,
                     const struct refuse_command *command)
{
    bool exec = refuse_command_is(command, "exec");
    const struct refuse_command *judged = exec ? &link->queued : command;
    switch (word) {
    case REFUSE_NOREPLICAS:
    case REFUSE_READONLY: return judged->writes;
    case REFUSE_MISCONF: return judged->writes || refuse_command_is(command, "ping");
    case REFUSE_OOM: /* a queue of commands takes memory, whatever they are */
        return judged->takes_memory ||
               (link->in_multi && !exec && !refuse_command_is(command, "discard"));
    case REFUSE_LOADING: return !judged->while_loading;
    case REFUSE_BUSY: return !command->while_busy;
    case REFUSE_NOPERM: return !refuse_command_is(command, "multi");
    case REFUSE_MOVED:
    case REFUSE_ASK:
    case REFUSE_TRYAGAIN:
    case REFUSE_CLUSTERDOWN: return judged->has_keys;
    case REFUSE_WORDS: break;
    }
    abort();
}

/* Asks the rule about a command; its answer, or NULL: it may pass. */
static const char *rule_ask(struct link *link, const struct refuse_command *command)
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
    return refuse_send(link->service.fd, line, (size_t)n);
}

/* The transaction is over, and so is what was watched for it. */
static bool discard(struct link *link)
{
    static const char command[] = "*1\r\n$7\r\nDISCARD\r\n";
    link->in_multi = false;
    refuse_message_set(&link->message, command, sizeof(command) - 1);
    return refuse_ask(&link->redis, &link->message);
}

static const char *before_exec(const char *text)
{
    bool of_cluster = false;
    for (int word = REFUSE_MOVED; word <= REFUSE_CLUSTERDOWN; word++)
        of_cluster |= text == answers[word];
    return of_cluster ? "" : "EXECABORT Transaction discarded because of: ";
}

static bool refuse(struct link *link, const struct refuse_command *command, const char *text)
{
    if (!link->in_multi)
        return answer_error(link, "", text);
    if (refuse_command_is(command, "exec"))
        return discard(link) && answer_error(link, before_exec(text), text);
    link->poisoned = true;
    return answer_error(link, "", text);
}

static void note_transaction(struct link *link, const struct refuse_command *command)
{
    if (refuse_command_is(command, "multi")) {
        link->in_multi = true;
        link->poisoned = false;
        link->queued = (struct refuse_command){.while_loading = true};
    } else if (refuse_command_is(command, "exec") || refuse_command_is(command, "discard")) {
        link->in_multi = false;
    } else if (link->in_multi) {
        link->queued.writes |= command->writes;
        link->queued.takes_memory |= command->takes_memory;
        link->queued.has_keys |= command->has_keys;
        link->queued.while_loading &= command->while_loading;
    }
}

/* One command and its answer. False: one of the two sides has left. */
static bool carry(struct link *link)
{
    link->message.n = 0;
    if (!refuse_take_value(&link->service, &link->message))
        return false;
    const struct refuse_command *command = command_of(&link->message);
    const char *refusal = rule_ask(link, command);
    if (refusal)
        return refuse(link, command, refusal);
    if (link->in_multi && link->poisoned && refuse_command_is(command, "exec"))
        return discard(link) &&
               answer_error(link, "",
                            "EXECABORT Transaction discarded because of previous errors.");
    note_transaction(link, command);
    return refuse_ask(&link->redis, &link->message) &&
           refuse_send(link->service.fd, link->message.p, link->message.n);
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

void refuse_link_start(struct refuse_shared *shared, int service, int redis)
{
    pthread_t thread;
    struct link *link = calloc(1, sizeof(*link));
    assert(link);
    link->shared = shared;
    link->service.fd = service;
    link->redis.fd = redis;
    learn_role(service, link->role);
    int err = pthread_create(&thread, NULL, link_run, link);
    assert(err == 0);
    pthread_detach(thread);
}
