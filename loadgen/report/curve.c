#include "report/curve.h"
#include "grow.h"
#include "search.h"

#include <errno.h>
#include <stdlib.h>

/* That one, or a new one. Beyond the bound all are the last. */
static struct curve_service *service_of(struct curve *c, uint64_t id)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->service[i].id == id || i == CURVE_SERVICES_MAX)
            return &c->service[i];
    struct curve_service *grown = grow(c->service, c->n, &c->cap, sizeof *grown);
    if (!grown)
        return NULL;
    c->service = grown;
    c->service[c->n] = (struct curve_service){.id = id};
    return &c->service[c->n++];
}

static bool goes_back(const struct curve_point *from, const struct curve_point *to)
{
    bool back = to->at_ns < from->at_ns;
    for (int i = 0; i < CURVE_COUNTERS; i++)
        back = back || to->value[i] < from->value[i];
    return back;
}

static int add_point(struct curve_service *s, const struct curve_point *point)
{
    struct curve_point *grown = grow(s->point, s->n, &s->cap, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    s->point = grown;
    s->point[s->n++] = *point;
    return 0;
}

int curve_add(struct curve *c, const struct history_sample *sample)
{
    const struct curve_point point = {
        sample->at_ns, {sample->conflicts, sample->batches, sample->batch_ops, sample->requests}};
    struct curve_service *s = service_of(c, sample->service);
    if (!s)
        return -ENOMEM;
    c->broken = c->broken || c->n > CURVE_SERVICES_MAX ||
                (s->n > 0 && goes_back(&s->point[s->n - 1], &point));
    int rc = c->broken && s->n > 0 ? 0 : add_point(s, &point);
    c->n -= s->n == 0; /* one without points is none */
    return rc;
}

uint64_t curve_grown(const struct curve *c, enum curve_counter counter)
{
    uint64_t grown = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct curve_service *s = &c->service[i];
        grown += s->point[s->n - 1].value[counter] - s->point[0].value[counter];
    }
    return grown;
}

const char *curve_doubt(const struct curve *c, uint64_t go_ns, uint64_t stop_ns, uint64_t answers)
{
    bool named = true;
    if (c->n == 0)
        return "the server's /metrics did not show them, or not whose they are";
    if (c->broken)
        return "a service's counters went back: it was started again, or it is more than one";
    for (size_t i = 0; i < c->n; i++) {
        const struct curve_service *s = &c->service[i];
        if (s->point[0].at_ns > go_ns)
            return "a service was seen only after the load had begun";
        if (s->point[s->n - 1].at_ns < stop_ns)
            return "a service was not seen any more when the load was over";
        named = named && s->id != 0;
    }
    return named && curve_grown(c, CURVE_REQUESTS) < answers
               ? "a service answered whose /metrics were never seen"
               : NULL;
}

/* Nothing moves before go_ns, and the first point behind the end is the last. */
static void trim_points(struct curve_service *s, uint64_t go_ns, uint64_t stop_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct curve_point point = s->point[i];
        if (kept && s->point[kept - 1].at_ns >= stop_ns)
            break; /* what comes later is of the settling, not of the load */
        if (point.at_ns < go_ns)
            point.at_ns = go_ns;
        if (point.at_ns > stop_ns)
            point.at_ns = stop_ns;
        s->point[kept++] = point;
    }
    s->n = kept;
}

void curve_settle(struct curve *c, uint64_t go_ns, uint64_t stop_ns)
{
    for (size_t i = 0; i < c->n; i++)
        trim_points(&c->service[i], go_ns, stop_ns);
}

static uint64_t value_at(const struct curve_service *s, enum curve_counter counter, uint64_t at_ns)
{
    size_t later = SEARCH_FIRST(0, s->n, i, s->point[i].at_ns > at_ns);
    if (later == 0)
        return s->point[0].value[counter];
    const struct curve_point *a = &s->point[later - 1];
    if (later == s->n)
        return a->value[counter];
    const struct curve_point *b = &s->point[later];
    double share = (double)(at_ns - a->at_ns) / (double)(b->at_ns - a->at_ns);
    return a->value[counter] + (uint64_t)(share * (double)(b->value[counter] - a->value[counter]));
}

uint64_t curve_at(const struct curve *c, enum curve_counter counter, uint64_t at_ns)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < c->n; i++)
        sum += value_at(&c->service[i], counter, at_ns);
    return sum;
}

void curve_free(struct curve *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->service[i].point);
    free(c->service);
    *c = (struct curve){0};
}
