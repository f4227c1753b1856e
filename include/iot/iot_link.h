/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_link.h
 * The identity of a device on the Alibaba Cloud IoT platform: from product key, device name and
 * secret to host, client id, user name and password of MQTT.
 */
#ifndef IOT_LINK_H
#define IOT_LINK_H

#include "iot/iot_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Longest values, bytes without NUL. */
#define IOT_PRODUCT_KEY_MAX   20
#define IOT_DEVICE_NAME_MAX   32
#define IOT_DEVICE_SECRET_MAX 64
#define IOT_LINK_HOST_MAX     79

/** HMAC by which the password is made (`signmethod`). */
enum iot_sign_method { IOT_SIGN_HMACSHA256, IOT_SIGN_HMACSHA1, IOT_SIGN_HMACMD5 };

/** `ext`, a bitmap: what the platform may send unasked. */
enum iot_link_ext {
    IOT_LINK_EXT_RRPC = 1,  /* RRPC with custom topics */
    IOT_LINK_EXT_ERROR = 2, /* error notifications on /ext/error */
};

/**
 * Sign instead of the library, with a secret that it does not get to see (secure element).
 *
 * text     what is signed, ASCII; valid until return.
 * mac      out: the raw HMAC, 32, 20 or 16 bytes by `method`.
 * Returns  IOT_OK; IOT_ERR_AGAIN: not ready, asked again with the same text in a later tick; any
 *          other error ends this attempt to connect, with that name.
 * Context  inside iot_poll. Not from here: any call for this device.
 */
typedef iot_err (*iot_link_sign)(void *ctx, enum iot_sign_method method, struct iot_bytes text,
                                 uint8_t mac[32]);

struct iot_registration;

/**
 * Who the device is. All texts are NUL-terminated and borrowed as long as options are. Beside the names they
 * are printable ASCII without '|', ',' and '=', which would break the client id; longest lengths in
 * brackets. An optional text that is "" is not sent.
 */
struct iot_link_identity {
    const char *product_key;   /* letters and digits [IOT_PRODUCT_KEY_MAX] */
    const char *device_name;   /* letters, digits, - _ @ . : [IOT_DEVICE_NAME_MAX] */
    const char *device_secret; /* letters and digits [IOT_DEVICE_SECRET_MAX]; NULL: with `sign`,
                                  `registration`, or a client certificate (x509) */

    /** Instead of both, and of x509: fetch a secret and keep it (iot_register.h). NULL: none. */
    const struct iot_registration *registration;

    iot_link_sign sign; /* NULL: device_secret signs; else that is not used */
    void *sign_ctx;

    /** Where: iot_options.host if given; else the enterprise instance; else the region. */
    const char *region;      /* "cn-shanghai" (also NULL), "ap-southeast-1", "ap-northeast-1",
                                "us-west-1", "eu-central-1", or a newer one as it is [32] */
    const char *instance_id; /* "iot-xxxxxxxx" [48], also sent; or NULL: public instance */

    enum iot_sign_method method;

    /** Decimal ms [20], enters the signature; NULL: 2524608000000; "": none is sent. */
    const char *timestamp;

    /** Client certificate instead of a password. product_key and device_name may then both be NULL:
     *  the platform reads them from the certificate and tells them on /ext/auth/identity/response.
     *  Set client_id then: else all such devices are called ".". */
    bool x509;

    /** Before the first '|' of the client id [64]; NULL: product_key.device_name. */
    const char *client_id;

    /* Its fields (protocol fields in brackets, then longest lengths). */
    const char *sdk_version; /* [_v] [32] NULL: sdk-c- and ours; "": not sent */
    bool gateway;            /* [gw] */
    uint8_t ext;             /* [ext] enum iot_link_ext */
    bool system_topics;      /* [_ss] the platform subscribes the system topics for us */
    const char *partner_id;  /* [pid] [16] or NULL */
    const char *module_id;   /* [mid] [64] or NULL */
    const char *connection;  /* [_conn] [64] statistics text, may hold blanks; or NULL */
    const char *custom;      /* [128] appended after a comma as it is; may hold blanks, ',' and '=';
                                or NULL */
};

#ifdef __cplusplus
}
#endif
#endif
