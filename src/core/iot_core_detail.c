/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/iot_base.h"
#include "iot/iot_tls.h"

#include <string.h>

#if IOT_FEATURE_ERR_NAMES

/* X(what the number is, number, name, text). The faults of a certificate stand in the order of what the
 * user has to put right first: while the chain is wrong, nothing else in it says much. */
#define MQTT_LIST(X)                                                                               \
    X(CONNACK, 1, PROTOCOL_VERSION, "the broker does not speak MQTT 3.1.1")                        \
    X(CONNACK, 2, IDENTIFIER_REJECTED, "the broker does not accept the client id")                 \
    X(CONNACK, 3, SERVER_UNAVAILABLE, "the broker takes nobody now; try later")                    \
    X(CONNACK, 4, BAD_USER_NAME_OR_PASSWORD, "check user name and password, or the secret")        \
    X(CONNACK, 5, NOT_AUTHORIZED, "this client may not connect here: its rights, or its secret")

#if IOT_FEATURE_TLS
#define TLS_LIST(X)                                                                                \
    X(FAULT, IOT_TLS_FAULT_CA, CA,                                                                 \
      "no chain to an authority we trust; compare its issuer with the `ca` of the options")        \
    X(FAULT, IOT_TLS_FAULT_MISSING, MISSING, "the server sent no certificate")                     \
    X(FAULT, IOT_TLS_FAULT_NAME, NAME,                                                             \
      "issued for another name; check the host, or set server_name to a name it is for")           \
    X(FAULT, IOT_TLS_FAULT_EXPIRED, EXPIRED,                                                       \
      "the certificate has expired, or this device's clock runs ahead; check the clock first")     \
    X(FAULT, IOT_TLS_FAULT_NOT_YET, NOT_YET,                                                       \
      "the certificate is not valid yet, or this device's clock runs behind; check the clock")     \
    X(FAULT, IOT_TLS_FAULT_USAGE, USAGE, "the certificate is not meant for a TLS server")          \
    X(FAULT, IOT_TLS_FAULT_KEY, KEY, "its key is too short, or of a kind that is not allowed")     \
    X(FAULT, IOT_TLS_FAULT_DIGEST, DIGEST, "signed with SHA-1 or worse; it has to be renewed")     \
    X(FAULT, IOT_TLS_FAULT_OTHER, OTHER, "the certificate is damaged or breaks its own rules")     \
    X(ALERT, 0, CLOSE_NOTIFY, "ended in good order")                                               \
    X(ALERT, 10, UNEXPECTED_MESSAGE, "it got a message out of place")                              \
    X(ALERT, 20, BAD_RECORD_MAC, "it cannot decrypt; with PSK: another key")                       \
    X(ALERT, 21, DECRYPTION_FAILED, "it cannot decrypt")                                           \
    X(ALERT, 22, RECORD_OVERFLOW, "it got a record too long")                                      \
    X(ALERT, 30, DECOMPRESSION_FAILURE, "it cannot decompress")                                    \
    X(ALERT, 40, HANDSHAKE_FAILURE, "nothing in common; check `kinds`, our certificate")           \
    X(ALERT, 41, NO_CERTIFICATE, "it wants a certificate of ours")                                 \
    X(ALERT, 42, BAD_CERTIFICATE, "our certificate is damaged")                                    \
    X(ALERT, 43, UNSUPPORTED_CERTIFICATE, "our certificate is of a kind it cannot use")            \
    X(ALERT, 44, CERTIFICATE_REVOKED, "our certificate was revoked")                               \
    X(ALERT, 45, CERTIFICATE_EXPIRED, "our certificate has expired")                               \
    X(ALERT, 46, CERTIFICATE_UNKNOWN, "it does not like our certificate")                          \
    X(ALERT, 47, ILLEGAL_PARAMETER, "it got a value that is not allowed")                          \
    X(ALERT, 48, UNKNOWN_CA, "it does not know the authority of our certificate")                  \
    X(ALERT, 49, ACCESS_DENIED, "our certificate is good, but has no access")                      \
    X(ALERT, 50, DECODE_ERROR, "it cannot parse a message")                                        \
    X(ALERT, 51, DECRYPT_ERROR, "a signature or digest is wrong; with PSK: another key")           \
    X(ALERT, 60, EXPORT_RESTRICTION, "export rules of old")                                        \
    X(ALERT, 70, PROTOCOL_VERSION, "no TLS version in common")                                     \
    X(ALERT, 71, INSUFFICIENT_SECURITY, "it wants stronger ciphers; check `kinds`")                \
    X(ALERT, 80, INTERNAL_ERROR, "trouble inside the server; see its log")                         \
    X(ALERT, 86, INAPPROPRIATE_FALLBACK, "it speaks a newer TLS than we offered")                  \
    X(ALERT, 90, USER_CANCELED, "canceled there")                                                  \
    X(ALERT, 100, NO_RENEGOTIATION, "it does not renegotiate")                                     \
    X(ALERT, 109, MISSING_EXTENSION, "it misses an extension")                                     \
    X(ALERT, 110, UNSUPPORTED_EXTENSION, "it got an extension it did not ask for")                 \
    X(ALERT, 111, CERTIFICATE_UNOBTAINABLE, "it cannot fetch our certificate")                     \
    X(ALERT, 112, UNRECOGNIZED_NAME, "no such host there; check host, server_name")                \
    X(ALERT, 113, BAD_CERTIFICATE_STATUS_RESPONSE, "it got a bad OCSP answer")                     \
    X(ALERT, 114, BAD_CERTIFICATE_HASH_VALUE, "our certificate is not what was announced")         \
    X(ALERT, 115, UNKNOWN_PSK_IDENTITY, "it does not know our PSK identity")                       \
    X(ALERT, 116, CERTIFICATE_REQUIRED, "it wants a certificate of ours")                          \
    X(ALERT, 120, NO_APPLICATION_PROTOCOL, "no protocol in common; check `alpn`")
#else
#define TLS_LIST(X)
#endif

/* The platform's codes, of what it does by HTTPS and of a registration. */
#if IOT_FEATURE_WEB
#define CODE_LIST(X)                                                                               \
    X(CODE, 460, PARAMETER, "the platform finds a parameter missing or ill-formed")                \
    X(CODE, 500, SERVER, "trouble inside the platform; try later")                                 \
    X(CODE, 6100, NO_DEVICE, "no such device; make its name known in the console")                 \
    X(CODE, 6250, NO_PRODUCT, "no such product; check the product key and the region")             \
    X(CODE, 6288, REGISTER_OFF, "switch the product's dynamic registration on in the console")     \
    X(CODE, 6289, ACTIVE, "the device has logged in before; reset it in the console")              \
    X(CODE, 6292, SIGN_METHOD, "the platform does not know this method of signing")                \
    X(CODE, 6600, SIGNATURE, "wrong signature; check the secret and the names")                    \
    X(CODE, 10000, COMMON, "trouble inside the platform; try later")                               \
    X(CODE, 10001, DATA_PARAMETER, "the platform finds a parameter missing or ill-formed")         \
    X(CODE, 20000, AUTHENTICATION, "check names and secret; is the device enabled?")               \
    X(CODE, 20001, TOKEN_EXPIRED, "the token has expired; the next message fetches another")       \
    X(CODE, 20002, TOKEN_MISSING, "the token did not arrive; does a proxy take it away?")          \
    X(CODE, 20003, TOKEN_UNKNOWN, "the token is not known; the next message fetches another")      \
    X(CODE, 20004, SESSION, "the platform could not update its session; try later")                \
    X(CODE, 30001, PUBLISH, "not published: does the topic allow it? If so, try later")            \
    X(CODE, 40000, TOO_MANY, "too many requests; slow down")
#else
#define CODE_LIST(X)
#endif

/* What the platform's CoAP answers, as three digits. */
#if IOT_FEATURE_UPLINK
#define STATUS_LIST(X)                                                                             \
    X(STATUS, 400, BAD_REQUEST, "the platform cannot read the message: its payload, its options")  \
    X(STATUS, 401, UNAUTHORIZED, "names, secret or token are wrong; is the device enabled?")       \
    X(STATUS, 402, BAD_OPTION, "an option of the message is none to the platform, or wrong")       \
    X(STATUS, 403, FORBIDDEN, "not allowed; in the symmetric mode: not the next number")           \
    X(STATUS, 404, NOT_FOUND, "no such topic or device; check the names")                          \
    X(STATUS, 413, TOO_LARGE, "the message is too long for the platform")                          \
    X(STATUS, 414, TOPIC, "the topic is too long for the platform")                                \
    X(STATUS, 429, TOO_OFTEN, "too many messages; slow down")                                      \
    X(STATUS, 500, INTERNAL, "trouble inside the platform; try later")
#else
#define STATUS_LIST(X)
#endif

#define DETAIL_LIST(X) MQTT_LIST(X) TLS_LIST(X) CODE_LIST(X) STATUS_LIST(X)

/* What a number is, above the 9 bits of the number itself; a CODE is all number: above those, or of no kind. */
enum detail_kind {
    CODE = 0,
    CONNACK = 0x200,
    FAULT = 0x400,
    ALERT = 0x600,
    STATUS = 0x800,
    NOTHING = 0x10000
};

#define NUMBER_MASK 0x1ffu
#define CONNACK_MAX 5

static const uint16_t keys[] = {
#define KEY(kind, number, name, text) (uint16_t)((uint32_t)kind | (uint32_t)(number)),
    DETAIL_LIST(KEY)
#undef KEY
};

/* One text with NUL between, as in iot_core_names.c. */
static const char names[] = {
#define NAME(kind, number, name, text) #name "\0"
    DETAIL_LIST(NAME)
#undef NAME
};

#if IOT_FEATURE_ERR_TEXTS
static const char texts[] = {
#define TEXT(kind, number, name, text) text "\0"
    DETAIL_LIST(TEXT)
#undef TEXT
};
#else
#define texts names
#endif

static enum detail_kind kind_of(iot_err err, uint32_t number)
{
    switch (err) {
    case IOT_ERR_LINK_CODE:
        return CODE;
    case IOT_ERR_LINK_REGISTER: /* by MQTT, or by HTTPS */
        return number > CONNACK_MAX ? CODE : CONNACK;
    case IOT_ERR_MQTT_REFUSED:
    case IOT_ERR_LINK_CLIENT_ID:
    case IOT_ERR_LINK_SECRET:
    case IOT_ERR_LINK_DENIED:
    case IOT_ERR_LINK_FLOW:
    case IOT_ERR_LINK_TWICE:
    case IOT_ERR_LINK_DISABLED:
        return CONNACK;
    case IOT_ERR_TLS_VERIFY:
        return FAULT;
    case IOT_ERR_TLS_ALERT:
    case IOT_ERR_TLS_KIND:
    case IOT_ERR_TLS_VERSION:
    case IOT_ERR_TLS_PSK:
        return ALERT;
    case IOT_ERR_UPLINK_STATUS:
    case IOT_ERR_UPLINK_TOKEN:
        return STATUS;
    default:
        return NOTHING;
    }
}

static const char *pick(const char *list, iot_err err, int32_t detail)
{
    uint32_t number = (uint32_t)detail, kind = kind_of(err, number);

    if (kind == NOTHING || (kind != CODE && number > NUMBER_MASK))
        return "";
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        uint32_t row = keys[i] & NUMBER_MASK;
        bool code = keys[i] < CONNACK || keys[i] > (STATUS | NUMBER_MASK);

        if (kind == CODE ? code && keys[i] == number
                         : (keys[i] & ~NUMBER_MASK) == kind &&
                               (kind == FAULT ? (number & row) != 0 : number == row))
            return list;
        list += strlen(list) + 1;
    }
    return "";
}

const char *iot_err_detail_name(iot_err err, int32_t detail)
{
    return pick(names, err, detail);
}

const char *iot_err_detail_text(iot_err err, int32_t detail)
{
    return pick(texts, err, detail);
}

#endif
