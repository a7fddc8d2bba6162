/* yaml2json.c -- YAML on standard input to JSON on standard output: `make openapi`. */
#include "support/yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

int main(void)
{
    json_t *json = yaml_read(stdin);
    bool ok = json_dumpf(json, stdout, JSON_INDENT(1)) == 0 && putchar('\n') != EOF &&
              fflush(stdout) == 0;
    if (!ok)
        fprintf(stderr, "yaml2json: %s\n", strerror(errno));
    json_decref(json);
    return ok ? 0 : 1;
}
