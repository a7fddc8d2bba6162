/* api_keys.h -- API keys whose texts a test knows, and a file of them.
 *
 * Layer: tests. With TEST_KEYS in the environment any suite runs with keys: tservice_launch() gives
 * the service such a file, and http.h sends the key of the admin with what has no Authorization.
 * They are of the tenant that TEST_TENANT names, or of the default one.
 */
#pragma once

#include "core/access/api_key.h"
#include "core/access/role.h"

#define API_KEY_EXPIRED ROLES       /* in the file, of the role admin, and over */
#define API_KEY_REVOKED (ROLES + 1) /* of the form of a key, and not in the file */

/* The key of a role, or one of the above. */
void api_key_of(int whose, char text[API_KEY_SIZE]);

/* Puts a file with the keys of all roles in the place of the one at path; 0 or -errno. */
int api_keys_write(const char *path);

/* The same with these keys, which are good; the name of each is "test-<whose>". */
struct api_key_spec {
    int whose;
    enum role role;
    const char *tenant;
};
int api_keys_write_specs(const char *path, const struct api_key_spec *specs, unsigned count);

/* The tenant that all suites run as with TEST_KEYS; NULL: the default one. */
const char *api_keys_tenant(void);

/* Whether TEST_KEYS is there. */
bool api_keys_are_on(void);

/* The header line with the key of the admin if it is, else "". */
const char *api_keys_line(void);
