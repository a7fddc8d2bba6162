/* schema_format.c -- see schema_format.h. */
#include "support/schema_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 3339, with real days of months. */
static bool is_date_time(const char *text)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, hour, minute, second, n = 0;
    for (size_t i = 0; i < 19; i++)
        if (text[i] == '\0' || !strchr("0123456789-:Tt", text[i]))
            return false;
    if (sscanf(text, "%4d-%2d-%2d%*1[Tt]%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute,
               &second, &n) != 6 ||
        n != 19)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60 ||
        day > days[month - 1] + (month == 2 && leap))
        return false;
    text += n;
    if (*text == '.') {
        size_t digits = strspn(text + 1, "0123456789");
        if (digits == 0)
            return false;
        text += 1 + digits;
    }
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
        return true;
    return (*text == '+' || *text == '-') && strlen(text) == 6 && text[3] == ':' &&
           strspn(text + 1, "0123456789") == 2 && strspn(text + 4, "0123456789") == 2 &&
           strtol(text + 1, NULL, 10) < 24 && strtol(text + 4, NULL, 10) < 60;
}

static bool is_uri_reference(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || strchr("\"<>\\^`{|}", *text))
            return false;
    return true;
}

bool (*schema_format(const char *name))(const char *text)
{
    if (strcmp(name, "date-time") == 0)
        return is_date_time;
    return strcmp(name, "uri-reference") == 0 ? is_uri_reference : NULL;
}
