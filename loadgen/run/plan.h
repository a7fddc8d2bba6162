/* plan.h -- from the command line to a load: the resolved workload, the target, shared memory,
 * facts.
 *
 * Layer: loadgen. Owned by the caller: plan_open .. plan_close. Opens no connection and writes no
 * file, but makes sure of the file descriptors that the load needs; the history is made by the
 * caller from plan_facts.
 */
#pragma once

#include "client/load.h"
#include "options.h"

struct plan {
    struct load load; /* history is NULL until the caller made one */
    struct arrival_stage stages[FORM_STAGES_MAX];
    size_t shared_bytes;
};

/* -EMFILE when the load needs more descriptors than there may be, -EINVAL when the options do not
 * go together, -EHOSTUNREACH for a name that does not resolve, -ENOENT and the like for the token
 * file; err is for the user. */
int plan_open(struct plan *plan, const struct options *options, char *err,
              size_t err_size) MUST_CHECK;
void plan_close(struct plan *plan);

/* The service alone, for what is no load; closed by target_close. Errors as above. */
int plan_target(struct target *target, const struct options *options, char *err,
                size_t err_size) MUST_CHECK;

/* What the header of the history says. */
void plan_facts(const struct plan *plan, const struct options *options,
                struct history_facts *facts);
