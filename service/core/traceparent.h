/* traceparent.h -- which trace a request belongs to (https://www.w3.org/TR/trace-context/).
 *
 * Layer: core, pure. What is kept and told is of version 00, whatever version was sent: of a later
 * one only the parts are known that it shares with that. A value that is none is as if it had not
 * been sent: a trace is never a reason to refuse what it traces.
 */
#pragma once

#include "str.h"

#include <stdbool.h>

#define TRACEPARENT_BYTES 55 /* 00-<32 digits>-<16 digits>-<2 digits> */

/* Reads the value of the header field; out has no NUL. False: there is none that is valid. */
bool traceparent_read(struct str value, char out[TRACEPARENT_BYTES]) MUST_CHECK;

/* What traceparent_read() writes, or absent. */
bool traceparent_valid(struct str text) MUST_CHECK;
