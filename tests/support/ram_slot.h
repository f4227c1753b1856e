/* SPDX-License-Identifier: Apache-2.0 */
/* A slot in memory, with everything that a slot may do wrong, and a port with a kv of two values. */
#ifndef RAM_SLOT_H
#define RAM_SLOT_H

#include "test.h"

#include "iot/iot_port.h"
#include "iot/iot_slot.h"

#ifndef RAM_ROOM
#define RAM_ROOM 8192u
#endif

enum ram_call { RAM_OPEN, RAM_BEGIN, RAM_WRITE, RAM_READ, RAM_DONE, RAM_CHOOSE, RAM_CALLS };

struct ram_slot {
    struct iot_slot slot;
    struct iot_slot_info info;
    uint8_t bytes[RAM_ROOM];
    uint32_t taken;
    uint8_t sha256[32];
    bool chosen;
    uint32_t calls[RAM_CALLS];
    /* To be set. again: each call answers so often AGAIN first. fail: this call answers fail_err. */
    uint32_t again, left;
    int fail;
    iot_err fail_err;
    uint32_t portion; /* taken by one write at most */
    uint32_t sector;  /* what is durable is a multiple of it */
    uint32_t rot;     /* this byte reads wrong; RAM_ROOM: none */
};

static inline iot_err ram_slow(struct ram_slot *s, enum ram_call call)
{
    if (s->left != 0) {
        s->left--;
        return IOT_ERR_AGAIN;
    }
    s->left = s->again;
    s->calls[call]++;
    return s->fail == (int)call ? s->fail_err : IOT_OK;
}

static inline iot_err ram_open(void *ctx, struct iot_slot_info *info)
{
    struct ram_slot *s = ctx;
    iot_err err = ram_slow(s, RAM_OPEN);

    *info = s->info;
    s->taken = s->info.written;
    return err;
}

static inline iot_err ram_begin(void *ctx, uint32_t bytes, const char *version)
{
    struct ram_slot *s = ctx;
    iot_err err = ram_slow(s, RAM_BEGIN);

    if (err != IOT_OK)
        return err;
    if (bytes > s->info.room || strlen(version) > 31)
        return IOT_ERR_SIZE;
    s->info.bytes = bytes;
    s->info.written = s->taken = 0;
    s->info.whole = s->chosen = false;
    strcpy(s->info.version, version);
    return IOT_OK;
}

static inline iot_err ram_write(void *ctx, const void *bytes, uint32_t n, uint32_t *used)
{
    struct ram_slot *s = ctx;
    iot_err err = ram_slow(s, RAM_WRITE);

    *used = 0;
    if (err != IOT_OK)
        return err;
    if (s->info.whole || n > s->info.bytes - s->taken)
        fail_msg("write of %u bytes at %u", n, s->taken);
    if (s->portion != 0 && n > s->portion)
        n = s->portion;
    memcpy(s->bytes + s->taken, bytes, n);
    s->taken += n;
    s->info.written = s->sector != 0 ? s->taken - s->taken % s->sector : s->taken;
    *used = n;
    return IOT_OK;
}

static inline iot_err ram_read(void *ctx, uint32_t at, void *into, uint32_t n)
{
    struct ram_slot *s = ctx;
    iot_err err = ram_slow(s, RAM_READ);

    if (err != IOT_OK)
        return err;
    if (at > s->taken || n > s->taken - at)
        fail_msg("read of %u bytes at %u of %u", n, at, s->taken);
    memcpy(into, s->bytes + at, n);
    if (s->rot >= at && s->rot - at < n)
        ((uint8_t *)into)[s->rot - at] ^= 0x10;
    return IOT_OK;
}

static inline iot_err ram_done(void *ctx, const uint8_t sha256[32])
{
    struct ram_slot *s = ctx;
    iot_err err = ram_slow(s, RAM_DONE);

    if (err != IOT_OK)
        return err;
    if (s->info.whole || s->taken != s->info.bytes)
        fail_msg("done at %u of %u", s->taken, s->info.bytes);
    memcpy(s->sha256, sha256, 32);
    s->info.whole = true;
    s->info.written = s->taken;
    return IOT_OK;
}

static inline iot_err ram_choose(void *ctx)
{
    struct ram_slot *s = ctx;
    iot_err err = ram_slow(s, RAM_CHOOSE);

    if (err == IOT_OK && !s->info.whole)
        fail_msg("chosen before it was done");
    s->chosen = err == IOT_OK;
    return err;
}

static const struct iot_slot_ops ram_ops = {ram_open, ram_begin, ram_write,
                                            ram_read, ram_done,  ram_choose};

static inline void ram_slot_init(struct ram_slot *s)
{
    memset(s, 0, sizeof *s);
    s->slot.ops = &ram_ops;
    s->slot.ctx = s;
    s->info.room = RAM_ROOM;
    s->fail = -1;
    s->rot = RAM_ROOM;
}

/* ---- A port ------------------------------------------------------------------------------- */

struct ram_kv {
    struct iot_port port;
    char key[16];
    uint8_t value[256];
    uint32_t len;
    bool there;
    uint32_t again, left; /* as above */
    iot_err fail_get, fail_set, fail_del;
    uint32_t gets, sets, dels;
};

static inline bool ram_kv_slow(struct ram_kv *kv)
{
    if (kv->left != 0) {
        kv->left--;
        return true;
    }
    kv->left = kv->again;
    return false;
}

static inline iot_err ram_kv_get(void *ctx, const char *key, void *into, uint32_t cap,
                                 uint32_t *len)
{
    struct ram_kv *kv = ctx;

    if (ram_kv_slow(kv))
        return IOT_ERR_AGAIN;
    kv->gets++;
    if (kv->fail_get != IOT_OK)
        return kv->fail_get;
    if (!kv->there || strcmp(key, kv->key) != 0)
        return IOT_ERR_STATE;
    if (kv->len > cap)
        return IOT_ERR_SIZE;
    memcpy(into, kv->value, kv->len);
    *len = kv->len;
    return IOT_OK;
}

static inline iot_err ram_kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    struct ram_kv *kv = ctx;

    if (ram_kv_slow(kv))
        return IOT_ERR_AGAIN;
    kv->sets++;
    if (kv->fail_set != IOT_OK)
        return kv->fail_set;
    assert_true(strlen(key) <= 15 && len <= sizeof kv->value);
    strcpy(kv->key, key);
    memcpy(kv->value, bytes, len);
    kv->len = len;
    kv->there = true;
    return IOT_OK;
}

static inline iot_err ram_kv_del(void *ctx, const char *key)
{
    struct ram_kv *kv = ctx;

    if (ram_kv_slow(kv))
        return IOT_ERR_AGAIN;
    kv->dels++;
    if (kv->fail_del != IOT_OK)
        return kv->fail_del;
    if (strcmp(key, kv->key) == 0)
        kv->there = false;
    return IOT_OK;
}

static inline void ram_kv_init(struct ram_kv *kv)
{
    memset(kv, 0, sizeof *kv);
    kv->port.ctx = kv;
    kv->port.kv_get = ram_kv_get;
    kv->port.kv_set = ram_kv_set;
    kv->port.kv_del = ram_kv_del;
}

#endif
