/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions of a server's DTLS. Whose place a new one takes, when none is free, the first of these that there is:
 *
 *     an unfinished handshake of the same peer        it has begun anew
 *     an unfinished one that is older than HELD_MS    who is there needs a second or two
 *     the session of the same peer                    it has lost its end, and the cookie shows that it is there (RFC 6347 4.2.8)
 *     the one that was silent longest, beyond idle_ms
 *
 * Of one host, whatever its ports are, half may be unfinished handshakes: the next one waits. What is begun anew is as old as
 * the first: else who never goes on could keep a place for ever.
 *
 * Where one is free a peer's session lives until its next one is up, as RFC 6347 wants: whoever only knows how to get a cookie
 * on its behalf takes nothing from it. */
#include "coap/iot_coap_listen.h"

#if IOT_FEATURE_DTLS_SERVER

#include "tls/iot_tls_cookie.h"

#include <string.h>

#define IDLE_MS  60000u
#define IDLE_END 10u    /* times that, and it ends */
#define HELD_MS  10000u /* for a handshake, if another wants the place */
#define TURN_MS  60000u /* a cookie is good for once to twice as long */
#define STEPS    12u /* of a handshake until a datagram has been read: five write, some do nothing */
#define HOST_MAX (IOT_COAP_SESSIONS > 1 ? IOT_COAP_SESSIONS / 2 : 1)
/* In a ClientHello: the last four bytes of its random number. */
#define CHANCE (13u + 12u + 2u + 28u)

/* ---- The network of a session ------------------------------------------------------------ */

static struct iot_coap_session *self(struct iot_dgram *d)
{
    return (struct iot_coap_session *)(void *)d; /* lower is the first member */
}

static const struct iot_coap_session *self_const(const struct iot_dgram *d)
{
    return (const struct iot_coap_session *)(const void *)d;
}

static iot_err view_open(struct iot_dgram *d, const struct iot_endpoint *to, iot_time now)
{
    (void)d, (void)to, (void)now;
    return IOT_OK;
}

static iot_err view_poll(struct iot_dgram *d, iot_time now)
{
    (void)now;
    return self(d)->closing ? IOT_ERR_CLOSED : IOT_OK;
}

static iot_err view_read(struct iot_dgram *d, uint8_t *into, uint32_t cap, uint32_t *got)
{
    struct iot_coap_session *x = self(d);
    struct iot_coap_secure *all = &x->server->secure;
    struct iot_bytes box = all->box;

    if (box.ptr == NULL || all->box_of != x)
        return IOT_ERR_AGAIN;
    all->box.ptr = NULL;
    *got = box.len;
    if (box.len > cap)
        return IOT_ERR_SIZE;
    memcpy(into, box.ptr, box.len);
    return IOT_OK;
}

/* What cannot leave is lost, as in iot_coap_listen.c. */
static iot_err view_write(struct iot_dgram *d, struct iot_bytes bytes, iot_time now)
{
    const struct iot_coap_session *x = self(d);
    const struct iot_coap_door *door = &x->server->doors[IOT_COAP_SECURE];

    (void)now;
    if (door->open)
        (void)door->socket->ops->write(door->socket, &x->peer, bytes);
    return IOT_OK;
}

static uint32_t view_room(const struct iot_dgram *d)
{
    const struct iot_coap_session *x = self_const(d);
    const struct iot_coap_door *door = &x->server->doors[IOT_COAP_SECURE];

    return door->socket->ops->room(door->socket, &x->peer);
}

static void view_close(struct iot_dgram *d, iot_time deadline)
{
    (void)deadline;
    self(d)->closing = true;
}

static void view_abort(struct iot_dgram *d)
{
    self(d)->closing = true;
}

static iot_time view_deadline(const struct iot_dgram *d)
{
    (void)d;
    return IOT_TIME_NEVER;
}

static bool view_idle(const struct iot_dgram *d)
{
    (void)d;
    return true;
}

static int32_t view_detail(const struct iot_dgram *d)
{
    (void)d;
    return 0;
}

static const struct iot_dgram_ops view_ops = {
    view_open,  view_poll,  view_read,     view_write, view_room,
    view_close, view_abort, view_deadline, view_idle,  view_detail,
};

/* ---- Sessions ---------------------------------------------------------------------------- */

static bool is_of(const struct iot_coap_session *x, const struct iot_peer *peer)
{
    return x->number != 0 && memcmp(&x->peer, peer, sizeof *peer) == 0;
}

static void end(struct iot_coap_session *x)
{
    uint32_t number = x->number;

    x->number = 0;
    x->dtls.base.ops->abort(&x->dtls.base);
    iot_coap_serve_gone(&x->server->serve, number);
}

static uint32_t part_of(const struct iot_coap_keys *keys)
{
    return keys->arena_bytes / IOT_COAP_SESSIONS / 8 * 8;
}

/* In its own part of the arena. */
static bool begin(struct iot_coap_server *s, struct iot_coap_session *x,
                  const struct iot_peer *peer, uint32_t hello)
{
    struct iot_coap_secure *all = &s->secure;
    static const struct iot_endpoint nobody = {.host = ""};
    const struct iot_coap_keys *keys = s->opt->keys;
    uint32_t part = part_of(keys);
    bool anew = is_of(x, peer) && !x->up;

    if (x->number != 0)
        end(x);
    x->peer = *peer;
    x->hello = hello;
    x->up = x->closing = false;
    if (!anew)
        x->since = s->now;
    all->tls.arena = (uint8_t *)keys->arena + (uint32_t)(x - all->sessions) * part;
    all->tls.arena_bytes = part;
    iot_err err = x->dtls.base.ops->open(&x->dtls.base, &nobody, s->now);
    all->tls.arena = keys->arena;
    all->tls.arena_bytes = keys->arena_bytes;
    if (err != IOT_OK)
        return false;
    if (++all->numbers == 0)
        all->numbers = 1;
    x->number = all->numbers;
    return true;
}

static uint32_t idle_ms(const struct iot_coap_server *s)
{
    return s->opt->keys->idle_ms != 0 ? s->opt->keys->idle_ms : IDLE_MS;
}

static iot_time over_at(const struct iot_coap_server *s, const struct iot_coap_session *x)
{
    return x->up ? iot_dtls_heard(&x->dtls) + (iot_time)IDLE_END * idle_ms(s) : IOT_TIME_NEVER;
}

/* It is up: what this peer had before is over. */
static void settle(struct iot_coap_server *s, struct iot_coap_session *x)
{
    x->up = true;
    s->serve.counters.handshakes++;
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++) {
        struct iot_coap_session *other = &s->secure.sessions[i];
        if (other != x && is_of(other, &x->peer))
            end(other);
    }
}

/* A step, and at most one message; true: there was one. */
static bool run_session(struct iot_coap_server *s, struct iot_coap_session *x)
{
    struct iot_dgram *d = &x->dtls.base;
    uint32_t got = 0;
    iot_err err = d->ops->poll(d, s->now);

    if (err == IOT_OK && !x->up)
        settle(s, x);
    if (err == IOT_OK && s->now >= over_at(s, x))
        d->ops->close(d, s->now);
    if (err != IOT_OK && err != IOT_ERR_AGAIN)
        end(x);
    if (err != IOT_OK)
        return false;
    err = d->ops->read(d, s->serve.bytes, sizeof s->serve.bytes, &got);
    s->serve.counters.dropped += err == IOT_ERR_SIZE;
    if (err != IOT_OK)
        return false;
    struct iot_coap_via via = {.peer = x->peer, .session = x->number};
    iot_coap_server_take(s, &via, iot_dtls_identity(&x->dtls), false, got);
    return true;
}

bool iot_coap_secure_run(struct iot_coap_server *s)
{
    bool any = false;

    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++)
        if (s->secure.sessions[i].number != 0)
            any |= run_session(s, &s->secure.sessions[i]);
    return any;
}

/* ---- What comes -------------------------------------------------------------------------- */

/* Until it has read it: what else it has to do in a handshake does not depend on more coming. False: it is not of this session,
 * as far as that can be told. */
static bool feed(struct iot_coap_server *s, struct iot_coap_session *x, struct iot_bytes datagram)
{
    uint32_t number = x->number, dropped = iot_dtls_dropped(&x->dtls);

    s->secure.box = datagram;
    s->secure.box_of = x;
    for (uint32_t i = 0; i < STEPS && s->secure.box.ptr != NULL && x->number == number; i++)
        (void)run_session(s, x);
    s->secure.box.ptr = NULL;
    return x->number != number || iot_dtls_dropped(&x->dtls) == dropped;
}

/* Whose place is it? See the top of the file. NULL: nobody's. */
static struct iot_coap_session *choose(struct iot_coap_server *s, const struct iot_peer *peer)
{
    struct iot_coap_session *best = NULL;
    uint32_t best_claim = 0, begun = 0;

    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++) {
        struct iot_coap_session *x = &s->secure.sessions[i];
        uint32_t now = (uint32_t)s->now, claim = 0;
        uint32_t silent = now - (uint32_t)iot_dtls_heard(&x->dtls);
        bool stale = now - (uint32_t)x->since >= HELD_MS;
        begun += x->number != 0 && !x->up && !stale &&
                 memcmp(x->peer.addr, peer->addr, sizeof peer->addr) == 0;
        if (is_of(x, peer))
            claim = x->up ? UINT32_MAX - 3 : UINT32_MAX;
        else if (x->number == 0)
            claim = UINT32_MAX - 1;
        else if (!x->up && stale)
            claim = UINT32_MAX - 2;
        else if (x->up && silent >= idle_ms(s))
            claim = silent;
        if (claim > best_claim) {
            best = x;
            best_claim = claim;
        }
    }
    return begun < HOST_MAX || best_claim == UINT32_MAX ? best : NULL;
}

/* Two at a time: one that was given a moment before a new one was made is still good. */
static void turn(struct iot_coap_server *s)
{
    struct iot_coap_secure *all = &s->secure;
    struct iot_bytes moment = {(const uint8_t *)&all->turned, sizeof all->turned};
    bool stale = all->turned == 0 || s->now - all->turned >= 2 * TURN_MS;

    if (!stale && s->now - all->turned < TURN_MS)
        return;
    all->turned = s->now;
    memcpy(all->cookies[1], all->cookies[0], sizeof all->cookies[1]);
    iot_coap_server_mac(s, 'C', moment, all->cookies[0]);
    if (stale)
        memcpy(all->cookies[1], all->cookies[0], sizeof all->cookies[1]);
}

static enum iot_tls_hello look(struct iot_coap_server *s, const struct iot_peer *peer,
                               struct iot_bytes datagram, uint8_t *out)
{
    struct iot_bytes who = {(const uint8_t *)peer, sizeof *peer};

    turn(s);
    enum iot_tls_hello hello = iot_tls_hello(datagram, s->secure.cookies[1], who, out);
    if (hello == IOT_TLS_HELLO_ASK)
        hello = iot_tls_hello(datagram, s->secure.cookies[0], who, out);
    return hello;
}

/* The same once more is for the handshake that it began: its flight was lost. */
static void greet(struct iot_coap_server *s, const struct iot_peer *from, struct iot_bytes datagram)
{
    struct iot_coap_session *x;
    uint32_t hello;

    memcpy(&hello, datagram.ptr + CHANCE, sizeof hello);
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++) {
        x = &s->secure.sessions[i];
        if (is_of(x, from) && x->hello == hello) {
            (void)feed(s, x, datagram);
            return;
        }
    }
    x = choose(s, from);
    if (x == NULL || !begin(s, x, from, hello))
        s->serve.counters.dropped++;
    else
        (void)feed(s, x, datagram);
}

void iot_coap_secure_take(struct iot_coap_server *s, const struct iot_peer *from, uint32_t len)
{
    const struct iot_coap_door *door = &s->doors[IOT_COAP_SECURE];
    struct iot_bytes datagram = {s->serve.bytes, len};
    uint8_t question[IOT_TLS_HELLO_VERIFY_BYTES];

    switch (look(s, from, datagram, question)) {
    case IOT_TLS_HELLO_ASK:
        (void)door->socket->ops->write(door->socket, from,
                                       (struct iot_bytes){question, sizeof question});
        return;
    case IOT_TLS_HELLO_PROVEN:
        greet(s, from, datagram);
        return;
    case IOT_TLS_HELLO_NONE:
        break;
    }
    /* Whose keys fit; a handshake takes what it cannot know yet for something of its own. */
    for (uint32_t i = 0; i < 2 * IOT_COAP_SESSIONS; i++) {
        struct iot_coap_session *x = &s->secure.sessions[i % IOT_COAP_SESSIONS];
        bool now = x->up == (i < IOT_COAP_SESSIONS);
        if (now && is_of(x, from) && feed(s, x, datagram))
            return;
    }
    s->serve.counters.dropped++;
}

/* ---- What leaves ------------------------------------------------------------------------- */

static const struct iot_dgram *find(const struct iot_coap_server *s, uint32_t number)
{
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++)
        if (s->secure.sessions[i].number == number)
            return &s->secure.sessions[i].dtls.base;
    return NULL;
}

uint32_t iot_coap_secure_room(const struct iot_coap_server *s, uint32_t session)
{
    const struct iot_dgram *d = find(s, session);

    return d != NULL ? d->ops->room(d) : 0;
}

void iot_coap_secure_send(struct iot_coap_server *s, uint32_t session, struct iot_bytes message)
{
    struct iot_dgram *d = (struct iot_dgram *)(uintptr_t)find(s, session);

    if (d != NULL)
        (void)d->ops->write(d, message, s->now);
}

/* ---- Life -------------------------------------------------------------------------------- */

iot_time iot_coap_secure_deadline(const struct iot_coap_server *s)
{
    iot_time first = IOT_TIME_NEVER;

    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++) {
        const struct iot_coap_session *x = &s->secure.sessions[i];
        if (x->number == 0)
            continue;
        iot_time its = x->dtls.base.ops->deadline(&x->dtls.base), over = over_at(s, x);
        its = over < its ? over : its;
        first = its < first ? its : first;
    }
    return first;
}

void iot_coap_secure_stop(struct iot_coap_server *s)
{
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++) {
        struct iot_coap_session *x = &s->secure.sessions[i];
        if (x->number == 0)
            continue;
        x->dtls.base.ops->close(&x->dtls.base, s->now);
        end(x);
    }
}

bool iot_coap_secure_idle(const struct iot_coap_server *s)
{
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++)
        if (s->secure.sessions[i].number != 0)
            return false;
    return true;
}

bool iot_coap_secure_check(const struct iot_coap_server_options *opt)
{
    const struct iot_coap_keys *keys = opt->keys;

    if (keys == NULL)
        return true;
    struct iot_dtls_options dtls = {.mtu = keys->mtu};
    struct iot_tls_options tls = {
        .kinds = IOT_TLS_PSK, .arena = keys->arena, .arena_bytes = part_of(keys)};
    return keys->key != NULL && iot_dtls_check(&tls, &dtls, true) == IOT_OK;
}

void iot_coap_secure_begin(struct iot_coap_server *s)
{
    struct iot_coap_secure *all = &s->secure;
    const struct iot_coap_keys *keys = s->opt->keys;

    if (keys == NULL)
        return;
    all->accept.key = keys->key;
    all->accept.ctx = keys->ctx;
    all->dtls.mtu = keys->mtu;
    all->dtls.first_ms = keys->first_ms;
    all->tls.kinds = IOT_TLS_PSK;
    all->tls.arena = keys->arena;
    all->tls.arena_bytes = keys->arena_bytes;
    for (uint32_t i = 0; i < IOT_COAP_SESSIONS; i++) {
        struct iot_coap_session *x = &all->sessions[i];
        x->server = s;
        x->lower.ops = &view_ops;
        iot_dtls_init_server(&x->dtls, &x->lower, &all->tls, &all->dtls, s->port, &all->accept);
        x->dtls.base.wake = s->wake;
    }
}

#endif
