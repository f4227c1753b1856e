/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file front_https.c
 * build/cloud_https: the emulated platform's HTTP, on libmicrohttpd. host_cloud.c starts it beside the broker:
 *
 *     cloud_https DIR ADDRESS HTTPS-PORT HTTP-PORT
 *
 * DIR is the emulator's: web.pem and web.key are its certificate, the published files lie there, and at its control
 * socket each request is asked for: what is answered is the core's decision, how it is sent is ours. What is slow, late or
 * cut by an option is so on its own connection: each has a thread. It ends by SIGTERM.
 */
#include "cloud/cloud_file.h"
#include "cloud/cloud_wire.h"
#include "host/host_cloud.h"
#include "host/host_text.h"

#include <microhttpd.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IDLE_S     60u   /* a connection without a request */
#define BLOCK      32768 /* bytes that are read at once */
#define SLOW_PARTS 20u   /* of a second, when bytes are given slowly */
#define LINE_BYTES (2u * CLOUD_FILE_MAX + 4096u)

/* Which of the two listeners. */
struct door {
    bool tls;
};

/* A request that is coming in. */
struct visit {
    char target[CLOUD_WEB_TARGET_MAX + 8]; /* one that is too long stays too long */
    bool begun, too_long;
    size_t len;
    char body[CLOUD_WEB_BODY_MAX + 1];
};

/* A body that is going out. */
struct cargo {
    struct cloud_web_answer answer;
    int fd; /* of a published file; -1: the body is in `answer` */
};

static char dir[HOST_PATH_MAX];
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;

static void pause_ms(uint32_t ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

/* ---- Bodies ---------------------------------------------------------------------------------- */

static ssize_t read_cargo(void *ctx, uint64_t at, char *into, size_t cap)
{
    struct cargo *g = ctx;
    const struct cloud_web_answer *a = &g->answer;
    size_t n = a->length - at < cap ? (size_t)(a->length - at) : cap;

    if (at >= a->length)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (a->cut && at >= a->cut_after)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (a->cut && n > a->cut_after - at)
        n = (size_t)(a->cut_after - at);
    if (a->slow != 0) {
        size_t some = a->slow / SLOW_PARTS + 1;
        if (n > some)
            n = some;
        pause_ms((uint32_t)(n * 1000 / a->slow));
    }
    if (g->fd < 0) {
        memcpy(into, a->body + at, n);
        return (ssize_t)n;
    }
    ssize_t got = pread(g->fd, into, n, (off_t)(a->from + at));
    return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR; /* it has become shorter */
}

static void free_cargo(void *ctx)
{
    struct cargo *g = ctx;

    if (g->fd >= 0)
        close(g->fd);
    cloud_web_free(&g->answer);
    free(g);
}

/* ---- Answers --------------------------------------------------------------------------------- */

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result done = MHD_queue_response(connection, status, r);

    MHD_destroy_response(r);
    return done;
}

static void add(struct MHD_Response *r, const char *name, const char *value)
{
    if (value[0] != 0)
        MHD_add_response_header(r, name, value);
}

/* Takes `g` over. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, struct cargo *g)
{
    const struct cloud_web_answer *a = &g->answer;
    char range[64] = "";

    pause_ms(a->delay_ms);
    struct MHD_Response *r = MHD_create_response_from_callback(
        a->chunked ? MHD_SIZE_UNKNOWN : a->length, BLOCK, read_cargo, g, free_cargo);
    if (a->status == 206)
        snprintf(range, sizeof range, "bytes %u-%u/%u", (unsigned)a->from,
                 (unsigned)(a->from + a->length - 1), (unsigned)a->total);
    else if (a->partial)
        snprintf(range, sizeof range, "bytes */%u", (unsigned)a->total);
    add(r, "Content-Type", a->type);
    add(r, "Content-Range", range);
    add(r, "ETag", a->etag);
    add(r, "Allow", a->allow);
    add(r, "Accept-Ranges", a->file ? "bytes" : "");
    enum MHD_Result done = MHD_queue_response(connection, a->status, r);
    MHD_destroy_response(r);
    return done;
}

/* The core's answer; false: there is none. */
static bool ask(const struct cloud_web_request *q, struct cloud_web_answer *a)
{
    static char said[LINE_BYTES]; /* with the lock */
    char *line = cloud_wire_write(q);
    bool ok = false;

    if (line == NULL)
        return false;
    pthread_mutex_lock(&asking);
    if (host_cloud_command(dir, line, said, sizeof said))
        ok = cloud_wire_read(a, said);
    pthread_mutex_unlock(&asking);
    free(line);
    return ok;
}

static enum MHD_Result answer(struct MHD_Connection *connection, const struct cloud_web_request *q)
{
    char path[HOST_PATH_MAX + 96];
    struct cargo *g = calloc(1, sizeof *g);

    if (g == NULL)
        return MHD_NO;
    g->fd = -1;
    if (!ask(q, &g->answer)) {
        free(g);
        return refuse(connection, 500);
    }
    if (g->answer.stored[0] != 0) {
        snprintf(path, sizeof path, "%s/%s", dir, g->answer.stored);
        g->fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (g->answer.body == NULL && g->fd < 0) {
        free_cargo(g);
        return refuse(connection, 500);
    }
    return send_answer(connection, g);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static const char *field(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Comes first, with the target as it was sent: later the library has taken it apart. */
static void *on_target(void *ctx, const char *target, struct MHD_Connection *connection)
{
    struct visit *v = calloc(1, sizeof *v);

    (void)ctx;
    (void)connection;
    if (v != NULL)
        snprintf(v->target, sizeof v->target, "%s", target);
    return v;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **per_request)
{
    const struct door *door = ctx;
    struct visit *v = *per_request;

    (void)url;
    (void)version;
    if (v == NULL)
        return MHD_NO;
    if (!v->begun) { /* the head */
        v->begun = true;
        return MHD_YES;
    }
    if (*len > 0) {
        v->too_long = v->too_long || *len > CLOUD_WEB_BODY_MAX - v->len;
        if (!v->too_long) {
            memcpy(v->body + v->len, data, *len);
            v->len += *len;
        }
        *len = 0;
        return MHD_YES;
    }
    if (v->too_long)
        return refuse(connection, 413);
    const struct cloud_web_request q = {.method = method,
                                        .target = v->target,
                                        .tls = door->tls,
                                        .type = field(connection, "Content-Type"),
                                        .password = field(connection, "password"),
                                        .range = field(connection, "Range"),
                                        .if_range = field(connection, "If-Range"),
                                        .body = v->body,
                                        .body_len = v->len};
    return answer(connection, &q);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **per_request,
                         enum MHD_RequestTerminationCode why)
{
    (void)ctx;
    (void)connection;
    (void)why;
    free(*per_request);
    *per_request = NULL;
}

/* ---- Start ----------------------------------------------------------------------------------- */

static char *read_pem(const char *name)
{
    static char texts[2][16384];
    static int used;
    char path[HOST_PATH_MAX + 16], *text = texts[used++ % 2];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "re");
    size_t n = f != NULL ? fread(text, 1, sizeof texts[0] - 1, f) : 0;
    if (f != NULL)
        fclose(f);
    text[n] = 0;
    return text;
}

static struct MHD_Daemon *open_door(const struct door *door, const char *address, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool is_v6 = inet_pton(AF_INET6, address, &v6.sin6_addr) == 1;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                     MHD_USE_ERROR_LOG | (is_v6 ? MHD_USE_IPv6 : 0) | (door->tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem pem[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, door->tls ? read_pem("web.key") : NULL},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, door->tls ? read_pem("web.pem") : NULL},
        {MHD_OPTION_END, 0, NULL}};

    if (!is_v6 && inet_pton(AF_INET, address, &v4.sin_addr) != 1)
        return NULL;
    return MHD_start_daemon(flags, port, NULL, NULL, on_request, (void *)door, MHD_OPTION_SOCK_ADDR,
                            is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
                            MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL,
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                            MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_ARRAY,
                            door->tls ? pem : pem + 2, MHD_OPTION_END);
}

int main(int argc, char **argv)
{
    static const struct door secure = {true}, plain = {false};
    uint32_t https, http;
    sigset_t ends;
    int got;

    if (argc != 5 || !host_text_number(argv[3], 1, 65535, &https) ||
        !host_text_number(argv[4], 1, 65535, &http)) {
        fprintf(stderr, "cloud_https DIR ADDRESS HTTPS-PORT HTTP-PORT\n");
        return 2;
    }
    snprintf(dir, sizeof dir, "%s", argv[1]);
    sigemptyset(&ends); /* before there are threads, which inherit it */
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (open_door(&secure, argv[2], (uint16_t)https) == NULL ||
        open_door(&plain, argv[2], (uint16_t)http) == NULL) {
        fprintf(stderr, "cloud_https: cannot listen on %s, ports %s and %s\n", argv[2], argv[3],
                argv[4]);
        return 1;
    }
    sigwait(&ends, &got);
    _exit(0); /* without waiting for those who are slow by an option */
}
