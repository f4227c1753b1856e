/* SPDX-License-Identifier: Apache-2.0 */
#include "iot_nor_boot.h"

#include "crypto/iot_crypto_digest.h"

#include <string.h>

#if IOT_FEATURE_TLS || IOT_FEATURE_LINK /* the SHA-256 is theirs */

/* The record: form, active, candidate, tries, running, 0, dropped (16 bits); both digests. */
#define FORM         1u
#define DIGESTS_AT   8u
#define RECORD_BYTES (DIGESTS_AT + IOT_NOR_BOOT_SLOTS * IOT_NOR_DIGEST_BYTES)
#define CHUNK_BYTES  256u

static const char record_key[] = "boot";
static const char *const slot_keys[IOT_NOR_BOOT_SLOTS] = {"slot-a", "slot-b"};
static const char *const signature_keys[IOT_NOR_BOOT_SLOTS] = {"sig-a", "sig-b"};

/* ---- The record ---------------------------------------------------------------------------- */

static void encode(const struct iot_nor_boot_record *r, uint8_t to[RECORD_BYTES])
{
    uint32_t dropped = (uint32_t)r->dropped;

    memset(to, 0, RECORD_BYTES);
    to[0] = FORM;
    to[1] = r->active;
    to[2] = r->candidate;
    to[3] = r->tries;
    to[4] = r->running;
    to[6] = (uint8_t)dropped;
    to[7] = (uint8_t)(dropped >> 8);
    memcpy(to + DIGESTS_AT, r->digest, sizeof r->digest);
}

/* false: it is none of ours, or says what cannot be. */
static bool decode(struct iot_nor_boot_record *r, const uint8_t *from, uint32_t len)
{
    if (len != RECORD_BYTES || from[0] != FORM || from[1] >= IOT_NOR_BOOT_SLOTS ||
        from[2] > IOT_NOR_BOOT_NONE || from[2] == from[1] || from[4] > 1 ||
        (from[2] == IOT_NOR_BOOT_NONE && from[4] != 0))
        return false;
    r->active = from[1];
    r->candidate = from[2];
    r->tries = from[3];
    r->running = from[4] == 1;
    r->dropped = (iot_err)(int16_t)(uint16_t)(from[6] | (uint32_t)from[7] << 8);
    memcpy(r->digest, from + DIGESTS_AT, sizeof r->digest);
    return true;
}

/* None: what is whole counts as accepted, and A is active. With a rotten record that is the best guess there is. */
static void guess(struct iot_nor_boot *b)
{
    memset(&b->record, 0, sizeof b->record);
    b->record.candidate = IOT_NOR_BOOT_NONE;
    for (uint32_t i = 0; i < IOT_NOR_BOOT_SLOTS; i++)
        if (b->slot[i].image.whole)
            memcpy(b->record.digest[i], b->slot[i].image.digest, IOT_NOR_DIGEST_BYTES);
}

static iot_err write_record(struct iot_nor_boot *b, const struct iot_nor_boot_record *record)
{
    uint8_t bytes[RECORD_BYTES];

    encode(record, bytes);
    iot_err err = iot_nor_kv_set(b->map->journal, record_key, bytes, sizeof bytes);
    if (err == IOT_OK)
        b->record = *record;
    return err;
}

static void forget_looks(struct iot_nor_boot *b)
{
    for (uint32_t i = 0; i < IOT_NOR_BOOT_SLOTS; i++)
        b->seen[i] = IOT_ERR_AGAIN;
}

iot_err iot_nor_boot_open(struct iot_nor_boot *b, const struct iot_nor_boot_map *map)
{
    uint8_t bytes[RECORD_BYTES];
    uint32_t len = 0;
    iot_err err;

    memset(b, 0, sizeof *b);
    b->map = map;
    for (uint32_t i = 0; i < IOT_NOR_BOOT_SLOTS; i++) {
        err = iot_nor_slot_open(&b->slot[i], map->nor, map->offset[i], map->sectors, map->journal,
                                slot_keys[i]);
        if (err == IOT_ERR_AGAIN || err == IOT_ERR_ARG)
            return err;
        b->unread[i] = err;
    }
    forget_looks(b);
    err = iot_nor_kv_get(map->journal, record_key, bytes, sizeof bytes, &len);
    if (err == IOT_ERR_AGAIN)
        return err;
    if (err != IOT_OK || !decode(&b->record, bytes, len))
        guess(b);
    return IOT_OK;
}

/* ---- The rule ------------------------------------------------------------------------------ */

/* It is not tried again, and is no image to fall back on. */
static void drop(struct iot_nor_boot_record *r, iot_err why)
{
    memset(r->digest[r->candidate], 0, IOT_NOR_DIGEST_BYTES);
    r->candidate = IOT_NOR_BOOT_NONE;
    r->tries = 0;
    r->running = false;
    r->dropped = why;
}

static iot_err choose_active(struct iot_nor_boot_record *r, const iot_err image[IOT_NOR_BOOT_SLOTS],
                             struct iot_nor_boot_choice *choice)
{
    uint8_t other = (uint8_t)(1 - r->active);
    iot_err why = image[r->active];

    choice->trial = false;
    choice->slot = r->active;
    if (why == IOT_OK || why == IOT_ERR_AGAIN)
        return why;
    /* The flash has lost it. What is in the other slot was active before, unless it was never accepted. */
    choice->slot = other;
    if (image[other] == IOT_OK)
        r->active = other;
    return image[other] == IOT_OK || image[other] == IOT_ERR_AGAIN ? image[other] : why;
}

iot_err iot_nor_boot_decide(struct iot_nor_boot_record *record,
                            const iot_err image[IOT_NOR_BOOT_SLOTS],
                            struct iot_nor_boot_choice *choice)
{
    struct iot_nor_boot_record next = *record;
    iot_err err = IOT_ERR_OTA_FAILED;

    if (next.candidate != IOT_NOR_BOOT_NONE) {
        choice->slot = next.candidate;
        choice->trial = true;
        if (next.tries != 0)
            err = image[next.candidate];
        if (err == IOT_ERR_AGAIN)
            return err;
        if (err != IOT_OK) {
            drop(&next, err);
        } else {
            next.tries--;
            next.running = true;
        }
    }
    if (next.candidate == IOT_NOR_BOOT_NONE) {
        /* Of one that was dropped just now the digest does not count any more. */
        iot_err left[IOT_NOR_BOOT_SLOTS] = {image[0], image[1]};
        if (record->candidate != IOT_NOR_BOOT_NONE)
            left[record->candidate] = err;
        err = choose_active(&next, left, choice);
    }
    if (err != IOT_ERR_AGAIN)
        *record = next;
    return err;
}

/* ---- Images -------------------------------------------------------------------------------- */

static iot_err check_signature(struct iot_nor_boot *b, uint32_t slot)
{
    uint8_t bytes[IOT_NOR_BOOT_SIGNATURE_MAX];
    struct iot_bytes signature = {bytes, 0};

    if (b->map->verify == NULL)
        return IOT_OK;
    iot_err err =
        iot_nor_kv_get(b->map->journal, signature_keys[slot], bytes, sizeof bytes, &signature.len);
    if (err == IOT_ERR_AGAIN)
        return err;
    return err == IOT_OK && b->map->verify(b->map->ctx, b->slot[slot].image.digest, signature)
               ? IOT_OK
               : IOT_ERR_OTA_SIGNATURE;
}

/* The image is whole, the one that was accepted, and still is what it was. */
static iot_err check(struct iot_nor_boot *b, uint32_t slot)
{
    const struct iot_nor_image *image = &b->slot[slot].image;
    uint8_t bytes[CHUNK_BYTES], sum[IOT_NOR_DIGEST_BYTES];
    struct iot_digest digest;
    iot_err err;

    if (b->unread[slot] != IOT_OK)
        return b->unread[slot];
    if (!image->whole || memcmp(image->digest, b->record.digest[slot], IOT_NOR_DIGEST_BYTES) != 0)
        return IOT_ERR_STATE;
    iot_digest_begin(&digest, IOT_DIGEST_SHA256);
    for (uint32_t at = 0, n; at < image->bytes; at += n) {
        n = image->bytes - at < sizeof bytes ? image->bytes - at : (uint32_t)sizeof bytes;
        err = iot_nor_slot_read(&b->slot[slot], at, bytes, n);
        if (err != IOT_OK)
            return err;
        iot_digest_put(&digest, (struct iot_bytes){bytes, n});
    }
    iot_digest_end(&digest, sum);
    if (memcmp(sum, image->digest, sizeof sum) != 0)
        return IOT_ERR_OTA_DIGEST;
    return check_signature(b, slot);
}

/* Look until the rule knows enough: at most once at each image, also when the record is slow to be written. */
static iot_err decide(struct iot_nor_boot *b, struct iot_nor_boot_record *next,
                      struct iot_nor_boot_choice *choice)
{
    iot_err err;

    while ((err = iot_nor_boot_decide(next, b->seen, choice)) == IOT_ERR_AGAIN) {
        b->seen[choice->slot] = check(b, choice->slot);
        if (b->seen[choice->slot] == IOT_ERR_AGAIN)
            return IOT_ERR_AGAIN;
    }
    return err;
}

static bool same(const struct iot_nor_boot_record *a, const struct iot_nor_boot_record *b)
{
    uint8_t one[RECORD_BYTES], two[RECORD_BYTES];

    encode(a, one);
    encode(b, two);
    return memcmp(one, two, sizeof one) == 0;
}

static iot_err start(struct iot_nor_boot *b, struct iot_nor_boot_choice *choice)
{
    struct iot_nor_boot_record next = b->record;
    iot_err err = decide(b, &next, choice);

    if (err != IOT_OK || same(&next, &b->record))
        return err;
    err = write_record(b, &next);
    if (err == IOT_OK || err == IOT_ERR_AGAIN)
        return err;
    if (!choice->trial)
        return IOT_OK; /* the next boot comes to the same */
    /* A try that cannot be counted might be the first of endlessly many. */
    next = b->record;
    drop(&next, err);
    return decide(b, &next, choice);
}

iot_err iot_nor_boot_start(struct iot_nor_boot *b, struct iot_nor_boot_choice *choice)
{
    iot_err err = start(b, choice);

    if (err != IOT_ERR_AGAIN)
        forget_looks(b);
    return err;
}

/* ---- What others tell ---------------------------------------------------------------------- */

uint8_t iot_nor_boot_running(const struct iot_nor_boot *b)
{
    return b->record.running ? b->record.candidate : b->record.active;
}

uint8_t iot_nor_boot_spare(const struct iot_nor_boot *b)
{
    return b->record.running ? IOT_NOR_BOOT_NONE : (uint8_t)(1 - b->record.active);
}

/* Once: while the record behind it is slow to be written, it is there already. */
static iot_err write_signature(struct iot_nor_boot *b, uint8_t slot, struct iot_bytes signature)
{
    uint8_t bytes[IOT_NOR_BOOT_SIGNATURE_MAX];
    uint32_t len = 0;
    iot_err err = iot_nor_kv_get(b->map->journal, signature_keys[slot], bytes, sizeof bytes, &len);

    if (err == IOT_ERR_AGAIN ||
        (err == IOT_OK && len == signature.len && memcmp(bytes, signature.ptr, len) == 0))
        return err;
    return iot_nor_kv_set(b->map->journal, signature_keys[slot], signature.ptr, signature.len);
}

iot_err iot_nor_boot_choose(struct iot_nor_boot *b, uint8_t slot, struct iot_bytes signature)
{
    struct iot_nor_boot_record next = b->record;
    iot_err err = IOT_OK;

    if (slot != iot_nor_boot_spare(b) || slot == IOT_NOR_BOOT_NONE || !b->slot[slot].image.whole)
        return IOT_ERR_STATE;
    if (signature.len > IOT_NOR_BOOT_SIGNATURE_MAX)
        return IOT_ERR_SIZE;
    next.candidate = slot;
    next.tries = b->map->tries != 0 ? b->map->tries : IOT_NOR_BOOT_TRIES;
    next.dropped = IOT_OK;
    memcpy(next.digest[slot], b->slot[slot].image.digest, IOT_NOR_DIGEST_BYTES);
    /* First, as the record makes it count. */
    if (signature.len != 0)
        err = write_signature(b, slot, signature);
    if (err != IOT_OK || same(&next, &b->record))
        return err;
    return write_record(b, &next);
}

iot_err iot_nor_boot_confirm(struct iot_nor_boot *b, uint8_t slot)
{
    struct iot_nor_boot_record next = b->record;

    if (slot == next.active)
        return IOT_OK;
    if (slot != next.candidate || !next.running)
        return IOT_ERR_STATE;
    next.active = slot;
    next.candidate = IOT_NOR_BOOT_NONE;
    next.tries = 0;
    next.running = false;
    return write_record(b, &next);
}

#endif
