/* test_log.c -- what reaches standard error, byte for byte. */
#include "log.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int captured[2], saved_stderr;
static char line[2 * LOG_LINE_MAX];

/* Standard error becomes a pipe for each test. */
static int capture(void **state)
{
    assert_int_equal(pipe2(captured, O_NONBLOCK), 0);
    saved_stderr = dup(STDERR_FILENO);
    dup2(captured[1], STDERR_FILENO);
    log_configure(LOG_LOGFMT, LOG_INFO);
    log_set_process("test", 3);
    return 0;
}

static int release(void **state)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(captured[0]);
    close(captured[1]);
    return 0;
}

/* All that was written since the last call. */
static size_t written(void)
{
    ssize_t n = read(captured[0], line, sizeof line - 1);
    line[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/* The line after time, level, process and pid. */
static const char *tail(void)
{
    written();
    const char *p = strstr(line, "msg=");
    assert_non_null(p);
    return p;
}

TEST(a_line_has_time_level_process_pid_message_and_fields)
{
    char expected[200];
    log_event(LOG_WARN, "redis connected", LOG_STR("addr", "127.0.0.1"), LOG_INT("port", -6379),
              LOG_INT("least", INT64_MIN), LOG_BOOL("tls", false), LOG_TEXT("db", STR("0")));
    written();
    assert_memory_equal(line, "time=20", 7);
    assert_int_equal(line[29], ' ');
    snprintf(expected, sizeof expected,
             " level=warn proc=test/3 pid=%d msg=\"redis connected\" addr=127.0.0.1 port=-6379 "
             "least=-9223372036854775808 tls=false db=0\n",
             (int)getpid());
    assert_string_equal(line + 29, expected);
}

TEST(an_explicit_end_and_no_fields_are_fine)
{
    log_set_process("solo", -1);
    log_event(LOG_INFO, "a", LOG_INT("n", 1), LOG_END, LOG_INT("unseen", 2));
    assert_string_equal(tail(), "msg=a n=1\n");
    log_event(LOG_INFO, "b");
    assert_string_equal(tail(), "msg=b\n");
    assert_non_null(strstr(line, " proc=solo "));
}

static int evaluations;

static struct log_field counted(void)
{
    evaluations++;
    return LOG_INT("n", evaluations);
}

TEST(a_level_that_is_off_writes_and_evaluates_nothing)
{
    evaluations = 0;
    log_event(LOG_DEBUG, "quiet", counted());
    assert_int_equal(written(), 0);
    assert_int_equal(evaluations, 0);
    log_configure(LOG_LOGFMT, LOG_DEBUG);
    log_event(LOG_DEBUG, "loud", counted());
    assert_int_equal(evaluations, 1);
    assert_string_equal(tail(), "msg=loud n=1\n");
    log_configure(LOG_LOGFMT, LOG_ERROR);
    log_event(LOG_WARN, "quiet");
    assert_int_equal(written(), 0);
}

TEST(a_value_can_not_add_a_line_or_a_field)
{
    log_event(LOG_INFO, "m", LOG_STR("v", "x\nlevel=error msg=\"fake\" \\ \r\t\x1b[31m\x7f"),
              LOG_STR("w", "a=b"), LOG_STR("empty", ""), LOG_STR("null", NULL));
    assert_string_equal(tail(), "msg=m v=\"x\\nlevel=error msg=\\\"fake\\\" \\\\ "
                                "\\r\\t\\x1b[31m\\x7f\" w=\"a=b\" empty=\"\" null=\"\"\n");
}

TEST(valid_utf8_passes_and_invalid_is_escaped)
{
    log_event(LOG_INFO, "m", LOG_STR("good", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
              LOG_STR("bad", "\xff\xc3 \xc0\xaf \xed\xa0\x80 \xe2\x82"),
              LOG_STR("c1", "\xc2\x9b"
                            "31m"));
    assert_string_equal(
        tail(), "msg=m good=\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\" "
                "bad=\"\\xff\\xc3 \\xc0\\xaf \\xed\\xa0\\x80 \\xe2\\x82\" c1=\"\\xc2\\x9b31m\"\n");
}

static json_t *parsed_line(void)
{
    json_error_t error;
    size_t n = written();
    assert_true(n > 0 && line[n - 1] == '\n');
    assert_null(memchr(line, '\n', n - 1));
    json_t *object = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);
    if (!object)
        fail_msg("no JSON: %s: %s", error.text, line);
    return object;
}

TEST(a_json_line_parses_whatever_the_value)
{
    log_configure(LOG_JSON, LOG_INFO);
    for (int c = 1; c < 256; c++) {
        char value[] = {'a', (char)c, 'z', '\0'};
        log_event(LOG_ERROR, "m", LOG_STR("v", value), LOG_INT("n", c), LOG_BOOL("b", true));
        json_t *object = parsed_line();
        if (c < 0x80)
            assert_string_equal(json_string_value(json_object_get(object, "v")), value);
        assert_int_equal(json_integer_value(json_object_get(object, "n")), c);
        assert_string_equal(json_string_value(json_object_get(object, "proc")), "test/3");
        assert_true(json_is_true(json_object_get(object, "b")));
        json_decref(object);
    }
}

TEST(a_long_value_is_cut_and_marked)
{
    char value[LOG_VALUE_MAX + 100];
    memset(value, 'x', sizeof value);
    log_event(LOG_INFO, "m", LOG_TEXT("v", (struct str){value, sizeof value}), LOG_INT("n", 1));
    const char *p = tail();
    assert_non_null(strstr(p, "xxx...\" n=1\n"));
    assert_int_equal(strspn(strchr(p, '"') + 1, "x"), LOG_VALUE_MAX);
}

TEST(a_line_without_room_drops_fields_whole_and_says_so)
{
    char value[LOG_VALUE_MAX];
    memset(value, '\x01', sizeof value); /* six bytes each in JSON */
    struct str worst = {value, sizeof value};
    for (int format = 0; format < LOG_FORMATS; format++) {
        log_configure((enum log_format)format, LOG_INFO);
        log_event(LOG_INFO, "m", LOG_TEXT("a", worst), LOG_TEXT("b", worst), LOG_TEXT("c", worst),
                  LOG_STR("a_key_that_finds_no_room_at_the_end_of_the_line", "value"));
        size_t n = written();
        assert_in_range(n, LOG_LINE_MAX - 200, LOG_LINE_MAX);
        assert_non_null(
            strstr(line, format == LOG_JSON ? "\"truncated\":true}\n" : " truncated=true\n"));
        assert_null(strstr(line, "a_key"));
        if (format == LOG_JSON) {
            json_t *object = json_loadb(line, n, 0, NULL);
            assert_non_null(object);
            json_decref(object);
        }
    }
}

TEST(errno_is_spelled_out_and_left_alone)
{
    errno = EAGAIN;
    log_event(LOG_INFO, "m", LOG_ERRNO(ECONNREFUSED));
    assert_int_equal(errno, EAGAIN);
    assert_string_equal(tail(), "msg=m error=\"Connection refused\"\n");
    log_event(LOG_INFO, "m", LOG_ERRNO(-ECONNREFUSED));
    assert_string_equal(tail(), "msg=m error=\"Connection refused\"\n");
}

TEST(names_of_levels_are_read)
{
    for (int i = 0; i < LOG_LEVELS; i++) {
        enum log_level level;
        assert_true(log_level_parse(log_level_name((enum log_level)i), &level));
        assert_int_equal(level, i);
    }
    enum log_level level = LOG_WARN;
    assert_false(log_level_parse("loud", &level));
    assert_int_equal(level, LOG_WARN);
}

TEST(a_gate_passes_one_a_second)
{
    struct log_gate gate = {0};
    assert_true(log_allowed(&gate, 5000));
    for (int64_t ms = 5000; ms < 6000; ms += 10)
        assert_false(log_allowed(&gate, ms));
    assert_true(log_allowed(&gate, 6000));
    assert_true(log_allowed(&gate, 7000));
}

EACH_BETWEEN(capture, release)
