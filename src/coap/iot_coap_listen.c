/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_listen.h"

#if IOT_FEATURE_COAP_SERVER

#include "core/iot_core_log.h"
#include "crypto/iot_crypto_digest.h"

#include <string.h>

#define PORT     5683u
#define AGAIN_MS 20u   /* chance is asked for again */
#define RETRY_MS 1000u /* ... after an error, and a socket is tried again */
#define SAY_MAX  4u    /* messages that leave behind one that came; the rest in the next tick */

/* ---- What the rules ask for -------------------------------------------------------------- */

void iot_coap_server_mac(const struct iot_coap_server *s, char label, struct iot_bytes text,
                         uint8_t out[IOT_COAP_SECRET_MAX])
{
    const struct iot_bytes parts[] = {{(const uint8_t *)&label, 1}, text};
    uint8_t mac[IOT_DIGEST_BYTES_MAX];

    iot_hmac(IOT_DIGEST_SHA256, (struct iot_bytes){s->secret, sizeof s->secret}, parts, 2, mac);
    memcpy(out, mac, IOT_COAP_SECRET_MAX);
}

static void make_mac(void *ctx, struct iot_bytes text, uint8_t out[8])
{
    uint8_t mac[IOT_COAP_SECRET_MAX];

    iot_coap_server_mac(ctx, 'E', text, mac);
    memcpy(out, mac, 8);
}

static uint32_t room(void *ctx, const struct iot_coap_via *via)
{
    const struct iot_coap_server *s = ctx;
    const struct iot_coap_door *d = &s->doors[IOT_COAP_PLAIN];

    if (via->session != 0)
        return iot_coap_secure_room(s, via->session);
    return d->open ? d->socket->ops->room(d->socket, &via->peer) : 0;
}

static void init_rules(struct iot_coap_server *s, uint32_t seed)
{
    const struct iot_coap_server_options *o = s->opt;
    struct iot_coap_serve_rules rules = {
        .resources = o->resources,
        .resource_count = o->resource_count,
        .leisure_ms = o->leisure_ms,
        .ctx = s,
        .room = room,
        .mac = make_mac,
    };

    iot_coap_serve_init(&s->serve, &rules, seed);
}

/* ---- Doors ------------------------------------------------------------------------------- */

static void init_door(struct iot_coap_server *s, uint32_t i, struct iot_socket *theirs)
{
    struct iot_coap_door *d = &s->doors[i];
    uint32_t port = s->opt->listen.port != 0 ? s->opt->listen.port : PORT;

    d->socket = theirs != NULL ? theirs : &s->udp[i].base;
    d->socket->wake = s->wake;
    d->where = s->opt->listen;
    d->where.port = (uint16_t)(port + i);
    if (i == IOT_COAP_SECURE)
        d->where.groups = NULL; /* DTLS is between two */
}

static void open_door(struct iot_coap_server *s, struct iot_coap_door *d)
{
    if (d->socket == NULL || d->open || s->now < d->again)
        return;
    iot_err err = d->socket->ops->open(d->socket, &d->where);
    d->open = err == IOT_OK;
    d->again = s->now + RETRY_MS;
    if (err != d->err) { /* not each second */
        IOT_LOG (s->port, d->open ? IOT_LOG_INFO : IOT_LOG_WARN, line) {
            iot_log_text(line, "coap server: port ");
            iot_log_u32(line, d->where.port);
            iot_log_text(line, d->open ? " is open" : " cannot be opened: ");
            if (!d->open)
                iot_log_err(line, err, d->socket->ops->detail(d->socket));
        }
    }
    d->err = err;
}

/* Who can guess what we make of the secret is believed to be anywhere: without chance nobody is served. */
static bool seed(struct iot_coap_server *s)
{
    uint8_t chance[IOT_COAP_SECRET_MAX + 4];
    uint32_t number;

    if (s->seeded || s->now < s->again)
        return s->seeded;
    iot_err err = s->port->random(s->port->ctx, chance, sizeof chance);
    s->again = s->now + (err == IOT_ERR_AGAIN ? AGAIN_MS : RETRY_MS);
    s->err = err == IOT_OK ? err : IOT_ERR_RANDOM;
    if (err != IOT_OK)
        return false;
    memcpy(s->secret, chance, sizeof s->secret);
    memcpy(&number, chance + sizeof s->secret, sizeof number);
    init_rules(s, number);
    return s->seeded = true;
}

/* ---- Pumping ----------------------------------------------------------------------------- */

/* What cannot leave now is lost, as the network might have lost it: who waits for one neighbour's address to be known, or
 * for memory, would let all the others wait. */
static void send(struct iot_coap_server *s, const struct iot_coap_via *to, struct iot_bytes message)
{
    struct iot_socket *socket = s->doors[IOT_COAP_PLAIN].socket;

    if (to->session != 0)
        iot_coap_secure_send(s, to->session, message);
    else
        (void)socket->ops->write(socket, &to->peer, message);
}

static void transmit(struct iot_coap_server *s)
{
    struct iot_coap_via to;
    struct iot_bytes message;

    for (uint32_t i = 0; i < SAY_MAX; i++) {
        if (iot_coap_serve_next(&s->serve, s->now, &to, &message) != IOT_OK)
            return;
        send(s, &to, message);
        iot_coap_serve_sent(&s->serve, s->now);
    }
    s->more = true;
}

void iot_coap_server_take(struct iot_coap_server *s, const struct iot_coap_via *via,
                          struct iot_bytes identity, bool to_many, uint32_t len)
{
    iot_coap_serve_take(&s->serve, via, identity, to_many, len, s->now);
    transmit(s);
}

/* One datagram that came through this door. What answered the one before has left: `transmit` follows each. */
static void receive(struct iot_coap_server *s, uint32_t i)
{
    struct iot_coap_door *d = &s->doors[i];
    struct iot_coap_via via = {.session = 0};
    uint32_t got = 0;
    bool to_many = false;

    if (!d->open)
        return;
    iot_err err = d->socket->ops->read(d->socket, s->serve.bytes, sizeof s->serve.bytes, &got,
                                       &via.peer, &to_many);
    s->more |= err != IOT_ERR_AGAIN;
    if (err == IOT_ERR_SIZE)
        s->serve.counters.dropped++;
    else if (err == IOT_OK && i == IOT_COAP_PLAIN)
        iot_coap_server_take(s, &via, (struct iot_bytes){NULL, 0}, to_many, got);
    else if (err == IOT_OK && !to_many)
        iot_coap_secure_take(s, &via.peer, got);
}

static void shut(struct iot_coap_server *s)
{
    iot_coap_secure_stop(s);
    iot_coap_serve_stop(&s->serve);
    for (uint32_t i = 0; i < 2; i++) {
        struct iot_coap_door *d = &s->doors[i];
        if (d->open)
            d->socket->ops->close(d->socket);
        d->open = false;
        d->again = 0;
    }
}

void iot_coap_server_run(struct iot_coap_server *s, iot_time now)
{
    s->now = now;
    s->more = false;
    if (s->closing) {
        shut(s);
        return;
    }
    if (!seed(s))
        return;
    open_door(s, &s->doors[IOT_COAP_PLAIN]);
    open_door(s, &s->doors[IOT_COAP_SECURE]);
    transmit(s);
    receive(s, IOT_COAP_PLAIN);
    if (iot_coap_secure_run(s))
        s->more = true;
    else
        receive(s, IOT_COAP_SECURE);
}

iot_time iot_coap_server_deadline(const struct iot_coap_server *s)
{
    if (s->closing)
        return iot_coap_server_idle(s) ? IOT_TIME_NEVER : 0;
    if (s->more)
        return 0;
    if (!s->seeded)
        return s->again;
    iot_time first = iot_coap_serve_deadline(&s->serve), secure = iot_coap_secure_deadline(s);
    first = secure < first ? secure : first;
    for (uint32_t i = 0; i < 2; i++) {
        const struct iot_coap_door *d = &s->doors[i];
        if (d->socket != NULL && !d->open && d->again < first)
            first = d->again;
    }
    return first;
}

bool iot_coap_server_idle(const struct iot_coap_server *s)
{
    return !s->doors[0].open && !s->doors[1].open && iot_coap_secure_idle(s);
}

/* Also out of a handler, which has an answer to give first. */
void iot_coap_server_close(struct iot_coap_server *s, bool closing)
{
    s->closing = closing;
    *s->wake = true;
}

void iot_coap_server_begin(struct iot_coap_server *s, const struct iot_coap_server_options *opt,
                           const struct iot_port *port, bool *wake)
{
    s->opt = opt;
    s->port = port;
    s->wake = wake;
    iot_udp_socket_init(&s->udp[0]);
    iot_udp_socket_init(&s->udp[1]);
    if (opt->plain)
        init_door(s, IOT_COAP_PLAIN, opt->socket);
    if (iot_coap_secure_wanted(opt))
        init_door(s, IOT_COAP_SECURE, opt->secure_socket);
    iot_coap_secure_begin(s);
    init_rules(s, 0);
}

/* ---- Questions --------------------------------------------------------------------------- */

void iot_coap_server_changed(struct iot_coap_server *server, const char *path)
{
    iot_coap_serve_changed(&server->serve, path);
    *server->wake = true;
}

void iot_coap_answer_init(struct iot_coap_server *server, uint8_t method,
                          struct iot_coap_answer *answer)
{
    iot_coap_serve_answer_init(&server->serve, method, answer);
}

iot_err iot_coap_server_answer(struct iot_coap_server *server, uint32_t call,
                               const struct iot_coap_answer *answer)
{
    iot_err err = iot_coap_serve_answer(&server->serve, call, answer, server->now);

    *server->wake = true;
    return err;
}

uint32_t iot_coap_server_observers(const struct iot_coap_server *server, const char *path)
{
    return iot_coap_serve_observers(&server->serve, path);
}

iot_err iot_coap_server_state(const struct iot_coap_server *server, int32_t *detail)
{
    iot_err err = server->err;
    int32_t number = 0;

    for (uint32_t i = 0; i < 2 && err == IOT_OK; i++) {
        const struct iot_coap_door *d = &server->doors[i];
        err = d->err;
        if (err != IOT_OK)
            number = d->socket->ops->detail(d->socket);
    }
    if (detail != NULL)
        *detail = number;
    return err;
}

void iot_coap_server_counters(const struct iot_coap_server *server,
                              struct iot_coap_server_counters *out)
{
    *out = server->serve.counters;
    for (uint32_t i = 0; i < 2; i++) {
        const struct iot_socket *socket = server->doors[i].socket;
        out->dropped += socket != NULL ? socket->ops->dropped(socket) : 0;
    }
}

#endif
