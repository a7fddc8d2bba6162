/* test_plan_tenants.c -- decisions about what is another tenant's, in a Redis in memory: it is not
 * there, and nothing of it is read or changed. */
#include "support/plan_world.h"
#include "support/suite.h"

#define NOW_MS INT64_C(1795231293825)
#define HOUR   INT64_C(3600000)

static struct world world;
static const struct plan_limits limits = {.max_hold_ms = 24 * HOUR,
                                          .reservation_retention_ms = 24 * HOUR};
static struct op_line line;

static int setup(void **state)
{
    world_init(&world, &limits, NOW_MS);
    return 0;
}

static int teardown(void **state)
{
    world_free(&world);
    return 0;
}

EACH_BETWEEN(setup, teardown)

static enum outcome_code run(struct op *op)
{
    struct op *ops[] = {op};
    world_run(&world, ops, 1);
    return op->out.code;
}

static void given_item(int64_t max_per_customer)
{
    line = (struct op_line){.sku = STR("apple")};
    struct op put = {.kind = OP_PUT,
                     .lines = &line,
                     .line_count = 1,
                     .has_on_hand = true,
                     .on_hand = 100,
                     .has_max = max_per_customer > 0,
                     .max_per_customer = max_per_customer};
    assert_int_equal(run(&put), OUT_CREATED);
}

static struct op hold_of(const char *owner, uint8_t id)
{
    line = (struct op_line){.sku = STR("apple"), .quantity = 2};
    struct op op = {.kind = OP_RESERVE,
                    .owner = str_of(owner),
                    .customer = STR("eva"),
                    .lines = &line,
                    .line_count = 1,
                    .ttl_ms = HOUR};
    memset(op.rid.b + RID_BUCKET_BYTES, id, RID_BYTES - RID_BUCKET_BYTES);
    return op;
}

static struct op of_reservation(enum op_kind kind, const char *owner, const struct rid *id)
{
    return (struct op){.kind = kind, .owner = str_of(owner), .rid = *id, .ttl_ms = HOUR};
}

static const enum op_kind kinds[] = {OP_GET, OP_CONFIRM, OP_RELEASE, OP_EXTEND};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void check_stranger(const char *owner, const struct rid *id)
{
    for (size_t i = 0; i < KINDS; i++) {
        struct op op = of_reservation(kinds[i], owner, id);
        op.rereserve = kinds[i] == OP_CONFIRM;
        assert_int_equal(run(&op), OUT_RESERVATION_NOT_FOUND);
        assert_null(op.out.resv);
        assert_false(world.wrote);
        assert_int_equal(world.event_count, 0);
    }
}

TEST(a_reservation_of_another_tenant_is_none)
{
    given_item(0);
    struct op hold = hold_of("acme/shop", 1);
    assert_int_equal(run(&hold), OUT_CREATED);
    assert_true(str_equal(world.events[0].owner, STR("acme/shop")));
    const struct rid id = hold.out.resv->id;
    check_stranger("zeta/shop", &id);
    check_stranger(NULL, &id);
    check_stranger("default/shop", &id);
    struct op confirm = of_reservation(OP_CONFIRM, "acme/other", &id);
    assert_int_equal(run(&confirm), OUT_OK);
    assert_true(str_equal(world.events[0].owner, STR("acme/other"))); /* who asked */
    assert_true(str_equal(confirm.out.resv->owner, STR("acme/shop")));
}

TEST(that_of_the_default_tenant_is_none_for_others)
{
    given_item(0);
    struct op hold = hold_of(NULL, 1);
    assert_int_equal(run(&hold), OUT_CREATED);
    assert_true(str_absent(world.events[0].owner));
    const struct rid id = hold.out.resv->id;
    check_stranger("acme/shop", &id);
    struct op get = of_reservation(OP_GET, "default/shop", &id);
    assert_int_equal(run(&get), OUT_OK);
}

/* A stranger that comes late does not even make it expire. */
TEST(one_that_is_due_is_not_given_back_for_a_stranger)
{
    given_item(0);
    struct op hold = hold_of("acme/shop", 1);
    assert_int_equal(run(&hold), OUT_CREATED);
    const struct rid id = hold.out.resv->id;
    world.now_ms += 2 * HOUR;
    check_stranger("zeta/shop", &id);
    struct op release = of_reservation(OP_RELEASE, "acme/other", &id);
    assert_int_equal(run(&release), OUT_RESERVATION_EXPIRED);
    assert_int_equal(world.events[0].type, EVENT_EXPIRE);
    assert_true(str_equal(world.events[0].owner, STR("acme/shop"))); /* not who found it so */
}

TEST(in_one_batch_it_is_there_for_one_and_not_for_the_other)
{
    given_item(0);
    struct op hold = hold_of("acme/shop", 1);
    assert_int_equal(run(&hold), OUT_CREATED);
    const struct rid id = hold.out.resv->id;
    struct op stranger = of_reservation(OP_RELEASE, "zeta/shop", &id);
    struct op owner = of_reservation(OP_CONFIRM, "acme/shop", &id);
    struct op later = of_reservation(OP_GET, "zeta/shop", &id);
    struct op *ops[] = {&stranger, &owner, &later};
    world_run(&world, ops, 3);
    assert_int_equal(stranger.out.code, OUT_RESERVATION_NOT_FOUND);
    assert_int_equal(owner.out.code, OUT_OK);
    assert_int_equal(later.out.code, OUT_RESERVATION_NOT_FOUND);
}

TEST(a_customer_counts_within_the_tenant)
{
    static const char *const owners[] = {"acme/shop", "zeta/shop", NULL};
    given_item(2);
    for (uint8_t i = 0; i < 3; i++) {
        struct op first = hold_of(owners[i], (uint8_t)(2 * i)), second = hold_of(owners[i], 99);
        assert_int_equal(run(&first), OUT_CREATED);
        const struct rid id = first.out.resv->id;
        assert_int_equal(run(&second), OUT_LIMIT_EXCEEDED);
        assert_int_equal(second.out.shorts[0].used, 2);
        struct op release = of_reservation(OP_RELEASE, owners[i], &id);
        assert_int_equal(run(&release), OUT_OK);
        struct op again = hold_of(owners[i], (uint8_t)(2 * i + 1));
        assert_int_equal(run(&again), OUT_CREATED);
    }
    assert_int_equal(world_units(&world, "apple",
                                 "acme\xff"
                                 "eva"),
                     2);
    assert_int_equal(world_units(&world, "apple", "eva"), 2);
}

/* The second one of the same name is of the same tenant, in whatever role. */
TEST(clients_of_a_tenant_share_its_customers)
{
    given_item(2);
    struct op first = hold_of("acme/shop", 1), second = hold_of("acme/till", 2);
    assert_int_equal(run(&first), OUT_CREATED);
    assert_int_equal(run(&second), OUT_LIMIT_EXCEEDED);
}
