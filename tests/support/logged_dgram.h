/* SPDX-License-Identifier: Apache-2.0 */
/* An iot_dgram in memory for a test program that includes this once. As stub_dgram.h, and: all that left is kept, with its time;
 * coming up takes a while; and a famine has a deadline. */
#ifndef LOGGED_DGRAM_H
#define LOGGED_DGRAM_H

#include "iot/iot_dgram.h"
#include "test.h"

#define LOGGED_DGRAMS_MAX 512u
#define LOGGED_DGRAM_MAX  1500u

enum logged_dgram_state { DGRAM_CLOSED, DGRAM_OPENING, DGRAM_UP, DGRAM_CLOSING, DGRAM_ENDED };

struct logged_datagram {
    iot_time at;
    uint32_t len;
    uint8_t bytes[LOGGED_DGRAM_MAX];
};

struct logged_dgram {
    struct iot_dgram base;
    enum logged_dgram_state state;
    iot_time now; /* of the last call that said so */

    /* knobs; logged_dgram_init sets the friendly values */
    uint32_t open_again; /* so many opens answer AGAIN */
    iot_err open_says;   /* OK: begins to open */
    bool connects;       /* comes up after connect_ms, or `end` */
    uint32_t connect_ms;
    iot_err connect_says; /* instead of coming up */
    uint32_t budget;      /* datagrams until writes answer AGAIN; UINT32_MAX: for ever */
    iot_time write_at;    /* its deadline while it answers so */
    uint32_t room;
    bool closes; /* an orderly close completes at the next poll; else at its deadline */
    int32_t detail;

    /* what happened */
    uint32_t opens, closes_asked, aborts, refused, reads;
    struct iot_endpoint to;
    struct logged_datagram tx[LOGGED_DGRAMS_MAX]; /* since logged_dgram_init */
    uint32_t tx_count;

    /* inside */
    iot_err end;
    iot_time up_at, close_deadline;
    struct logged_datagram rx[LOGGED_DGRAMS_MAX];
    uint32_t rx_at, rx_count;
};

static inline struct logged_dgram *logged_dgram_of(struct iot_dgram *d)
{
    return (struct logged_dgram *)(void *)d;
}

static inline const struct logged_dgram *logged_dgram_of_const(const struct iot_dgram *d)
{
    return (const struct logged_dgram *)(const void *)d;
}

static inline iot_err logged_dgram_open(struct iot_dgram *d, const struct iot_endpoint *to,
                                        iot_time now)
{
    struct logged_dgram *s = logged_dgram_of(d);
    assert_int_equal(s->state, DGRAM_CLOSED);
    s->now = now;
    if (s->open_again != 0) {
        s->open_again--;
        return IOT_ERR_AGAIN;
    }
    s->opens++;
    s->to = *to;
    s->end = IOT_OK;
    s->rx_at = s->rx_count = 0;
    s->up_at = now + s->connect_ms;
    s->state = s->open_says == IOT_OK ? DGRAM_OPENING : DGRAM_ENDED;
    return s->open_says;
}

static inline iot_err logged_dgram_poll(struct iot_dgram *d, iot_time now)
{
    struct logged_dgram *s = logged_dgram_of(d);
    assert_true(now >= s->now);
    s->now = now;
    switch (s->state) {
    case DGRAM_CLOSED:
        return IOT_ERR_CLOSED;
    case DGRAM_OPENING:
        if (s->end == IOT_OK && (!s->connects || now < s->up_at))
            return IOT_ERR_AGAIN;
        if (s->end == IOT_OK)
            s->end = s->connect_says;
        s->state = s->end == IOT_OK ? DGRAM_UP : DGRAM_ENDED;
        return s->end;
    case DGRAM_UP:
        if (s->end != IOT_OK)
            s->state = DGRAM_ENDED;
        return s->end;
    case DGRAM_CLOSING:
        if (!s->closes && now < s->close_deadline)
            return IOT_ERR_AGAIN;
        s->state = DGRAM_CLOSED;
        return IOT_ERR_CLOSED;
    case DGRAM_ENDED:
        return s->end;
    }
    return IOT_ERR_CLOSED;
}

static inline iot_err logged_dgram_read(struct iot_dgram *d, uint8_t *into, uint32_t cap,
                                        uint32_t *got)
{
    struct logged_dgram *s = logged_dgram_of(d);
    assert_int_equal(s->state, DGRAM_UP);
    s->reads++;
    if (s->rx_at == s->rx_count)
        return IOT_ERR_AGAIN;
    const struct logged_datagram *g = &s->rx[s->rx_at++];
    *got = g->len;
    if (g->len > cap)
        return IOT_ERR_SIZE;
    memcpy(into, g->bytes, g->len);
    return IOT_OK;
}

static inline iot_err logged_dgram_write(struct iot_dgram *d, struct iot_bytes bytes, iot_time now)
{
    struct logged_dgram *s = logged_dgram_of(d);
    assert_int_equal(s->state, DGRAM_UP);
    assert_true(bytes.len <= s->room && bytes.len <= LOGGED_DGRAM_MAX && bytes.len >= 4);
    if (s->budget == 0) {
        s->refused++;
        s->write_at = now + 50;
        return IOT_ERR_AGAIN;
    }
    if (s->budget != UINT32_MAX)
        s->budget--;
    assert_true(s->tx_count < LOGGED_DGRAMS_MAX);
    struct logged_datagram *g = &s->tx[s->tx_count++];
    g->at = now;
    g->len = bytes.len;
    memcpy(g->bytes, bytes.ptr, bytes.len);
    return IOT_OK;
}

static inline uint32_t logged_dgram_room(const struct iot_dgram *d)
{
    return logged_dgram_of_const(d)->room;
}

static inline void logged_dgram_close(struct iot_dgram *d, iot_time deadline)
{
    struct logged_dgram *s = logged_dgram_of(d);
    assert_int_equal(s->state, DGRAM_UP);
    assert_true(deadline >= s->now);
    s->closes_asked++;
    s->close_deadline = deadline;
    s->state = DGRAM_CLOSING;
}

static inline void logged_dgram_abort(struct iot_dgram *d)
{
    struct logged_dgram *s = logged_dgram_of(d);
    if (s->state != DGRAM_CLOSED)
        s->aborts++;
    s->state = DGRAM_CLOSED;
    s->end = IOT_OK;
}

static inline iot_time logged_dgram_deadline(const struct iot_dgram *d)
{
    const struct logged_dgram *s = logged_dgram_of_const(d);
    if (s->state == DGRAM_OPENING && s->connects)
        return s->up_at;
    if (s->state == DGRAM_CLOSING)
        return s->closes ? 0 : s->close_deadline;
    if (s->state == DGRAM_UP && s->rx_at != s->rx_count)
        return 0;
    return s->state == DGRAM_UP && s->budget == 0 && s->write_at > s->now ? s->write_at
                                                                          : IOT_TIME_NEVER;
}

static inline bool logged_dgram_idle(const struct iot_dgram *d)
{
    return logged_dgram_of_const(d)->state == DGRAM_CLOSED;
}

static inline int32_t logged_dgram_detail(const struct iot_dgram *d)
{
    return logged_dgram_of_const(d)->detail;
}

static const struct iot_dgram_ops logged_dgram_ops = {
    logged_dgram_open, logged_dgram_poll,   logged_dgram_read,  logged_dgram_write,
    logged_dgram_room, logged_dgram_close,  logged_dgram_abort, logged_dgram_deadline,
    logged_dgram_idle, logged_dgram_detail,
};

static inline void logged_dgram_init(struct logged_dgram *s)
{
    memset(s, 0, sizeof *s);
    s->base.ops = &logged_dgram_ops;
    s->connects = s->closes = true;
    s->budget = UINT32_MAX;
    s->room = 1400;
}

static inline void logged_dgram_receive(struct logged_dgram *s, struct iot_bytes bytes)
{
    assert_true(s->rx_count < LOGGED_DGRAMS_MAX && bytes.len <= LOGGED_DGRAM_MAX);
    struct logged_datagram *g = &s->rx[s->rx_count++];
    g->len = bytes.len;
    memcpy(g->bytes, bytes.ptr, bytes.len);
    iot_dgram_wake(&s->base);
}

static inline void logged_dgram_end(struct logged_dgram *s, iot_err why, int32_t detail)
{
    s->end = why;
    s->detail = detail;
    iot_dgram_wake(&s->base);
}

static inline void logged_dgram_allow(struct logged_dgram *s, uint32_t n)
{
    s->budget = n;
    iot_dgram_wake(&s->base);
}

#endif
