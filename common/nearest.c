#include "nearest.h"

/* Three rows of the table are enough: a swap looks two back. */
struct rows {
    size_t row[3][NEAREST_NAME_MAX + 1];
};

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

static bool is_swap(struct str a, size_t i, struct str b, size_t j)
{
    return i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];
}

static void fill_row(struct rows *rows, struct str a, size_t i, struct str b)
{
    size_t *now = rows->row[i % 3];
    const size_t *above = rows->row[(i + 2) % 3], *two_above = rows->row[(i + 1) % 3];
    now[0] = i;
    for (size_t j = 1; j <= b.n; j++) {
        now[j] = least_of(above[j] + 1, now[j - 1] + 1, above[j - 1] + (a.p[i - 1] != b.p[j - 1]));
        if (is_swap(a, i, b, j) && two_above[j - 2] + 1 < now[j])
            now[j] = two_above[j - 2] + 1;
    }
}

size_t nearest_distance(struct str a, struct str b)
{
    struct rows rows = {0};
    if (a.n > NEAREST_NAME_MAX || b.n > NEAREST_NAME_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        rows.row[0][j] = j;
    for (size_t i = 1; i <= a.n; i++)
        fill_row(&rows, a, i, b);
    return rows.row[a.n % 3][b.n];
}

struct nearest nearest_to(struct str typed)
{
    size_t most = typed.n / 2 < 3 ? typed.n / 2 : 3; /* farther than that is no typo */
    return (struct nearest){.typed = typed, .distance = most + 1};
}

void nearest_offer(struct nearest *nearest, const char *name)
{
    size_t distance = nearest_distance(nearest->typed, str_of(name));
    if (distance >= nearest->distance)
        return;
    nearest->distance = distance;
    nearest->name = name;
}
