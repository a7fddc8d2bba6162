#include "process/roster.h"
#include "http/answer/json_write.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

void roster_add(struct roster *roster, const char *name, int index)
{
    struct roster_entry *entry = &roster->entries[roster->count];
    assert(roster->count <= ROSTER_SLOTS);
    if (index < 0)
        snprintf(entry->name, sizeof(entry->name), "%s", name);
    else
        snprintf(entry->name, sizeof(entry->name), "%s %d", name, index);
    if (roster->count == 0)
        entry->pid = (int)getpid();
    roster->count++;
}

void roster_look(struct roster *roster, const struct pool *pool)
{
    for (unsigned i = 1; i < roster->count; i++) {
        roster->entries[i].pid = (int)pool_slot_pid(pool, (int)i - 1);
        roster->entries[i].restarts = pool_slot_restarts(pool, (int)i - 1);
    }
}

static void put_entry(const struct roster_entry *entry, struct buf *out)
{
    int pid = entry->pid;
    JSON_STRING(out, "{\"name\":", str_of(entry->name));
    if (pid > 0)
        JSON_INT(out, ",\"pid\":", pid);
    else
        JSON_LIT(out, ",\"pid\":null");
    JSON_INT(out, ",\"restarts\":", (int64_t)entry->restarts);
    buf_putc(out, '}');
}

void roster_put(const struct roster *roster, struct buf *out)
{
    buf_putc(out, '[');
    for (unsigned i = 0; i < roster->count; i++) {
        if (i > 0)
            buf_putc(out, ',');
        put_entry(&roster->entries[i], out);
    }
    buf_putc(out, ']');
}
