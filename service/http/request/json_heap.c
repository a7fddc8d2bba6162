/* json_heap.c -- counts what the text may hold; jansson 2.14, and 64-bit glibc below it. */
#include "http/request/json_heap.h"

/* What each takes, in the steps in which the allocator gives: 16 bytes, 8 of them its own. */
#define OBJECT_BYTES 256 /* itself, and room for its first members */
#define ARRAY_BYTES  144 /* the same */
#define MEMBER_BYTES 128 /* a pair, and its part of a table that has doubled beside the old one */
#define SLOT_BYTES   24  /* of an element, in a table that has done so */
#define STRING_BYTES 80
#define NUMBER_BYTES 32

struct tally {
    size_t objects, arrays, colons, commas, strings, numbers;
    size_t longest; /* string or number */
};

static bool in_number(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* The length of the string that begins here, to its quote or to the end. */
static size_t string_length(struct str text, size_t from)
{
    size_t i = from + 1;
    while (i < text.n && text.p[i] != '"')
        i += text.p[i] == '\\' ? 2 : 1;
    return (i < text.n ? i + 1 : text.n) - from;
}

static size_t number_length(struct str text, size_t from)
{
    size_t i = from;
    while (i < text.n && in_number(text.p[i]))
        i++;
    return i - from;
}

/* Counts the token that begins here; how long it is. */
static size_t take_token(struct tally *tally, struct str text, size_t at)
{
    size_t n = 1;
    switch (text.p[at]) {
    case '{': tally->objects++; return 1;
    case '[': tally->arrays++; return 1;
    case ':': tally->colons++; return 1;
    case ',': tally->commas++; return 1;
    case '"':
        tally->strings++;
        n = string_length(text, at);
        break;
    default:
        if (!in_number(text.p[at]))
            return 1;
        tally->numbers++;
        n = number_length(text, at);
        break;
    }
    if (n > tally->longest)
        tally->longest = n;
    return n;
}

size_t json_heap_bound(struct str text)
{
    struct tally t = {0};
    for (size_t i = 0; i < text.n;)
        i += take_token(&t, text, i);
    /* Texts are there twice for a moment, as a token and as a value or a name; the token's buffer
     * doubles, with the old one beside it. */
    return JSON_HEAP_LEAST + t.objects * OBJECT_BYTES + t.arrays * ARRAY_BYTES +
           t.colons * MEMBER_BYTES + (t.commas + t.arrays) * SLOT_BYTES + t.strings * STRING_BYTES +
           t.numbers * NUMBER_BYTES + text.n + 4 * t.longest;
}
