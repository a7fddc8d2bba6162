/* test_hook_post.c -- ids of events, and what is sent of one. */
#include "hooks/post.h"
#include "support/suite.h"

TEST(an_id_is_read_as_it_was_written_and_no_other_text_is)
{
    static const char *const wrong[] = {"",
                                        "evt_",
                                        "evt_0_1_2",
                                        "evt_0_1_2_3_4",
                                        "evt_0_1_2_x",
                                        "evt_00_1_2_3",
                                        "evt_0_+1_2_3",
                                        " evt_0_1_2_3",
                                        "evt_0_1_2_3 ",
                                        "EVT_0_1_2_3",
                                        "evt_0_1_2_99999999999999999999"};
    const struct tail_position at = {.id = {7, INT64_MAX}, .n = 3};
    struct tail_position read;
    unsigned partition;
    char id[POST_ID_SIZE];
    post_id(1023, &at, id);
    assert_string_equal(id, "evt_1023_7_9223372036854775807_3");
    assert_true(post_read_id(str_of(id), &partition, &read));
    assert_int_equal(partition, 1023);
    assert_int_equal(tail_compare(&at, &read), 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (post_read_id(str_of(wrong[i]), &partition, &read))
            fail_msg("%s is taken", wrong[i]);
}

TEST(a_body_is_the_event_as_clients_know_it)
{
    const struct movement movement = {.at_ms = 1700000000123,
                                      .type = STR("confirm"),
                                      .sku = STR("acme/shoe"),
                                      .version = 7,
                                      .held_delta = -2,
                                      .sold_delta = 2,
                                      .available = 5,
                                      .held = 1,
                                      .sold = 9,
                                      .rid = STR("r0-1"),
                                      .reference = STR("\"x\"")};
    struct buf body;
    buf_init(&body, 4096);
    post_body(&body, &movement);
    buf_putc(&body, '\0');
    assert_string_equal(
        body.p, "{\"type\":\"confirm\",\"timestamp\":\"2023-11-14T22:13:20.123Z\",\"data\":{"
                "\"type\":\"confirm\",\"at\":\"2023-11-14T22:13:20.123Z\",\"sku\":\"shoe\","
                "\"version\":7,\"available_delta\":0,\"held_delta\":-2,\"sold_delta\":2,"
                "\"available\":5,\"held\":1,\"sold\":9,\"on_hand\":6,\"reservation\":\"r0-1\","
                "\"customer\":null,\"reference\":\"\\\"x\\\"\",\"reason\":null,"
                "\"expires_at\":null}}");
    buf_free(&body);
}
