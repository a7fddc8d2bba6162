#include "cli/man.h"
#include "cli/roff.h"
#include "cli/walk.h"
#include "version.h"

#include <ctype.h>
#include <string.h>

/* --- parts of both pages ---------------------------------------------------------------------- */

static void print_title(FILE *out, const char *name, int section, time_t at, const char *manual)
{
    char day[16];
    struct tm utc;
    strftime(day, sizeof(day), "%Y-%m-%d", gmtime_r(&at, &utc));
    fputs(".TH ", out);
    for (const char *c = name; *c; c++)
        fputc(toupper((unsigned char)*c), out);
    fprintf(out, " %d %s \"%.*s %s\" \"%s\"\n", section, day, (int)strcspn(name, "."), name,
            stockd_version, manual);
}

static void print_name(FILE *out, const char *name, const char *help)
{
    fprintf(out, ".SH NAME\n%s \\- ", name);
    roff_prose(out, help);
}

/* ".TP", then the option as it is typed. */
static void print_option(FILE *out, const struct arg_spec *spec, const char *env_prefix)
{
    struct buf text;
    buf_init(&text, 4096);
    args_put_names(&text, spec);
    buf_putc(&text, '\0');
    fputs(".TP\n.B ", out);
    roff_literal(out, text.failed ? spec->name : text.p);
    fputc('\n', out);
    buf_reset(&text);
    args_put_meaning(&text, spec, env_prefix);
    buf_putc(&text, '\0');
    roff_prose(out, text.failed ? spec->help : text.p);
    buf_free(&text);
}

static void print_exits(FILE *out, const struct cli_exit *exits)
{
    for (; exits && exits->help; exits++) {
        fprintf(out, ".TP\n.B %d\n", exits->status);
        roff_prose(out, exits->help);
    }
}

/* --- section 1 -------------------------------------------------------------------------------- */

/* The command whose options a later one has, too. */
struct commands {
    FILE *out;
    const struct arg_spec *seen[CLI_BELOW_MAX];
    const char *path[CLI_BELOW_MAX];
    char paths[CLI_BELOW_MAX][CLI_PATH_SIZE];
    size_t count;
};

static const char *seen_in(struct commands *c, const struct walk_stop *stop)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->seen[i] == stop->command->specs)
            return c->paths[i];
    if (c->count < CLI_BELOW_MAX && stop->command->specs) {
        c->seen[c->count] = stop->command->specs;
        snprintf(c->paths[c->count++], CLI_PATH_SIZE, "%s", stop->path);
    }
    return NULL;
}

static void print_synopsis(FILE *out, const struct walk_stop *stop)
{
    const struct cli_command *c = stop->command;
    roff_literal(out, stop->path);
    fputs("\\fR", out);
    if (c->below)
        fputs(" \\fICOMMAND\\fR", out);
    if (c->specs)
        fputs(" [\\fIoptions\\fR]", out);
    if (c->words) {
        fputs(" \\fI", out);
        roff_literal(out, c->words);
        fputs("\\fR", out);
    }
    fputc('\n', out);
}

static void print_options(struct commands *c, const struct walk_stop *stop)
{
    const char *earlier = stop->command->specs ? seen_in(c, stop) : NULL, *group = NULL;
    if (earlier)
        fprintf(c->out, ".PP\nIts options are those of\n.BR \"%s\" .\n", earlier);
    for (size_t i = 0; i < stop->spec_count && !earlier; i++) {
        const struct arg_spec *spec = &stop->specs[i];
        if (spec->type == ARG_CONFIG)
            continue; /* said once, for all */
        if (spec->group && (!group || strcmp(group, spec->group) != 0))
            fprintf(c->out, ".PP\n.I \"%s\"\n", spec->group);
        group = spec->group;
        print_option(c->out, spec, stop->program->env_prefix);
    }
}

static void print_command(void *user, const struct walk_stop *stop)
{
    struct commands *c = user;
    if (!stop->command)
        return;
    fputs(".SS \\fB", c->out);
    print_synopsis(c->out, stop);
    char help[256];
    snprintf(help, sizeof(help), "%s.", stop->command->help);
    help[0] = (char)toupper((unsigned char)help[0]);
    roff_prose(c->out, help);
    if (stop->command->about) {
        fputs(".PP\n", c->out);
        roff_paragraphs(c->out, stop->command->about);
    }
    print_options(c, stop);
    if (stop->command->exits)
        fputs(".PP\nExit status:\n", c->out);
    print_exits(c->out, stop->command->exits);
}

static void print_sources(FILE *out, const struct cli_program *program)
{
    fputs(".SH OPTIONS OF EVERY COMMAND\n"
          ".TP\n.B \\-h, \\-\\-help\nPrint what the command takes, and exit.\n"
          ".TP\n.B \\-V, \\-\\-version\nPrint the version, and exit.\n"
          ".TP\n.B \\-\\-config FILE\n"
          "Take values for options from a file: see\n",
          out);
    fprintf(out,
            ".BR %s.conf (5).\n"
            "The variable is %sCONFIG.\n"
            ".SH ENVIRONMENT\n"
            "Each option has a variable, named in parentheses.\n"
            "A flag wins over it, and it wins over the file of settings.\n"
            "An empty variable counts as not set.\n"
            "A variable whose name ends in _FILE names a file that holds the value,\n"
            "for secrets.\n",
            program->name, program->env_prefix);
}

void man_print_program(FILE *out, const struct cli_program *program, time_t at)
{
    struct commands commands = {.out = out};
    print_title(out, program->name, 1, at, "User Commands");
    print_name(out, program->name, program->help);
    fprintf(out, ".SH SYNOPSIS\n.B %s\n[\\fICOMMAND\\fR]\n[\\fIoptions\\fR]\n.SH DESCRIPTION\n",
            program->name);
    if (program->about)
        roff_paragraphs(out, program->about);
    fputs(".SH COMMANDS\n", out);
    walk_commands(program, print_command, &commands);
    print_sources(out, program);
    fputs(".SH EXIT STATUS\n", out);
    print_exits(out, program->exits);
    fprintf(out, ".SH SEE ALSO\n.BR %s.conf (5)\n", program->name);
}

/* --- section 5 -------------------------------------------------------------------------------- */

static const char form[] =
    "The file has one `name = value` a line. Names are those of the flags, without their dashes. "
    "A switch is yes or no. Blanks around name and value do not count.\n"
    "A line that begins with # is a comment, and a comment has a line of its own. A value with "
    "blanks at its ends, or with a # behind a blank, stands in double quotes; nothing in them is "
    "escaped.\n"
    "A flag wins over its environment variable, the variable over the file, the file over the "
    "default. Options that take a list may be named again and again, and their lists grow; "
    "everything else is named once.\n"
    "All commands may have the same file: each takes what it knows, and passes over what only "
    "others do. Names that none knows, values that are not allowed and names given twice are "
    "refused, with the number of the line. The file is read once, at the start.\n"
    "A file with a password in it should be readable for the program's user and group alone; "
    "there is a warning if everybody may read it.";

/* Which settings were printed. */
struct settings {
    FILE *out;
    char names[4096]; /* " listen workers " */
    size_t n;
};

static bool is_new(struct settings *s, const char *name)
{
    char word[ARGS_WHY_SIZE];
    snprintf(word, sizeof(word), " %s ", name);
    if (strstr(s->names, word))
        return false;
    int n = snprintf(s->names + s->n, sizeof(s->names) - s->n, "%s", word);
    s->n += s->n + (size_t)n < sizeof(s->names) ? (size_t)n : 0;
    return true;
}

static void print_settings(void *user, const struct walk_stop *stop)
{
    struct settings *s = user;
    for (size_t i = 0; stop->command && i < stop->spec_count; i++) {
        const struct arg_spec *spec = &stop->specs[i];
        if (spec->type == ARG_CONFIG || spec->flag_only || !is_new(s, spec->name))
            continue;
        fputs(".TP\n.B ", s->out);
        roff_literal(s->out, spec->name);
        fprintf(s->out, " = \\fI%s\\fR\n", spec->type == ARG_BOOL ? "yes|no" : args_metavar(spec));
        struct buf text;
        buf_init(&text, 4096);
        args_put_meaning(&text, spec, NULL);
        buf_putc(&text, '\0');
        roff_prose(s->out, text.failed ? spec->help : text.p);
        buf_free(&text);
    }
}

void man_print_config(FILE *out, const struct cli_program *program, time_t at)
{
    char name[CLI_PATH_SIZE], help[CLI_PATH_SIZE];
    struct settings settings = {.out = out};
    snprintf(name, sizeof(name), "%s.conf", program->name);
    snprintf(help, sizeof(help), "settings of %s", program->name);
    print_title(out, name, 5, at, "File Formats");
    print_name(out, name, help);
    fprintf(out,
            ".SH SYNOPSIS\n.B %s\n[\\fICOMMAND\\fR]\n.B \\-\\-config\n.I FILE\n"
            ".SH DESCRIPTION\n",
            program->name);
    roff_paragraphs(out, form);
    fputs(".SH SETTINGS\n", out);
    walk_commands(program, print_settings, &settings);
    fprintf(out, ".SH SEE ALSO\n.BR %s (1)\n", program->name);
}
