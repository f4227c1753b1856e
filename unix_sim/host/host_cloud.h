/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_cloud.h
 * The emulated platform on loopback: a mosquitto with our plugin, and a certificate authority that lasts
 * as long as it. Its listeners: plain TCP, TLS, TLS-PSK, TLS with client certificates; and HTTPS, HTTP
 * (host_web.h).
 */
#ifndef HOST_CLOUD_H
#define HOST_CLOUD_H

#include "host/host_broker.h"
#include "host/host_coap.h"

/** All may be NULL or 0. */
struct host_cloud_options {
    const char *devices; /* path of a file of identities; see cloud_book.h. Models lie beside it */
    const char *devices_text; /* its text instead; both NULL: the sample identities */
    const char *more;         /* lines to put behind it */
    const char
        *dir; /* a folder to use, made if it is not there; it stays. NULL: a throw-away one */
    const char *address; /* to listen on; default 127.0.0.1 */
    const char *openssl; /* default: $OPENSSL, else openssl in PATH */
    const char *
        plugin; /* default: $CLOUD_PLUGIN, else cloud_plugin.so beside the program or up to two folders up */
    uint16_t tls_port, plain_port, psk_port, x509_port; /* 0: free ones */
    uint16_t https_port, http_port;                     /* as well */
    struct host_coap_ports coap;                        /* as well; of UDP */
    bool announce;                                      /* let host_cloud_find find it */
};

struct host_cloud {
    struct host_broker broker; /* pid 0: not running */
    pid_t web;                 /* cloud_https; 0: not running */
    pid_t coap_pid;            /* cloud_coap; 0: not running */
    uint16_t tls_port, plain_port, psk_port, x509_port;
    uint16_t https_port, http_port; /* all the platform does by HTTPS; files alone */
    struct host_coap_ports coap;
    char address[48];
    char dir[HOST_PATH_MAX];
    char ca_pem[HOST_PATH_MAX], ca_der[HOST_PATH_MAX]; /* what a device has to trust */
    char openssl[HOST_PATH_MAX];
    char plugin[HOST_PATH_MAX];
    bool temporary, announced;
    bool cut;      /* by host_cloud_cut, and not yet restored */
    char why[512]; /* after a failure: in words */
};

/**
 * Start the emulated platform and wait until all its listeners take connections, at most 40 s.
 *
 * c        out; need not be initialised.
 * options  may be NULL.
 * Returns  true; false: `why` says why, nothing is left running.
 */
bool host_cloud_start(struct host_cloud *c, const struct host_cloud_options *options);

/** Does nothing if it does not run. */
void host_cloud_stop(struct host_cloud *c);

/** As a power cut: all connections are gone, nothing is said, sessions and published files are forgotten. Folder, certificates and
 *  log stay. */
void host_cloud_cut(struct host_cloud *c);

/** Power is back: it starts as it was, on the same ports. False: `why` says why. */
bool host_cloud_restore(struct host_cloud *c);

/** Does it still run? */
bool host_cloud_alive(const struct host_cloud *c);

/**
 * Issue a certificate for a device, P-256, in the cloud's folder.
 *
 * cert, key  out: paths of the DER files, PK.DN.der and PK.DN.key.der; in PEM: PK.DN.pem, PK.DN.key.
 */
bool host_cloud_issue(struct host_cloud *c, const char *product_key, const char *device_name,
                      char cert[HOST_PATH_MAX], char key[HOST_PATH_MAX]);

/**
 * Give a command (see cloud_command.h) to the emulator that runs in a folder; waits at most 15 s.
 *
 * answer  out: what it said behind "ok", or in words what went wrong.
 * Returns true: it said "ok".
 */
bool host_cloud_command(const char *dir, const char *line, char *answer, uint32_t cap);

/** The same for a command that waits for a device which lives in this process: `meanwhile` is called again and again
 *  until the answer has come, and has to let it live for a moment, some milliseconds. */
bool host_cloud_command_while(const char *dir, const char *line, char *answer, uint32_t cap,
                              void (*meanwhile)(void));

/** The last `cap` - 1 bytes of the log of the emulator in a folder, NUL at the end. False: there is none. */
bool host_cloud_log(const char *dir, char *text, uint32_t cap);

/**
 * The next whole line of that log.
 *
 * seen    how many bytes of the log were read; starts with 0.
 * line    out, without newline; cut if it is longer.
 * Returns false: there is none yet.
 */
bool host_cloud_line(const char *dir, uint64_t *seen, char *line, uint32_t cap);

/** The folder of the emulator that was announced by a program of this folder, or with $CLOUD_HERE, a word, by one that has the same:
 *  tests that run at the same time do not find each other's. It may have died. */
bool host_cloud_find(char dir[HOST_PATH_MAX]);

#endif
