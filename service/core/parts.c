#include "core/parts.h"
#include "core/rid.h"

#define SERIALS (UINT32_C(1) << 8 * RID_SERIAL_BYTES)

void parts_init(struct parts *parts, const uint32_t random[PARTS_OPEN])
{
    *parts = (struct parts){0};
    for (unsigned i = 0; i < PARTS_OPEN; i++)
        parts->open[i].serial = random[i] % SERIALS;
}

int64_t parts_of(const struct parts *parts, int64_t deadline_ms, unsigned before)
{
    const struct part *part = &parts->open[rid_bucket_of(deadline_ms) % PARTS_OPEN];
    return rid_part_of(deadline_ms,
                       (part->serial + (part->count + before) / PART_RECORDS) % SERIALS);
}

void parts_put(struct parts *parts, int64_t part)
{
    struct part *open = &parts->open[(part >> 8 * RID_SERIAL_BYTES) % PARTS_OPEN];
    if (++open->count < PART_RECORDS)
        return;
    open->serial = (open->serial + 1) % SERIALS;
    open->count = 0;
}
