/* shop_verdict.c -- see shop_verdict.h. */
#include "support/shop_verdict.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char shop_path[64];
static char dir[32];

int shop_verdict_setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/shop_verdict.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(shop_path, sizeof(shop_path), "%s/history", dir);
    return 0;
}

int shop_verdict_teardown(void **state)
{
    (void)state;
    return rmdir(dir);
}

struct shop_options shop_of(uint64_t seed, enum shop_fault fault)
{
    return (struct shop_options){.seed = seed,
                                 .steps = 600,
                                 .items = 1 + (unsigned)(seed % 4) + (fault != SHOP_RIGHT),
                                 .clients = 8,
                                 .stock = 40,
                                 .limit = seed % 3 ? (fault == SHOP_RIGHT ? 25 : 15) : 0,
                                 .fault = fault,
                                 .removes = fault == SHOP_RIGHT && seed % 2 == 0};
}

void shop_write(const struct shop_options *options)
{
    assert_int_equal(shop_history_write(shop_path, options), 0);
}

void shop_overwrite(uint64_t at, const void *number, size_t size)
{
    int fd = open(shop_path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, number, size, (off_t)at), size);
    close(fd);
}

void shop_check(struct verdict *v, enum check_level level)
{
    char err[HISTORY_ERR_SIZE];
    struct history_reader r;
    assert_int_equal(history_read(&r, shop_path, err, sizeof(err)), 0);
    assert_int_equal(check_history(v, &r, &(struct check_options){.level = level}), 0);
    history_unread(&r);
}

void shop_remove(void)
{
    assert_int_equal(unlink(shop_path), 0);
}

bool shop_judge(struct verdict *v, const struct shop_options *options, enum check_level level)
{
    int err = shop_history_write(shop_path, options);
    if (err == -EAGAIN)
        return false;
    assert_int_equal(err, 0);
    shop_check(v, level);
    shop_remove();
    return true;
}

void shop_print_witnesses(const struct verdict *v)
{
    for (unsigned i = 0; i < v->witnesses; i++)
        print_message("  %s: %s\n", property_name(v->witness[i].property), v->witness[i].text);
}

void shop_fail(uint64_t seed, const char *what, const struct verdict *v)
{
    shop_print_witnesses(v);
    fail_msg("SEED=%llu STEPS=1: %s: %s, %s", (unsigned long long)seed, what, verdict_name(v->word),
             v->why_unknown);
}
