/* scene.c -- what it means where SQL and Redis are. */
#include "restore/scene.h"
#include "store/meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool state_is(const struct scene_part *part, const char *state)
{
    return strcmp(part->meta.v[META_STATE], state) == 0;
}

enum verdict_part verdict_part(const struct scene_part *part)
{
    struct event_id at = part->sql.id;
    if (meta_missing(&part->meta) || meta_says_lost(part->meta.v[META_STATE]) ||
        meta_restoring(&part->meta))
        return PART_LOST;
    if (meta_opening(part->meta.v[META_STATE]) || meta_deposed(part->meta.v[META_STATE]))
        return PART_CLOSED; /* wherever the stream ends: the ledger process knows what to do */
    if (part->sql.id.epoch > 0 && event_id_compare(part->tail, at) < 0)
        return PART_BEHIND;
    return state_is(part, "open") ? PART_SOUND : PART_CLOSED;
}

static bool has_past(const struct scene *scene)
{
    for (unsigned p = 0; p < scene->partitions; p++)
        if (scene->parts[p].sql.id.epoch > 0)
            return true;
    return false;
}

/* Is what Redis holds ours to replace? */
static bool is_foreign(const struct scene *scene, unsigned p, char why[SCENE_WHY_SIZE])
{
    const struct meta *meta = &scene->parts[p].meta;
    if (meta_missing(meta))
        return false;
    if (!meta_format_known(meta->v[META_FORMAT_F]))
        snprintf(why, SCENE_WHY_SIZE,
                 "partition %u in Redis has format %s, which this version does not know", p,
                 meta->v[META_FORMAT_F]);
    else if (strcmp(meta->v[META_LEDGER], LEDGER_NONE) == 0)
        snprintf(why, SCENE_WHY_SIZE,
                 "the store in Redis was begun with --ledger none: it is not of this ledger");
    else if (strcmp(meta->v[META_LEDGER], scene->ledger_id) != 0)
        snprintf(why, SCENE_WHY_SIZE,
                 "the store in Redis writes to ledger %s, but --ledger leads to ledger %s",
                 meta->v[META_LEDGER], scene->ledger_id);
    else if ((unsigned)atoi(meta->v[META_PARTITIONS]) != scene->partitions)
        snprintf(why, SCENE_WHY_SIZE, "the store in Redis has %s partitions, not %u",
                 meta->v[META_PARTITIONS], scene->partitions);
    else
        return false;
    return true;
}

static void say_unapplied(const struct scene *scene, char why[SCENE_WHY_SIZE])
{
    unsigned p = 0;
    int64_t all = 0;
    while (scene->parts[p].unapplied == 0)
        p++;
    for (unsigned i = 0; i < scene->partitions; i++)
        all += scene->parts[i].unapplied;
    const struct scene_part *part = &scene->parts[p];
    snprintf(why, SCENE_WHY_SIZE,
             "Redis has %lld entries that SQL has not (partition %u: %lld-%lld to %lld-%lld): they "
             "would be lost. Let `stockd ledger` bring them to SQL, or give --discard-unapplied",
             (long long)all, p, (long long)part->first.epoch, (long long)part->first.seq,
             (long long)part->last.epoch, (long long)part->last.seq);
}

struct part_counts {
    unsigned sound, lost, closed;
    bool unapplied; /* in a partition that is not open */
};

static struct part_counts count_parts(const struct scene *scene)
{
    struct part_counts n = {0};
    for (unsigned p = 0; p < scene->partitions; p++) {
        const struct scene_part *part = &scene->parts[p];
        enum verdict_part is = verdict_part(part);
        n.sound += is == PART_SOUND;
        n.lost += is == PART_LOST || is == PART_BEHIND;
        n.closed += is == PART_CLOSED && !state_is(part, VERDICT_HALTED);
        n.unapplied = n.unapplied || (part->unapplied > 0 && is != PART_SOUND);
    }
    return n;
}

static bool any_open(const struct scene *scene)
{
    for (unsigned p = 0; p < scene->partitions; p++)
        if (state_is(&scene->parts[p], "open"))
            return true;
    return false;
}

enum verdict verdict_of(const struct scene *scene, bool discard, bool only_lost,
                        char why[SCENE_WHY_SIZE])
{
    why[0] = '\0';
    for (unsigned p = 0; p < scene->partitions; p++)
        if (is_foreign(scene, p, why))
            return VERDICT_REFUSED;
    struct part_counts n = count_parts(scene);
    if (n.sound == scene->partitions) {
        snprintf(why, SCENE_WHY_SIZE, "the store is open: nothing to restore");
        return VERDICT_SOUND;
    }
    if (!has_past(scene)) {
        snprintf(why, SCENE_WHY_SIZE,
                 "SQL has no events, so there is nothing to restore: a service that starts on an "
                 "empty Redis makes a new store");
        return VERDICT_REFUSED;
    }
    if (only_lost && (n.lost == 0 || n.closed > 0)) {
        snprintf(why, SCENE_WHY_SIZE, "a partition was closed, not lost: a person has to look");
        return VERDICT_CLOSED;
    }
    if (n.unapplied && !discard) {
        say_unapplied(scene, why);
        return VERDICT_UNAPPLIED;
    }
    return any_open(scene) ? VERDICT_HALT : VERDICT_RESTORE;
}
