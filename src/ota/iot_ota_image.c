/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/iot_ota_image.h"

#if IOT_FEATURE_OTA

#include "core/iot_core_assert.h"
#include "core/iot_core_text.h"

#include <string.h>

#define PIECE 128u /* bytes read at once, on the stack */

IOT_STATIC_ASSERT(IOT_OTA_STEP_BYTES >= PIECE, "a step reads one piece at least");

/* What the slot said, where it is not OK. */
static iot_err stop(struct iot_ota_image *m, iot_err err)
{
    if (err != IOT_ERR_AGAIN)
        m->state = IOT_IMAGE_FAILED;
    return err;
}

static bool is_md5(const struct iot_ota_image *m)
{
    return m->job->digest_kind == IOT_OTA_MD5;
}

static void start_digest(struct iot_ota_image *m)
{
    m->at = 0;
    iot_digest_begin(&m->digest, is_md5(m) ? IOT_DIGEST_MD5 : IOT_DIGEST_SHA256);
    iot_digest_begin(&m->sha, IOT_DIGEST_SHA256);
}

/* Into sum: the job's digest, compared exactly. */
static bool is_promised(struct iot_ota_image *m)
{
    iot_digest_end(&m->digest, m->sum);
    return memcmp(m->sum, m->job->digest, is_md5(m) ? 16 : 32) == 0;
}

static void start_checking(struct iot_ota_image *m)
{
    start_digest(m);
    m->goal = m->job->size;
    m->state = IOT_IMAGE_CHECKING;
}

iot_err iot_ota_image_start(struct iot_ota_image *m, const struct iot_ota_job *job,
                            const struct iot_slot *slot, const struct iot_ota_trust *trust,
                            bool resume)
{
    m->job = job;
    m->slot = slot;
    m->trust = trust;
    m->at = 0;
    m->resume = resume;
    m->whole = false;
    m->ecdsa.state = NULL;
    m->state = IOT_IMAGE_FAILED;
    if (job->size == 0)
        return IOT_ERR_OTA_SIZE;
    if (trust->key != NULL &&
        (job->signature_bytes == 0 || job->signature_bytes > IOT_OTA_SIGNATURE_MAX))
        return IOT_ERR_OTA_SIGNATURE;
    m->state = IOT_IMAGE_OPENING;
    return IOT_OK;
}

static iot_err open_slot(struct iot_ota_image *m)
{
    struct iot_slot_info info;
    const struct iot_ota_job *job = m->job;
    iot_err err = m->slot->ops->open(m->slot->ctx, &info);

    if (err != IOT_OK)
        return stop(m, err);
    if (job->size > info.room)
        return stop(m, IOT_ERR_OTA_SIZE);
    m->state = IOT_IMAGE_NEW;
    if (!m->resume || info.bytes != job->size || info.written == 0 || info.written > job->size ||
        !iot_text_is(info.version, job->version))
        return IOT_OK;
    m->whole = info.whole;
    start_checking(m);
    if (!m->whole) {
        m->goal = info.written;
        m->state = IOT_IMAGE_REBUILDING;
    }
    return IOT_OK;
}

/* What the slot holds is read and digested, as far as one tick may last. */
static iot_err read_on(struct iot_ota_image *m)
{
    uint8_t piece[PIECE];
    uint32_t left = IOT_OTA_STEP_BYTES;

    while (left != 0 && m->at != m->goal) {
        uint32_t n = m->goal - m->at;
        n = n < left ? n : left;
        n = n < PIECE ? n : PIECE;
        iot_err err = m->slot->ops->read(m->slot->ctx, m->at, piece, n);
        if (err != IOT_OK)
            return stop(m, err);
        iot_digest_put(&m->digest, (struct iot_bytes){piece, n});
        if (m->state == IOT_IMAGE_CHECKING && is_md5(m))
            iot_digest_put(&m->sha, (struct iot_bytes){piece, n});
        m->at += n;
        left -= n;
    }
    return IOT_OK;
}

static void end_rebuilding(struct iot_ota_image *m)
{
    if (m->at == m->goal)
        m->state = m->at == m->job->size ? IOT_IMAGE_WRITTEN : IOT_IMAGE_WRITING;
}

/* The platform's signature is made over the digest of the file. Which digest, where that is an MD5, is not said
 * anywhere; one over an MD5 would be worth as little as the MD5. So it is always the SHA-256: what
 * `openssl dgst -sha256 -sign` makes of the file. */
static iot_err end_checking(struct iot_ota_image *m)
{
    const struct iot_ota_trust *t = m->trust;

    if (m->at != m->goal)
        return IOT_OK;
    if (!is_promised(m))
        return stop(m, IOT_ERR_OTA_DIGEST);
    if (is_md5(m))
        iot_digest_end(&m->sha, m->sum);
    m->state = IOT_IMAGE_ENDING;
    if (t->key == NULL)
        return IOT_OK;
    m->state = IOT_IMAGE_SIGNING;
    iot_err err = iot_ecdsa_begin(&m->ecdsa, t->arena, t->arena_bytes, t->key, m->sum,
                                  (struct iot_bytes){m->job->signature, m->job->signature_bytes});
    return err == IOT_ERR_AGAIN ? IOT_OK : stop(m, err);
}

static iot_err sign_on(struct iot_ota_image *m)
{
    iot_err err = iot_ecdsa_step(&m->ecdsa);

    if (err == IOT_ERR_AGAIN)
        return IOT_OK;
    if (err != IOT_OK)
        return stop(m, err);
    m->state = IOT_IMAGE_ENDING;
    return IOT_OK;
}

iot_err iot_ota_image_step(struct iot_ota_image *m)
{
    const struct iot_slot_ops *ops = m->slot->ops;
    iot_err err = IOT_OK;

    switch ((enum iot_ota_image_state)m->state) {
    case IOT_IMAGE_OPENING:
        return open_slot(m);
    case IOT_IMAGE_REBUILDING:
        err = read_on(m);
        if (err == IOT_OK)
            end_rebuilding(m);
        return err;
    case IOT_IMAGE_WRITTEN:
        if (!is_promised(m))
            return stop(m, IOT_ERR_OTA_DIGEST);
        start_checking(m);
        return IOT_OK;
    case IOT_IMAGE_CHECKING:
        err = read_on(m);
        return err == IOT_OK ? end_checking(m) : err;
    case IOT_IMAGE_SIGNING:
        return sign_on(m);
    case IOT_IMAGE_ENDING:
        if (!m->whole)
            err = ops->done(m->slot->ctx, m->sum);
        if (err != IOT_OK)
            return stop(m, err);
        m->state = IOT_IMAGE_CHOOSING;
        return IOT_OK;
    case IOT_IMAGE_CHOOSING:
        if (ops->choose != NULL)
            err = ops->choose(m->slot->ctx);
        if (err != IOT_OK)
            return stop(m, err);
        m->state = IOT_IMAGE_READY;
        return IOT_OK;
    case IOT_IMAGE_CLOSED:
    case IOT_IMAGE_NEW:
    case IOT_IMAGE_WRITING:
    case IOT_IMAGE_READY:
    case IOT_IMAGE_FAILED:
        break;
    }
    return IOT_ERR_STATE;
}

iot_err iot_ota_image_begin(struct iot_ota_image *m)
{
    if (m->state != IOT_IMAGE_NEW)
        return IOT_ERR_STATE;
    iot_err err = m->slot->ops->begin(m->slot->ctx, m->job->size, m->job->version);
    if (err != IOT_OK)
        return stop(m, err == IOT_ERR_SIZE ? IOT_ERR_OTA_SIZE : err);
    start_digest(m);
    m->state = IOT_IMAGE_WRITING;
    return IOT_OK;
}

iot_err iot_ota_image_write(struct iot_ota_image *m, struct iot_bytes bytes, uint32_t *used)
{
    *used = 0;
    if (m->state != IOT_IMAGE_WRITING && m->state != IOT_IMAGE_WRITTEN)
        return IOT_ERR_STATE;
    if (bytes.len > m->job->size - m->at)
        return IOT_ERR_OTA_SIZE;
    if (bytes.len == 0)
        return IOT_OK;
    iot_err err = m->slot->ops->write(m->slot->ctx, bytes.ptr, bytes.len, used);
    IOT_ASSERT(*used <= bytes.len);
    iot_digest_put(&m->digest, (struct iot_bytes){bytes.ptr, *used});
    m->at += *used;
    if (err != IOT_OK && err != IOT_ERR_AGAIN)
        return stop(m, err);
    if (m->at == m->job->size)
        m->state = IOT_IMAGE_WRITTEN;
    return *used == bytes.len ? IOT_OK : IOT_ERR_AGAIN;
}

void iot_ota_image_restart(struct iot_ota_image *m)
{
    iot_ecdsa_end(&m->ecdsa);
    m->at = 0;
    m->whole = false;
    m->state = IOT_IMAGE_NEW;
}

void iot_ota_image_end(struct iot_ota_image *m)
{
    iot_ecdsa_end(&m->ecdsa);
    m->state = IOT_IMAGE_CLOSED;
}

#endif
