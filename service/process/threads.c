#include "process/threads.h"

#include <uv.h>

static void nothing(uv_work_t *work)
{
    (void)work;
}

/* On a loop of its own, which is empty again at once. */
int threads_start(void)
{
    uv_loop_t loop;
    uv_work_t work;
    int rc = uv_loop_init(&loop);
    if (rc < 0)
        return rc;
    rc = uv_queue_work(&loop, &work, nothing, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return rc;
}
