/* SPDX-License-Identifier: Apache-2.0 */
/* An iot_socket in memory: the test says what comes, from whom, and sees what leaves. */
#ifndef STUB_SOCKET_H
#define STUB_SOCKET_H

#include "test.h"

#include "iot/iot_socket.h"

#define STUB_SOCKET_BYTES 1500u
#define STUB_SOCKET_MAX   64u

struct stub_parcel {
    struct iot_peer peer;
    bool to_many;
    uint32_t len;
    uint8_t bytes[STUB_SOCKET_BYTES];
};

struct stub_parcels {
    uint32_t at, count; /* a ring: the oldest, and how many */
    struct stub_parcel all[STUB_SOCKET_MAX];
};

struct stub_socket {
    struct iot_socket base;
    bool is_open;
    iot_err open_result, write_result;
    uint32_t opens, closes, reads, lost;
    struct iot_socket_where where;
    struct stub_parcels rx, tx;
};

static inline struct stub_socket *stub_socket_of(struct iot_socket *s)
{
    return (struct stub_socket *)(void *)s;
}

static inline void stub_parcel_put(struct stub_parcels *q, const struct iot_peer *peer,
                                   struct iot_bytes bytes, bool to_many)
{
    assert_true(q->count < STUB_SOCKET_MAX && bytes.len <= STUB_SOCKET_BYTES);
    struct stub_parcel *p = &q->all[(q->at + q->count++) % STUB_SOCKET_MAX];
    p->peer = *peer;
    p->to_many = to_many;
    p->len = bytes.len;
    if (bytes.len != 0)
        memcpy(p->bytes, bytes.ptr, bytes.len);
}

static inline const struct stub_parcel *stub_parcel_take(struct stub_parcels *q)
{
    if (q->count == 0)
        return NULL;
    const struct stub_parcel *p = &q->all[q->at];
    q->at = (q->at + 1) % STUB_SOCKET_MAX;
    q->count--;
    return p;
}

static inline iot_err stub_socket_open(struct iot_socket *base,
                                       const struct iot_socket_where *where)
{
    struct stub_socket *s = stub_socket_of(base);
    assert_false(s->is_open);
    s->opens++;
    s->where = *where;
    s->is_open = s->open_result == IOT_OK;
    return s->open_result;
}

static inline iot_err stub_socket_read(struct iot_socket *base, uint8_t *into, uint32_t cap,
                                       uint32_t *got, struct iot_peer *from, bool *to_many)
{
    struct stub_socket *s = stub_socket_of(base);
    assert_true(s->is_open);
    const struct stub_parcel *p = stub_parcel_take(&s->rx);
    if (p == NULL)
        return IOT_ERR_AGAIN;
    s->reads++;
    if (p->len > cap)
        return IOT_ERR_SIZE;
    memcpy(into, p->bytes, p->len);
    *got = p->len;
    *from = p->peer;
    *to_many = p->to_many;
    return IOT_OK;
}

static inline iot_err stub_socket_write(struct iot_socket *base, const struct iot_peer *to,
                                        struct iot_bytes bytes)
{
    struct stub_socket *s = stub_socket_of(base);
    assert_true(s->is_open);
    if (s->write_result == IOT_OK)
        stub_parcel_put(&s->tx, to, bytes, false);
    return s->write_result;
}

static inline uint32_t stub_socket_room(const struct iot_socket *base, const struct iot_peer *to)
{
    (void)base, (void)to;
    return STUB_SOCKET_BYTES;
}

static inline void stub_socket_close(struct iot_socket *base)
{
    struct stub_socket *s = stub_socket_of(base);
    s->closes++;
    s->is_open = false;
    s->rx.count = 0;
}

static inline int32_t stub_socket_detail(const struct iot_socket *base)
{
    return ((const struct stub_socket *)(const void *)base)->open_result != IOT_OK ? -8 : 0;
}

static inline uint32_t stub_socket_dropped(const struct iot_socket *base)
{
    return ((const struct stub_socket *)(const void *)base)->lost;
}

static inline void stub_socket_init(struct stub_socket *s)
{
    static const struct iot_socket_ops ops = {
        stub_socket_open,  stub_socket_read,   stub_socket_write,   stub_socket_room,
        stub_socket_close, stub_socket_detail, stub_socket_dropped,
    };
    memset(s, 0, sizeof *s);
    s->base.ops = &ops;
}

/** One comes; the owner is woken. */
static inline void stub_socket_receive(struct stub_socket *s, const struct iot_peer *from,
                                       struct iot_bytes bytes, bool to_many)
{
    stub_parcel_put(&s->rx, from, bytes, to_many);
    iot_socket_wake(&s->base);
}

#endif
