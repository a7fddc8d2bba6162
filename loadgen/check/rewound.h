/* rewound.h -- versions that were given twice, since another Redis took over.
 *
 * Layer: check. A replica that is promoted may lack the last transitions that its primary made. Its
 * items go on from what it has, under the numbers that follow:
 *
 *   ... kept-1  kept | kept+1 ... last          answered before: lost
 *                    `- kept+1  kept+2  ...     answered behind it
 *
 * What was answered behind such a moment has its versions raised by RESTORED_STEP, in a copy of the
 * history that the check alone sees. Then it says what it would say after a restore that fell
 * short, and restored.h finds where. A number that an answer quotes from long ago (a repetition, a
 * reservation's last transition) is raised if the item did not keep it.
 *
 * That a Redis took over is believed as often as the service counted it during the run, and moments
 * are the same for all items: each lies where versions of its items went backwards, in the longest
 * silence about them. What the moments do not explain stays as it is, for the others to find. Owned
 * by check_history.
 */
#pragma once

#include "history/reader.h"

struct rewound {
    struct history_reader reader; /* the copy; of zeros: nothing went backwards */
    uint32_t moments;
};

/* What an item had when the replica took over shows in what came next. Where the first transitions
 * behind it got no answer, less shows than there was, and what is quoted of long ago must tell. One
 * way to read that in which every answer is right is enough. */
enum rewound_way {
    REWOUND_TOLD,  /* by what others were told of the same versions */
    REWOUND_ASKED, /* and by when it was asked for */
    REWOUND_SEEN,  /* by what came next alone */
    REWOUND_WAYS
};

/* 0, -ENOMEM or what mapping a file says; rewound_free in any case. */
int rewound_make(struct rewound *rewound, const struct history_reader *r,
                 enum rewound_way way) MUST_CHECK;
void rewound_free(struct rewound *rewound);
