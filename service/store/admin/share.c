#include "store/admin/share.h"
#include "store/admin/admin_link.h"
#include "store/admin/admin_make.h"
#include "store/layout.h"
#include "store/meta.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <string.h>

/* Of an HSCAN: all of a hash that has no more fields than there may be. */
#define SCAN_COUNT (2 * SHARE_FIELDS_MAX)

/* Watches that it stays so. */
static bool is_our_store(struct admin *admin)
{
    struct meta meta;
    if (!admin_is_open(admin, 0) || admin_at(admin, 0) != ADMIN_OK || !meta_read(admin, 0, &meta))
        return false;
    if (!meta_missing(&meta) && admin_check_meta(admin, 0, &meta) == ADMIN_OK &&
        !meta_making(&meta) && !admin_wants(admin, &meta))
        return true;
    admin_unwatch(admin);
    return false;
}

static bool is_field(struct str name, struct str value, size_t value_max)
{
    bool good = name.n == SHARE_NAME_CHARS && !str_absent(value) && value.n <= value_max;
    for (size_t i = 0; good && i < name.n; i++)
        good = strchr("0123456789abcdef", name.p[i]) && name.p[i] != '\0';
    return good;
}

/* A page of HSCAN. */
static enum share_result take_page(const redisReply *page, size_t value_max,
                                   void (*each)(void *user, struct str name, struct str value),
                                   void *user)
{
    if (!admin_is_page(page))
        return SHARE_SPOILT;
    const redisReply *list = page->element[1];
    bool whole = strcmp(page->element[0]->str, "0") == 0;
    enum share_result result =
        whole && list->elements <= 2 * SHARE_FIELDS_MAX ? SHARE_OK : SHARE_SPOILT;
    for (size_t i = 0; i + 1 < list->elements; i += 2) {
        struct str name = reply_text(list->element[i]), value = reply_text(list->element[i + 1]);
        if (is_field(name, value, value_max))
            each(user, name, value);
        else
            result = SHARE_SPOILT;
    }
    return result;
}

enum share_result admin_share(struct admin *admin, struct str name, struct str value, bool anew,
                              size_t value_max,
                              void (*each)(void *user, struct str name, struct str value),
                              void *user)
{
    if (!is_our_store(admin))
        return SHARE_AWAY;
    admin_multi(admin);
    if (anew)
        layout_command(&admin->out, STR("UNLINK"), 0, KEY_LIVE, NO_NAME, 0);
    layout_command(&admin->out, STR("HSET"), 0, KEY_LIVE, NO_NAME, 2);
    resp_arg(&admin->out, name);
    resp_arg(&admin->out, value);
    layout_command(&admin->out, STR("PEXPIRE"), 0, KEY_LIVE, NO_NAME, 1);
    resp_int(&admin->out, SHARE_KEEP_MS);
    layout_ask_page(&admin->out, STR("HSCAN"), 0, KEY_LIVE, NO_NAME, "0", SCAN_COUNT);
    size_t commands = anew ? 4 : 3;
    redisReply *exec = admin_commit(admin, commands);
    if (!exec)
        return SHARE_FAILED;
    enum share_result result = take_page(exec->element[commands - 1], value_max, each, user);
    freeReplyObject(exec);
    return result;
}

void admin_share_end(struct admin *admin, struct str name)
{
    if (!is_our_store(admin))
        return;
    admin_multi(admin);
    layout_command(&admin->out, STR("HDEL"), 0, KEY_LIVE, NO_NAME, 1);
    resp_arg(&admin->out, name);
    redisReply *exec = admin_commit(admin, 1);
    freeReplyObject(exec);
}
