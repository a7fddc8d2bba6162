/* Any file of keys: what is taken is written, read again and the same. Any Authorization's key. */
#include "core/access/key_list.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct key_list list, again;
    struct key_fault fault = {0};
    struct buf text;
    struct str input = {(const char *)data, size};
    uint64_t id;
    if (api_key_read(input, &id))
        must(api_key_peek(input, &id) && id >> 48 == 0);
    if (!key_list_parse(&list, input, &fault)) {
        must(fault.line > 0 && fault.why);
        return 0;
    }
    buf_init(&text, KEY_LIST_MAX_BYTES);
    key_list_write(&list, &text);
    must(!text.failed && key_list_parse(&again, buf_str(&text), &fault));
    must(again.count == list.count);
    for (unsigned i = 0; i < list.count; i++)
        must(key_list_find(&again, list.keys[i].id) && client_valid(str_of(list.keys[i].name)) &&
             strcmp(list.keys[i].certificate, again.keys[i].certificate) == 0 &&
             memcmp(&list.keys[i].hash, &again.keys[i].hash, KEY_HASH_BYTES) == 0);
    if (list.count > 1)
        must(key_list_revoke(&list, list.keys[0].id) == KEY_CHANGED);
    buf_free(&text);
    return 0;
}
