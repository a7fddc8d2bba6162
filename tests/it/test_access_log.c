/* test_access_log.c -- --access-log: a line for whatever changes something or was to, whole lines
 * whoever rotates the file, and no answer that waits for a disk or a reader. */
#include "support/fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (16 << 20)
#define CLIENTS        4
#define ROUNDS         3
#define BATCH_OPS      1000

static char dir[TEST_PATH_MAX], log_path[TEST_PATH_MAX + 16];
static int seen; /* lines of the file that were looked at */

/* --- lines ------------------------------------------------------------------------------------ */

/* All of a file, and a NUL; empty if it is not there. The caller frees it. */
static char *content_of(const char *path)
{
    char *all = malloc(FILE_MAX_BYTES);
    assert_non_null(all);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, all, FILE_MAX_BYTES - 1);
    assert_true(n >= 0 && n < FILE_MAX_BYTES - 1);
    all[n] = '\0';
    if (fd >= 0)
        close(fd);
    return all;
}

/* The i-th line, as JSON, or NULL as long as it is not there. */
static json_t *line_at(int i)
{
    json_t *line = NULL;
    char *all = content_of(log_path), *at = all, *end;
    while ((end = strchr(at, '\n')) && i-- > 0)
        at = end + 1;
    if (end) {
        line = json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        if (!line)
            fail_msg("no JSON: %.*s", (int)(end - at), at);
    }
    free(all);
    return line;
}

/* The next line of the file is like this. */
static void check_noted(const char *pattern)
{
    json_t *line;
    assert_true(await((line = line_at(seen)), RECOVERY_MS));
    bool like = json_is_like(line, pattern);
    char *shown = json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (!like)
        fail_msg("line %d is not like %s: %s", seen, pattern, shown);
    free(shown);
    json_decref(line);
    seen++;
}

/* No line but those looked at. A mutation shows that nothing else is on its way. */
static void check_nothing_noted(void)
{
    post(404, ADJUST("nothing-else"), "{\"delta\":1}");
    check_noted("{'operation':'adjust','items':[{'sku':'nothing-else'}]}");
}

static void serve_with_log(const char *path, int workers)
{
    serve(.workers = workers, .flags = {"--access-log", path});
}

/* --- what is noted ---------------------------------------------------------------------------- */

static void whatever_changes_an_item_has_its_line(void **state)
{
    serve_with_log(log_path, 1);
    api_call(a, 201, "PUT", ITEM("apple"), "Idempotency-Key: first\r\n", "{\"on_hand\":10}");
    check_noted("{'operation':'put','id':'first','status':201,'outcome':'done','key_id':null,"
                "'address':'127.0.0.1','reservation':null,"
                "'items':[{'sku':'apple','on_hand':10}]}");
    api_call(a, 201, "PUT", ITEM("apple"), "Idempotency-Key: first\r\n", "{\"on_hand\":10}");
    check_noted("{'operation':'put','id':'first','status':201,'replayed':true}");
    post(200, ADJUST("apple"), "{\"delta\":-4}");
    check_noted("{'operation':'adjust','status':200,'items':[{'sku':'apple','delta':-4}]}");
    post(200, DECREMENT("apple"), "{\"quantity\":1}");
    check_noted("{'operation':'decrement','status':200,'items':[{'sku':'apple','quantity':1}]}");
    api_call(a, 201, "PUT", ITEM("pear"), NULL, "{\"on_hand\":0}");
    check_noted("{'operation':'put'}");
    post(200, TRANSFER("apple"), "{\"to\":\"pear\",\"quantity\":5}");
    check_noted("{'operation':'transfer','items':[{'sku':'apple','quantity':5},"
                "{'sku':'pear','quantity':5}]}");
    api_call(a, 204, "DELETE", ITEM("apple"), NULL, NULL);
    check_noted("{'operation':'delete','status':204,'outcome':'done','items':[{'sku':'apple'}]}");
}

static void whatever_changes_a_reservation_has_its_line(void **state)
{
    char sku[80], id[64];
    serve_with_log(log_path, 1);
    KEEP(sku, api_item(a, 10, 0));
    check_noted("{'operation':'put'}");
    KEEP(id, api_reserve(a, sku, 2, 0));
    check_noted(text("{'operation':'reserve','status':201,'reservation':'%s',"
                     "'items':[{'sku':'%s','quantity':2}]}",
                     id, sku));
    post(200, EXTEND(id), "{\"ttl_seconds\":900}");
    check_noted(text("{'operation':'extend','status':200,'reservation':'%s',"
                     "'items':[{'sku':'%s','quantity':2}]}",
                     id, sku));
    post(200, CONFIRM(id), "{}");
    check_noted(text("{'operation':'confirm','status':200,'reservation':'%s'}", id));
    post_problem(409, "reservation-confirmed", NULL, RELEASE(id), "{}");
    check_noted(text("{'operation':'release','status':409,'outcome':'reservation-confirmed',"
                     "'reservation':'%s'}",
                     id));
}

static void an_operation_of_a_batch_has_a_line_of_its_own(void **state)
{
    serve_with_log(log_path, 1);
    api_call(a, 200, "POST", "/v1/batch", "Idempotency-Key: many\r\n",
             "{\"operations\":[{\"op\":\"nope\"},"
             "{\"op\":\"put\",\"sku\":\"fig\",\"on_hand\":5},"
             "{\"op\":\"get\",\"id\":\"r0-none\"},"
             "{\"op\":\"decrement\",\"sku\":\"fig\",\"quantity\":6},"
             "{\"op\":\"reserve\",\"sku\":\"fig\",\"quantity\":5}]}");
    check_noted("{'operation':null,'index':0,'status':422,'outcome':'invalid-field'}");
    check_noted("{'operation':'put','index':1,'id':'many/1','status':201}");
    check_noted("{'operation':'decrement','index':3,'status':409,'outcome':'insufficient-stock'}");
    check_noted("{'operation':'reserve','index':4,'status':201,'items':[{'quantity':5}]}");
    post_problem(400, "malformed-json", NULL, "/v1/batch", "{");
    check_noted("{'operation':'batch','status':400,'outcome':'malformed-json','items':[]}");
    check_nothing_noted();
}

static void what_is_refused_has_its_line(void **state)
{
    static const struct {
        int status;
        const char *outcome, *headers, *body;
    } refused[] = {
        {400, "malformed-json", NULL, "{"},
        {422, "invalid-field", NULL, "{}"},
        {415, "unsupported-media-type", "Content-Type: text/plain\r\n", "{\"delta\":1}"},
        {403, "forbidden", "Origin: http://evil.example\r\n", "{\"delta\":1}"},
        {400, "malformed-header", "Idempotency-Key: a\r\nIdempotency-Key: b\r\n", "{\"delta\":1}"},
        {404, "item-not-found", NULL, "{\"delta\":1}"},
    };
    char *large = calloc(1, 70000);
    assert_non_null(large);
    memset(large, ' ', 69999);
    serve_with_log(log_path, 1);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        api_problem(a, refused[i].status, refused[i].outcome, NULL, "POST", ADJUST("kiwi"),
                    refused[i].headers, refused[i].body);
        check_noted(text("{'operation':'adjust','status':%d,'outcome':'%s','address':'127.0.0.1',"
                         "'items':[{'sku':'kiwi'}]}",
                         refused[i].status, refused[i].outcome));
    }
    post_problem(413, "body-too-large", NULL, ADJUST("kiwi"), large);
    check_noted("{'operation':'adjust','status':413,'outcome':'body-too-large'}");
    free(large);
    get_problem(404, "item-not-found", NULL, ITEM("kiwi"));
    post_problem(404, "route-not-found", NULL, "/v1/nothing", "{}");
    check_nothing_noted();
}

static void odd_characters_are_escaped(void **state)
{
    serve_with_log(log_path, 1);
    api_problem(
        a, 422, "invalid-field", "sku", "PUT", "/v1/items/a%00%0Ab%22%FF%1b",
        "Idempotency-Key: k\"\\}\r\nX-Request-Id: \"},\xff{\r\ntraceparent: 00-4bf9-00f0-01\r\n",
        "{\"on_hand\":1}");
    json_t *line = line_at(seen);
    assert_true(line || await((line = line_at(seen)), RECOVERY_MS));
    json_t *sku = json_at(line, "items[0].sku");
    static const char wanted[] = "a\0\nb\"\xef\xbf\xbd\x1b";
    assert_int_equal(json_string_length(sku), sizeof(wanted) - 1);
    assert_memory_equal(json_string_value(sku), wanted, sizeof(wanted) - 1);
    assert_string_equal(json_string_value(json_at(line, "id")), "k\"\\}");
    assert_string_equal(json_string_value(json_at(line, "request_id")), "\"},\xef\xbf\xbd{");
    assert_string_equal(json_string_value(json_at(line, "traceparent")), "00-4bf9-00f0-01");
    json_decref(line);
    seen++;
    check_nothing_noted();
}

/* As many lines as a reservation may have, with names as long as they may be. */
static void what_has_no_room_in_a_line_is_counted(void **state)
{
    struct buf body;
    serve_with_log(log_path, 1);
    buf_init(&body, 1 << 16);
    buf_puts(&body, STR("{\"lines\":["));
    for (int i = 0; i < 100; i++)
        buf_printf(&body, "%s{\"sku\":\"%064d\",\"quantity\":1}", i ? "," : "", i);
    buf_puts(&body, STR("]}"));
    buf_putc(&body, '\0');
    post(404, RESERVATIONS, body.p);
    buf_free(&body);
    json_t *line;
    assert_true(await((line = line_at(seen)), RECOVERY_MS));
    size_t items = json_array_size(json_object_get(line, "items"));
    int64_t left_out = json_integer_value(json_object_get(line, "items_left_out"));
    assert_true(items > 10 && left_out > 0);
    assert_int_equal((int64_t)items + left_out, 100);
    json_decref(line);
}

static void who_does_not_wait_for_the_answer_is_noted(void **state)
{
    struct http_conn gone;
    serve_with_log(log_path, 1);
    char sku[80];
    KEEP(sku, api_item(a, 10, 0));
    check_noted("{'operation':'put','status':201}");
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    tredis_freeze(&stack.redis);
    http_conn_init(&gone, stack.service.port);
    send_hold(&gone, "Idempotency-Key: gone\r\n", sku, 1);
    assert_true(await(metric("stockd_http_connections_open") == 2, RECOVERY_MS));
    for (int i = 0; i < 20; i++)
        get("/healthz"); /* a turn of the loop each: the request has reached its place */
    setsockopt(gone.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    http_conn_close(&gone);
    assert_true(await(metric("stockd_http_connections_open") == 1, RECOVERY_MS));
    tredis_thaw(&stack.redis);
    check_noted("{'operation':'reserve','id':'gone','told':false}");
}

/* --- the file --------------------------------------------------------------------------------- */

static atomic_bool enough;
static atomic_int asked;

static void *adjust_on(void *arg)
{
    struct http_conn c;
    struct http_resp resp = {0};
    http_conn_init(&c, stack.service.port);
    while (!atomic_load(&enough)) {
        int n = atomic_fetch_add(&asked, 1);
        char key[64];
        snprintf(key, sizeof(key), "Idempotency-Key: n%d\r\n", n);
        if (http_call(&c, "POST", arg, key, "{\"delta\":1}", &resp) != 0)
            break;
    }
    http_resp_free(&resp);
    http_conn_close(&c);
    return NULL;
}

/* Marks the keys of a file's lines, which must all be whole; how many there are. */
static int mark_keys(const char *path, char *found, int max)
{
    int lines = 0;
    char *all = content_of(path), *end;
    for (char *at = all; (end = strchr(at, '\n')); at = end + 1, lines++) {
        json_t *line = json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES, NULL);
        if (!line)
            fail_msg("%s has no JSON: %.*s", path, (int)(end - at), at);
        const char *id = json_string_value(json_object_get(line, "id"));
        if (id && id[0] == 'n' && strtol(id + 1, NULL, 10) < max)
            found[strtol(id + 1, NULL, 10)]++;
        json_decref(line);
        assert_true(end[1] == '\0' || end[1] == '{');
    }
    free(all);
    return lines;
}

static void rotated_under_load_no_line_is_lost(void **state)
{
    pthread_t threads[CLIENTS];
    serve_with_log(log_path, 2);
    api_call(a, 201, "PUT", ITEM("plum"), NULL, "{\"on_hand\":0}");
    atomic_store(&asked, 0);
    atomic_store(&enough, false);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, adjust_on, (void *)(uintptr_t)ADJUST("plum")), 0);
    for (int i = 0; i < ROUNDS; i++) {
        int before = atomic_load(&asked);
        assert_true(await(atomic_load(&asked) > before + 200, RECOVERY_MS));
        assert_int_equal(rename(log_path, text("%s.%d", log_path, i)), 0);
        tproc_signal(&stack.service.proc, SIGHUP);
        assert_true(await(access(log_path, F_OK) == 0, RECOVERY_MS));
    }
    atomic_store(&enough, true);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    int total = atomic_load(&asked);
    char *found = calloc((size_t)total, 1);
    assert_non_null(found);
    (void)mark_keys(log_path, found, total);
    for (int i = 0; i < ROUNDS; i++)
        assert_true(mark_keys(text("%s.%d", log_path, i), found, total) > 0);
    for (int i = 0; i < total; i++)
        if (found[i] != 1)
            fail_msg("key n%d has %d lines", i, found[i]);
    free(found);
    assert_int_equal(metric("stockd_access_log_dropped_total"), 0);
}

static void a_file_that_was_cut_goes_on_at_its_begin(void **state)
{
    struct stat st;
    serve_with_log(log_path, 1);
    api_call(a, 201, "PUT", ITEM("plum"), NULL, "{\"on_hand\":0}");
    check_noted("{'operation':'put'}");
    assert_int_equal(stat(log_path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(truncate(log_path, 0), 0);
    seen = 0;
    post(200, ADJUST("plum"), "{\"delta\":1}");
    check_noted("{'operation':'adjust'}");
}

static void limit_file_size(rlim_t bytes)
{
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    pid_t worker = pid_of(TSERVICE_WORKER);
    assert_int_equal(prlimit(worker, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* What the limit lets through of a line is a line of its own, and the whole one follows. */
static void a_line_that_was_cut_short_comes_again_whole(void **state)
{
    struct stat st, cut;
    serve_with_log(log_path, 1);
    api_call(a, 201, "PUT", ITEM("plum"), NULL, "{\"on_hand\":0}");
    check_noted("{'operation':'put'}");
    assert_int_equal(stat(log_path, &st), 0);
    limit_file_size((rlim_t)st.st_size + 20);
    post(200, ADJUST("plum"), "{\"delta\":1}");
    post(200, ADJUST("plum"), "{\"delta\":2}");
    assert_true(await(stat(log_path, &cut) == 0 && cut.st_size == st.st_size + 20, RECOVERY_MS));
    limit_file_size(RLIM_INFINITY);
    char *all, *at = NULL;
    assert_true(await((all = content_of(log_path), at = strstr(all, "\"delta\":2}]}\n"),
                       at ? true : (free(all), false)),
                      RECOVERY_MS));
    for (at = all + st.st_size; *at != '\n'; at++)
        assert_true(at < all + st.st_size + 20);
    free(all);
    seen = 2; /* behind the piece */
    check_noted("{'items':[{'sku':'plum','delta':1}]}");
    check_noted("{'items':[{'sku':'plum','delta':2}]}");
}

/* --- nobody waits for it ---------------------------------------------------------------------- */

/* More lines than may wait. */
static void adjust_often(int batches)
{
    struct buf body;
    buf_init(&body, 1 << 20);
    buf_puts(&body, STR("{\"operations\":["));
    for (int i = 0; i < BATCH_OPS; i++)
        buf_printf(&body, "%s{\"op\":\"adjust\",\"sku\":\"plum\",\"delta\":1}", i ? "," : "");
    buf_puts(&body, STR("]}"));
    buf_putc(&body, '\0');
    for (int i = 0; i < batches; i++)
        post(200, "/v1/batch", body.p);
    buf_free(&body);
}

static void a_full_disk_costs_lines_and_no_answer(void **state)
{
    serve_with_log("/dev/full", 1);
    api_call(a, 201, "PUT", ITEM("plum"), NULL, "{\"on_hand\":0}");
    adjust_often(6);
    check_item(a, "plum", 6000, 6000, 0, 0, 6001);
    assert_true(metric("stockd_access_log_dropped_total") > 0);
    assert_true(await(log_has("the access log cannot be written", "No space left"), RECOVERY_MS));
}

static void a_reader_that_does_not_read_costs_lines_and_no_answer(void **state)
{
    static char bytes[1 << 16];
    char *all = malloc(FILE_MAX_BYTES), *end = NULL;
    size_t n = 0;
    assert_int_equal(mkfifo(log_path, 0600), 0);
    int fd = open(log_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0 && all);
    serve_with_log(log_path, 1);
    api_call(a, 201, "PUT", ITEM("plum"), NULL, "{\"on_hand\":0}");
    adjust_often(6);
    int64_t dropped = metric("stockd_access_log_dropped_total");
    assert_true(dropped > 0);
    assert_true(await(log_has("the access log cannot be written", "dropped_lines"), RECOVERY_MS));
    int64_t deadline_ms = test_now_ms() + RECOVERY_MS;
    for (int64_t lines = 0; lines < 6001 - dropped && test_now_ms() < deadline_ms;) {
        ssize_t got = read(fd, bytes, sizeof(bytes));
        for (ssize_t i = 0; i < got; i++)
            lines += bytes[i] == '\n';
        memcpy(all + n, bytes, got > 0 ? (size_t)got : 0);
        n += got > 0 ? (size_t)got : 0;
        test_pause();
    }
    all[n] = '\0';
    int whole = 0;
    for (char *at = all; (end = strchr(at, '\n')); at = end + 1, whole++) {
        json_t *line = json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(line);
        json_decref(line);
    }
    assert_int_equal(whole, 6001 - dropped);
    assert_true(await(log_has("the access log is written again", NULL), RECOVERY_MS));
    close(fd);
    free(all);
}

static void a_dash_is_standard_output(void **state)
{
    char line[512];
    serve_with_log("-", 2);
    api_call(a, 201, "PUT", ITEM("plum"), NULL, "{\"on_hand\":0}");
    assert_int_equal(
        tproc_await_line(&stack.service.proc, "{\"time\":", line, sizeof(line), RECOVERY_MS), 0);
    assert_non_null(strstr(line, "\"operation\":\"put\""));
}

static void a_file_that_cannot_be_opened_is_said_at_start(void **state)
{
    assert_int_equal(command_run("serve", "--listen", "127.0.0.1:0", "--data-dir",
                                 text("%s/data", dir), "--access-log", text("%s/no/file", dir)),
                     1);
    check_said("cannot open the access log");
    check_said("No such file or directory");
}

/* --- */

static int begin(void **state)
{
    seen = 0;
    if (temp_dir_make(dir) < 0)
        return -1;
    snprintf(log_path, sizeof(log_path), "%s/access", dir);
    return 0;
}

static int end(void **state)
{
    int rc = serve_end(state);
    temp_dir_remove(dir);
    return rc;
}

#define T(test)                                                                                    \
    {                                                                                              \
#test, test, begin, end, NULL                                                              \
    }

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(whatever_changes_an_item_has_its_line),
        T(whatever_changes_a_reservation_has_its_line),
        T(an_operation_of_a_batch_has_a_line_of_its_own),
        T(what_is_refused_has_its_line),
        T(odd_characters_are_escaped),
        T(what_has_no_room_in_a_line_is_counted),
        T(who_does_not_wait_for_the_answer_is_noted),
        T(rotated_under_load_no_line_is_lost),
        T(a_file_that_was_cut_goes_on_at_its_begin),
        T(a_line_that_was_cut_short_comes_again_whole),
        T(a_full_disk_costs_lines_and_no_answer),
        T(a_reader_that_does_not_read_costs_lines_and_no_answer),
        T(a_dash_is_standard_output),
        T(a_file_that_cannot_be_opened_is_said_at_start),
    };
    return run_each("access_log", tests);
}
