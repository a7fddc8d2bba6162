#include "client/run_name.h"
#include "client/workload.h"
#include "digits.h"
#include "random.h"

#include <assert.h>
#include <stdio.h>

static const char run_digits[] = "0123456789abcdefghijklmnopqrstuv";

#define BEGIN_LENGTH  (sizeof(RUN_SKUS_BEGIN) - 1)
#define PREFIX_LENGTH (BEGIN_LENGTH + RUN_NAME_LENGTH + 1)
static_assert(WORKLOAD_SKUS_MAX <= 1000000 && PREFIX_LENGTH + 6 < RUN_SKU_SIZE, "a sku fits");

void run_name_make(char name[RUN_NAME_SIZE])
{
    unsigned char dice[RUN_NAME_LENGTH];
    random_bytes(dice, sizeof(dice));
    for (size_t i = 0; i < sizeof(dice); i++)
        name[i] = run_digits[dice[i] % 32];
    name[RUN_NAME_LENGTH] = '\0';
}

void run_name_prefix(char prefix[RUN_SKU_SIZE], const char *name)
{
    snprintf(prefix, RUN_SKU_SIZE, RUN_SKUS_BEGIN "%s-", name);
}

bool run_name_valid(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!name.p[i] || !strchr(run_digits, name.p[i]))
            return false;
    return name.n == RUN_NAME_LENGTH;
}

struct str run_name_in(struct str sku)
{
    return (struct str){sku.p + BEGIN_LENGTH, RUN_NAME_LENGTH};
}

bool run_name_made(struct str sku, const char *run)
{
    if (sku.n <= PREFIX_LENGTH || memcmp(sku.p, RUN_SKUS_BEGIN, BEGIN_LENGTH) != 0 ||
        sku.p[PREFIX_LENGTH - 1] != '-' || !run_name_valid(run_name_in(sku)))
        return false;
    struct str number = {sku.p + PREFIX_LENGTH, sku.n - PREFIX_LENGTH};
    bool plain = number.n == 1 || number.p[0] != '0'; /* as stockload writes it */
    return plain && digits_read(number.p, number.n, WORKLOAD_SKUS_MAX - 1) >= 0 &&
           (!run || str_equal(run_name_in(sku), str_of(run)));
}
