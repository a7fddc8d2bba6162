/* yaml.c -- see yaml.h. */
#include "support/yaml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

__attribute__((noreturn)) static void die(size_t line, const char *why, const char *what)
{
    fprintf(stderr, "YAML: line %zu: %s%s%s\n", line, why, what ? ": " : "", what ? what : "");
    exit(1);
}

static json_t *made(json_t *value, const yaml_node_t *node)
{
    if (!value)
        die(node->start_mark.line + 1, "cannot be written as JSON", NULL);
    return value;
}

/* A plain scalar: null, a boolean, a number, or text. */
static json_t *plain(const char *text)
{
    if (strcmp(text, "") == 0 || strcmp(text, "null") == 0 || strcmp(text, "~") == 0)
        return json_null();
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return json_boolean(text[0] == 't');
    /* JSON's own grammar decides what is a number: 007, 0x7, 1_000 and .5 stay text. */
    json_t *number = json_loads(text, JSON_DECODE_ANY, NULL);
    if (number && json_is_number(number))
        return number;
    json_decref(number);
    return json_string(text);
}

static json_t *convert(yaml_document_t *document, const yaml_node_t *node, int depth);

static json_t *mapping(yaml_document_t *document, const yaml_node_t *node, int depth)
{
    json_t *object = made(json_object(), node);
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = yaml_document_get_node(document, pair->key);
        yaml_node_t *value = yaml_document_get_node(document, pair->value);
        if (!key || !value || key->type != YAML_SCALAR_NODE)
            die(node->start_mark.line + 1, "a key must be text", NULL);
        const char *name = (const char *)key->data.scalar.value;
        if (json_object_get(object, name))
            die(key->start_mark.line + 1, "the key comes twice", name);
        if (json_object_set_new(object, name, convert(document, value, depth)) != 0)
            die(key->start_mark.line + 1, "the key is no UTF-8", NULL);
    }
    return object;
}

static json_t *convert(yaml_document_t *document, const yaml_node_t *node, int depth)
{
    if (depth > 100)
        die(node->start_mark.line + 1, "too deep, or an alias of itself", NULL);
    if (node->type == YAML_MAPPING_NODE)
        return mapping(document, node, depth + 1);
    if (node->type == YAML_SEQUENCE_NODE) {
        json_t *array = made(json_array(), node);
        for (yaml_node_item_t *item = node->data.sequence.items.start;
             item < node->data.sequence.items.top; item++)
            if (json_array_append_new(
                    array, convert(document, yaml_document_get_node(document, *item), depth + 1)))
                die(node->start_mark.line + 1, "out of memory", NULL);
        return array;
    }
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length)
        die(node->start_mark.line + 1, "text must not hold NUL", NULL);
    bool bare = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return made(bare ? plain(text) : json_string(text), node);
}

json_t *yaml_read(FILE *in)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser))
        die(0, "out of memory", NULL);
    yaml_parser_set_input_file(&parser, in);
    if (!yaml_parser_load(&parser, &document))
        die(parser.problem_mark.line + 1, parser.problem ? parser.problem : "not YAML",
            parser.context);
    yaml_node_t *root = yaml_document_get_root_node(&document);
    if (!root)
        die(1, "the document is empty", NULL);
    json_t *json = convert(&document, root, 0);
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    return json;
}
