/* hook_case.c -- see hook_case.h. */
#include "support/hook_case.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct hook_server endpoint;
struct tproc senders[SENDERS];
char hooks_dir[TEST_PATH_MAX], hooks_file[TEST_PATH_MAX + 16];

void hooks_file_write_to(const char *url, const char *members)
{
    char json[4096], beside[TEST_PATH_MAX + 32];
    snprintf(json, sizeof(json),
             "{'hooks':[{'name':'shop','url':'%s','secret':'" HOOK_SECRET "',%s}]}", url, members);
    for (char *at = json; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    snprintf(beside, sizeof(beside), "%s.new", hooks_file);
    FILE *out = fopen(beside, "we");
    assert_non_null(out);
    assert_int_equal(fchmod(fileno(out), 0600), 0);
    fputs(json, out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(rename(beside, hooks_file), 0);
}

void hooks_file_write(const char *members)
{
    hooks_file_write_to(text("http://127.0.0.1:%d/x", endpoint.port), members);
}

static void start_sender(int which, const char *option, const char *value, const char *preload)
{
    char line[128];
    const char *argv[] = {getenv("STOCKD"), "hooks",    "run",  "--ledger", ledger_url,
                          "--hooks-file",   hooks_file, option, value,      NULL};
    assert_int_equal(
        tproc_start_with(&senders[which], argv, text("%s/hooks%d.err", hooks_dir, which), preload),
        0);
    assert_int_equal(
        tproc_await_line(&senders[which], "sending hooks", line, sizeof(line), RECOVERY_MS), 0);
}

void sender_start_with(int which, const char *option, const char *value)
{
    start_sender(which, option, value, NULL);
}

void sender_start(int which)
{
    sender_start_with(which, "--hooks-allow", "127.0.0.0/8");
}

void sender_start_preloaded(const char *library)
{
    start_sender(0, "--hooks-allow", "127.0.0.0/8", library);
}

void hooks_begin(const enum base_engine *ledger, const char *members)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = ledger);
    assert_int_equal(temp_dir_make(hooks_dir), 0);
    snprintf(hooks_file, sizeof(hooks_file), "%s/hooks.json", hooks_dir);
    assert_int_equal(hook_server_start(&endpoint), 0);
    hooks_file_write(members);
}

int hooks_end(void **state)
{
    bool well = true;
    for (int i = 0; i < SENDERS; i++) {
        if (senders[i].pid > 0 && !tproc_stop(&senders[i], RECOVERY_MS)) {
            print_tail(text("%s/hooks%d.err", hooks_dir, i), 40);
            well = false;
        }
        senders[i] = (struct tproc){0};
    }
    hook_server_stop(&endpoint);
    temp_dir_remove(hooks_dir);
    return serve_end(state) < 0 || !well ? -1 : 0;
}

pid_t sender_worker(int which)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    const struct tservice as_service = {.proc = senders[which]};
    return tservice_pids(&as_service, "stockd-hooks", pids, TSERVICE_CHILDREN_MAX) == 1 ? pids[0]
                                                                                        : 0;
}

pid_t sender_kill(int which)
{
    pid_t pid = 0;
    assert_true(await((pid = sender_worker(which)) > 0, RECOVERY_MS));
    kill(pid, SIGKILL);
    return pid;
}

void hook_rule(int slot, const char *has, int times, const char *answer)
{
    hook_server_rule(&endpoint, slot,
                     &(struct hook_rule){.has = has, .times = times, .answer = answer});
}

void no_rules(void)
{
    for (int i = 0; i < HOOK_RULES; i++)
        hook_rule(i, "", 0, NULL);
}

void make_changes(const char *sku, int changes)
{
    api_call(a, 201, "PUT", ITEM(sku), NULL, "{\"on_hand\":100}");
    for (int i = 0; i < changes; i++)
        post(200, ADJUST(sku), "{\"delta\":1}");
}

const char *version_of(const char *sku, int version)
{
    return text("\"sku\":\"%s\",\"version\":%d,", sku, version);
}

int taken(const char *sku, int version)
{
    return hook_server_with(&endpoint, version_of(sku, version), true);
}

int came(const char *sku, int version)
{
    return hook_server_with(&endpoint, version_of(sku, version), false);
}

void await_taken(const char *sku, int versions)
{
    for (int v = 1; v <= versions; v++)
        if (!await(taken(sku, v) > 0, RECOVERY_MS)) {
            print_tail(text("%s/hooks0.err", hooks_dir), 40);
            fail_msg("version %d of %s did not come", v, sku);
        }
}

void check_order(const char *sku)
{
    int last = 0;
    for (int i = 0; i < hook_server_count(&endpoint); i++) {
        const struct hook_request *seen = hook_server_get(&endpoint, i);
        const char *at = strstr(seen->body, text("\"sku\":\"%s\",\"version\":", sku));
        if (!at || !seen->taken)
            continue;
        int version = atoi(strstr(at, "version\":") + strlen("version\":"));
        assert_true(version <= last + 1);
        last = version > last ? version : last;
    }
}
