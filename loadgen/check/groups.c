#include "check/groups.h"
#include "pool/task.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

void groups_cut(struct groups *groups, const size_t *start, uint32_t n, size_t most)
{
    assert(most > 0);
    most = most < GROUPS_MAX ? most : GROUPS_MAX;
    size_t share = (start[n] - start[0]) / most + 1;
    *groups = (struct groups){0};
    for (uint32_t from = 0, i = 0; i < n; i++) {
        if (i + 1 < n && start[i + 1] - start[from] < share)
            continue;
        assert(groups->count < most); /* all but the last weigh a share or more */
        groups->all[groups->count++] = (struct group){from, i + 1};
        from = i + 1;
    }
}

static int work_here(const struct groups *groups, const struct groups_work *work)
{
    struct buf found;
    buf_init(&found, GROUPS_FOUND_MAX);
    int err = 0;
    for (size_t i = 0; i < groups->count && err == 0; i++) {
        buf_reset(&found);
        err = work->find(work->ctx, groups->all[i], &found);
        if (err == 0 && found.failed)
            err = -ENOMEM;
        if (err == 0)
            work->take(work->ctx, groups->all[i], buf_str(&found));
    }
    buf_free(&found);
    return err;
}

/* What a worker is told: where its copy of the work lies, and which group to work on. */
struct order {
    const struct groups_work *work;
    struct group group;
};

static int find_one(struct str in, struct buf *out)
{
    struct order order;
    assert(in.n == sizeof(order));
    memcpy(&order, in.p, sizeof(order));
    return order.work->find(order.work->ctx, order.group, out);
}

static int work_there(const struct groups *groups, const struct groups_work *work,
                      struct pool_tasks *tasks, char why[WITNESS_TEXT_SIZE])
{
    struct order orders[GROUPS_MAX];
    struct str in[GROUPS_MAX];
    struct pool_result results[GROUPS_MAX];
    for (size_t i = 0; i < groups->count; i++) {
        orders[i] = (struct order){work, groups->all[i]};
        in[i] = (struct str){(const char *)&orders[i], sizeof(orders[i])};
    }
    int err = pool_map(tasks, find_one, in, groups->count, results);
    for (size_t i = 0; i < groups->count && err < 0; i++)
        if (results[i].err == err) {
            snprintf(why, WITNESS_TEXT_SIZE, "%s", results[i].bytes ? results[i].bytes : "");
            break;
        }
    for (size_t i = 0; i < groups->count && err == 0; i++)
        work->take(work->ctx, groups->all[i], (struct str){results[i].bytes, results[i].n});
    pool_results_free(results, groups->count);
    return err;
}

int groups_run(const struct groups *groups, const struct groups_work *work, unsigned workers,
               char why[WITNESS_TEXT_SIZE])
{
    struct pool_tasks_options options = {.name = "check", .workers = workers};
    if (options.workers > groups->count)
        options.workers = groups->count;
    struct pool_tasks *tasks;
    if (options.workers < 2 || pool_tasks_new(&tasks, &options) < 0)
        return work_here(groups, work);
    int err = work_there(groups, work, tasks, why);
    pool_tasks_free(tasks);
    return err;
}
