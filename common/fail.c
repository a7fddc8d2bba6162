#include "fail.h"

#include <stdarg.h>
#include <stdio.h>

void fail_say(char *why, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, size, format, args);
    va_end(args);
}
