/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_book.h"

#include "cloud/cloud_text.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX  8
#define LINE_BYTES 512

static const struct {
    const char *path;
    enum cloud_access access;
} given_topics[] = {
    {"user/get", CLOUD_SUBSCRIBE},        {"get", CLOUD_SUBSCRIBE},  {"user/update", CLOUD_PUBLISH},
    {"user/update/error", CLOUD_PUBLISH}, {"update", CLOUD_PUBLISH}, {"error", CLOUD_PUBLISH},
};

/* Where an error goes to. */
struct place {
    const char *name;
    unsigned line;
    char *why;
    size_t cap;
};

#define FAIL(place, ...)                                                                           \
    do {                                                                                           \
        int n_ = snprintf((place)->why, (place)->cap, "%s:%u: ", (place)->name, (place)->line);    \
        if (n_ > 0 && (size_t)n_ < (place)->cap)                                                   \
            snprintf((place)->why + n_, (place)->cap - (size_t)n_, __VA_ARGS__);                   \
        return false;                                                                              \
    } while (0)

static bool is_key(const char *text)
{
    return *text != 0 && strlen(text) <= CLOUD_KEY_MAX && cloud_text_all(text, cloud_is_alnum);
}

static bool is_name_char(char c)
{
    return cloud_is_alnum(c) || c == '-' || c == '_' || c == '@' || c == '.' || c == ':';
}

bool cloud_book_is_name(const char *text)
{
    return *text != 0 && strlen(text) <= CLOUD_NAME_MAX && cloud_text_all(text, is_name_char);
}

bool cloud_book_is_region(const char *text)
{
    static const char *const regions[] = {"cn-shanghai", "ap-southeast-1", "ap-northeast-1",
                                          "us-west-1",   "us-east-1",      "eu-central-1",
                                          "cn-beijing",  "cn-shenzhen"};

    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++)
        if (strcmp(text, regions[i]) == 0)
            return true;
    return false;
}

static bool is_secret(const char *text)
{
    return *text != 0 && strlen(text) <= CLOUD_SECRET_MAX && cloud_text_all(text, cloud_is_alnum);
}

/* Levels that are not empty; + alone in its level, # alone in the last. */
static bool is_path(const char *path)
{
    if (*path == 0 || strlen(path) > CLOUD_TOPIC_MAX)
        return false;
    for (;;) {
        size_t n = strcspn(path, "/");
        if (n == 0 || (n > 1 && strcspn(path, "+#") < n))
            return false;
        if (path[n] == 0)
            return true;
        if (path[0] == '#')
            return false;
        path += n + 1;
    }
}

int cloud_book_product(const struct cloud_book *book, const char *key)
{
    for (int i = 0; i < book->product_count; i++)
        if (strcmp(book->products[i].key, key) == 0)
            return i;
    return -1;
}

int cloud_book_device(const struct cloud_book *book, const char *key, const char *name)
{
    int product = cloud_book_product(book, key);

    for (int i = 0; product >= 0 && i < book->device_count; i++)
        if (book->devices[i].product == product && strcmp(book->devices[i].name, name) == 0)
            return i;
    return -1;
}

const char *cloud_book_key(const struct cloud_book *book, int device)
{
    return book->products[book->devices[device].product].key;
}

/* New, or with another permission. False: no room. */
static bool set_topic(struct cloud_book *book, int product, const char *path, uint8_t access)
{
    for (uint16_t i = 0; i < book->topic_count; i++) {
        struct cloud_topic *t = &book->topics[i];
        if (t->product == product && strcmp(t->path, path) == 0) {
            t->access = access;
            return true;
        }
    }
    if (book->topic_count == CLOUD_TOPICS_MAX)
        return false;
    struct cloud_topic *t = &book->topics[book->topic_count++];
    t->product = (uint16_t)product;
    t->access = access;
    snprintf(t->path, sizeof t->path, "%s", path);
    return true;
}

static bool add_product(struct cloud_book *book, char *const words[], int count,
                        const struct place *at)
{
    if (count < 2 || !is_key(words[1]))
        FAIL(at, "a product key has 1 to %d letters and digits", CLOUD_KEY_MAX);
    if (cloud_book_product(book, words[1]) >= 0)
        FAIL(at, "product %s is there already", words[1]);
    if (book->product_count == CLOUD_PRODUCTS_MAX)
        FAIL(at, "more than %d products", CLOUD_PRODUCTS_MAX);
    struct cloud_product *p = &book->products[book->product_count];
    memset(p, 0, sizeof *p);
    for (int i = 2; i < count; i++) {
        const char *secret = cloud_text_after(words[i], "secret=");
        if (secret != NULL && is_secret(secret))
            snprintf(p->secret, sizeof p->secret, "%s", secret);
        else if (secret != NULL)
            FAIL(at, "a secret has 1 to %d letters and digits", CLOUD_SECRET_MAX);
        else if (strcmp(words[i], "gateway") == 0)
            p->gateway = true;
        else if (strcmp(words[i], "raw") == 0)
            p->raw = true;
        else if (strcmp(words[i], "register") == 0)
            p->registers = CLOUD_REGISTER_LISTED;
        else if (strcmp(words[i], "register=nwl") == 0)
            p->registers = CLOUD_REGISTER_NEW;
        else
            FAIL(at, "a product has secret=TEXT, gateway, raw, register and register=nwl, not '%s'",
                 words[i]);
    }
    snprintf(p->key, sizeof p->key, "%s", words[1]);
    int index = book->product_count++;
    for (size_t i = 0; i < sizeof given_topics / sizeof given_topics[0]; i++)
        if (!set_topic(book, index, given_topics[i].path, (uint8_t)given_topics[i].access))
            FAIL(at, "more than %d topics", CLOUD_TOPICS_MAX);
    return true;
}

static bool add_topic(struct cloud_book *book, char *const words[], int count,
                      const struct place *at)
{
    uint8_t access = 0;

    if (count != 4)
        FAIL(at, "it has to be: topic PK PATH publish|subscribe|both");
    int product = cloud_book_product(book, words[1]);
    if (product < 0)
        FAIL(at, "no product %s above this line", words[1]);
    if (!is_path(words[2]))
        FAIL(at, "'%s' is not what may follow /{pk}/{dn}/ in a topic", words[2]);
    if (strcmp(words[3], "publish") == 0)
        access = CLOUD_PUBLISH;
    else if (strcmp(words[3], "subscribe") == 0)
        access = CLOUD_SUBSCRIBE;
    else if (strcmp(words[3], "both") == 0)
        access = CLOUD_BOTH;
    else
        FAIL(at, "a permission is publish, subscribe or both, not '%s'", words[3]);
    if (!set_topic(book, product, words[2], access))
        FAIL(at, "more than %d topics", CLOUD_TOPICS_MAX);
    return true;
}

static bool add_model(struct cloud_book *book, char *const words[], int count,
                      const struct place *at)
{
    if (count != 3)
        FAIL(at, "it has to be: model PK FILE");
    int product = cloud_book_product(book, words[1]);
    if (product < 0)
        FAIL(at, "no product %s above this line", words[1]);
    if (strlen(words[2]) > CLOUD_FILE_NAME_MAX)
        FAIL(at, "the name of a model's file has at most %d characters", CLOUD_FILE_NAME_MAX);
    snprintf(book->products[product].model, sizeof book->products[product].model, "%s", words[2]);
    return true;
}

static bool read_auth(const char *word, uint8_t *auth)
{
    static const char *const names[] = {"secret", "x509", "psk"};

    for (uint8_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(word, names[i]) == 0) {
            *auth = i;
            return true;
        }
    }
    return false;
}

static bool add_device(struct cloud_book *book, char *const words[], int count,
                       const struct place *at)
{
    if (count < 3)
        FAIL(at, "it has to be: device PK DN [secret=DS] [auth=secret|x509|psk] [disabled]");
    int product = cloud_book_product(book, words[1]);
    if (product < 0)
        FAIL(at, "no product %s above this line", words[1]);
    if (!cloud_book_is_name(words[2]))
        FAIL(at, "a device name has 1 to %d letters, digits and -_@.:", CLOUD_NAME_MAX);
    if (cloud_book_device(book, words[1], words[2]) >= 0)
        FAIL(at, "device %s %s is there already", words[1], words[2]);
    if (book->device_count == CLOUD_DEVICES_MAX)
        FAIL(at, "more than %d devices", CLOUD_DEVICES_MAX);
    struct cloud_device *d = &book->devices[book->device_count];
    memset(d, 0, sizeof *d);
    d->product = (uint16_t)product;
    for (int i = 3; i < count; i++) {
        const char *secret = cloud_text_after(words[i], "secret=");
        const char *auth = cloud_text_after(words[i], "auth=");
        if (secret != NULL && is_secret(secret))
            snprintf(d->secret, sizeof d->secret, "%s", secret);
        else if (secret != NULL)
            FAIL(at, "a secret has 1 to %d letters and digits", CLOUD_SECRET_MAX);
        else if (auth != NULL && !read_auth(auth, &d->auth))
            FAIL(at, "auth is secret, x509 or psk, not '%s'", auth);
        else if (auth == NULL && strcmp(words[i], "disabled") == 0)
            d->state = CLOUD_DISABLED;
        else if (auth == NULL) /* not repeated: it may be a secret without its 'secret=' */
            FAIL(at, "word %d: a device has secret=TEXT, auth=KIND and disabled", i + 1);
    }
    bool may_register = book->products[product].registers != CLOUD_REGISTER_OFF;
    if (d->auth != CLOUD_AUTH_X509 && d->secret[0] == 0 && !may_register)
        FAIL(at, "device %s needs secret=TEXT, or auth=x509", words[2]);
    snprintf(d->name, sizeof d->name, "%s", words[2]);
    book->device_count++;
    return true;
}

/* "SUFFIX CODE". */
static bool set_reply_code(struct cloud_rules *rules, const char *value, char *why, size_t cap)
{
    size_t n = strcspn(value, " ");
    struct cloud_reply_code *place = NULL;
    uint32_t code;

    if (n == 0 || n > CLOUD_SUFFIX_MAX || value[n] == 0 ||
        !cloud_text_number(value + n + 1, 999999, &code)) {
        snprintf(why, cap, "it has to be: option reply-code SUFFIX CODE; CODE 0: no more");
        return false;
    }
    for (int i = CLOUD_REPLY_CODES_MAX - 1; i >= 0; i--)
        if (rules->reply_codes[i].code == 0)
            place = &rules->reply_codes[i];
    for (int i = 0; i < CLOUD_REPLY_CODES_MAX; i++) {
        struct cloud_reply_code *r = &rules->reply_codes[i];
        if (r->code != 0 && strlen(r->suffix) == n && strncmp(r->suffix, value, n) == 0)
            place = r;
    }
    if (place == NULL) {
        snprintf(why, cap, "more than %d of reply-code", CLOUD_REPLY_CODES_MAX);
        return false;
    }
    snprintf(place->suffix, sizeof place->suffix, "%.*s", (int)n, value);
    place->code = code;
    return true;
}

/* "CODE N", CODE as 4.01: of an error. */
static bool set_coap_code(struct cloud_rules *rules, const char *value, char *why, size_t cap)
{
    uint32_t detail, count;
    char two[3] = {0};

    if (strlen(value) > 5 && (value[0] == '4' || value[0] == '5') && value[1] == '.' &&
        value[4] == ' ') {
        memcpy(two, value + 2, 2);
        if (cloud_text_number(two, 31, &detail) && cloud_text_number(value + 5, 1000000, &count)) {
            rules->coap_code = (uint8_t)((uint32_t)(value[0] - '0') << 5 | detail);
            rules->coap_code_left = count;
            return true;
        }
    }
    snprintf(why, cap, "it has to be: option coap-code CODE N; CODE as 4.01, N: so many requests");
    return false;
}

bool cloud_book_option(struct cloud_rules *rules, const char *name, const char *value, char *why,
                       size_t cap)
{
    const struct {
        const char *name;
        bool *flag, on;
    } flags[] = {
        {"keepalive-limits", &rules->keepalive_limits, true},
        {"post-strict", &rules->post_strict, true},
        {"will", &rules->no_will, false},
        {"retain", &rules->no_retain, false},
        {"config", &rules->no_config, false},
        {"http-norange", &rules->http_norange, true},
        {"http-chunked", &rules->http_chunked, true},
        {"coap-seq-check", &rules->coap_no_seq_check, false},
        {"coap-answer-seq", &rules->coap_answer_seq, true},
    };
    const struct {
        const char *name;
        uint32_t *number, max;
    } numbers[] = {
        {"publish-rate", &rules->publish_rate, 1000000},
        {"deliver-rate", &rules->deliver_rate, 1000000},
        {"connect-rate", &rules->connect_rate, 1000000},
        {"flow-wait-s", &rules->flow_wait_s, 86400},
        {"subscriptions", &rules->subscriptions, 1000000},
        {"log-payload", &rules->log_payload, CLOUD_LOG_PAYLOAD_MAX},
        {"reply-delay-ms", &rules->reply_delay_ms, 600000},
        {"reply-drop", &rules->reply_drop, 1000000},
        {"reply-double", &rules->reply_double, 1000000},
        {"rrpc-wait-ms", &rules->rrpc_wait_ms, 600000},
        {"http-token-s", &rules->http_token_s, 31536000},
        {"http-expire-s", &rules->http_expire_s, 31536000},
        {"http-delay-ms", &rules->http_delay_ms, 600000},
        {"http-status", &rules->http_status, 599},
        {"http-cut", &rules->http_cut, UINT32_MAX},
        {"http-slow", &rules->http_slow, UINT32_MAX},
        {"coap-token-s", &rules->coap_token_s, 31536000},
        {"coap-drop-ack", &rules->coap_drop_ack, 1000000},
        {"coap-double-ack", &rules->coap_double_ack, 1000000},
        {"coap-separate", &rules->coap_separate, 1000000},
        {"coap-delay-ms", &rules->coap_delay_ms, 600000},
    };

    if (strcmp(name, "reply-code") == 0)
        return set_reply_code(rules, value, why, cap);
    if (strcmp(name, "coap-code") == 0)
        return set_coap_code(rules, value, why, cap);
    if (strcmp(name, "region") == 0) {
        if (cloud_book_is_region(value))
            snprintf(rules->region, sizeof rules->region, "%s", value);
        else
            snprintf(why, cap, "there is no region '%.40s'", value);
        return cloud_book_is_region(value);
    }
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        bool on = strcmp(value, "on") == 0;
        if (strcmp(name, flags[i].name) != 0)
            continue;
        if (!on && strcmp(value, "off") != 0) {
            snprintf(why, cap, "%s is on or off, not '%s'", name, value);
            return false;
        }
        *flags[i].flag = on == flags[i].on;
        return true;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(name, numbers[i].name) != 0)
            continue;
        bool status = numbers[i].number == &rules->http_status;
        uint32_t number;
        if (cloud_text_number(value, numbers[i].max, &number) &&
            (!status || number == 0 || number >= 200)) {
            *numbers[i].number = number;
            return true;
        }
        snprintf(why, cap, "%s is a number 0..%u, not '%s'", name, (unsigned)numbers[i].max, value);
        return false;
    }
    snprintf(
        why, cap,
        "no option '%s'; there are keepalive-limits, publish-rate, deliver-rate, connect-rate, "
        "flow-wait-s, subscriptions, log-payload, post-strict, will, retain, config, "
        "reply-delay-ms, "
        "reply-drop, reply-double, reply-code, rrpc-wait-ms, region, http-token-s, http-expire-s, "
        "http-delay-ms, http-status, http-cut, http-slow, http-norange, http-chunked, "
        "coap-token-s, "
        "coap-code, coap-drop-ack, coap-double-ack, coap-separate, coap-delay-ms, coap-seq-check, "
        "coap-answer-seq",
        name);
    return false;
}

static bool add_option(struct cloud_book *book, char *const words[], int count,
                       const struct place *at)
{
    char what[640], value[CLOUD_SUFFIX_MAX + 16];

    if (count != 3 && !(count == 4 && (strcmp(words[1], "reply-code") == 0 ||
                                       strcmp(words[1], "coap-code") == 0)))
        FAIL(at, "it has to be: option NAME VALUE");
    snprintf(value, sizeof value, "%s%s%s", words[2], count == 4 ? " " : "",
             count == 4 ? words[3] : "");
    if (!cloud_book_option(&book->rules, words[1], value, what, sizeof what))
        FAIL(at, "%s", what);
    return true;
}

static bool add_line(struct cloud_book *book, char *line, const struct place *at)
{
    static const struct {
        const char *word;
        bool (*add)(struct cloud_book *, char *const[], int, const struct place *);
    } kinds[] = {{"product", add_product},
                 {"model", add_model},
                 {"topic", add_topic},
                 {"device", add_device},
                 {"option", add_option}};
    char *words[WORDS_MAX];

    /* a # within a word is part of it: it is the last level of a topic's path */
    int count = cloud_text_words(line, words, WORDS_MAX);
    for (int i = 0; i < count && i < WORDS_MAX; i++)
        if (words[i][0] == '#')
            count = i;
    if (count == 0)
        return true;
    if (count > WORDS_MAX)
        FAIL(at, "too many words");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(words[0], kinds[i].word) == 0)
            return kinds[i].add(book, words, count, at);
    FAIL(at, "a line starts with product, model, topic, device or option, not '%.20s'", words[0]);
}

bool cloud_book_read(struct cloud_book *book, const char *name, const char *text, char *why,
                     size_t cap)
{
    struct place at = {name, 0, why, cap};
    char line[LINE_BYTES];

    memset(book, 0, sizeof *book);
    book->rules.flow_wait_s = 300;
    book->rules.rrpc_wait_ms = 8000;
    book->rules.http_token_s = 48 * 3600;
    book->rules.http_expire_s = 24 * 3600;
    book->rules.coap_token_s = 48 * 3600;
    snprintf(book->rules.region, sizeof book->rules.region, "cn-shanghai");
    while (*text != 0) {
        size_t n = strcspn(text, "\n");
        at.line++;
        if (n >= sizeof line)
            FAIL(&at, "the line is longer than %d characters", LINE_BYTES - 1);
        memcpy(line, text, n);
        line[n] = 0;
        if (!add_line(book, line, &at))
            return false;
        text += n + (text[n] == '\n');
    }
    return true;
}
