/* completion_fish.c -- a line an option. */
#include "cli/completion.h"

#include <string.h>

/* In single quotes fish knows two escapes, and no other. */
static void put_quoted(FILE *out, struct str text)
{
    fputc('\'', out);
    for (size_t i = 0; i < text.n; i++)
        fprintf(out, "%s%c", strchr("'\\", text.p[i]) ? "\\" : "", text.p[i]);
    fputc('\'', out);
}

static void print_path(void *user, const struct walk_stop *stop)
{
    if (stop->command)
        fprintf(user, " '%s'", stop->path);
}

static void print_begin(FILE *out, const struct walk_stop *stop)
{
    fprintf(out, "complete -c %s -n '__%s_at \"%s\"'", stop->program->name, stop->program->name,
            stop->path);
}

static void print_commands(FILE *out, const struct walk_stop *stop,
                           const struct cli_command *const *list)
{
    for (; list && *list; list++) {
        if ((*list)->hidden)
            continue;
        print_begin(out, stop);
        fprintf(out, " -a %s -d ", (*list)->name);
        put_quoted(out, str_of((*list)->help));
        fputc('\n', out);
    }
}

static void print_value(FILE *out, const struct arg_spec *spec)
{
    switch (completion_value(spec)) {
    case COMPLETION_NONE: break;
    case COMPLETION_TEXT: fputs(" -x", out); break;
    case COMPLETION_FILE: fputs(" -r -F", out); break;
    case COMPLETION_FOLDER: fputs(" -x -a '(__fish_complete_directories)'", out); break;
    case COMPLETION_CHOICE:
        fputs(" -x -a '", out);
        for (size_t i = 0; spec->choices[i]; i++)
            fprintf(out, "%s%s", i > 0 ? " " : "", spec->choices[i]);
        fputc('\'', out);
        break;
    }
}

static void print_option(FILE *out, const struct walk_stop *stop, const struct arg_spec *spec)
{
    print_begin(out, stop);
    fprintf(out, " -l %s", spec->name);
    if (spec->short_name)
        fprintf(out, " -s %c", spec->short_name);
    print_value(out, spec);
    fputs(" -d ", out);
    put_quoted(out, completion_gist(spec->help));
    fputc('\n', out);
    if (!completion_negatable(spec))
        return;
    print_begin(out, stop);
    fprintf(out, " -l no-%s\n", spec->name);
}

static void print_stop(void *user, const struct walk_stop *stop)
{
    FILE *out = user;
    const struct cli_command *c = stop->command;
    print_commands(out, stop, cli_list(stop->program, c));
    if (c && c->words_are == CLI_WORDS_COMMANDS)
        print_commands(out, stop, stop->program->commands);
    for (size_t i = 0; c && c->words_choices && c->words_choices[i]; i++) {
        print_begin(out, stop);
        fprintf(out, " -a %s\n", c->words_choices[i]);
    }
    if (c && c->words_are == CLI_WORDS_FILES) {
        print_begin(out, stop);
        fputs(" -F\n", out);
    }
    for (size_t i = 0; i < stop->spec_count; i++)
        print_option(out, stop, &stop->specs[i]);
}

void completion_print_fish(FILE *out, const struct cli_program *program)
{
    const char *name = program->name;
    fprintf(out,
            "# fish completion for %s\n"
            "function __%s_at\n"
            "    set -l words (commandline -opc)\n"
            "    set -l at %s\n"
            "    for word in $words[2..-1]\n"
            "        if contains -- \"$at $word\"",
            name, name, name);
    walk_commands(program, print_path, out);
    fprintf(out,
            "\n"
            "            set at \"$at $word\"\n"
            "        else\n"
            "            break\n"
            "        end\n"
            "    end\n"
            "    test \"$at\" = \"$argv[1]\"\n"
            "end\n"
            "complete -c %s -f\n"
            "complete -c %s -s h -l help -d 'Print help and exit'\n"
            "complete -c %s -s V -l version -d 'Print the version and exit'\n",
            name, name, name);
    walk_commands(program, print_stop, out);
}
