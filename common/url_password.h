/* url_password.h -- a password put into an address: "redis://app@host" and "s@cret" make
 * "redis://app:s%40cret@host".
 *
 * Layer: common, pure. For passwords that are kept apart from the address, as they are: whoever
 * reads the address gets back every byte, so nobody has to escape anything by hand.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Replaces *url, which is malloc'ed and may be NULL, by the address with the password. False, with
 * in err what would be right: it stays as it was. No text of err has the password in it. */
bool url_add_password(char **url, const char *password, char *err, size_t err_size) MUST_CHECK;

/* The same for the options --<of> and --<of>-password, the first of which err names; a password
 * that is NULL is none. */
bool url_take_password(char **url, const char *password, const char *of, char *err,
                       size_t err_size) MUST_CHECK;

/* The password as it is written there cannot be told from the rest of the address, so whoever reads
 * it would take a part of it for a host's name, and say so. */
bool url_password_is_ambiguous(const char *url);
