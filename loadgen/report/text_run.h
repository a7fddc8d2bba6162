/* text_run.h -- the parts of the text report, from its document (document.h) and layout.h.
 *
 * Layer: report, pure. A part that has nothing to say writes nothing.
 */
#ifndef LOADGEN_REPORT_TEXT_RUN_H
#define LOADGEN_REPORT_TEXT_RUN_H

#include "report/layout.h"
#include "report/template.h"

/* The word and its sentence, in one or more lines. */
void text_verdict(struct buf *b, const json_t *run);
void text_properties(struct buf *b, const json_t *run);
void text_witnesses(struct buf *b, const json_t *run);

/* A section of the layout: facts, a table, or a list of numbers. */
void text_section(struct buf *b, const struct layout_section *section, const json_t *run);

/* Several runs side by side, and what proves their violations. */
void text_comparison(struct buf *b, const json_t *runs);

#endif
