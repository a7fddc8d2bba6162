/* race_html.h -- a race as a page to keep: the strategies beside each other, in one file.
 *
 * Layer: loadgen, on report/html.h. What draws it is what draws the live page (ui/page/race.js).
 */
#pragma once

#include "race/view.h"

#include <stdio.h>

/* The whole file, of a struct race_view: for outfile_write. 0, -EIO when the stream failed,
 * -ENOMEM. */
int race_html(FILE *out, const void *view) MUST_CHECK;
