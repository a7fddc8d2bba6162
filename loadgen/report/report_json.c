/* report_json.c -- the document of one run or several, for programs. */
#include "report/document.h"

#include <errno.h>

int report_json(FILE *out, const struct report_run *runs, size_t count)
{
    json_t *document = document_make(runs, count);
    if (!document)
        return -ENOMEM;
    bool written =
        json_dumpf(document, out, JSON_INDENT(2) | DOCUMENT_FORMAT) == 0 && fputc('\n', out) != EOF;
    json_decref(document);
    return written ? 0 : -EIO;
}
