/* access_noted.h -- whom a service took for the one that asked, by its access log.
 *
 * Layer: tests.
 */
#pragma once

/* The address in the last line about this item; "": there is none yet. Good until the next call. */
const char *access_noted(const char *log, const char *sku);
