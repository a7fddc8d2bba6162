#include "support/key_client.h"

#include <signal.h>

static char dir[TEST_PATH_MAX];
char key_file[TEST_PATH_MAX + 8];
static int keys_made, names_made, worker_count;

int key_clients_begin(int workers)
{
    if (temp_dir_make(dir) < 0)
        return -1;
    snprintf(key_file, sizeof(key_file), "%s/keys", dir);
    keys_made = ROLES - 2 + 1; /* of api_keys_write() */
    worker_count = workers;
    return api_keys_write(key_file) < 0 ? -1 : 0;
}

void key_clients_end(void)
{
    temp_dir_remove(dir);
}

static bool all_have_it(void)
{
    for (int i = 0; i < worker_count; i++)
        if (tservice_log_count(&stack.service, text("proc=worker/%d ", i),
                               text("keys=%d\n", keys_made)) == 0)
            return false;
    return true;
}

void key_client_take(struct key_client *c)
{
    snprintf(c->id, sizeof(c->id), "%.*s", API_KEY_ID_CHARS, command_said + strlen("sk_"));
    snprintf(c->header, sizeof(c->header), "Authorization: Bearer %.*s\r\n", API_KEY_CHARS,
             command_said);
    keys_made++;
    tproc_signal(&stack.service.proc, SIGHUP); /* they look by themselves, too, but later */
    assert_true(await(all_have_it(), RECOVERY_MS));
}

struct key_client key_client_of(const char *role, const char *tenant, const char *quota)
{
    struct key_client c;
    snprintf(c.name, sizeof(c.name), "c%d", names_made++);
    check_command(0, "keys", "add", "--keys-file", key_file, "--name", c.name, "--role", role,
                  "--tenant", tenant ? tenant : "default", "--quota", quota);
    key_client_take(&c);
    return c;
}

int key_client_call(const struct key_client *c, const char *method, const char *path,
                    const char *body)
{
    http_conn_close(&a->conn);
    assert_int_equal(http_call(&a->conn, method, path, c->header, body, &a->resp), 0);
    return a->resp.status;
}
