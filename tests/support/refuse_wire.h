/* refuse_wire.h -- whole values of RESP2 taken from a socket, as the bytes that they came in.
 *
 * Layer: tests, private to the proxy of refuseproxy.h: refuse_link.c carries them on. A message
 * owns its bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define REFUSE_READ_BYTES 65536

struct refuse_stream {
    int fd;
    char bytes[REFUSE_READ_BYTES];
    size_t at, end;
};

/* Bytes to be sent on. */
struct refuse_message {
    char *p;
    size_t n, cap;
};

/* Adds the next value of the stream: an answer, or a command. False: the stream has ended. */
bool refuse_take_value(struct refuse_stream *s, struct refuse_message *m);

/* Sends what is in the message to one side, and the next value of that takes the place of it. */
bool refuse_ask(struct refuse_stream *s, struct refuse_message *m);

bool refuse_send(int fd, const char *bytes, size_t count);

void refuse_message_set(struct refuse_message *m, const char *bytes, size_t count);
