/* audit_links.c -- records against the indexes of deadlines. What is compared is of one instant, so
 * nothing has to be looked at again. */
#include "audit/audit_walk.h"

static bool judge_links(struct walk *walk, struct scan_link *links, size_t count)
{
    char text[COMPARE_TEXT_SIZE];
    arena_reset(&walk->inner);
    if (count == 0)
        return true;
    if (!walk_redis(walk->audit,
                    scan_links(walk->audit->admin, &walk->inner, walk->partition, links, count)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!compare_link(&links[i], text))
            walk_name(walk, AUDIT_INDEX, walk_bytes(&links[i].id), text);
    return true;
}

bool walk_links(struct walk *walk, const struct walk_page *page)
{
    struct scan_link links[SCAN_PAGE];
    size_t n = 0;
    for (size_t i = 0; i < page->count; i++) {
        const struct scan_record *record = page->pairs[i].record;
        bool held = record->found == LAYOUT_FOUND && record->r.state == RESERVATION_HELD;
        for (unsigned k = 0; held && k < record->r.line_count; k++) {
            links[n++] = (struct scan_link){.id = record->id, .sku = record->r.lines[k].sku};
            if (n < SCAN_PAGE)
                continue;
            if (!judge_links(walk, links, n))
                return false;
            n = 0;
        }
    }
    return judge_links(walk, links, n);
}

/* A page of an item's index. The records of ids that it lacks are looked at elsewhere. */
static bool turn_holds(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct scan_link links[SCAN_PAGE];
    struct rid *rids;
    size_t count;
    if (!walk_redis(walk->audit,
                    scan_holds(walk->audit->admin, page->arena, walk->partition, place->sku,
                               place->cursor, &rids, &count, &place->strangers)))
        return false;
    place->done = strcmp(place->cursor, "0") == 0;
    for (size_t at = 0; at < count;) {
        size_t n = 0;
        while (n < SCAN_PAGE && at < count)
            links[n++] = (struct scan_link){.id = rids[at++], .sku = place->sku};
        if (!judge_links(walk, links, n))
            return false;
    }
    return true;
}

bool walk_holds(struct walk *walk, struct str sku)
{
    static const struct walk_source holds = {.turn = turn_holds};
    struct walk_place place = {WALK_FROM_THE_FIRST, .sku = sku};
    if (!walk_run(walk, &holds, &walk->links, &place))
        return false;
    if (place.strangers > 0)
        walk_drift(walk->audit, AUDIT_INDEX, walk->partition, sku,
                   "the index of deadlines has entries that are no ids");
    return true;
}
