/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_broker.h"

#include "world/world_post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct iot_bytes text_bytes(const char *text)
{
    return (struct iot_bytes){(const uint8_t *)text, (uint32_t)strlen(text)};
}

static void set_deadline(struct world_broker *b, struct world_conn *c, uint64_t deadline)
{
    c->deadline = deadline;
    if (deadline < b->next)
        b->next = deadline;
}

/* Half as long again as it promised (3.1.2-24). */
static void hear(struct world_broker *b, struct world_conn *c, uint64_t now)
{
    if (c->session != NULL)
        set_deadline(b, c, c->keepalive_s == 0 ? WORLD_NEVER : now + c->keepalive_s * 1500ull);
}

/* ---- The end of a connection ------------------------------------------------------------------ */

/* Its client is offline from here on, however long its bytes take to leave. */
static void leave(struct world_broker *b, int conn, bool with_will, uint64_t now)
{
    struct world_conn *c = &b->conns[conn];
    struct world_session *s = c->session;
    struct world_message *will = c->will;

    c->session = NULL;
    c->will = NULL;
    c->deadline = WORLD_NEVER;
    if (c->login && b->policy.gone != NULL)
        b->policy.gone(b->policy.ctx, conn);
    c->login = false;
    if (s != NULL) {
        s->conn = -1;
        TELL(b, online, s->id, false);
        if (s->clean)
            world_post_lose(b, s);
    }
    if (will != NULL && with_will && ASK(b, may_publish, conn, will, now) &&
        ASK(b, route, conn, will, now))
        world_post_spread(b, will, now);
    world_message_free(will);
}

static void finish(struct world_broker *b, int conn, enum world_end end, const char *why,
                   bool with_will, uint64_t now)
{
    struct world_conn *c = &b->conns[conn];

    if (c->why == NULL)
        c->why = why;
    if (c->end != WORLD_END_RESET)
        c->end = end;
    leave(b, conn, with_will, now);
}

static void refuse(struct world_broker *b, int conn, const char *why, uint64_t now)
{
    const struct world_conn *c = &b->conns[conn];

    b->complaints++;
    TELL(b, complain, c->session != NULL ? c->session->id : "", why);
    finish(b, conn, WORLD_END_FIN, why, true, now);
}

/* ---- From the clients ------------------------------------------------------------------------- */

static void refuse_login(struct world_broker *b, int conn, int code, const char *why, uint64_t now)
{
    if (code > 0)
        world_mqtt_connack(&b->conns[conn].out, 0, (uint8_t)code);
    finish(b, conn, WORLD_END_FIN, why, false, now);
}

/* What follows from a login that is allowed. */
static void welcome(struct world_broker *b, int conn, const struct world_mqtt_connect *connect,
                    const char *id, uint64_t now)
{
    struct world_conn *c = &b->conns[conn];
    struct world_session *s = world_post_find(b, id);

    if (s != NULL && s->conn >= 0) /* 3.1.4-2; it takes a clean session with it */
        finish(b, s->conn, WORLD_END_FIN, "a second login with its client id", true, now);
    s = world_post_find(b, id);
    if (s != NULL && connect->clean) {
        world_post_lose(b, s); /* 3.1.2-6 */
        s = NULL;
    }
    bool present = s != NULL;
    if (!present)
        s = world_post_add(b, id, connect->clean);
    if (s == NULL) {
        refuse_login(b, conn, 3, "too many sessions", now);
        return;
    }
    s->conn = conn;
    c->session = s;
    c->keepalive_s = connect->keepalive_s;
    if (connect->will_topic.ptr != NULL)
        c->will = world_message_new(connect->will_topic, connect->will_payload, connect->will_qos,
                                    connect->will_retain);
    world_mqtt_connack(&c->out, present ? 1 : 0, 0);
    TELL(b, online, s->id, true);
    world_session_resend(s, &c->out);
    world_session_pump(s, &c->out, WORLD_BACKLOG_MAX);
}

static void on_connect(struct world_broker *b, int conn, const struct world_mqtt_connect *connect,
                       uint64_t now)
{
    struct world_conn *c = &b->conns[conn];
    char made_up[32];
    int code = 0;

    if (connect->level != 4) {
        world_mqtt_connack(&c->out, 0, 1);
        refuse(b, conn, "3.1.2-2: the protocol level is not 4", now);
        return;
    }
    if (connect->client_id.len == 0 && !connect->clean) {
        world_mqtt_connack(&c->out, 0, 2);
        refuse(b, conn, "3.1.3-8: a session shall be kept for nobody", now);
        return;
    }
    if (b->policy.login != NULL)
        code = b->policy.login(b->policy.ctx, conn, connect, now);
    if (code != 0) {
        refuse_login(b, conn, code, "refused by the platform", now);
        return;
    }
    c->login = true;
    snprintf(made_up, sizeof made_up, "nameless-%d", conn);
    char *id =
        world_text_copy(connect->client_id.len == 0 ? text_bytes(made_up) : connect->client_id);
    welcome(b, conn, connect, id, now);
    free(id);
}

static void on_publish(struct world_broker *b, int conn, const struct world_mqtt_packet *p,
                       uint64_t now)
{
    struct world_conn *c = &b->conns[conn];
    struct world_session *s = c->session;
    struct world_message *m = world_message_new(p->topic, p->body, p->qos, (p->flags & 1) != 0);
    bool fresh = p->qos != 2 || world_session_receive(s, p->id);

    m->dup = (p->flags & 8) != 0;
    TELL(b, took, s->id, m, fresh);
    if (p->qos != 0) /* before what it causes: an echo comes behind its acknowledgement */
        world_mqtt_ack(&c->out, p->qos == 1 ? WORLD_MQTT_PUBACK : WORLD_MQTT_PUBREC, p->id);
    if (fresh && ASK(b, may_publish, conn, m, now) && ASK(b, route, conn, m, now))
        world_post_spread(b, m, now);
    world_message_free(m);
}

static void on_unsubscribe(struct world_broker *b, int conn, const struct world_mqtt_packet *p)
{
    struct world_conn *c = &b->conns[conn];
    struct iot_bytes rest = p->body, filter;

    while (world_mqtt_filter(&rest, &filter, NULL))
        world_session_unsubscribe(c->session, filter);
    world_mqtt_ack(&c->out, WORLD_MQTT_UNSUBACK, p->id);
}

static void on_ack(struct world_broker *b, int conn, const struct world_mqtt_packet *p,
                   uint64_t now)
{
    struct world_conn *c = &b->conns[conn];
    struct world_session *s = c->session;
    struct world_delivery delivery;

    switch (world_session_ack(s, p->type, p->id, &delivery)) {
    case WORLD_ACK_UNKNOWN: /* perhaps of a session that was lost: it has to come to an end */
        if (p->type == WORLD_MQTT_PUBREC)
            world_mqtt_ack(&c->out, WORLD_MQTT_PUBREL, p->id);
        break;
    case WORLD_ACK_STEP:
        world_mqtt_ack(&c->out, WORLD_MQTT_PUBREL, p->id);
        break;
    case WORLD_ACK_DONE:
        TELL(b, done, s->id, delivery.message, delivery.qos);
        world_message_free(delivery.message);
        world_session_pump(s, &c->out, WORLD_BACKLOG_MAX);
        break;
    case WORLD_ACK_WRONG:
        refuse(b, conn, "4.3: not the acknowledgement that is due for this id", now);
        break;
    }
}

static void on_packet(struct world_broker *b, int conn, const struct world_mqtt_packet *p,
                      uint64_t now)
{
    struct world_conn *c = &b->conns[conn];

    if (p->type == WORLD_MQTT_CONNECT && c->session == NULL) {
        on_connect(b, conn, &p->connect, now);
        hear(b, c, now);
        return;
    }
    if (c->session == NULL || p->type == WORLD_MQTT_CONNECT) {
        refuse(b, conn, "3.1.0-1, -2: CONNECT is to come first, and once", now);
        return;
    }
    if (p->type == WORLD_MQTT_PUBLISH || p->type == WORLD_MQTT_SUBSCRIBE ||
        p->type == WORLD_MQTT_UNSUBSCRIBE)
        c->session->last_id = p->id != 0 ? p->id : c->session->last_id;
    if (b->policy.heard != NULL)
        b->policy.heard(b->policy.ctx, conn, now);
    switch ((enum world_mqtt_type)p->type) {
    case WORLD_MQTT_PUBLISH:
        on_publish(b, conn, p, now);
        break;
    case WORLD_MQTT_PUBACK:
    case WORLD_MQTT_PUBREC:
    case WORLD_MQTT_PUBCOMP:
        on_ack(b, conn, p, now);
        break;
    case WORLD_MQTT_PUBREL: /* answered also when the id is unknown (4.3.3-2) */
        world_session_release(c->session, p->id);
        world_mqtt_ack(&c->out, WORLD_MQTT_PUBCOMP, p->id);
        break;
    case WORLD_MQTT_SUBSCRIBE:
        world_post_subscribe(b, conn, p, now);
        break;
    case WORLD_MQTT_UNSUBSCRIBE:
        on_unsubscribe(b, conn, p);
        break;
    case WORLD_MQTT_PINGREQ:
        world_mqtt_pingresp(&c->out);
        break;
    case WORLD_MQTT_DISCONNECT: /* the will is void (3.14.4-3) */
        c->bye = true;
        finish(b, conn, WORLD_END_FIN, "DISCONNECT", false, now);
        break;
    case WORLD_MQTT_CONNECT: /* above */
    case WORLD_MQTT_CONNACK: /* never read */
    case WORLD_MQTT_SUBACK:
    case WORLD_MQTT_UNSUBACK:
    case WORLD_MQTT_PINGRESP:
        break;
    }
}

/* As many packets as are whole, while the answers have room. Each pass takes a packet or ends. */
static void work(struct world_broker *b, int conn, uint64_t now)
{
    struct world_conn *c = &b->conns[conn];
    struct world_mqtt_packet p;
    const char *why = NULL;

    while (c->end == WORLD_END_NO && !world_post_full(c)) {
        switch (world_mqtt_read(world_bytes_left(&c->in), WORLD_PACKET_MAX, &p, &why)) {
        case WORLD_MQTT_MORE:
            return;
        case WORLD_MQTT_BAD:
            refuse(b, conn, why, now);
            return;
        case WORLD_MQTT_OK:
            on_packet(b, conn, &p, now);
            world_bytes_drop(&c->in, p.total);
        }
    }
    if (c->bye && c->in.len != c->in.at) {
        world_bytes_free(&c->in);
        refuse(b, conn, "3.14.4-2: something follows DISCONNECT", now);
    }
}

/* ---- The doors -------------------------------------------------------------------------------- */

int world_broker_open(struct world_broker *b, uint64_t now)
{
    int conn = 0;

    while (conn < WORLD_CONNS_MAX && b->conns[conn].used)
        conn++;
    if (conn == WORLD_CONNS_MAX)
        return -1;
    memset(&b->conns[conn], 0, sizeof b->conns[conn]);
    b->conns[conn].used = true;
    set_deadline(b, &b->conns[conn], now + WORLD_CONNECT_MS);
    if (conn >= b->conn_high)
        b->conn_high = conn + 1;
    return conn;
}

uint32_t world_broker_feed(struct world_broker *b, int conn, struct iot_bytes in, uint64_t now)
{
    struct world_conn *c = &b->conns[conn];

    if (c->end != WORLD_END_NO && !c->bye)
        return in.len; /* what was under way when we closed */
    if (c->end == WORLD_END_NO && world_post_full(c))
        return 0;
    world_bytes_put(&c->in, in.ptr, in.len);
    if (in.len != 0)
        hear(b, c, now);
    work(b, conn, now);
    return in.len;
}

struct iot_bytes world_broker_pending(const struct world_broker *b, int conn)
{
    return world_bytes_left(&b->conns[conn].out);
}

void world_broker_sent(struct world_broker *b, int conn, uint32_t n, uint64_t now)
{
    struct world_conn *c = &b->conns[conn];

    world_bytes_drop(&c->out, n);
    if (c->session != NULL)
        world_session_pump(c->session, &c->out, WORLD_BACKLOG_MAX);
    work(b, conn, now);
}

enum world_end world_broker_wants_close(const struct world_broker *b, int conn)
{
    return b->conns[conn].end;
}

void world_broker_closed(struct world_broker *b, int conn, uint64_t now)
{
    struct world_conn *c = &b->conns[conn];

    leave(b, conn, true, now);
    world_bytes_free(&c->in);
    world_bytes_free(&c->out);
    c->used = false;
    while (b->conn_high > 0 && !b->conns[b->conn_high - 1].used)
        b->conn_high--;
}

uint64_t world_broker_next(const struct world_broker *b)
{
    return b->next;
}

void world_broker_tick(struct world_broker *b, uint64_t now)
{
    if (now < b->next)
        return;
    b->next = WORLD_NEVER;
    for (int i = 0; i < b->conn_high; i++) {
        struct world_conn *c = &b->conns[i];
        if (!c->used || c->end != WORLD_END_NO)
            continue;
        bool unread = c->in.len != c->in.at && world_post_full(c); /* it is we who do not listen */
        if (now < c->deadline)
            set_deadline(b, c, c->deadline);
        else if (unread)
            hear(b, c, now);
        else
            finish(b, i, WORLD_END_FIN, c->session != NULL ? "silence" : "no CONNECT", true, now);
    }
}

/* ---- What happens on the broker's side -------------------------------------------------------- */

uint32_t world_broker_publish(struct world_broker *b, const char *topic, struct iot_bytes payload,
                              uint8_t qos, bool with_retain, uint64_t now)
{
    struct world_message *m = world_message_new(text_bytes(topic), payload, qos, with_retain);
    uint32_t count = world_post_spread(b, m, now);

    world_message_free(m);
    return count;
}

void world_broker_direct(struct world_broker *b, int conn, const char *topic,
                         struct iot_bytes payload, uint8_t qos, uint64_t now)
{
    if (b->conns[conn].session == NULL)
        return;
    struct world_message *m = world_message_new(text_bytes(topic), payload, qos, false);
    world_post_deliver(b, b->conns[conn].session, m, qos, false, now);
    world_message_free(m);
}

void world_broker_drop(struct world_broker *b, int conn, enum world_end end, const char *why,
                       uint64_t now)
{
    if (b->conns[conn].used)
        finish(b, conn, end, why, true, now);
}

bool world_broker_kick(struct world_broker *b, const char *id, enum world_end end, uint64_t now)
{
    struct world_session *s = world_post_find(b, id);

    if (s == NULL || s->conn < 0)
        return false;
    finish(b, s->conn, end, "kicked", true, now);
    return true;
}

void world_broker_forget(struct world_broker *b, const char *id, uint64_t now)
{
    struct world_session *s = world_post_find(b, id);

    if (s == NULL)
        return;
    bool goes = s->clean && s->conn >= 0; /* with its connection */
    if (s->conn >= 0)
        finish(b, s->conn, WORLD_END_RESET, "its session is lost", true, now);
    if (!goes)
        world_post_lose(b, s);
}

/* Each pass loses one. */
void world_broker_forget_all(struct world_broker *b, uint64_t now)
{
    while (b->session_count != 0)
        world_broker_forget(b, b->sessions[b->session_count - 1]->id, now);
}

void world_broker_restart(struct world_broker *b, bool remember, enum world_end end, uint64_t now)
{
    for (int i = 0; i < b->conn_high; i++) {
        if (!b->conns[i].used)
            continue;
        world_bytes_free(&b->conns[i].in);
        world_bytes_free(&b->conns[i].out);
        finish(b, i, end, "the broker restarts", false, now);
    }
    if (remember)
        return;
    world_broker_forget_all(b, now);
    world_post_clear(b);
}

/* ---- Questions -------------------------------------------------------------------------------- */

const struct world_session *world_broker_session(const struct world_broker *b, const char *id)
{
    return world_post_find(b, id);
}

bool world_broker_online(const struct world_broker *b, const char *id)
{
    const struct world_session *s = world_post_find(b, id);

    return s != NULL && s->conn >= 0;
}

/* ---- Start and end ---------------------------------------------------------------------------- */

void world_broker_init(struct world_broker *b, const struct world_broker_policy *policy,
                       const struct world_broker_watch *watch)
{
    memset(b, 0, sizeof *b);
    if (policy != NULL)
        b->policy = *policy;
    if (watch != NULL)
        b->watch = *watch;
    b->window = 20;
    b->queue_max = 1000;
    b->next = WORLD_NEVER;
}

void world_broker_over(struct world_broker *b)
{
    memset(&b->policy, 0, sizeof b->policy);
    memset(&b->watch, 0, sizeof b->watch);
    world_broker_restart(b, false, WORLD_END_RESET, 0);
    while (b->conn_high > 0)
        world_broker_closed(b, b->conn_high - 1, 0);
}
