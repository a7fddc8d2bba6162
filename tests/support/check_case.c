/* check_case.c -- see check_case.h. */
#include "support/check_case.h"

#include "support/suite.h"

#include <string.h>

struct history_sample_file sample;

void case_begin(const struct history_facts *facts, int32_t units)
{
    history_sample_begin(&sample, facts);
    for (uint32_t i = 0; i < facts->items; i++)
        history_sample_add(&sample, &(struct history_attempt){.worker = HISTORY_SAMPLE_PARENT,
                                                              .kind = KIND_PUT,
                                                              .outcome = OUTCOME_OK,
                                                              .status = 201,
                                                              .seq = i + 1,
                                                              .begin_us = 10,
                                                              .end_us = 20,
                                                              .line = {LINE(i, units, 1, units)}});
}

enum history_detail state_after(enum history_kind kind)
{
    static const enum history_detail states[KINDS] = {[KIND_RESERVE] = DETAIL_HELD,
                                                      [KIND_EXTEND] = DETAIL_HELD,
                                                      [KIND_CONFIRM] = DETAIL_CONFIRMED,
                                                      [KIND_RELEASE] = DETAIL_RELEASED};
    return states[kind];
}

const struct verdict *case_verdict(void)
{
    static struct verdict v;
    history_sample_read(&sample);
    assert_int_equal(
        check_history(&v, &sample.reader, &(struct check_options){.level = CHECK_FULL}), 0);
    history_sample_end(&sample);
    return &v;
}

bool case_tells(const char *text)
{
    const struct verdict *v = case_verdict();
    for (unsigned i = 0; i < v->witnesses; i++) {
        if (strstr(v->witness[i].text, text))
            return true;
        print_message("  %s: %s\n", property_name(v->witness[i].property), v->witness[i].text);
    }
    assert_int_not_equal(v->word, VERDICT_VIOLATION);
    return false;
}

void case_expect(const char *text)
{
    assert_int_equal(case_tells(text ? text : "\n\n"), text != NULL);
}
