/* SPDX-License-Identifier: Apache-2.0 */
/* A chip with two slots and their journal, for tests of the boot contract. Image number n is known by its bytes. */
#ifndef BOOT_FLASH_H
#define BOOT_FLASH_H

#include "test.h"

#include "crypto/iot_crypto_digest.h"
#include "nor/iot_nor_boot.h"
#include "nor/iot_nor_kv.h"
#include "nor/iot_nor_place.h"
#include "unix/iot_nor_unix.h"

#define SECTOR      1024u
#define JOURNAL     3u /* sectors, at the beginning */
#define SLOT        2u /* sectors of each */
#define SECTORS     (JOURNAL + 2 * SLOT)
#define SLOT_AT(s)  ((JOURNAL + (s)*SLOT) * SECTOR)
#define IMAGE_BYTES 1500u
#define CALLS_MAX   5000
#define A           0
#define B           1

static struct iot_nor_unix chip;
static struct iot_nor_kv journal;
static struct iot_nor_boot boot;
static struct iot_nor_boot_map map;
static struct iot_nor_place place;
static uint32_t room[SECTOR * SECTORS * 3 / 4 + 64];
static uint8_t image[IMAGE_BYTES];
static jmp_buf power;

/* What may answer AGAIN, until it does not. */
#define UNTIL_DONE(err, call)                                                                      \
    do {                                                                                           \
        err = IOT_ERR_AGAIN;                                                                       \
        for (int i_ = 0; i_ < CALLS_MAX && err == IOT_ERR_AGAIN; i_++)                             \
            err = (call);                                                                          \
    } while (0)

static inline void on_fault(void *ctx, const char *rule, uint32_t offset, uint32_t n)
{
    (void)ctx;
    fail_msg("%s: 0x%x, %u bytes", rule, offset, n);
}

static inline void on_cut(void *ctx, const struct iot_nor_unix_op *op)
{
    (void)ctx;
    (void)op;
    longjmp(power, 1);
}

static inline void new_chip(uint32_t write_bytes)
{
    iot_nor_unix_init(&chip, SECTOR, SECTORS, write_bytes, room);
    chip.on_fault = on_fault;
    chip.on_cut = on_cut;
    memset(&map, 0, sizeof map);
    map.nor = &chip.nor;
    map.journal = &journal;
    map.offset[A] = SLOT_AT(A);
    map.offset[B] = SLOT_AT(B);
    map.sectors = SLOT;
}

/* What was in RAM is gone; what is in flash is read. */
static inline void open_all(void)
{
    iot_err err;

    memset(&journal, 0, sizeof journal);
    UNTIL_DONE(err, iot_nor_kv_mount(&journal, &chip.nor, 0, JOURNAL));
    assert_err(err, IOT_OK);
    UNTIL_DONE(err, iot_nor_boot_open(&boot, &map));
    assert_err(err, IOT_OK);
    iot_nor_place_boot(&place, &boot);
}

static inline iot_err start(struct iot_nor_boot_choice *choice)
{
    iot_err err;

    UNTIL_DONE(err, iot_nor_boot_start(&boot, choice));
    return err;
}

/* A reset, and the bootloader's decision. */
static inline iot_err boot_again(struct iot_nor_boot_choice *choice)
{
    open_all();
    return start(choice);
}

static inline void make_image(int number)
{
    for (uint32_t i = 0; i < IMAGE_BYTES; i++)
        image[i] = (uint8_t)(i * 13 + i / 256 + (uint32_t)number * 31);
}

static inline void digest_of(int number, uint8_t sum[32])
{
    struct iot_digest d;

    make_image(number);
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){image, IMAGE_BYTES});
    iot_digest_end(&d, sum);
}

/* Which image is in the flash of a slot, to the last byte; 0: none. */
static inline int image_in(uint32_t slot, int most)
{
    for (int number = 1; number <= most; number++) {
        make_image(number);
        if (memcmp(chip.bytes + SLOT_AT(slot), image, IMAGE_BYTES) == 0)
            return number;
    }
    return 0;
}

/* As whoever fetches it: goes on where it was. Not chosen yet. */
static inline void fetch(const struct iot_slot *s, int number)
{
    struct iot_slot_info info;
    char version[8];
    uint8_t sum[32];
    iot_err err;

    snprintf(version, sizeof version, "%d", number);
    digest_of(number, sum);
    UNTIL_DONE(err, s->ops->open(s->ctx, &info));
    assert_err(err, IOT_OK);
    assert_int_equal(info.room, SLOT * SECTOR);
    if (info.bytes != IMAGE_BYTES || strcmp(info.version, version) != 0) {
        UNTIL_DONE(err, s->ops->begin(s->ctx, IMAGE_BYTES, version));
        assert_err(err, IOT_OK);
        info.written = 0;
    } else if (info.whole) {
        return;
    }
    for (uint32_t at = info.written; at < IMAGE_BYTES;) {
        uint32_t n = IMAGE_BYTES - at < 333 ? IMAGE_BYTES - at : 333, used = 0;
        err = s->ops->write(s->ctx, image + at, n, &used);
        assert_true(err == IOT_OK || err == IOT_ERR_AGAIN);
        at += used;
    }
    UNTIL_DONE(err, s->ops->done(s->ctx, sum));
    assert_err(err, IOT_OK);
}

static inline void choose(void)
{
    iot_err err;

    UNTIL_DONE(err, place.slot.ops->choose(place.slot.ctx));
    assert_err(err, IOT_OK);
}

static inline iot_err confirm(uint8_t slot)
{
    iot_err err;

    UNTIL_DONE(err, iot_nor_boot_confirm(&boot, slot));
    return err;
}

/* What a factory leaves: an image in A, and no record. */
static inline void factory(int number)
{
    struct iot_nor_place a;

    open_all();
    iot_nor_place_alone(&a, &boot.slot[A]);
    fetch(&a.slot, number);
    open_all();
}

/* "Signed": the beginning of the digest, turned round. */
#define SIGNATURE_BYTES 9u

static inline struct iot_bytes sign(int number)
{
    static uint8_t signature[SIGNATURE_BYTES];
    uint8_t sum[32];

    digest_of(number, sum);
    for (uint32_t i = 0; i < SIGNATURE_BYTES; i++)
        signature[i] = (uint8_t)~sum[i];
    return (struct iot_bytes){signature, SIGNATURE_BYTES};
}

static inline bool verify(void *ctx, const uint8_t digest[32], struct iot_bytes signature)
{
    (void)ctx;
    for (uint32_t i = 0; i < signature.len; i++)
        if ((((const uint8_t *)signature.ptr)[i] ^ digest[i]) != 0xff)
            return false;
    return signature.len == SIGNATURE_BYTES;
}

#endif
