/* command_line.h -- what a program was called with, for tests of what reads it. */
#pragma once

#include <stddef.h>

#define WORDS_MAX 32

/* Name, value, name, value: until the end of the block. */
#define ENVIRONMENT(...) (fake_environment = (const char *const[]){__VA_ARGS__, NULL})
extern const char *const *fake_environment; /* NULL: empty */

char *fake_getenv(const char *name);

/* The program's name and these words, until their NULL, as main gets them; how many. */
int argv_of(char *argv[WORDS_MAX], char *program, const char *const *words);
