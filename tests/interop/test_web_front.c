/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated platform's HTTP as it runs: requests by hand over plain TCP, and by the openssl program over TLS. */
#include "test.h"

#include "host/host_child.h"
#include "host/host_cloud.h"
#include "host/host_web.h"
#include "peer_run.h"
#include "peer_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#define PK         "a1B2c3D4e5F"
#define FILE_BYTES 100000u

static struct host_cloud cloud;
static char reply[FILE_BYTES + 4096];
static size_t reply_len;
static char firmware[FILE_BYTES], path[HOST_PATH_MAX], target[512];

/* ---- Asking ---------------------------------------------------------------------------------- */

/* All that comes until the other end closes. */
static void read_reply(int fd)
{
    ssize_t n;

    reply_len = 0;
    while (reply_len < sizeof reply - 1 &&
           (n = recv(fd, reply + reply_len, sizeof reply - 1 - reply_len, 0)) > 0)
        reply_len += (size_t)n;
    reply[reply_len] = 0;
    close(fd);
}

static void plain(const char *text)
{
    int fd = peer_socket_connect(cloud.http_port);
    const struct timeval patience = {20, 0};

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    read_reply(fd);
}

/* `how`: a request line's beginning and more lines of the header, the last without its end. */
static void plain_file(const char *method, const char *more)
{
    char text[1024];
    snprintf(text, sizeof text,
             "%s %s HTTP/1.1\r\nHost: ota.example.com\r\nConnection: close\r\n%s\r\n", method,
             target, more);
    plain(text);
}

/* Over TLS, with the name and the certificate checked. */
static void secure(const char *host, const char *text)
{
    static const char script[] =
        "exec \"$OPENSSL_PROGRAM\" s_client -quiet -connect \"$1\" -servername "
        "\"$2\" -verify_hostname \"$2\" -verify_return_error -CAfile \"$3\" "
        "<\"$4\" 2>/dev/null";
    char name[HOST_PATH_MAX + 16], at[64];
    snprintf(name, sizeof name, "%s/request", cloud.dir);
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    snprintf(at, sizeof at, "127.0.0.1:%u", (unsigned)cloud.https_port);
    setenv("OPENSSL_PROGRAM", cloud.openssl, 1);
    const char *argv[] = {"sh", "-c", script, "sh", at, host, cloud.ca_pem, name, NULL};
    peer_run(argv);
    snprintf(reply, sizeof reply, "%s", peer_output);
}

static void secure_post(const char *host, const char *where, const char *more, const char *body)
{
    char text[2048];
    snprintf(text, sizeof text,
             "POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s",
             where, host, strlen(body), more, body);
    secure(host, text);
}

static void has(const char *part)
{
    if (strstr(reply, part) == NULL)
        fail_msg("'%s' is not in:\n%.2000s", part, reply);
}

static void status(const char *expected)
{
    if (strncmp(reply, "HTTP/1.1 ", 9) != 0 || strncmp(reply + 9, expected, strlen(expected)) != 0)
        fail_msg("not %s:\n%.2000s", expected, reply);
}

static const char *body(void)
{
    const char *end = strstr(reply, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

static size_t body_len(void)
{
    return reply_len - (size_t)(body() - reply);
}

static void command(const char *line)
{
    char answer[512];
    if (!host_cloud_command(cloud.dir, line, answer, sizeof answer))
        fail_msg("%s: %s", line, answer);
}

/* Its target is remembered. */
static void publish(uint32_t life_s)
{
    char answer[2048];
    if (!host_web_publish(cloud.dir, path, "app-2.0.0.bin", life_s, answer, sizeof answer))
        fail_msg("%s", answer);
    const char *at = strstr(answer, "/fw/");
    assert_non_null(at);
    snprintf(target, sizeof target, "%.*s", (int)strcspn(at, "\""), at);
}

static int group_setup(void **state)
{
    (void)state;
    if (!host_cloud_start(&cloud, NULL)) {
        print_message("%s\n", cloud.why);
        return -1;
    }
    for (size_t i = 0; i < sizeof firmware; i++)
        firmware[i] = (char)(i * 7 + i / 251);
    snprintf(path, sizeof path, "%.900s/image", cloud.dir);
    FILE *f = fopen(path, "w");
    if (f == NULL || fwrite(firmware, 1, sizeof firmware, f) != sizeof firmware || fclose(f) != 0)
        return -1;
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    host_cloud_stop(&cloud);
    return 0;
}

static int reset(void **state)
{
    static const char *const lines[] = {"option http-delay-ms 0",    "option http-cut 0",
                                        "option http-status 0",      "option http-slow 0",
                                        "option http-norange off",   "option http-chunked off",
                                        "option http-token-s 172800"};
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++)
        command(lines[i]);
    publish(0);
    return 0;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void a_file_comes_whole_and_in_ranges(void **state)
{
    (void)state;
    plain_file("GET", "");
    status("200 ");
    has("Content-Length: 100000\r\n");
    has("Accept-Ranges: bytes\r\n");
    has("ETag: \"");
    assert_int_equal(body_len(), FILE_BYTES);
    assert_memory_equal(body(), firmware, FILE_BYTES);
    plain_file("GET", "Range: bytes=99990-\r\n");
    status("206 ");
    has("Content-Range: bytes 99990-99999/100000\r\n");
    assert_int_equal(body_len(), 10);
    assert_memory_equal(body(), firmware + 99990, 10);
    plain_file("GET", "Range: bytes=100000-\r\n");
    status("416 ");
    has("Content-Range: bytes */100000\r\n");
    plain_file("GET", "Range: bytes=5-9\r\nIf-Range: \"another\"\r\n");
    status("200 ");
    plain_file("HEAD", "");
    status("200 ");
    has("Content-Length: 100000\r\n");
    assert_int_equal(body_len(), 0);
}

static void a_connection_serves_several_ranges(void **state)
{
    char text[2048];
    int n = 0;
    (void)state;
    for (int i = 0; i < 3; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "GET %s HTTP/1.1\r\nHost: a\r\nRange: bytes=%d-%d\r\n%s\r\n", target, i + 1,
                      i + 1, i == 2 ? "Connection: close\r\n" : "");
    plain(text);
    has("Content-Range: bytes 3-3/100000\r\n");
    has("Content-Range: bytes 1-1/100000\r\n");
    has("Content-Range: bytes 2-2/100000\r\n");
}

static void an_address_expires(void **state)
{
    char more[32];
    (void)state;
    target[strlen(target) - 1] ^= 1;
    plain_file("GET", "");
    status("403 ");
    command("option http-expire-s 1");
    publish(0);
    for (uint32_t waited = 0; waited < 20000; waited += 100) { /* it may already have */
        snprintf(more, sizeof more, "Range: bytes=0-0\r\n");
        plain_file("GET", more);
        if (strncmp(reply, "HTTP/1.1 403 ", 13) == 0)
            break;
        status("206 ");
        host_pause_ms(100);
    }
    command("option http-expire-s 86400");
    status("403 ");
    has("expired");
}

static void faults_are_seen_on_the_wire(void **state)
{
    (void)state;
    command("option http-cut 1000");
    plain_file("GET", "");
    status("200 ");
    has("Content-Length: 100000\r\n");
    assert_int_equal(body_len(), 1000);
    assert_memory_equal(body(), firmware, 1000);
    command("option http-cut 0");
    command("option http-chunked on");
    plain_file("GET", "Range: bytes=1000-1004\r\n");
    status("206 ");
    has("Transfer-Encoding: chunked\r\n");
    assert_null(strstr(reply, "Content-Length"));
    assert_memory_equal(body(), "5\r\n", 3);
    assert_memory_equal(body() + 3, firmware + 1000, 5);
    command("option http-chunked off");
    command("option http-norange on");
    plain_file("GET", "Range: bytes=1000-1004\r\n");
    status("200 ");
    command("option http-slow 400000");
    command("option http-delay-ms 20");
    plain_file("GET", "");
    assert_int_equal(body_len(), FILE_BYTES);
    assert_memory_equal(body(), firmware, FILE_BYTES);
    command("option http-status 503");
    plain_file("GET", "");
    status("503 ");
}

static void bad_requests_are_refused(void **state)
{
    static char text[80000];
    (void)state;
    plain("GET /fw/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    status("403 ");
    plain("POST /auth HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    status("404 "); /* not without TLS */
    plain("BREW / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    status("404 ");
    int n = snprintf(text, sizeof text,
                     "POST /fw/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                     "Content-Length: 40000\r\n\r\n");
    memset(text + n, 'a', 40000);
    plain(text);
    status("413 ");
    n = snprintf(text, sizeof text, "GET /");
    memset(text + n, 'a', 3000);
    snprintf(text + n + 3000, 100, " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    plain(text);
    status("414 ");
}

/* ---- Over TLS -------------------------------------------------------------------------------- */

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"

static void the_certificate_is_good_for_all_hosts(void **state)
{
    static const char *const hosts[] = {"iot-auth.cn-shanghai.aliyuncs.com",
                                        "iot-auth.us-west-1.aliyuncs.com",
                                        "iot-auth-global.aliyuncs.com",
                                        "iot-as-http.cn-shanghai.aliyuncs.com",
                                        "ota.example.com",
                                        "localhost"};
    (void)state;
    for (size_t i = 0; i < COUNT(hosts); i++) {
        secure_post(hosts[i], "/auth/bootstrap", FORM, "productKey=" PK "&deviceName=dev001");
        status("200 ");
        has("{\"code\":200,");
    }
    secure_post("example.org", "/auth/bootstrap", FORM, "productKey=" PK "&deviceName=dev001");
    assert_string_equal(reply, "");
}

static void what_is_told_of_mqtt_is_where_it_is(void **state)
{
    char port[32];
    (void)state;
    snprintf(port, sizeof port, "\"port\":%u}", (unsigned)cloud.tls_port);
    secure_post("iot-auth-global.aliyuncs.com", "/auth/bootstrap", FORM,
                "productKey=" PK "&deviceName=dev001&clientId=a&resources=mqtt");
    has(port);
    has(PK ".iot-as-mqtt.cn-shanghai.aliyuncs.com");
}

static void a_property_comes_by_the_data_channel(void **state)
{
    char pass[128], shown[4096];
    static const char host[] = "iot-as-http.cn-shanghai.aliyuncs.com";
    (void)state;
    secure_post(host, "/auth", "Content-Type: application/json\r\n",
                "{\"version\":\"default\",\"clientId\":\"" PK
                ".dev001\",\"signmethod\":\"hmacsha1\",\"sign\":"
                "\"e5c1a9bbfffd73ba9f4827bf88363568c3b2c69e\",\"productKey\":\"" PK
                "\",\"deviceName\":\"dev001\"}");
    status("200 ");
    const char *at = strstr(reply, "\"token\":\"");
    assert_non_null(at);
    snprintf(pass, sizeof pass, "password: %.*s\r\n", (int)strcspn(at + 9, "\""), at + 9);
    secure_post(host, "/topic/sys/" PK "/dev001/thing/event/property/post", pass,
                "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"LightSwitch\":1},\"method\":"
                "\"thing.event.property.post\"}");
    has("{\"code\":0,");
    has("\"data\":\"eyJjb2RlIjoyMDAs"); /* {"code":200, */
    assert_true(host_cloud_command(cloud.dir, "show " PK " dev001", shown, sizeof shown));
    assert_non_null(strstr(shown, "LightSwitch {\"value\":1"));
    secure_post(host, "/topic/" PK "/dev001/user/update", "", "x");
    has("{\"code\":20002,");
}

static void after_a_cut_it_is_back_where_it_was(void **state)
{
    (void)state;
    host_cloud_cut(&cloud);
    assert_false(host_port_open("127.0.0.1", cloud.http_port));
    assert_false(host_port_open("127.0.0.1", cloud.https_port));
    if (!host_cloud_restore(&cloud))
        fail_msg("%s", cloud.why);
    publish(0);
    plain_file("GET", "Range: bytes=0-3\r\n");
    status("206 ");
}

#define WEB_TEST(f) cmocka_unit_test_setup(f, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WEB_TEST(a_file_comes_whole_and_in_ranges),
        WEB_TEST(a_connection_serves_several_ranges),
        WEB_TEST(an_address_expires),
        WEB_TEST(faults_are_seen_on_the_wire),
        WEB_TEST(bad_requests_are_refused),
        WEB_TEST(the_certificate_is_good_for_all_hosts),
        WEB_TEST(what_is_told_of_mqtt_is_where_it_is),
        WEB_TEST(a_property_comes_by_the_data_channel),
        WEB_TEST(after_a_cut_it_is_back_where_it_was),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
