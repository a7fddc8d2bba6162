#include "args/args_config.h"
#include "config_file.h"
#include "nearest.h"

#include <stdio.h>
#include <string.h>

#define SOURCE_MAX 256

/* What one reading of a file knows. */
struct settings {
    const struct args_reading *r;
    const char *path;
    const struct arg_spec *(*elsewhere)(const void *program, const char *name);
    const void *program;
    struct config_file file;
    struct config_entry entry;      /* the one looked at */
    const struct arg_spec *exposed; /* a secret that everybody may read */
    unsigned exposed_line;
};

/* "stockd.conf:12: " before what is wrong with that line. */
static bool refuse_setting(const struct settings *s, const char *why)
{
    return ARGS_REFUSE(s->r, "%.*s:%u: %s", ARGS_SHOWN_MAX, s->path, s->file.line, why);
}

static const struct arg_spec *find_option(const struct args_reading *r, const char *name)
{
    for (const struct arg_spec *spec = r->specs; spec < r->specs + r->count; spec++)
        if (strcmp(spec->name, name) == 0 && !spec->flag_only)
            return spec;
    return NULL;
}

static bool refuse_unknown(const struct settings *s)
{
    char why[160];
    struct nearest near = nearest_to(str_of(s->entry.name));
    for (const struct arg_spec *spec = s->r->specs; spec < s->r->specs + s->r->count; spec++)
        if (spec->type != ARG_REFUSED && !spec->flag_only)
            nearest_offer(&near, spec->name);
    snprintf(why, sizeof(why), "%s: no such option; %s%s%s", s->entry.name,
             near.name ? "did you mean " : "--help lists them", near.name ? near.name : "",
             near.name ? "?" : "");
    return refuse_setting(s, why);
}

/* The line of an earlier entry with the same name, or 0. */
static unsigned earlier_line(const struct settings *s)
{
    struct config_file again = s->file;
    struct config_entry entry;
    char why[ARGS_WHY_SIZE];
    again.at = again.line = 0;
    while (config_file_next(&again, &entry, why, sizeof(why)) == CONFIG_ENTRY &&
           again.line < s->file.line)
        if (strcmp(entry.name, s->entry.name) == 0)
            return again.line;
    return 0;
}

/* The password of a URL, or all of another secret. */
static bool is_secret(const struct arg_spec *spec, const char *value)
{
    return spec->secret &&
           (!strstr(value, "://") || strchr(value, '@') || strstr(value, "password="));
}

static bool take_setting(struct settings *s)
{
    const char *name = s->entry.name;
    const struct arg_spec *spec = find_option(s->r, name);
    bool own = spec && spec->type != ARG_REFUSED;
    const struct arg_spec *other = own || !s->elsewhere ? NULL : s->elsewhere(s->program, name);
    char source[SOURCE_MAX], why[160];
    unsigned line;
    if (!spec && !other)
        return refuse_unknown(s);
    if (own && spec->type == ARG_CONFIG)
        return refuse_setting(s, "config: a file of settings names no other one");
    spec = other ? other : spec;
    if (spec->type != ARG_LIST && (line = earlier_line(s)) > 0) {
        snprintf(why, sizeof(why), "%s: already given in line %u; keep one", name, line);
        return refuse_setting(s, why);
    }
    if (s->file.is_open_to_all && !s->exposed && is_secret(spec, s->entry.value)) {
        s->exposed = spec;
        s->exposed_line = s->file.line;
    }
    snprintf(source, sizeof(source), "%.*s:%u: %s", ARGS_SHOWN_MAX, s->path, s->file.line, name);
    return other || args_store(s->r, spec, source, s->entry.value);
}

static bool take_entries(struct settings *s)
{
    char why[ARGS_WHY_SIZE];
    for (;;) {
        switch (config_file_next(&s->file, &s->entry, why, sizeof(why))) {
        case CONFIG_END: return true;
        case CONFIG_WRONG: return refuse_setting(s, why);
        case CONFIG_ENTRY: break;
        }
        if (!take_setting(s))
            return false;
    }
}

bool args_read_config(const struct args_reading *r, const char *path,
                      const struct arg_spec *(*elsewhere)(const void *program, const char *name),
                      const void *program)
{
    struct settings s = {.r = r, .path = path, .elsewhere = elsewhere, .program = program};
    char why[ARGS_WHY_SIZE];
    if (!config_file_open(&s.file, path, why, sizeof(why)))
        return ARGS_REFUSE(r, "--config: %.*s %s", ARGS_SHOWN_MAX, path, why);
    bool ok = take_entries(&s);
    if (ok && s.exposed)
        fail_say(r->err, r->err_size,
                 "warning: %.*s:%u: everybody on this machine may read %s; give the file to the "
                 "service's group and make it mode 0640",
                 ARGS_SHOWN_MAX, path, s.exposed_line, s.exposed->name);
    config_file_close(&s.file);
    explicit_bzero(&s.entry, sizeof(s.entry));
    return ok;
}
