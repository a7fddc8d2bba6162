#include "check/rewound.h"
#include "check/quotes.h"
#include "check/restored.h"
#include "search.h"

#include <errno.h>
#include <stdlib.h>

/* How much one thing speaks against another. */
#define UNLIKELY     1
#define CONTRADICTED 2
#define MISSED       8

/* An item went backwards between the two: what was answered up to low_ns came before that, what was
 * answered from high_ns on behind it. */
struct step_back {
    uint32_t item;
    uint32_t moment; /* number + 1; 0: none explains it */
    uint64_t low_ns, high_ns;
    uint64_t kept;
};

/* The first answer behind it, about the items that went backwards there; and the middle of the
 * silence before that: what was not asked for until then did not happen before. */
struct moment {
    uint64_t middle_ns, at_ns;
};

struct search {
    enum rewound_way way;
    struct quotes quotes; /* most: of this item, up to this quote, since the last moment */
    uint32_t most;        /* moments that are believed */
    struct step_back *steps;
    size_t step_count, step_room;
    size_t *first_step; /* of item i: first_step[i] .. first_step[i + 1] - 1 */
    struct moment *moment;
    uint32_t moments;
    uint64_t *ends;            /* spare room for the answers of one moment's items */
    struct quote **by_version; /* spare room for those of one item */
    struct doubt *doubts;      /* the same */
};

/* --- where items went backwards --------------------------------------------------------------- */

/* The last of the quotes from..to that was over before that moment, + 1; `from`: none was. */
static size_t over_before(const struct search *s, size_t from, size_t to, uint64_t at_ns)
{
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (s->quotes.all[middle].end_ns < at_ns)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool contradicts(const struct quote *later, uint64_t version)
{
    return later->version < version || (later->makes && later->version == version);
}

static bool add_step(struct search *s, const struct step_back *step)
{
    if (s->step_count == s->step_room) {
        size_t room = s->step_room ? s->step_room * 2 : 64;
        struct step_back *more = realloc(s->steps, room * sizeof(*more));
        if (!more)
            return false;
        s->steps = more;
        s->step_room = room;
    }
    s->steps[s->step_count++] = *step;
    return true;
}

/* Between the answer of quote `at` and the last one over before it that it contradicts. */
static struct step_back step_at(const struct search *s, size_t from, size_t at)
{
    const struct quote *later = &s->quotes.all[at];
    size_t before = over_before(s, from, at, later->begin_ns);
    while (before > from && !contradicts(later, s->quotes.all[before - 1].version))
        before--;
    return (struct step_back){.item = later->item,
                              .low_ns = s->quotes.all[before - 1].end_ns,
                              .high_ns = later->end_ns,
                              .kept = UINT64_MAX};
}

static bool find_steps(struct search *s, uint32_t item)
{
    size_t from = s->quotes.first[item];
    uint32_t found = 0;
    for (size_t i = from; i < s->quotes.dated[item] && found < s->most; i++) {
        struct quote *quote = &s->quotes.all[i];
        uint64_t known = i > from ? s->quotes.all[i - 1].most : 0;
        quote->most = quote->version > known ? quote->version : known;
        size_t before = over_before(s, from, i, quote->begin_ns);
        if (before == from || !contradicts(quote, s->quotes.all[before - 1].most))
            continue;
        struct step_back step = step_at(s, from, i);
        if (!add_step(s, &step))
            return false;
        quote->most = quote->version;
        from = i;
        found++;
    }
    return true;
}

static bool find_all_steps(struct search *s)
{
    s->first_step = calloc((size_t)s->quotes.items + 1, sizeof(*s->first_step));
    bool fine = s->first_step != NULL;
    for (uint32_t i = 0; i < s->quotes.items && fine; i++) {
        fine = find_steps(s, i);
        s->first_step[i + 1] = s->step_count;
    }
    return fine;
}

/* --- moments ---------------------------------------------------------------------------------- */

static int by_high(const void *a, const void *b)
{
    const struct step_back *x = *(struct step_back *const *)a, *y = *(struct step_back *const *)b;
    return (x->high_ns > y->high_ns) - (x->high_ns < y->high_ns);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The longest silence in low..high, about the items that went backwards there. */
static struct moment find_silence(struct search *s, struct step_back *const *steps, size_t count,
                                  uint64_t low_ns, uint64_t high_ns)
{
    size_t n = 0;
    uint64_t longest = 0;
    struct moment found = {high_ns, high_ns};
    for (size_t i = 0; i < count; i++) {
        uint32_t item = steps[i]->item;
        size_t at = over_before(s, s->quotes.first[item], s->quotes.dated[item], low_ns);
        for (; at < s->quotes.dated[item] && s->quotes.all[at].end_ns <= high_ns; at++)
            if (n < s->quotes.count)
                s->ends[n++] = s->quotes.all[at].end_ns;
    }
    if (n > 0)
        qsort(s->ends, n, sizeof(*s->ends), by_number);
    for (size_t i = 1; i < n; i++) {
        if (s->ends[i] - s->ends[i - 1] <= longest)
            continue;
        longest = s->ends[i] - s->ends[i - 1];
        found = (struct moment){s->ends[i - 1] + longest / 2, s->ends[i]};
    }
    return found;
}

/* As few as explain them all, and no more than the service counted. */
static bool find_moments(struct search *s)
{
    struct step_back **order = calloc(s->step_count + 1, sizeof(*order));
    s->moment = calloc((size_t)s->most + 1, sizeof(*s->moment));
    if (!order || !s->moment) {
        free(order);
        return false;
    }
    for (size_t i = 0; i < s->step_count; i++)
        order[i] = &s->steps[i];
    qsort(order, s->step_count, sizeof(struct step_back *), by_high);
    for (size_t i = 0, end; i < s->step_count && s->moments < s->most; i = end) {
        uint64_t low_ns = order[i]->low_ns, high_ns = order[i]->high_ns;
        for (end = i; end < s->step_count && order[end]->low_ns < high_ns; end++) {
            low_ns = order[end]->low_ns > low_ns ? order[end]->low_ns : low_ns;
            order[end]->moment = s->moments + 1;
        }
        s->moment[s->moments++] = find_silence(s, order + i, end - i, low_ns, high_ns);
    }
    free(order);
    return true;
}

/* --- lives ------------------------------------------------------------------------------------ */

static struct moment moment_of(const struct search *s, const struct step_back *step)
{
    static const struct moment never = {UINT64_MAX, UINT64_MAX};
    return step->moment ? s->moment[step->moment - 1] : never;
}

/* The last step of the item that was over when this was answered; NULL: none. */
static struct step_back *step_before(const struct search *s, const struct quote *quote)
{
    struct step_back *step = NULL;
    size_t end = s->first_step[quote->item + 1];
    for (size_t n = s->first_step[quote->item]; n < end; n++)
        if (quote->end_ns >= moment_of(s, &s->steps[n]).at_ns)
            step = &s->steps[n];
    return step;
}

static int by_version(const void *a, const void *b)
{
    const struct quote *x = *(struct quote *const *)a, *y = *(struct quote *const *)b;
    return (x->version > y->version) - (x->version < y->version);
}

/* What speaks against a quote of long ago being of before the moment, and what against its being of
 * behind it. */
struct doubt {
    uint64_t version;
    unsigned before, behind;
};

/* What others were told of that version before the moment; once is enough. */
static void compare_quotes(const struct quote *then, const struct quote *quote, struct doubt *doubt)
{
    bool same = !then->says_stock || !quote->says_stock || then->remaining == quote->remaining;
    if (then->makes && then->subject == quote->subject && same)
        doubt->behind = CONTRADICTED;
    else if (then->makes || !same)
        doubt->before = CONTRADICTED;
}

static struct doubt doubt_of(const struct search *s, size_t count, const struct quote *quote,
                             struct moment moment)
{
    struct doubt doubt = {.version = quote->version};
    if (quote->missing) {
        doubt.before = MISSED;
        return doubt;
    }
    size_t i = SEARCH_FIRST((size_t)0, count, n, s->by_version[n]->version >= quote->version);
    for (; i < count && s->by_version[i]->version == quote->version; i++)
        if (s->by_version[i]->end_ns < moment.at_ns)
            compare_quotes(s->by_version[i], quote, &doubt);
    doubt.before += quote->since_ns > moment.middle_ns ? CONTRADICTED : 0;
    if (s->way == REWOUND_ASKED)
        doubt.before += quote->asked_ns > moment.middle_ns ? UNLIKELY : 0;
    return doubt;
}

static int by_doubted(const void *a, const void *b)
{
    const struct doubt *x = a, *y = b;
    return (x->version > y->version) - (x->version < y->version);
}

/* What the item most likely had, not more than is known already. */
static void weigh(struct search *s, struct step_back *step, size_t count)
{
    unsigned least = 0, against = 0;
    uint64_t most = step->kept;
    qsort(s->doubts, count, sizeof(*s->doubts), by_doubted);
    while (count > 0 && s->doubts[count - 1].version > most)
        count--;
    for (size_t i = 0; i < count; i++)
        least += s->doubts[i].before;
    against = least;
    for (size_t i = count; i-- > 0;) {
        against = against - s->doubts[i].before + s->doubts[i].behind;
        if (against >= least || (i > 0 && s->doubts[i - 1].version == s->doubts[i].version))
            continue;
        least = against;
        step->kept = s->doubts[i].version - 1;
    }
}

static void keep_less(struct step_back *step, const struct quote *quote)
{
    uint64_t had = quote->version - quote->makes;
    if (step && had < step->kept)
        step->kept = had;
}

/* What the item had at each of its moments: by what was made and seen behind it, and by what is
 * quoted of long ago. */
static void find_kept(struct search *s, uint32_t item)
{
    const struct quotes *q = &s->quotes;
    size_t count = q->dated[item] - q->first[item];
    for (size_t i = q->first[item]; i < q->dated[item]; i++) {
        keep_less(step_before(s, &q->all[i]), &q->all[i]);
        s->by_version[i - q->first[item]] = &q->all[i];
    }
    qsort(s->by_version, count, sizeof(struct quote *), by_version);
    for (size_t n = s->first_step[item]; n < s->first_step[item + 1]; n++) {
        size_t doubts = 0;
        for (size_t i = q->dated[item]; i < q->first[item + 1] && s->way != REWOUND_SEEN; i++)
            if (step_before(s, &q->all[i]) == &s->steps[n])
                s->doubts[doubts++] = doubt_of(s, count, &q->all[i], moment_of(s, &s->steps[n]));
        weigh(s, &s->steps[n], doubts);
    }
}

/* By how much a version of the item is raised in an answer of that time. */
static uint64_t raise_by(const struct search *s, const struct history_line *line, uint64_t end_ns,
                         bool dated)
{
    uint64_t up = 0;
    if (line->version == 0 || line->item >= s->quotes.items)
        return 0;
    for (size_t n = s->first_step[line->item]; n < s->first_step[line->item + 1]; n++) {
        const struct step_back *step = &s->steps[n];
        if (end_ns >= moment_of(s, step).at_ns && !(dated && line->version <= step->kept))
            up += RESTORED_STEP;
    }
    return up;
}

static void raise_op(const struct search *s, struct history_op *op)
{
    /* The version that the request knew, which may be of any life: it is left behind in each. */
    if (history_outcome(op) == OUTCOME_UNKNOWN || op->detail == DETAIL_STALE)
        return;
    bool dated = quotes_is_dated(op);
    for (unsigned n = 0; n < op->lines; n++) {
        struct history_line *line = (struct history_line *)(uintptr_t)history_line_of(op, n);
        line->version += raise_by(s, line, op->end_ns, dated);
    }
}

static void raise_counters(const struct search *s, struct history_counters *c)
{
    const struct history_line line = {.item = c->item, .version = c->version};
    if (c->found)
        c->version += raise_by(s, &line, c->at_ns, false);
}

static void raise_all(const struct search *s, struct history_reader *copy)
{
    struct history_pass pass = history_pass(copy);
    uint32_t slot;
    for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        void *at = (void *)(uintptr_t)history_at(copy, slot);
        if (type == SLOT_OP || type == SLOT_EXPIRY)
            raise_op(s, at);
        else if (type == SLOT_COUNTERS)
            raise_counters(s, at);
    }
}

/* --- all -------------------------------------------------------------------------------------- */

static bool allocate_search(struct search *s)
{
    s->ends = calloc(s->quotes.count + 1, sizeof(*s->ends));
    s->by_version = calloc(s->quotes.count + 1, sizeof(*s->by_version));
    s->doubts = calloc(s->quotes.count + 1, sizeof(*s->doubts));
    return s->ends && s->by_version && s->doubts;
}

static int search_all(struct search *s, const struct history_reader *r, struct rewound *rewound)
{
    int err = quotes_make(&s->quotes, r);
    if (err == 0 && !find_all_steps(s))
        err = -ENOMEM;
    if (err < 0 || s->step_count == 0)
        return err;
    if (!allocate_search(s) || !find_moments(s))
        return -ENOMEM;
    for (uint32_t i = 0; i < s->quotes.items; i++)
        if (s->first_step[i] < s->first_step[i + 1])
            find_kept(s, i);
    err = history_copy(&rewound->reader, r);
    if (err == 0)
        raise_all(s, &rewound->reader);
    rewound->moments = s->moments;
    return err;
}

int rewound_make(struct rewound *rewound, const struct history_reader *r, enum rewound_way way)
{
    struct search s = {.way = way, .most = r->facts->waits ? 0 : r->facts->failovers};
    *rewound = (struct rewound){.moments = 0};
    int err = s.most > 0 ? search_all(&s, r, rewound) : 0;
    quotes_free(&s.quotes);
    free(s.steps);
    free(s.first_step);
    free(s.moment);
    free(s.ends);
    free(s.by_version);
    free(s.doubts);
    return err;
}

void rewound_free(struct rewound *rewound)
{
    history_unread(&rewound->reader);
    *rewound = (struct rewound){.moments = 0};
}
