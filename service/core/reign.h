/* reign.h -- whom an epoch is opened for: a Redis process, and the promotion that made it the
 * primary (rule REIGN, docs/model). A node that was demoted and promoted again is another one.
 *
 * Layer: core, values only.
 */
#pragma once

#include <stdint.h>

#define REIGN_ID_SIZE 48 /* with the NUL */

struct reign {
    char run_id[REIGN_ID_SIZE];    /* of the process; "": not known */
    char promotion[REIGN_ID_SIZE]; /* its replication id, which every promotion changes */
    int64_t order; /* among promotions, as Sentinel or the cluster count them; 0: not known */
};
