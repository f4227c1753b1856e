/* SPDX-License-Identifier: Apache-2.0 */
/* FIPS 197, in its own words: a state of four columns, ten rounds. */
#include "cloud/cloud_aes.h"

#include <string.h>

#define ROUNDS 10

static const char first_vector[] = "543yhjy97ae7fyfg";

struct schedule {
    uint8_t box[256], back[256]; /* SubBytes, and its inverse */
    uint8_t keys[ROUNDS + 1][CLOUD_AES_BLOCK];
};

static uint8_t twice(uint8_t x)
{
    return (uint8_t)(x << 1 ^ ((x & 0x80) != 0 ? 0x1b : 0));
}

static uint8_t times(uint8_t a, uint8_t b)
{
    uint8_t sum = 0;

    for (; b != 0; b >>= 1, a = twice(a))
        sum ^= (b & 1) != 0 ? a : 0;
    return sum;
}

static uint8_t turn(uint8_t x, int by)
{
    return (uint8_t)(x << by | x >> (8 - by));
}

/* p runs through all bytes but 0 as powers of 3, q beside it through their inverses. */
static void make_boxes(struct schedule *s)
{
    uint8_t p = 1, q = 1;

    do {
        p = times(p, 3);
        q = times(q, 0xf6); /* which is 1/3 */
        uint8_t v = (uint8_t)(q ^ turn(q, 1) ^ turn(q, 2) ^ turn(q, 3) ^ turn(q, 4) ^ 0x63);
        s->box[p] = v;
        s->back[v] = p;
    } while (p != 1);
    s->box[0] = 0x63;
    s->back[0x63] = 0;
}

static void make_keys(struct schedule *s, const uint8_t key[16])
{
    uint8_t *k = &s->keys[0][0], round = 1;

    make_boxes(s);
    memcpy(k, key, 16);
    for (size_t i = 16; i < sizeof s->keys; i += 4) {
        uint8_t t[4] = {k[i - 4], k[i - 3], k[i - 2], k[i - 1]};
        if (i % 16 == 0) {
            uint8_t first = t[0];
            t[0] = s->box[t[1]] ^ round;
            t[1] = s->box[t[2]];
            t[2] = s->box[t[3]];
            t[3] = s->box[first];
            round = twice(round);
        }
        for (size_t j = 0; j < 4; j++)
            k[i + j] = k[i + j - 16] ^ t[j];
    }
}

static void mix_in(uint8_t *block, const uint8_t *other)
{
    for (size_t i = 0; i < CLOUD_AES_BLOCK; i++)
        block[i] ^= other[i];
}

/* SubBytes and ShiftRows at once: row r comes from r columns further. */
static void substitute(uint8_t block[16], const uint8_t box[256], int direction)
{
    uint8_t old[16];

    memcpy(old, block, 16);
    for (int i = 0; i < 16; i++)
        block[i] = box[old[(i + direction * 4 * (i % 4) + 64) % 16]];
}

static void mix_columns(uint8_t block[16], const uint8_t factors[4])
{
    for (int c = 0; c < 16; c += 4) {
        uint8_t old[4];
        memcpy(old, block + c, 4);
        for (int r = 0; r < 4; r++) {
            block[c + r] = 0;
            for (int i = 0; i < 4; i++)
                block[c + r] ^= times(old[i], factors[(i - r + 4) % 4]);
        }
    }
}

static void encrypt_block(const struct schedule *s, uint8_t block[16])
{
    static const uint8_t factors[] = {2, 3, 1, 1};

    mix_in(block, s->keys[0]);
    for (int round = 1; round <= ROUNDS; round++) {
        substitute(block, s->box, 1);
        if (round < ROUNDS)
            mix_columns(block, factors);
        mix_in(block, s->keys[round]);
    }
}

static void decrypt_block(const struct schedule *s, uint8_t block[16])
{
    static const uint8_t factors[] = {14, 11, 13, 9};

    for (int round = ROUNDS; round > 0; round--) {
        mix_in(block, s->keys[round]);
        if (round < ROUNDS)
            mix_columns(block, factors);
        substitute(block, s->back, -1);
    }
    mix_in(block, s->keys[0]);
}

void cloud_aes_encrypt(const uint8_t key[16], const void *in, size_t len, uint8_t *out)
{
    const uint8_t *bytes = in, *before = (const uint8_t *)first_vector;
    struct schedule s;

    make_keys(&s, key);
    for (size_t at = 0; at < CLOUD_AES_BYTES(len); at += CLOUD_AES_BLOCK) {
        size_t n = len - at < CLOUD_AES_BLOCK ? len - at : CLOUD_AES_BLOCK;
        memset(out + at, (int)(CLOUD_AES_BLOCK - n), CLOUD_AES_BLOCK);
        if (n > 0)
            memcpy(out + at, bytes + at, n);
        mix_in(out + at, before);
        encrypt_block(&s, out + at);
        before = out + at;
    }
}

bool cloud_aes_decrypt(const uint8_t key[16], const void *in, size_t len, uint8_t *out,
                       size_t *out_len)
{
    const uint8_t *bytes = in, *before = (const uint8_t *)first_vector;
    struct schedule s;

    if (len == 0 || len % CLOUD_AES_BLOCK != 0)
        return false;
    make_keys(&s, key);
    for (size_t at = 0; at < len; at += CLOUD_AES_BLOCK) {
        memcpy(out + at, bytes + at, CLOUD_AES_BLOCK);
        decrypt_block(&s, out + at);
        mix_in(out + at, before);
        before = bytes + at;
    }
    uint8_t pad = out[len - 1];
    if (pad == 0 || pad > CLOUD_AES_BLOCK)
        return false;
    for (size_t i = len - pad; i < len; i++)
        if (out[i] != pad)
            return false;
    *out_len = len - pad;
    return true;
}
