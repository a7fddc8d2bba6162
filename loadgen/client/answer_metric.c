/* answer_metric.c -- one number out of Prometheus' text format. */
#include "client/answer.h"

#include <stdlib.h>

#define NUMBER_MAX_BYTES 64

/* What is left of the text behind the labels; absent when they do not end. */
static struct str pass_labels(struct str s)
{
    bool quoted = false;
    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];
        if (c == '"')
            quoted = !quoted;
        else if (c == '\\' && quoted)
            i++;
        else if (c == '}' && !quoted)
            return (struct str){s.p + i + 1, s.n - i - 1};
    }
    return (struct str){NULL, 0};
}

/* The number behind the blanks; a time stamp may follow it. */
static bool read_number(struct str s, double *value)
{
    char number[NUMBER_MAX_BYTES], *end;
    size_t n = 0;
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t' && s.p[n] != '\r')
        n++;
    if (n == 0 || n >= sizeof(number))
        return false;
    memcpy(number, s.p, n);
    number[n] = '\0';
    *value = strtod(number, &end);
    return end == number + n;
}

static bool read_metric(struct str line, struct str name, double *value)
{
    if (line.n <= name.n || memcmp(line.p, name.p, name.n) != 0)
        return false;
    struct str rest = {line.p + name.n, line.n - name.n};
    if (rest.p[0] == '{')
        rest = pass_labels(rest);
    else if (rest.p[0] != ' ' && rest.p[0] != '\t')
        return false; /* a longer name */
    return read_number(rest, value);
}

bool answer_metric(struct str text, const char *name, double *value)
{
    bool found = false;
    double sum = 0, one;
    while (text.n > 0) {
        const char *lf = memchr(text.p, '\n', text.n);
        struct str line = {text.p, lf ? (size_t)(lf - text.p) : text.n};
        if (read_metric(line, str_of(name), &one)) {
            sum += one;
            found = true;
        }
        text.p += line.n + (lf != NULL);
        text.n -= line.n + (lf != NULL);
    }
    *value = sum;
    return found;
}
