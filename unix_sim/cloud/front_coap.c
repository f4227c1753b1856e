/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file front_coap.c
 * build/cloud_coap: the emulated platform's CoAP, on libcoap over OpenSSL. host_cloud.c starts it beside the broker:
 *
 *     cloud_coap DIR ADDRESS CERTIFICATE-PORT PSK-PORT PLAIN-PORT
 *
 * DIR is the emulator's: coap.pem and coap.key are its certificate, and at its control socket each request is asked for, and
 * each key: what is answered is the core's decision, how it is sent is ours, with the faults it says. libcoap answers
 * nothing of these by itself: its answer is always taken back, and ours follows. It ends by SIGTERM.
 *
 * Copies of requests are found here (cloud_coap_seen.h), as libcoap does not look for them.
 */
#include "cloud/cloud_coap_seen.h"
#include "cloud/cloud_coap_wire.h"
#include "host/host_child.h"
#include "host/host_cloud.h"
#include "host/host_text.h"

#include <coap3/coap.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES (4u * CLOUD_COAP_BODY_MAX + 4096u)
#define TURN_MS    20   /* libcoap's own deadlines are looked at so often */
#define IDLE_S     3600 /* a session without a word */
#define DOORS      3
#define TOKEN_MAX  8

/* An answer that is on its way out. */
struct parcel {
    struct parcel *next;
    uint64_t due_ms;
    coap_session_t *session; /* ours as well */
    coap_pdu_type_t type;
    coap_mid_t id; /* < 0: a new one */
    uint8_t token[TOKEN_MAX];
    size_t token_len;
    struct cloud_coap_answer answer; /* its payload is ours */
};

struct door {
    enum cloud_coap_way way;
    coap_proto_t proto;
    coap_context_t *context;
};

static struct door doors[DOORS] = {
    {CLOUD_COAP_CERT, COAP_PROTO_DTLS, NULL},
    {CLOUD_COAP_PSK, COAP_PROTO_DTLS, NULL},
    {CLOUD_COAP_SYMMETRIC, COAP_PROTO_UDP, NULL},
};
static char dir[HOST_PATH_MAX];
static char said[LINE_BYTES];
static struct cloud_coap_seen seen;
static struct parcel *parcels;
static uint64_t sessions;
static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

/* ---- The platform's suite -------------------------------------------------------------------- */

/* libcoap has no setting for this, and its own list has no CBC, which is all that the platform has for keys: so we stand in
 * front of libssl's function. Not by its header: nobody needs that to build us. */
int SSL_CTX_set_cipher_list(void *ctx, const char *list);

int SSL_CTX_set_cipher_list(void *ctx, const char *list)
{
    char longer[512];
    int (*set)(void *, const char *);
    void *found = dlsym(RTLD_NEXT, "SSL_CTX_set_cipher_list");

    if (found == NULL || snprintf(longer, sizeof longer, "%s:PSK-AES128-CBC-SHA", list) >= 512)
        return 0;
    memcpy(&set, &found, sizeof set);
    return set(ctx, longer);
}

/* ---- Who it is ------------------------------------------------------------------------------- */

/* Of DTLS the session, for another one may have the same address; else the address. */
static void name_peer(const struct door *door, coap_session_t *session,
                      char peer[CLOUD_COAP_PEER_MAX + 1])
{
    unsigned char address[64] = "";

    if (coap_session_get_app_data(session) == NULL)
        coap_session_set_app_data(session, (void *)(uintptr_t)++sessions);
    coap_print_addr(coap_session_get_addr_remote(session), address, sizeof address - 1);
    if (door->way == CLOUD_COAP_SYMMETRIC)
        snprintf(peer, CLOUD_COAP_PEER_MAX + 1, "%s", (const char *)address);
    else
        snprintf(peer, CLOUD_COAP_PEER_MAX + 1, "%s %llu", (const char *)address,
                 (unsigned long long)(uintptr_t)coap_session_get_app_data(session));
}

/* libcoap copies it before it asks again. */
static const coap_bin_const_t *on_identity(coap_bin_const_t *identity, coap_session_t *session,
                                           void *ctx)
{
    static coap_bin_const_t key;
    char line[512];
    int n = snprintf(line, sizeof line, "coap-key %.*s", (int)identity->length,
                     (const char *)identity->s);

    (void)session;
    (void)ctx;
    if (n >= (int)sizeof line || !host_cloud_command(dir, line, said, sizeof said))
        return NULL;
    key.s = (const uint8_t *)said;
    key.length = strcspn(said, "\n");
    return &key;
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* libcoap drops an answer without a code that is no ACK. */
static void take_back(coap_pdu_t *response)
{
    coap_pdu_set_type(response, COAP_MESSAGE_NON);
}

static void copy_answer(struct cloud_coap_answer *to, const struct cloud_coap_answer *from)
{
    *to = *from;
    to->payload = malloc(from->payload_len + 1);
    if (to->payload == NULL)
        abort();
    if (from->payload_len > 0)
        memcpy(to->payload, from->payload, from->payload_len);
}

static void post_parcel(coap_session_t *session, const coap_pdu_t *request,
                        const struct cloud_coap_answer *a, uint32_t delay_ms)
{
    bool con = coap_pdu_get_type(request) == COAP_MESSAGE_CON;
    coap_bin_const_t token = coap_pdu_get_token(request);
    struct parcel *p = calloc(1, sizeof *p), **end = &parcels;

    if (p == NULL)
        abort();
    p->due_ms = host_clock_ms() + delay_ms;
    p->session = coap_session_reference(session);
    p->type = !con ? COAP_MESSAGE_NON : a->separate ? COAP_MESSAGE_CON : COAP_MESSAGE_ACK;
    p->id = p->type == COAP_MESSAGE_ACK ? coap_pdu_get_mid(request) : -1;
    p->token_len = token.length < TOKEN_MAX ? token.length : TOKEN_MAX;
    memcpy(p->token, token.s, p->token_len);
    copy_answer(&p->answer, a);
    while (*end != NULL)
        end = &(*end)->next;
    *end = p;
}

static void add_number(coap_pdu_t *pdu, coap_option_num_t option, uint32_t value)
{
    uint8_t bytes[4];

    coap_add_option(pdu, option, coap_encode_var_safe(bytes, sizeof bytes, value), bytes);
}

static void send_parcel(const struct parcel *p)
{
    const struct cloud_coap_answer *a = &p->answer;
    coap_mid_t id = p->id >= 0 ? p->id : (coap_mid_t)coap_new_message_id(p->session);
    coap_pdu_t *pdu =
        coap_pdu_init(p->type, (coap_pdu_code_t)a->code, id, CLOUD_COAP_BODY_MAX + 256u);

    if (pdu == NULL)
        return;
    coap_add_token(pdu, p->token_len, p->token);
    if (a->format >= 0)
        add_number(pdu, COAP_OPTION_CONTENT_FORMAT, (uint32_t)a->format);
    if (a->seq_len > 0)
        coap_add_option(pdu, CLOUD_COAP_OPTION_SEQUENCE, a->seq_len, a->seq);
    if (a->payload_len > 0)
        coap_add_data(pdu, a->payload_len, a->payload);
    coap_send(p->session, pdu);
}

static void send_parcels(uint64_t now_ms)
{
    for (struct parcel **at = &parcels; *at != NULL;) {
        struct parcel *p = *at;
        if (p->due_ms > now_ms) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        send_parcel(p);
        coap_session_release(p->session);
        cloud_coap_free(&p->answer);
        free(p);
    }
}

/* What is sent for a request that came for the first time, or again. */
static void answer(coap_session_t *session, const coap_pdu_t *request,
                   const struct cloud_coap_answer *a, bool again, bool early)
{
    bool con = coap_pdu_get_type(request) == COAP_MESSAGE_CON;

    if (a->drop)
        return;
    if (con && a->separate)
        coap_send_ack(session, request);
    if (again && (early || a->separate || !con))
        return;
    post_parcel(session, request, a, again ? 0 : a->delay_ms);
    if (a->twice)
        post_parcel(session, request, a, a->delay_ms);
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* What of its options matters. */
struct options {
    int32_t format, accept;
    bool has_token;
    char token[512];
    uint8_t seq[64];
    size_t seq_len;
    bool has_seq;
};

static void read_options(const coap_pdu_t *request, struct options *o)
{
    coap_opt_iterator_t at;
    const coap_opt_t *option;

    *o = (struct options){.format = -1, .accept = -1};
    coap_option_iterator_init(request, &at, COAP_OPT_ALL);
    while ((option = coap_option_next(&at)) != NULL) {
        const uint8_t *value = coap_opt_value(option);
        size_t len = coap_opt_length(option);
        bool older = at.number == CLOUD_COAP_OPTION_OLDER;
        if (at.number == COAP_OPTION_CONTENT_FORMAT)
            o->format = (int32_t)coap_decode_var_bytes(value, len);
        else if (at.number == COAP_OPTION_ACCEPT)
            o->accept = (int32_t)coap_decode_var_bytes(value, len);
        else if (at.number == CLOUD_COAP_OPTION_TOKEN || (older && !o->has_token)) {
            snprintf(o->token, sizeof o->token, "%.*s", (int)len, (const char *)value);
            o->has_token = true;
        } else if (at.number == CLOUD_COAP_OPTION_SEQUENCE || older) {
            o->seq_len = len < sizeof o->seq ? len : sizeof o->seq;
            memcpy(o->seq, value, o->seq_len);
            o->has_seq = true;
        }
    }
}

/* The core's answer; false: there is none. */
static bool ask(const struct cloud_coap_request *q, struct cloud_coap_answer *a)
{
    char *line = cloud_coap_wire_write(q);
    bool ok = line != NULL && host_cloud_command(dir, line, said, sizeof said) &&
              cloud_coap_wire_read(a, said);

    free(line);
    return ok;
}

static const struct door *door_of(const coap_context_t *context)
{
    for (size_t i = 0; i < DOORS; i++)
        if (doors[i].context == context)
            return &doors[i];
    abort();
}

static void on_request(coap_resource_t *resource, coap_session_t *session,
                       const coap_pdu_t *request, const coap_string_t *query, coap_pdu_t *response)
{
    const struct door *door = door_of(coap_session_get_context(session));
    char peer[CLOUD_COAP_PEER_MAX + 1], identity[512] = "";
    uint16_t id = (uint16_t)coap_pdu_get_mid(request);
    uint64_t now_ms = host_clock_ms();
    struct cloud_coap_answer a;
    struct options o;
    const uint8_t *payload = NULL;
    size_t len = 0, offset, total;

    (void)resource;
    (void)query;
    take_back(response);
    name_peer(door, session, peer);
    const struct cloud_coap_seen_row *row = cloud_coap_seen_find(&seen, peer, id, now_ms);
    if (row != NULL) {
        answer(session, request, &row->answer, true, now_ms - row->since_ms < row->answer.delay_ms);
        return;
    }
    coap_string_t *path = coap_get_uri_path(request);
    if (path == NULL)
        return;
    const coap_bin_const_t *who =
        door->way == CLOUD_COAP_PSK ? coap_session_get_psk_identity(session) : NULL;
    if (who != NULL)
        snprintf(identity, sizeof identity, "%.*s", (int)who->length, (const char *)who->s);
    read_options(request, &o);
    coap_get_data_large(request, &len, &payload, &offset, &total);
    const struct cloud_coap_request q = {.way = door->way,
                                         .identity = door->way == CLOUD_COAP_PSK ? identity : NULL,
                                         .method = (uint8_t)coap_pdu_get_code(request),
                                         .path = (const char *)path->s,
                                         .format = o.format,
                                         .accept = o.accept,
                                         .token = o.has_token ? o.token : NULL,
                                         .seq = o.has_seq ? o.seq : NULL,
                                         .seq_len = o.seq_len,
                                         .payload = payload,
                                         .payload_len = len};
    if (len > CLOUD_COAP_BODY_MAX || !ask(&q, &a)) {
        memset(&a, 0, sizeof a);
        a.format = -1;
        a.code = len > CLOUD_COAP_BODY_MAX ? CLOUD_COAP_CODE(4, 13) : CLOUD_COAP_CODE(5, 0);
    }
    cloud_coap_seen_keep(&seen, peer, id, &a, now_ms);
    answer(session, request, &a, false, false);
    cloud_coap_free(&a);
    coap_delete_string(path);
}

/* ---- Start ----------------------------------------------------------------------------------- */

static bool set_certificate(coap_context_t *context)
{
    static char certificate[HOST_PATH_MAX + 16], key[HOST_PATH_MAX + 16];
    coap_dtls_pki_t pki = {.version = COAP_DTLS_PKI_SETUP_VERSION};

    snprintf(certificate, sizeof certificate, "%s/coap.pem", dir);
    snprintf(key, sizeof key, "%s/coap.key", dir);
    pki.pki_key.key_type = COAP_PKI_KEY_PEM;
    pki.pki_key.key.pem.public_cert = certificate;
    pki.pki_key.key.pem.private_key = key;
    return coap_context_set_pki(context, &pki) == 1;
}

static bool set_keys(coap_context_t *context)
{
    coap_dtls_spsk_t psk = {.version = COAP_DTLS_SPSK_SETUP_VERSION,
                            .validate_id_call_back = on_identity};

    psk.psk_info.hint.s = (const uint8_t *)"cloud";
    psk.psk_info.hint.length = 5;
    /* nobody's, as libcoap wants one */
    psk.psk_info.key.s = (const uint8_t *)"none";
    psk.psk_info.key.length = 4;
    return coap_context_set_psk2(context, &psk) == 1;
}

static bool open_door(struct door *door, const char *address, uint16_t port)
{
    static const coap_request_t methods[] = {COAP_REQUEST_GET, COAP_REQUEST_POST,
                                             COAP_REQUEST_DELETE};
    coap_address_t at;

    coap_address_init(&at);
    if (inet_pton(AF_INET6, address, &at.addr.sin6.sin6_addr) == 1) {
        at.size = sizeof at.addr.sin6;
        at.addr.sin6.sin6_family = AF_INET6;
        at.addr.sin6.sin6_port = htons(port);
    } else {
        at.size = sizeof at.addr.sin;
        at.addr.sin.sin_family = AF_INET;
        at.addr.sin.sin_port = htons(port);
        if (inet_pton(AF_INET, address, &at.addr.sin.sin_addr) != 1)
            return false;
    }
    coap_context_t *c = door->context = coap_new_context(NULL);
    coap_resource_t *any = coap_resource_unknown_init(on_request);
    if (c == NULL || any == NULL || (door->way == CLOUD_COAP_CERT && !set_certificate(c)) ||
        (door->way == CLOUD_COAP_PSK && !set_keys(c)))
        return false;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        coap_register_handler(any, methods[i], on_request);
    coap_add_resource(c, any);
    coap_context_set_block_mode(c, COAP_BLOCK_USE_LIBCOAP | COAP_BLOCK_SINGLE_BODY);
    coap_context_set_session_timeout(c, IDLE_S);
    coap_register_option(c, CLOUD_COAP_OPTION_OLDER);
    coap_register_option(c, CLOUD_COAP_OPTION_SEQUENCE);
    return coap_new_endpoint(c, &at, door->proto) != NULL;
}

static int wait_ms(uint64_t now_ms)
{
    int wait = TURN_MS;

    for (const struct parcel *p = parcels; p != NULL; p = p->next)
        if (p->due_ms < now_ms + (uint64_t)wait)
            wait = p->due_ms > now_ms ? (int)(p->due_ms - now_ms) : 0;
    return wait;
}

int main(int argc, char **argv)
{
    struct pollfd fds[DOORS];
    uint32_t ports[DOORS];

    for (int i = 0; i < DOORS; i++)
        if (argc != 3 + DOORS || !host_text_number(argv[3 + i], 1, 65535, &ports[i])) {
            fprintf(stderr, "cloud_coap DIR ADDRESS CERTIFICATE-PORT PSK-PORT PLAIN-PORT\n");
            return 2;
        }
    snprintf(dir, sizeof dir, "%s", argv[1]);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    signal(SIGPIPE, SIG_IGN);
    coap_startup();
    coap_set_log_level(LOG_WARNING);
    for (int i = 0; i < DOORS; i++) {
        if (!open_door(&doors[i], argv[2], (uint16_t)ports[i])) {
            fprintf(stderr, "cloud_coap: cannot listen on %s, port %u\n", argv[2],
                    (unsigned)ports[i]);
            return 1;
        }
        fds[i] =
            (struct pollfd){.fd = coap_context_get_coap_fd(doors[i].context), .events = POLLIN};
    }
    while (!ended) {
        poll(fds, DOORS, wait_ms(host_clock_ms()));
        for (int i = 0; i < DOORS; i++)
            coap_io_process(doors[i].context, COAP_IO_NO_WAIT);
        send_parcels(host_clock_ms());
    }
    for (int i = 0; i < DOORS; i++)
        coap_context_set_session_timeout(doors[i].context, 1); /* nobody is told: it ends */
    return 0;
}
