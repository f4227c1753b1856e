/* SPDX-License-Identifier: Apache-2.0 */
/* The world's web server, asked by hand over lwIP: what it answers, and where it stops. */
#include "scenario.h"

#include "world/world_loop.h"
#include "world/world_web.h"
#include "world/world_wire.h"

#include "lwip/tcp.h"

#define HOST "\r\nHost: 10.2.0.1\r\n"

static const uint8_t image[] = "0123456789abcdefghijklmnopqrstuvwxyz";
#define IMAGE_BYTES 36u

static struct world_web *web;
static struct tcp_pcb *client; /* NULL: gone */
static char heard[4096];
static uint32_t heard_len;
static bool eof, broken;

/* ---- A client ----------------------------------------------------------------------------- */

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)err;
    if (p == NULL) {
        eof = true;
        return ERR_OK;
    }
    assert_true(heard_len + p->tot_len < sizeof heard);
    heard_len += pbuf_copy_partial(p, heard + heard_len, p->tot_len, 0);
    heard[heard_len] = '\0';
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static void on_err(void *arg, err_t err)
{
    (void)arg;
    (void)err;
    client = NULL;
    broken = true;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)pcb;
    return err;
}

static void wait_a_second(void)
{
    assert_true(world_loop_until(world_ms() + 1000));
}

static void begin(void)
{
    web = world_web_start();
    web->image = (struct iot_bytes){image, IMAGE_BYTES};
    web->etag = "\"one\"";
}

static void dial(void)
{
    ip_addr_t ip;

    if (client != NULL)
        tcp_abort(client);
    client = tcp_new();
    eof = broken = false;
    assert_true(ipaddr_aton(WORLD_CLOUD_ADDRESS, &ip));
    tcp_bind_netif(client, world_wire_dev());
    tcp_recv(client, on_recv);
    tcp_err(client, on_err);
    assert_int_equal(tcp_connect(client, &ip, WORLD_WEB_PORT, on_connected), ERR_OK);
    wait_a_second();
}

/* What comes within a second. */
static const char *ask(const char *request)
{
    heard_len = 0;
    heard[0] = '\0';
    if (client == NULL || eof)
        dial();
    assert_int_equal(tcp_write(client, request, (u16_t)strlen(request), TCP_WRITE_FLAG_COPY),
                     ERR_OK);
    assert_int_equal(tcp_output(client), ERR_OK);
    wait_a_second();
    return heard;
}

static void assert_answer(const char *request, const char *status, const char *line,
                          const char *body)
{
    const char *got = ask(request), *end = strstr(got, "\r\n\r\n");

    assert_int_equal(strncmp(got, status, strlen(status)), 0);
    assert_non_null(end);
    if (strstr(got, line) == NULL)
        fail_msg("no %s in %s", line, got);
    assert_string_equal(end + 4, body);
}

/* ---- Answers ------------------------------------------------------------------------------ */

static void answers(void)
{
    const char *all = (const char *)image;

    begin();
    assert_answer("GET /a HTTP/1.1" HOST "\r\n", "HTTP/1.1 200 OK\r\n", "\r\nETag: \"one\"\r\n",
                  all);
    assert_answer("GET /a HTTP/1.1" HOST "\r\n", "HTTP/1.1 200 ", "\r\nContent-Length: 36\r\n",
                  all);
    assert_answer("HEAD /a HTTP/1.1" HOST "\r\n", "HTTP/1.1 200 ", "\r\nContent-Length: 36\r\n",
                  "");
    assert_answer("POST /a HTTP/1.1" HOST "\r\n", "HTTP/1.1 405 ", "\r\nContent-Length: 0\r\n", "");
    assert_answer("GET /a HTTP/1.1" HOST "Range: bytes=2-4\r\n\r\n", "HTTP/1.1 206 ",
                  "\r\nContent-Range: bytes 2-4/36\r\n", "234");
    assert_answer("GET /a HTTP/1.1" HOST "range:bytes=33-\r\n\r\n", "HTTP/1.1 206 ",
                  "\r\nContent-Range: bytes 33-35/36\r\n", "xyz");
    assert_answer("GET /a HTTP/1.1" HOST "Range: bytes=35-99\r\n\r\n", "HTTP/1.1 206 ",
                  "\r\nContent-Range: bytes 35-35/36\r\n", "z");
    assert_answer("GET /a HTTP/1.1" HOST "Range: bytes=36-\r\n\r\n", "HTTP/1.1 416 ",
                  "\r\nContent-Range: bytes */36\r\n", "");
    assert_answer("GET /a HTTP/1.1" HOST "Range: bytes=4-2\r\n\r\n", "HTTP/1.1 200 ", "", all);
    assert_answer("GET /a HTTP/1.1" HOST "Range: lines=1-2\r\n\r\n", "HTTP/1.1 200 ", "", all);
    assert_answer("GET /a HTTP/1.1" HOST "Range: bytes=2-4\r\nIf-Range: \"one\"\r\n\r\n",
                  "HTTP/1.1 206 ", "", "234");
    assert_answer("GET /a HTTP/1.1" HOST "Range: bytes=2-4\r\nIf-Range: \"two\"\r\n\r\n",
                  "HTTP/1.1 200 ", "", all);
    assert_int_equal(web->accepted, 1);
    assert_int_equal(web->requests, 12);
}

static void it_answers_as_the_standards_say(void **state)
{
    (void)state;
    scenario_run(answers);
}

static void manners(void)
{
    begin();
    web->chunk = 10;
    assert_answer(
        "GET /a HTTP/1.1" HOST "\r\n", "HTTP/1.1 200 ", "\r\nTransfer-Encoding: chunked\r\n",
        "a\r\n0123456789\r\na\r\nabcdefghij\r\na\r\nklmnopqrst\r\n6\r\nuvwxyz\r\n0\r\n\r\n");
    assert_int_equal(web->bodies, IMAGE_BYTES);
    web->chunk = 0;
    web->no_ranges = true;
    assert_answer("GET /a HTTP/1.1" HOST "Range: bytes=2-4\r\n\r\n", "HTTP/1.1 200 ", "",
                  (const char *)image);
    web->no_ranges = false;
    web->refusals = 1;
    web->status = 503;
    assert_answer("GET /a HTTP/1.1" HOST "\r\n", "HTTP/1.1 503 ", "", "");
    web->later = web->requests + 1;
    web->later_image = BYTES("new");
    web->later_etag = NULL;
    assert_answer("GET /a HTTP/1.1" HOST "\r\n", "HTTP/1.1 200 ", "ETag", (const char *)image);
    assert_answer("GET /a HTTP/1.1" HOST "\r\n", "HTTP/1.1 200 ", "", "new");
    assert_null(strstr(heard, "ETag"));
    assert_false(eof);
    assert_answer("GET /a HTTP/1.1" HOST "Connection: close\r\n\r\n", "HTTP/1.1 200 ",
                  "\r\nConnection: close\r\n", "new");
    assert_true(eof);
    web->no_keep = true;
    assert_answer("GET /a HTTP/1.1" HOST "\r\n", "HTTP/1.1 200 ", "\r\nConnection: close\r\n",
                  "new");
    assert_true(eof);
    assert_int_equal(web->accepted, 2);
}

static void it_has_the_manners_that_it_is_told(void **state)
{
    (void)state;
    scenario_run(manners);
}

/* ---- Cuts --------------------------------------------------------------------------------- */

static void cuts(void)
{
    begin();
    uint32_t all = (uint32_t)strlen(ask("GET /a HTTP/1.1" HOST "\r\n"));

    assert_int_equal(web->sent, all);
    for (uint32_t at = 0; at < all; at++) {
        for (int kind = WORLD_WEB_CLOSE; kind < WORLD_WEB_CUTS; kind++) {
            dial();
            web->cut = (enum world_web_cut)kind;
            web->cut_at = web->sent + at;
            (void)ask("GET /a HTTP/1.1" HOST "\r\n");
            assert_int_equal(heard_len, at);
            assert_int_equal(eof, kind == WORLD_WEB_CLOSE);
            assert_int_equal(broken, kind == WORLD_WEB_RESET);
            assert_int_equal(web->cut, WORLD_WEB_WHOLE);
        }
    }
    assert_int_equal(web->cuts, 3 * all);
    dial();
    assert_int_equal(strlen(ask("GET /a HTTP/1.1" HOST "\r\n")), all);
    world_web_forget();
    assert_int_equal(strlen(ask("GET /a HTTP/1.1" HOST "\r\n")), 0);
    assert_true(broken);
}

static void it_stops_after_exactly_so_many_bytes(void **state)
{
    (void)state;
    scenario_run(cuts);
}

static void floods(void)
{
    static char line[1000];

    begin();
    memset(line, 'x', sizeof line - 1);
    for (int i = 0; i < 3 && !broken; i++)
        assert_int_equal(strlen(ask(line)), 0);
    assert_true(broken);
}

static void a_request_without_an_end_is_reset(void **state)
{
    (void)state;
    scenario_run(floods);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_answers_as_the_standards_say),
        cmocka_unit_test(it_has_the_manners_that_it_is_told),
        cmocka_unit_test(it_stops_after_exactly_so_many_bytes),
        cmocka_unit_test(a_request_without_an_end_is_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
