/* layout_json.c -- the table of layout.c, the units and the words, as the page gets them. */
#include "report/jsonput.h"
#include "report/layout.h"
#include "report/units.h"

static void put_literal(struct jsonput *j, json_t *o, const char *key, const char *text)
{
    if (text)
        jsonput_text(j, o, key, str_of(text));
}

static void put_fields(struct jsonput *j, json_t *o, const char *key,
                       const struct layout_field *field, size_t count)
{
    json_t *list = jsonput_array(j, o, key);
    for (size_t i = 0; i < count; i++) {
        if (field[i].only == LAYOUT_TEXT)
            continue;
        json_t *row = jsonput_object(j, list, NULL);
        put_literal(j, row, "label", field[i].label);
        put_literal(j, row, "text", field[i].text);
        put_literal(j, row, "otherwise", field[i].otherwise);
        put_literal(j, row, "when", field[i].when);
        put_literal(j, row, "note", field[i].note);
    }
}

static void put_section(struct jsonput *j, json_t *list, const struct layout_section *section)
{
    json_t *o = jsonput_object(j, list, NULL);
    put_literal(j, o, "title", section->title);
    put_literal(j, o, "note", section->note);
    put_literal(j, o, "when", section->when);
    put_literal(j, o, "object", section->object);
    put_literal(j, o, "head", section->head);
    jsonput_bool(j, o, "wide", section->wide);
    put_fields(j, o, "fields", section->field, section->fields);
    json_t *rows = jsonput_array(j, o, "rows");
    for (size_t i = 0; i < section->sources; i++) {
        json_t *row = jsonput_object(j, rows, NULL);
        put_literal(j, row, "list", section->rows[i].list);
        put_literal(j, row, "object", section->rows[i].object);
        put_literal(j, row, "name", section->rows[i].name);
    }
}

static void put_unit(struct jsonput *j, json_t *all, const struct unit *unit)
{
    json_t *o = jsonput_object(j, all, unit->name);
    jsonput_number(j, o, "times", unit->times);
    json_t *steps = jsonput_array(j, o, "steps");
    for (size_t i = 0; i < unit->steps; i++) {
        json_t *step = jsonput_object(j, steps, NULL);
        jsonput_number(j, step, "below", unit->step[i].below);
        jsonput_number(j, step, "per", unit->step[i].per);
        jsonput_integer(j, step, "decimals", unit->step[i].decimals);
        put_literal(j, step, "suffix", unit->step[i].suffix);
        jsonput_number(j, step, "rest_per", unit->step[i].rest_per);
        put_literal(j, step, "rest_suffix", unit->step[i].rest_suffix);
    }
    json_t *words = jsonput_object(j, o, "words");
    for (size_t i = 0; i < unit->words; i++)
        put_literal(j, words, unit->word[i].value, unit->word[i].word);
}

json_t *layout_json(void)
{
    static const struct {
        const char *key;
        const struct layout_fields *fields;
    } lists[] = {{"figures", &layout_figures},
                 {"comparison", &layout_comparison},
                 {"property", &layout_property},
                 {"witness", &layout_witness},
                 {"verdict", &layout_verdict}};
    struct jsonput j = {0};
    json_t *root = json_object();
    if (!root)
        return NULL;
    json_t *sections = jsonput_array(&j, root, "sections");
    for (size_t i = 0; i < LAYOUT_SECTIONS; i++)
        put_section(&j, sections, &layout_sections[i]);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        put_fields(&j, root, lists[i].key, lists[i].fields->field, lists[i].fields->count);
    json_t *all = jsonput_object(&j, root, "units");
    for (size_t i = 0; i < UNITS; i++)
        put_unit(&j, all, &units[i]);
    if (j.failed) {
        json_decref(root);
        return NULL;
    }
    return root;
}
