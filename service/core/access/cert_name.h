/* cert_name.h -- whose a client's certificate is, as one text: the kind of the name, and the name.
 *
 * Layer: core, pure.
 *
 *   uri:spiffe://shop.example/till   dns:till-7.shop.example   email:ops@shop.example   cn:till-7
 *
 * The kind is part of it, so that a CA that looks at names of hosts, and lets people choose their
 * common name, has not let them choose whom they are taken for. Names of hosts are written in small
 * letters. A name with blanks, or other than visible ASCII, is none.
 */
#pragma once

#include "str.h"

#include <stdbool.h>

#define CERT_NAME_MAX_BYTES 160
#define CERT_NAME_FORM                                                                             \
    "uri:, dns:, email: or cn: and the name, of visible characters of ASCII, dns: in small "       \
    "letters, 160 bytes at the most"

bool cert_name_valid(struct str name);
