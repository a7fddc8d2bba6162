/* scene.h -- what a restore finds: where SQL ends, and what Redis holds of the store.
 *
 * Layer: restore. Reads only. Whoever called scene_init calls scene_free.
 */
#ifndef RESTORE_SCENE_H
#define RESTORE_SCENE_H

#include "ledger/apply.h"
#include "ledger/identity.h"
#include "store/feed.h"
#include "store/meta.h"

#define SCENE_WHY_SIZE (DB_WHY_SIZE + 128)

struct scene_part {
    struct checkpoint sql;
    struct meta meta;
    struct feed_id tail;        /* the last id that the stream ever had; epoch 0: no stream */
    int64_t unapplied;          /* entries behind SQL's checkpoint */
    struct feed_id first, last; /* of those */
};

struct scene {
    char ledger_id[LEDGER_ID_SIZE];
    unsigned partitions; /* 0: neither SQL nor Redis tells */
    struct scene_part *parts;
    int64_t now_ms; /* of Redis */
    char why[SCENE_WHY_SIZE];
};

enum scene_result {
    SCENE_SEEN,
    SCENE_LEDGER_AWAY,
    SCENE_REDIS_AWAY,
    SCENE_REFUSED, /* not a ledger of this program, or a number of partitions that can not be */
    SCENE_NO_MEMORY,
};

void scene_init(struct scene *scene);
void scene_free(struct scene *scene);

/* Which ledger this is, and how many partitions there are. told: by the user, or 0. */
enum scene_result scene_begin(struct scene *scene, struct admin *admin, struct db *db,
                              unsigned told) __attribute__((warn_unused_result));

/* Where SQL is. With `lock` inside the caller's transaction, and nobody moves it until that ends;
 * without, in none. */
enum scene_result scene_see_ledger(struct scene *scene, struct db *db, bool lock)
    __attribute__((warn_unused_result));

/* Where Redis is; behind scene_see_ledger. */
enum scene_result scene_see_redis(struct scene *scene, struct admin *admin)
    __attribute__((warn_unused_result));

#endif
