/* jsoncapacity.h -- a search for capacity in the JSON report, for document.c.
 *
 * Layer: report. Fills the member `capacity` of a document that has its runs already; what it means
 * is said in report.schema.json, which tests hold against what is written.
 */
#pragma once

#include "report/capacity.h"
#include "report/jsonput.h"

#define CAPACITY_SENTENCE_SIZE 512

void jsoncapacity_put(struct jsonput *j, json_t *root, const struct capacity *c);

/* The answer in one sentence for people, which begins with the rate. */
void jsoncapacity_sentence(const struct capacity *c, char out[CAPACITY_SENTENCE_SIZE]);

/* How a step came out, in a few words: "p99 7.30ms". */
void jsoncapacity_step(const struct capacity_step *step, char out[CAPACITY_SENTENCE_SIZE]);
