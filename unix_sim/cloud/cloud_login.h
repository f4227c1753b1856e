/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_login.h
 * What a device says who it is: client id, user name, the signed text, the identity of TLS-PSK
 * (protocol 2.2 and 8.6). Pure parsing; who is known is not asked here.
 */
#ifndef CLOUD_LOGIN_H
#define CLOUD_LOGIN_H

#include "cloud/cloud_book.h"

#define CLOUD_CID_MAX       64
#define CLOUD_STAMP_MAX     20 /* digits of a timestamp */
#define CLOUD_CLIENT_ID_MAX 512
#define CLOUD_SIGNED_MAX    256 /* the longest text that is signed fits */
#define CLOUD_DIGEST_MAX    32
#define CLOUD_RANDOM_MAX    64

enum cloud_hash {
    CLOUD_MD5,
    CLOUD_SHA1,
    CLOUD_SHA256,
};

/** Bytes of a digest; name of the signmethod. */
size_t cloud_hash_len(enum cloud_hash hash);
const char *cloud_hash_name(enum cloud_hash hash);

/** Of `cid|k=v,...|`; only what the platform looks at. */
struct cloud_client_id {
    char cid[CLOUD_CID_MAX + 1];
    char seq[CLOUD_STAMP_MAX + 1];   /* of CoAP without DTLS alone: digits; empty: none */
    char stamp[CLOUD_STAMP_MAX + 1]; /* empty: none was given */
    int securemode;
    enum cloud_hash method;
    bool system_subscribed; /* _ss=1: the platform subscribes the system topics for it */
    bool gateway;           /* gw=1 */
    uint32_t ext;           /* bit 0: RRPC with custom topics; bit 1: error notifications */
    char auth_type[17];     /* authType; empty: none */
    char random[CLOUD_RANDOM_MAX + 1]; /* of a registration; empty: none */
};

/**
 * Read a client id, strictly; the order of the fields does not matter.
 *
 * why      out, if false: what is wrong, in words.
 */
bool cloud_client_id_read(struct cloud_client_id *id, const char *text, char *why, size_t cap);

/** `dn&pk`. */
bool cloud_user_name_read(const char *text, char key[CLOUD_KEY_MAX + 1],
                          char name[CLOUD_NAME_MAX + 1]);

/** The text that the password signs. */
void cloud_signed_text(const struct cloud_client_id *id, const char *key, const char *name,
                       char text[CLOUD_SIGNED_MAX]);

/** `devicename|hmacsha256|{pk}&{dn}|{timestamp}`, and the text whose HMAC in upper-case hexadecimal
 *  is the key. */
bool cloud_psk_identity_read(const char *identity, char key[CLOUD_KEY_MAX + 1],
                             char name[CLOUD_NAME_MAX + 1], char text[CLOUD_SIGNED_MAX]);

#endif
