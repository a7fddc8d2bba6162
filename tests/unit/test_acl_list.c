/* test_acl_list.c -- the rights that docker/redis.acl gives are the commands that the code has, and
 * the line in docs/operations.md is that line. tests/it/test_acl.c shows that they are enough.
 *
 * Runs in the root of the repository.
 */
#include "support/suite.h"

#include <ctype.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACL_MAX   4096
#define TEXT_MAX  (1 << 20)
#define WORDS_MAX 128

/* Words in capitals that are arguments. A new one has its place here; a new command, in the ACL. */
static const char *const arguments[] = {
    "BLOCK",    "COUNT",      "EX",       "LIMIT",  "MATCH", "MINID",  "PXAT",  "STREAM",
    "STREAMS",  "WITHSCORES", "NODES",    "SHARDS", "OK",    "QUEUED", "MOVED", /* answers */
    "SENTINEL", "MASTER",     "SENTINELS" /* for a Sentinel */};

struct words {
    char word[WORDS_MAX][32];
    size_t count;
};

static bool has(const struct words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->word[i], word) == 0)
            return true;
    return false;
}

static void add(struct words *words, const char *word, size_t n)
{
    char upper[32] = "";
    assert_true(n < sizeof(upper) && words->count < WORDS_MAX);
    for (size_t i = 0; i < n; i++)
        upper[i] = (char)toupper((unsigned char)word[i]);
    if (!has(words, upper))
        memcpy(words->word[words->count++], upper, sizeof(upper));
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        fail_msg("no %s: this runs in the root of the repository", path);
    char *text = calloc(1, TEXT_MAX);
    assert_true(fread(text, 1, TEXT_MAX - 1, file) < TEXT_MAX - 1);
    fclose(file);
    return text;
}

/* Literals that are nothing but capitals, as "ZADD" and "GET"; of other texts none is. */
static void add_literals(struct words *words, const char *text)
{
    for (const char *at = strchr(text, '"'); at; at = strchr(at + 1, '"')) {
        size_t n = strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (n >= 2 && n < 32 && at[n + 1] == '"')
            add(words, at + 1, n);
        at += at[n + 1] == '"' ? n + 1 : 0;
    }
}

static void words_of_code(struct words *words)
{
    glob_t files;
    assert_int_equal(glob("service/store/*.c", 0, NULL, &files), 0);
    assert_int_equal(glob("service/store/*/*.c", GLOB_APPEND, NULL, &files), 0);
    assert_true(files.gl_pathc > 30);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        /* What replies of Redis begin with. */
        if (strstr(files.gl_pathv[i], "/reply.c"))
            continue;
        char *text = read_file(files.gl_pathv[i]);
        add_literals(words, text);
        free(text);
    }
    globfree(&files);
}

/* "+xinfo|stream" is XINFO. */
static void words_of_acl(struct words *words, const char *acl)
{
    for (const char *at = strstr(acl, " +"); at; at = strstr(at + 1, " +"))
        add(words, at + 2, strcspn(at + 2, " |\n"));
}

static bool is_argument(const char *word)
{
    for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++)
        if (strcmp(arguments[i], word) == 0)
            return true;
    return false;
}

TEST(the_acl_has_the_commands_of_the_code)
{
    struct words code = {.count = 0}, granted = {.count = 0};
    char *acl = read_file("docker/redis.acl");
    words_of_code(&code);
    words_of_acl(&granted, acl);
    assert_true(granted.count > 30);
    for (size_t i = 0; i < code.count; i++)
        if (!is_argument(code.word[i]) && !has(&granted, code.word[i]))
            fail_msg("service/store has \"%s\": a command for docker/redis.acl, or an argument?",
                     code.word[i]);
    for (size_t i = 0; i < granted.count; i++)
        if (!has(&code, granted.word[i]))
            fail_msg("docker/redis.acl grants %s, which service/store does not use",
                     granted.word[i]);
    free(acl);
}

TEST(the_documents_show_the_acl_as_it_is)
{
    char *acl = read_file("docker/redis.acl"), *docs = read_file("docs/operations.md");
    assert_int_equal(strcspn(acl, "\n"), strlen(acl) - 1); /* one user, one line */
    if (!strstr(docs, acl))
        fail_msg("docs/operations.md does not have the line of docker/redis.acl: %s", acl);
    free(acl);
    free(docs);
}
