/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_coap.h"

#include "host/host_net.h"
#include "host/host_text.h"
#include "iot/iot_static.h"
#include "probe_input.h"
#include "probe_mqtt.h"
#include "probe_tls.h"

#include "lwip/sys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEERS_MAX      4u
#define OPTIONS_MAX    16u
#define WORD_BYTES_MAX 16384u
#define URI_MAX        2048u
#define BODY_MAX       (16u << 20) /* of a response: its lines are kept until it is whole */
#define RETRANSMIT     3u          /* a server that is not there is told of after 45 s at most */
#define DOUBT          2u          /* a server that has lost us, of 6 to 9 s */
#define RESPONSE_MS    45000u
#define QUIT_MS        400u /* for the server to confirm that nothing is observed any more */

/* A server: a device of its own that knows CoAP alone. */
static struct peer {
    bool made, closed; /* made: `key` says for whom */
    uint32_t turn;     /* when it was asked for last */
    char key[WORD_BYTES_MAX];
    char words[WORD_BYTES_MAX]; /* of TLS, cut up */
    char host[256];
    struct iot_options options;
    struct iot_device device;
    struct iot_coap coap;
    struct iot_coap_options coap_options;
    struct iot_dtls_options dtls;
    struct probe_tls tls;
    struct iot_udp udp;
    struct iot_endpoint to;
    uint64_t arena[PROBE_ARENA_BYTES / 8];
} peers[PEERS_MAX];

/* A request. Number 0 is that of `coap`, the others observe. */
static struct work {
    struct peer *peer; /* NULL: free */
    struct iot_coap_request request;
    iot_ticket ticket;
    bool over, good, told; /* told: the first response has come whole */
    bool bodied;           /* this notification had a body */
    uint8_t code;
    char uri[URI_MAX];
    struct iot_coap_option options[OPTIONS_MAX];
    uint8_t values[WORD_BYTES_MAX / 2];
    uint32_t value_bytes;
    uint8_t token[8];
    uint8_t *body;
    /* What it was told of a response, line by line, each with its NUL: a body that changes on the way begins anew. */
    char *lines;
    size_t used, room;
} works[1 + PEERS_MAX * IOT_COAP_REQUESTS];

#define WORKS (sizeof works / sizeof works[0])

static uint8_t large_body[PROBE_LINE_MAX / 2], small_body[WORKS][1024];
static uint32_t turns, quit_since;
static bool quitting, failed;

/* ---- What it is told ----------------------------------------------------------------------- */

static const char *hex(struct iot_bytes bytes)
{
    static char text[2 * IOT_COAP_BYTES + 1];

    text[0] = 0;
    for (uint32_t i = 0; i < bytes.len && i < IOT_COAP_BYTES; i++)
        snprintf(text + (size_t)2 * i, 3, "%02x", bytes.ptr[i]);
    return text;
}

static iot_err keep(struct work *w, const char *format, ...)
{
    char *lines = w->lines;
    va_list args;

    va_start(args, format);
    size_t len = (size_t)vsnprintf(NULL, 0, format, args) + 1;
    va_end(args);
    if (len > w->room - w->used) {
        lines = realloc(lines, 2 * (w->room + len));
        if (lines == NULL)
            return IOT_ERR_FULL;
        w->lines = lines;
        w->room = 2 * (w->room + len);
    }
    va_start(args, format);
    vsnprintf(lines + w->used, len, format, args);
    va_end(args);
    w->used += len;
    return IOT_OK;
}

static void print_kept(struct work *w)
{
    for (size_t at = 0; at < w->used; at += strlen(w->lines + at) + 1)
        probe_event("%s", w->lines + at);
    w->used = 0;
}

static iot_err on_head(void *ctx, const struct iot_coap_head *head)
{
    struct work *w = ctx;
    struct iot_coap_cursor at = {head->options, 0};
    struct iot_coap_option o;
    iot_err err;

    w->code = head->code;
    w->bodied = false;
    w->used = 0;
    err = keep(w, "status %u.%02u", head->code >> 5, head->code & 31u);
    while (err == IOT_OK && iot_coap_next(&at, &o))
        err = keep(w, "option %u %s", (unsigned)o.number, hex(o.value));
    return err;
}

static iot_err on_body(void *ctx, uint32_t offset, struct iot_bytes part)
{
    struct work *w = ctx;

    w->bodied = true;
    return keep(w, "body %lu %s", (unsigned long)offset, hex(part));
}

static void on_whole(void *ctx)
{
    struct work *w = ctx;

    print_kept(w);
    if (w->request.observe && !w->bodied)
        probe_event("body 0 ");
    w->told = true;
}

static void end_work(struct work *w, iot_err err, int32_t detail)
{
    bool other = err == IOT_OK && w->code >> 5 != 2 && w->request.method != IOT_COAP_PING;

    print_kept(w);
    free(w->lines);
    w->lines = NULL;
    w->room = 0;
    if (err != IOT_OK && !(quitting && err == IOT_ERR_CLOSED))
        probe_event("err %s %ld coap: %s", iot_err_name(err), (long)detail, iot_err_text(err));
    probe_event("end %s", other ? "STATUS" : iot_err_name(err));
    w->good = err == IOT_OK && !other;
    w->over = true;
    if (w->request.observe && !w->good && !quitting)
        failed = true;
}

static void on_end(void *ctx, iot_err err, int32_t detail)
{
    end_work(ctx, err, detail);
}

static const struct iot_coap_handlers handlers = {on_head, on_body, on_whole, on_end};

/* ---- URIs ---------------------------------------------------------------------------------- */

struct uri {
    bool tls;
    uint16_t port; /* 0: none */
    char host[256];
    const char *path; /* or NULL */
};

static bool read_uri(const char *text, struct uri *out)
{
    char authority[300];
    const char *at = text + 7;
    uint32_t port = 0;

    out->tls = strncmp(text, "coaps://", 8) == 0;
    if (out->tls)
        at++;
    else if (strncmp(text, "coap://", 7) != 0)
        return false;
    size_t n = strcspn(at, "/?");
    if (n == 0 || n >= sizeof authority || strlen(text) >= URI_MAX)
        return false;
    memcpy(authority, at, n);
    authority[n] = 0;
    out->path = at[n] != 0 ? at + n : NULL;
    char *host = authority, *end = strchr(authority, ':');
    if (host[0] == '[') {
        end = strchr(++host, ']');
        if (end == NULL)
            return false;
        *end++ = 0;
    }
    if (end != NULL && *end == ':') {
        *end = 0;
        if (!host_text_number(end + 1, 1, UINT16_MAX, &port))
            return false;
    } else if (end != NULL && *end != 0) {
        return false;
    }
    out->port = (uint16_t)port;
    if (host[0] == 0 || strlen(host) >= sizeof out->host || strpbrk(host, "@#%") != NULL)
        return false;
    strcpy(out->host, host);
    return true;
}

/* ---- Words --------------------------------------------------------------------------------- */

static bool is_named(const char *word, const char *name)
{
    size_t n = strlen(name);

    return strncmp(word, name, n) == 0 && word[n] == '=';
}

/* Those that a request has a place of its own for. False: another, or of a wrong length. */
static bool set_format(struct iot_coap_request *r, const struct iot_coap_option *o)
{
    bool *has = o->number == IOT_COAP_ACCEPT ? &r->has_accept : &r->has_format;

    if ((o->number != IOT_COAP_ACCEPT && o->number != IOT_COAP_CONTENT_FORMAT) ||
        o->value.len > 2 || *has)
        return false;
    *has = true;
    *(o->number == IOT_COAP_ACCEPT ? &r->accept : &r->format) = (uint16_t)iot_coap_uint(o);
    return true;
}

/* NUM:HEX */
static bool read_option(struct work *w, const char *text)
{
    struct iot_coap_request *r = &w->request;
    uint8_t *into = w->values + w->value_bytes;
    uint32_t number, len;
    char num[8];
    size_t n = strcspn(text, ":");

    if (text[n] != ':' || n >= sizeof num || r->option_count == OPTIONS_MAX)
        return false;
    memcpy(num, text, n);
    num[n] = 0;
    if (!host_text_number(num, 0, UINT16_MAX, &number) ||
        !host_text_hex(text + n + 1, into, (uint32_t)sizeof w->values - w->value_bytes, &len))
        return false;
    struct iot_coap_option o = {(uint16_t)number, {into, len}};
    if (set_format(r, &o))
        return true;
    w->value_bytes += len;
    w->options[r->option_count++] = o;
    r->options = w->options;
    return true;
}

static enum probe_step read_word(struct work *w, const char *word, uint32_t body_cap)
{
    struct iot_coap_request *r = &w->request;
    const char *value = strchr(word, '=');
    uint32_t n;

    if (is_named(word, "opt"))
        return read_option(w, value + 1)
                   ? PROBE_DONE
                   : probe_usage("coap: opt=NUM:HEX, at most %u", OPTIONS_MAX);
    if (is_named(word, "szx")) {
        if (!host_text_number(value + 1, 0, 6, &n))
            return probe_usage("coap: szx is 0 to 6");
        r->block_bytes = (uint16_t)(16u << n);
        return PROBE_DONE;
    }
    if (is_named(word, "token")) {
        if (!host_text_hex(value + 1, w->token, sizeof w->token, &n) || n == 0)
            return probe_usage("coap: token is 1 to 8 bytes in hexadecimal");
        r->token = (struct iot_bytes){w->token, n};
        return PROBE_DONE;
    }
    if (strcmp(word, "con") == 0 || strcmp(word, "non") == 0) {
        r->non = word[0] == 'n';
        return PROBE_DONE;
    }
    if (r->body.ptr != NULL || !host_text_hex(word, w->body, body_cap, &n))
        return probe_usage("coap: %.40s is neither an option nor HEX", word);
    r->body = (struct iot_bytes){w->body, n};
    return PROBE_DONE;
}

/* Those that belong to the association: `cid` and what may be TLS's. */
static bool is_peers(const char *word)
{
    return strchr(word, '=') != NULL && !is_named(word, "opt") && !is_named(word, "szx") &&
           !is_named(word, "token");
}

/* ---- Servers ------------------------------------------------------------------------------- */

static const struct iot_dgram_ops *udp_ops;
static struct iot_dgram_ops reach_ops;

/* The way through the gateway. */
static iot_err reach_open(struct iot_dgram *d, const struct iot_endpoint *to, iot_time now)
{
    struct peer *p = (struct peer *)(void *)((char *)d - offsetof(struct peer, udp));

    p->to = *to;
    p->to.host = host_reachable(to->host);
    return udp_ops->open(d, &p->to, now);
}

static void on_event(void *ctx, struct iot_device *device, const struct iot_event *ev)
{
    struct peer *p = ctx;

    (void)device;
    if (ev->kind == IOT_EV_CLOSED)
        p->closed = true;
}

static bool is_busy(const struct peer *p)
{
    return p->made && !iot_coap_ready(&p->coap);
}

static enum probe_step read_peers(struct peer *p, char **words, uint32_t count)
{
    char *at = p->words;

    for (uint32_t i = 0; i < count; i++) {
        if (!is_peers(words[i]))
            continue;
        if (is_named(words[i], "cid")) {
            if (strcmp(words[i], "cid=0") != 0 && strcmp(words[i], "cid=1") != 0)
                return probe_usage("coap: cid is 0 or 1");
            p->dtls.cid = words[i][4] == '1';
            continue;
        }
        size_t len = strlen(words[i]) + 1; /* no longer than the key, where they are too */
        char *word = memcpy(at, words[i], len);
        at += len;
        enum probe_step step = probe_tls_word(&p->tls, word, (size_t)(strchr(word, '=') - word));
        if (step == PROBE_AGAIN)
            return probe_usage("coap: unknown option %s", words[i]);
        if (step != PROBE_DONE)
            return step;
    }
    return PROBE_DONE;
}

static iot_err make_device(struct peer *p)
{
    iot_udp_init(&p->udp);
    udp_ops = p->udp.base.ops;
    reach_ops = *udp_ops;
    reach_ops.open = reach_open;
    p->udp.base.ops = &reach_ops;
    p->options.on_event = on_event;
    p->options.ctx = p;
    p->options.port_ops = &p->tls.port;
    p->coap_options.host = p->host;
    p->coap_options.dgram = &p->udp.base;
    p->coap_options.dtls = &p->dtls;
    p->coap_options.max_retransmit = RETRANSMIT;
    p->coap_options.response_ms = RESPONSE_MS;
    p->coap_options.doubt_after = DOUBT;
    iot_err err = iot_device_init(&p->device, &p->options);
    return err == IOT_OK ? iot_coap_init(&p->coap, &p->device, &p->coap_options) : err;
}

static enum probe_step make_peer(struct peer *p, const struct uri *uri, const char *key,
                                 char **words, uint32_t count)
{
    memset(p, 0, sizeof *p);
    p->closed = true;
    strcpy(p->key, key);
    strcpy(p->host, uri->host);
    p->coap_options.port = uri->port;
    probe_tls_begin(&p->tls);
    p->tls.options.arena = p->arena;
    p->tls.options.session_key = "probe-coap";
    if (read_peers(p, words, count) != PROBE_DONE)
        return PROBE_FAILED;
    if (uri->tls) {
        /* Without name= it is the URI that says who has to be there. */
        bool named = p->tls.options.server_name != NULL;
        if (probe_tls_end(&p->tls, "") != PROBE_DONE)
            return PROBE_FAILED;
        if (!named)
            p->tls.options.server_name = NULL;
        p->coap_options.tls = &p->tls.options;
    }
    iot_err err = make_device(p);
    if (err != IOT_OK)
        return probe_usage("coap: the client refuses these options (%s)", iot_err_name(err));
    p->made = true;
    p->closed = false;
    return PROBE_DONE;
}

/* Scheme, authority, and the words of the association in their order. */
static bool make_key(const char *uri, char **words, uint32_t count, char key[WORD_BYTES_MAX])
{
    size_t n = (size_t)(strstr(uri, "//") + 2 - uri), len;

    n += strcspn(uri + n, "/?");
    if (n >= WORD_BYTES_MAX)
        return false;
    memcpy(key, uri, n);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_peers(words[i]))
            continue;
        len = strlen(words[i]);
        if (len + 2 > WORD_BYTES_MAX - n)
            return false;
        key[n++] = ' ';
        memcpy(key + n, words[i], len);
        n += len;
    }
    key[n] = 0;
    return true;
}

/* The one that is asked already, or a free one, or the one that was not asked for longest. */
static enum probe_step find_peer(const char *text, const struct uri *uri, char **words,
                                 uint32_t count, struct peer **out)
{
    static char key[WORD_BYTES_MAX];
    struct peer *best = NULL;

    if (!make_key(text, words, count, key))
        return probe_usage("coap: words are too long");
    for (struct peer *p = peers; p < peers + PEERS_MAX; p++) {
        if (p->made && strcmp(p->key, key) == 0) {
            *out = p;
            p->turn = ++turns;
            return PROBE_DONE;
        }
        if (!is_busy(p) && (best == NULL || p->turn < best->turn))
            best = p;
    }
    if (best == NULL)
        return probe_usage("coap: more than %u servers at once", PEERS_MAX);
    if (best->made) { /* its memory is given to another, unless lwIP still has a name request there */
        best->coap.channel->ops->abort(best->coap.channel);
        if (!best->udp.base.ops->idle(&best->udp.base))
            return probe_usage("coap: more than %u servers at once", PEERS_MAX);
    }
    *out = best;
    enum probe_step step = make_peer(best, uri, key, words, count);
    best->turn = ++turns;
    return step;
}

/* ---- Commands ------------------------------------------------------------------------------ */

static bool read_method(const char *name, uint8_t *method)
{
    static const char *const names[] = {"PING",   "GET",   "POST",  "PUT",
                                        "DELETE", "FETCH", "PATCH", "iPATCH"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *method = (uint8_t)i;
            return true;
        }
    return false;
}

static enum probe_step refuse(struct work *w, iot_err err)
{
    if (err == IOT_ERR_ARG || err == IOT_ERR_COAP_URI)
        return probe_usage("coap: the client refuses that (%s)", iot_err_name(err));
    end_work(w, err, 0);
    return PROBE_FAILED;
}

static enum probe_step begin(struct work *w, const char *text, char **words, uint32_t count)
{
    struct uri uri;
    uint32_t body_cap = w == works ? sizeof large_body : sizeof small_body[0];

    if (!read_uri(text, &uri))
        return probe_usage("coap: not a URI of coap or coaps: %.200s", text);
    strcpy(w->uri, text);
    w->body = w == works ? large_body : small_body[w - works];
    w->request.on = &handlers;
    w->request.ctx = w;
    w->request.path = uri.path != NULL ? w->uri + (uri.path - text) : NULL;
    if (w->request.method == IOT_COAP_PING && uri.path != NULL && strcmp(uri.path, "/") == 0)
        w->request.path = NULL; /* the root is no path */
    w->request.max_bytes = BODY_MAX;
    for (uint32_t i = 0; i < count; i++)
        if (!is_peers(words[i]) && read_word(w, words[i], body_cap) != PROBE_DONE)
            return PROBE_FAILED;
    struct peer *p = NULL;
    if (find_peer(text, &uri, words, count, &p) != PROBE_DONE)
        return PROBE_FAILED;
    iot_err err = iot_coap_start(&p->coap, &w->request, &w->ticket);
    if (err != IOT_OK)
        return refuse(w, err);
    w->peer = p;
    return PROBE_AGAIN;
}

static enum probe_step end(struct work *w)
{
    bool good = w->good;

    w->peer = NULL;
    return good ? PROBE_DONE : PROBE_FAILED;
}

enum probe_step probe_coap(char **words, uint32_t count, uint32_t waited_ms)
{
    struct work *w = &works[0];

    if (waited_ms != 0)
        return w->over ? end(w) : PROBE_AGAIN;
    memset(w, 0, sizeof *w);
    if (count < 3 || count > PROBE_WORDS_MAX || !read_method(words[1], &w->request.method))
        return probe_usage("coap METHOD URI [con|non] [HEX] [opt=NUM:HEX ...] [szx=N] [token=HEX] "
                           "[cid=0|1] [TLS words]");
    return begin(w, words[2], words + 3, count - 3);
}

/* ---- Observations -------------------------------------------------------------------------- */

static struct work *observing(const char *uri)
{
    for (struct work *w = works + 1; w < works + WORKS; w++)
        if (w->peer != NULL && !w->over && strcmp(w->uri, uri) == 0)
            return w;
    return NULL;
}

enum probe_step probe_observe(char **words, uint32_t count, uint32_t waited_ms)
{
    static struct work *w;

    if (waited_ms != 0) {
        if (w->over)
            return end(w);
        return w->told ? PROBE_DONE : PROBE_AGAIN;
    }
    if (count < 2 || count > PROBE_WORDS_MAX)
        return probe_usage("observe URI [as for coap]");
    if (observing(words[1]) != NULL)
        return probe_usage("observe: that is observed already");
    for (w = works + 1; w < works + WORKS && w->peer != NULL && !w->over; w++) {}
    if (w == works + WORKS)
        return probe_usage("observe: too many at once");
    memset(w, 0, sizeof *w);
    w->request.method = IOT_COAP_GET;
    w->request.observe = true;
    return begin(w, words[1], words + 2, count - 2);
}

enum probe_step probe_unobserve(char **words, uint32_t count, uint32_t waited_ms)
{
    static struct work *w;

    if (waited_ms != 0)
        return w->over ? end(w) : PROBE_AGAIN;
    w = count == 2 ? observing(words[1]) : NULL;
    if (w == NULL)
        return probe_usage("unobserve URI, of one that is observed");
    return iot_coap_cancel(&w->peer->coap, w->ticket) == IOT_OK ? PROBE_AGAIN : PROBE_FAILED;
}

/* ---- The devices --------------------------------------------------------------------------- */

uint32_t probe_coap_poll(void)
{
    uint32_t first = IOT_MS_NEVER;

    for (struct peer *p = peers; p < peers + PEERS_MAX; p++) {
        uint32_t ms = p->made ? iot_poll(&p->device, sys_now()) : IOT_MS_NEVER;
        if (ms < first)
            first = ms;
    }
    return first;
}

void probe_coap_close(void)
{
    quitting = true;
    quit_since = sys_now();
    for (struct work *w = works; w < works + WORKS; w++)
        if (w->peer != NULL && !w->over)
            (void)iot_coap_cancel(&w->peer->coap, w->ticket);
}

/* STATE: it is closing already, or everything is at its end. */
static void close_peer(struct peer *p)
{
    if (!p->closed && iot_device_close(&p->device, 0) == IOT_ERR_STATE && iot_coap_idle(&p->coap))
        p->closed = true;
}

bool probe_coap_closed(void)
{
    bool closed = true, late = sys_now() - quit_since >= QUIT_MS;

    for (struct peer *p = peers; p < peers + PEERS_MAX; p++) {
        if (p->made && (late || !is_busy(p)))
            close_peer(p);
        closed &= !p->made || p->closed;
    }
    return closed;
}

bool probe_coap_failed(void)
{
    return failed;
}
