/* completion_zsh.c -- for zsh's _arguments; in a folder of fpath, or evaluated. */
#include "cli/completion.h"

#include <string.h>

#define MARKS "[]:\\" /* what _arguments reads as its own */

static void print_path(void *user, const struct walk_stop *stop)
{
    if (stop->command)
        fprintf(user, "%s'%s'", stop->program->commands[0] == stop->command ? "" : "|", stop->path);
}

/* "[what it is]", then what may follow. */
static void print_meaning(FILE *out, const struct arg_spec *spec, const char *but)
{
    fprintf(out, "[%s", but);
    completion_put_quoted(out, completion_gist(spec->help), MARKS);
    fputc(']', out);
    switch (completion_value(spec)) {
    case COMPLETION_NONE: break;
    case COMPLETION_TEXT: fprintf(out, ":%s: ", spec->name); break;
    case COMPLETION_FILE: fprintf(out, ":%s:_files", spec->name); break;
    case COMPLETION_FOLDER: fprintf(out, ":%s:_files -/", spec->name); break;
    case COMPLETION_CHOICE:
        fprintf(out, ":%s:(", spec->name);
        for (size_t i = 0; spec->choices[i]; i++)
            fprintf(out, "%s%s", i > 0 ? " " : "", spec->choices[i]);
        fputc(')', out);
        break;
    }
}

static void print_option(FILE *out, const struct arg_spec *spec)
{
    const char *often = spec->type == ARG_LIST ? "*" : "";
    bool is_switch = spec->type == ARG_BOOL;
    if (spec->short_name) {
        fprintf(out, " \\\n            '%s-%c%s", often, spec->short_name, is_switch ? "" : "+");
        print_meaning(out, spec, "");
        fputc('\'', out);
    }
    fprintf(out, " \\\n            '%s--%s%s", often, spec->name, is_switch ? "" : "=");
    print_meaning(out, spec, "");
    fputc('\'', out);
    if (!completion_negatable(spec))
        return;
    fprintf(out, " \\\n            '--no-%s", spec->name);
    print_meaning(out, spec, "not\\: ");
    fputc('\'', out);
}

static void print_words(FILE *out, const struct walk_stop *stop)
{
    const struct cli_command *c = stop->command;
    if (stop->below_count > 0 || (c && c->words_are == CLI_WORDS_COMMANDS)) {
        fputs(" \\\n            '1:command:->commands'", out);
        return;
    }
    if (!c || !c->words)
        return;
    fprintf(out, " \\\n            '%s:word:", strpbrk(c->words, " .") ? "*" : "1");
    fputs(c->words_are == CLI_WORDS_FILES ? "_files" : c->words_choices ? "(" : " ", out);
    for (size_t i = 0; c->words_choices && c->words_choices[i]; i++)
        fprintf(out, "%s%s", c->words_choices[i], c->words_choices[i + 1] ? " " : ")");
    fputc('\'', out);
}

/* As _describe takes them. */
static void print_list(FILE *out, const struct walk_stop *stop)
{
    const struct cli_command *const *c =
        cli_list(stop->program, stop->below_count > 0 ? stop->command : NULL);
    fputs("        list=(", out);
    for (; *c; c++) {
        if ((*c)->hidden)
            continue;
        fprintf(out, "\n            '%s:", (*c)->name);
        completion_put_quoted(out, str_of((*c)->help), ":\\");
        fputc('\'', out);
    }
    fputs(")\n", out);
}

static void print_case(void *user, const struct walk_stop *stop)
{
    FILE *out = user;
    fprintf(out, "    '%s')\n", stop->path);
    if (stop->below_count > 0 || (stop->command && stop->command->words_are == CLI_WORDS_COMMANDS))
        print_list(out, stop);
    fputs("        _arguments", out);
    for (size_t i = 0; i < stop->spec_count; i++)
        print_option(out, &stop->specs[i]);
    fputs(" \\\n            '(-h --help)'{-h,--help}'[Print help and exit]'"
          " \\\n            '(-V --version)'{-V,--version}'[Print the version and exit]'",
          out);
    print_words(out, stop);
    fputs("\n        ;;\n", out);
}

void completion_print_zsh(FILE *out, const struct cli_program *program)
{
    const char *name = program->name;
    fprintf(out,
            "#compdef %s\n"
            "_%s() {\n"
            "    local at=%s i=2 state\n"
            "    local -a list\n"
            "    while (( i < CURRENT )); do\n"
            "        case \"$at $words[i]\" in\n"
            "        ",
            name, name, name);
    walk_commands(program, print_path, out);
    fputs(") at=\"$at $words[i]\"; (( i++ )) ;;\n"
          "        *) break ;;\n"
          "        esac\n"
          "    done\n"
          "    shift $(( i - 2 )) words\n"
          "    (( CURRENT -= i - 2 ))\n"
          "    case $at in\n",
          out);
    walk_commands(program, print_case, out);
    fprintf(out,
            "    esac\n"
            "    [[ $state == commands ]] && _describe command list\n"
            "}\n"
            "if [[ $funcstack[1] == _%s ]]; then\n    _%s \"$@\"\nelse\n    compdef _%s %s\nfi\n",
            name, name, name, name);
}
