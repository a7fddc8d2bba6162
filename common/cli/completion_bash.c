/* completion_bash.c -- needs nothing but bash itself. */
#include "cli/completion.h"

/* The words before the cursor that name a command make the path. COMP_WORDS breaks --name=value
 * into three words. */
static const char head[] =
    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} i\n"
    "    local path=$1 words= options= files= IFS=$' \\t\\n'\n"
    "    COMPREPLY=()\n"
    "    if [[ $word == = ]]; then\n"
    "        word=\n"
    "    elif [[ $before == = ]]; then\n"
    "        before=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    fi\n";

/* Options are offered to who begins one, or where nothing else may follow. */
static const char tail[] = "    if [[ $options && ( $word == -* || -z $words$files ) ]]; then\n"
                           "        words=$options files=\n"
                           "    fi\n"
                           "    if [[ $files ]]; then\n"
                           "        compopt -o filenames\n"
                           "        mapfile -t COMPREPLY < <(compgen \"$files\" -- \"$word\")\n"
                           "    else\n"
                           "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                           "    fi\n";

static void print_path(void *user, const struct walk_stop *stop)
{
    if (stop->command)
        fprintf(user, "%s'%s'", stop->program->commands[0] == stop->command ? "" : " | ",
                stop->path);
}

static void print_names(FILE *out, const struct arg_spec *spec)
{
    fprintf(out, "        --%s", spec->name);
    if (spec->short_name)
        fprintf(out, " | -%c", spec->short_name);
    fputc(')', out);
}

/* What may follow the option before the cursor. */
static void print_value(FILE *out, const struct arg_spec *spec)
{
    enum completion_value value = completion_value(spec);
    if (value == COMPLETION_NONE)
        return;
    print_names(out, spec);
    if (value == COMPLETION_CHOICE) {
        fputs(" words='", out);
        for (size_t i = 0; spec->choices[i]; i++)
            fprintf(out, "%s%s", i > 0 ? " " : "", spec->choices[i]);
        fputs("' ;;\n", out);
    } else {
        fprintf(out, "%s ;;\n",
                value == COMPLETION_FILE     ? " files=-f"
                : value == COMPLETION_FOLDER ? " files=-d"
                                             : " return");
    }
}

static void print_words(FILE *out, const struct walk_stop *stop)
{
    const struct cli_command *c = stop->command;
    for (size_t i = 0; i < stop->below_count; i++)
        fprintf(out, "%s ", stop->below[i]->name);
    for (size_t i = 0; c && c->words_choices && c->words_choices[i]; i++)
        fprintf(out, "%s ", c->words_choices[i]);
    for (const struct cli_command *const *top = stop->program->commands;
         c && c->words_are == CLI_WORDS_COMMANDS && *top; top++)
        fprintf(out, "%s%s", (*top)->hidden ? "" : (*top)->name, (*top)->hidden ? "" : " ");
}

static void print_options(FILE *out, const struct walk_stop *stop)
{
    for (size_t i = 0; i < stop->spec_count; i++) {
        fprintf(out, "--%s ", stop->specs[i].name);
        if (completion_negatable(&stop->specs[i]))
            fprintf(out, "--no-%s ", stop->specs[i].name);
    }
    fputs("--help --version", out);
}

static void print_case(void *user, const struct walk_stop *stop)
{
    FILE *out = user;
    fprintf(out, "    '%s')\n        case $before in\n", stop->path);
    for (size_t i = 0; i < stop->spec_count; i++)
        print_value(out, &stop->specs[i]);
    fputs("        *)\n            words='", out);
    print_words(out, stop);
    fputs("'\n            options='", out);
    print_options(out, stop);
    fprintf(out, "'\n            %s;;\n        esac\n        ;;\n",
            stop->command && stop->command->words_are == CLI_WORDS_FILES ? "files=-f " : "");
}

void completion_print_bash(FILE *out, const struct cli_program *program)
{
    fprintf(out, "# bash completion for %s\n_%s()\n{\n%s", program->name, program->name, head);
    fputs("    for ((i = 1; i < COMP_CWORD; i++)); do\n        case \"$path ${COMP_WORDS[i]}\" "
          "in\n        ",
          out);
    walk_commands(program, print_path, out);
    fputs(")\n            path+=\" ${COMP_WORDS[i]}\" ;;\n        *) break ;;\n        esac\n    "
          "done\n"
          "    case $path in\n",
          out);
    walk_commands(program, print_case, out);
    fprintf(out, "    esac\n%s}\ncomplete -F _%s %s\n", tail, program->name, program->name);
}
