/* text_section.h -- one section of the layout as text: facts, a table, or a list of numbers.
 *
 * Layer: report, pure.
 */
#pragma once

#include "report/layout.h"
#include "report/page.h"

/* Nothing where the section does not hold. A table that is wider than the page goes on below. */
void text_section(struct page *p, const struct layout_section *section, const json_t *run);
