#include "support/refuse_wire.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int stream_byte(struct refuse_stream *s)
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

static void message_add(struct refuse_message *m, char byte)
{
    if (m->n == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 4096;
        m->p = realloc(m->p, m->cap);
        assert(m->p);
    }
    m->p[m->n++] = byte;
}

/* Takes a line with its end; the number behind its first byte. False: the stream has ended. */
static bool take_line(struct refuse_stream *s, struct refuse_message *m, char *kind, long *number)
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

static bool take_bytes(struct refuse_stream *s, struct refuse_message *m, long count)
{
    for (long i = 0; i < count; i++) {
        int byte = stream_byte(s);
        if (byte < 0)
            return false;
        message_add(m, (char)byte);
    }
    return true;
}

bool refuse_take_value(struct refuse_stream *s, struct refuse_message *m)
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

bool refuse_send(int fd, const char *bytes, size_t count)
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

bool refuse_ask(struct refuse_stream *s, struct refuse_message *m)
{
    if (!refuse_send(s->fd, m->p, m->n))
        return false;
    m->n = 0;
    return refuse_take_value(s, m);
}

void refuse_message_set(struct refuse_message *m, const char *bytes, size_t count)
{
    m->n = 0;
    for (size_t i = 0; i < count; i++)
        message_add(m, bytes[i]);
}
