/* response_head.h -- what one line of a response's head says.
 *
 * Layer: client, pure. response.c finds the lines, here they are read into the struct response;
 * of a line at most its place is kept. Only what frames the body or what the load wants to know is
 * taken.
 */
#ifndef LOADGEN_CLIENT_RESPONSE_HEAD_H
#define LOADGEN_CLIENT_RESPONSE_HEAD_H

#include "client/response.h"

/* Lengths end here, so that no sum of them with places in a buffer can overflow. */
#define RESPONSE_LENGTH_MAX ((uint64_t)1 << 62)

/* The status line, without its CRLF: also forgets what an interim answer before it said. False when
 * it is none of HTTP/1.x, or not of a status that can be answered here. */
bool response_head_status(struct response *r, struct str line) __attribute__((warn_unused_result));

/* A header line, without its CRLF and not empty; it lies in bytes, where the response begins. False
 * when it is none, or frames the body in a way that cannot be followed. */
bool response_head_field(struct response *r, const char *bytes, struct str line)
    __attribute__((warn_unused_result));

#endif
