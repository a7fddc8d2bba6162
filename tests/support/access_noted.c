#include "support/access_noted.h"

#include <stdio.h>
#include <string.h>

const char *access_noted(const char *log, const char *sku)
{
    static char address[64];
    char line[8192], item[128];
    const char *name = "\"address\":\"";
    FILE *file = fopen(log, "re");
    snprintf(item, sizeof(item), "\"sku\":\"%s\"", sku);
    address[0] = '\0';
    while (file && fgets(line, sizeof(line), file)) {
        const char *at = strstr(line, item) ? strstr(line, name) : NULL;
        if (at)
            snprintf(address, sizeof(address), "%.*s", (int)strcspn(at + strlen(name), "\""),
                     at + strlen(name));
    }
    if (file)
        fclose(file);
    return address;
}
