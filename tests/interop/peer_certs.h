/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for tests: made on demand by the openssl command, each once in a test program, in a
 * throw-away folder. All are good from the moment they are made, for some days: a test moves its
 * device's clock, not the dates. */
#ifndef PEER_CERTS_H
#define PEER_CERTS_H

#include "iot/iot_base.h"

/** What servers are called here, and nobody else. */
#define PEER_NAME "a.test.lwlink"

#define PEER_DAY_S       ((int64_t)86400)
#define PEER_LEAF_DAYS   30 /* how long the end certificates are good ... */
#define PEER_MIDDLE_DAYS 20 /* ... the one between them and the RSA root ... */
#define PEER_ROOT_DAYS   3650
#define PEER_BRIEF_DAYS  3 /* ... and CERT_EC_BRIEF and CERT_EC_ROOT_OLD */

enum peer_cert_id {
    CERT_EC_ROOT,
    CERT_EC_GOOD,     /* P-256, for PEER_NAME and for loopback's addresses */
    CERT_EC_OTHER,    /* for b.test.lwlink */
    CERT_EC_CN_ONLY,  /* PEER_NAME, but only as its common name */
    CERT_EC_CN_RIGHT, /* PEER_NAME as its common name, another one in its SAN */
    CERT_EC_WILD,     /* *.test.lwlink */
    CERT_EC_PARTIAL,  /* a*.test.lwlink */
    CERT_EC_URI,      /* PEER_NAME and loopback's addresses, all as URIs */
    CERT_EC_ADDRESS,  /* loopback's addresses, but as names, and wildcards for them */
    CERT_EC_BRIEF,    /* as CERT_EC_GOOD, for few days */
    CERT_EC_ROOT_OLD, /* CERT_EC_ROOT before it was renewed: its name and key, for few days */
    CERT_EC_HUGE,     /* as CERT_EC_GOOD, with more than 5000 bytes */
    CERT_EC_CLIENT_USE,
    CERT_EC_SHA1,        /* signed with SHA-1 */
    CERT_EC_BY_LEAF,     /* issued by CERT_EC_GOOD, which is no authority */
    CERT_RSA_ROOT,       /* RSA-2048 */
    CERT_RSA_MIDDLE,     /* issued by it */
    CERT_RSA_GOOD,       /* issued by that one: with the root a chain of three */
    CERT_RSA_NO_SIGN,    /* its key may not sign; issued by CERT_EC_ROOT */
    CERT_RSA_WEAK,       /* RSA-1024; issued by CERT_EC_ROOT */
    CERT_RSA_LONG,       /* as CERT_RSA_MIDDLE, with a public exponent of some 2000 bits */
    CERT_EC_BY_LONG,     /* issued by it, for PEER_NAME */
    CERT_STRANGE_ROOT,   /* an authority of somebody else */
    CERT_STRANGE_GOOD,   /* issued by it, for PEER_NAME */
    CERT_SELF,           /* for PEER_NAME, signed by itself */
    CERT_CLIENT_EC,      /* of a device, issued by CERT_EC_ROOT */
    CERT_CLIENT_RSA,     /* the same with RSA-2048 */
    CERT_CLIENT_LARGE,   /* of a device, so large that it makes a session ticket of 2000 bytes */
    CERT_CLIENT_STRANGE, /* of a device, issued by CERT_STRANGE_ROOT */
    CERT_COUNT,
};

struct peer_cert {
    const char *pem;       /* path of the certificate */
    const char *above_pem; /* path of a file with those between it and its root; NULL: none */
    const char *chain_pem; /* ... and with itself before them */
    const char *key_pem;   /* path of its key */
    struct iot_bytes der;
    struct iot_bytes key;             /* DER, PKCS#8 */
    struct iot_bytes key_traditional; /* DER, RFC 5915 or PKCS#1 */
};

/** Never fails: the test does. */
const struct peer_cert *peer_cert(enum peer_cert_id id);

/** When the first was made, seconds since 1970: all are good an hour later. */
int64_t peer_certs_made_s(void);

/** Remove the folder; for the end of a test program. Harmless if there is none. */
void peer_certs_remove(void);

/** The openssl command: $OPENSSL or that in PATH. */
const char *peer_openssl(void);

/** The folder, for other files that end with the program. */
const char *peer_certs_dir(void);

#endif
