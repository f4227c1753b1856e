/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_login.h"

#include "cloud/cloud_text.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t len;
} hashes[] = {{"hmacmd5", 16}, {"hmacsha1", 20}, {"hmacsha256", 32}};

size_t cloud_hash_len(enum cloud_hash hash)
{
    return hashes[hash].len;
}

const char *cloud_hash_name(enum cloud_hash hash)
{
    return hashes[hash].name;
}

/* The fields that mean something here; each may be given once. */
enum field {
    F_SECUREMODE,
    F_SIGNMETHOD,
    F_TIMESTAMP,
    F_GW,
    F_EXT,
    F_SS,
    F_PID,
    F_AUTHTYPE,
    F_RANDOM,
    F_OTHER,
};

static enum field field_of(const char *name)
{
    static const char *const names[] = {"securemode", "signmethod", "timestamp", "gw",    "ext",
                                        "_ss",        "pid",        "authType",  "random"};

    if (strcmp(name, "authtype") == 0)
        return F_AUTHTYPE;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum field)i;
    return F_OTHER;
}

static bool read_bit(const char *value, bool *bit)
{
    *bit = strcmp(value, "1") == 0;
    return *bit || strcmp(value, "0") == 0;
}

static bool read_securemode(const char *value, int *mode)
{
    uint32_t number;
    bool minus = value[0] == '-';

    if (!cloud_text_number(value + minus, 9, &number))
        return false;
    *mode = minus ? -(int)number : (int)number;
    return *mode >= -2 && *mode <= 8 && *mode != 6;
}

static bool read_method(const char *value, enum cloud_hash *method)
{
    for (unsigned i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        if (strcmp(value, hashes[i].name) == 0) {
            *method = (enum cloud_hash)i;
            return true;
        }
    }
    return false;
}

static bool read_stamp(const char *value, char *stamp)
{
    size_t n = strlen(value);

    if (n == 0 || n > CLOUD_STAMP_MAX || !cloud_text_all(value, cloud_is_digit))
        return false;
    memcpy(stamp, value, n + 1);
    return true;
}

static bool read_field(struct cloud_client_id *id, enum field field, const char *value)
{
    switch (field) {
    case F_SECUREMODE:
        return read_securemode(value, &id->securemode);
    case F_SIGNMETHOD:
        return read_method(value, &id->method);
    case F_TIMESTAMP:
        return read_stamp(value, id->stamp);
    case F_GW:
        return read_bit(value, &id->gateway);
    case F_EXT:
        return cloud_text_number(value, 0x7fffffff, &id->ext);
    case F_SS:
        return read_bit(value, &id->system_subscribed);
    case F_PID:
        return strlen(value) <= 16;
    case F_AUTHTYPE:
        snprintf(id->auth_type, sizeof id->auth_type, "%s", value);
        return *value != 0;
    case F_RANDOM:
        snprintf(id->random, sizeof id->random, "%s", value);
        return *value != 0 && strlen(value) <= CLOUD_RANDOM_MAX;
    case F_OTHER:
        return true;
    }
    return false;
}

/* `k=v`; what it says of a wrong one names the key, and the value as it is no secret. */
static bool read_item(struct cloud_client_id *id, char *item, unsigned *seen, char *why, size_t cap)
{
    char *value = strchr(item, '=');

    if (value == NULL || value == item) {
        snprintf(why, cap, "'%.40s' in the client id's list is not name=value", item);
        return false;
    }
    *value++ = 0;
    enum field field = field_of(item);
    if (field != F_OTHER && (*seen & 1u << field) != 0) {
        snprintf(why, cap, "%s is in the client id twice", item);
        return false;
    }
    *seen |= 1u << field;
    if (read_field(id, field, value))
        return true;
    snprintf(why, cap, "'%.40s' is no value for the client id's %s", value, item);
    return false;
}

bool cloud_client_id_read(struct cloud_client_id *id, const char *text, char *why, size_t cap)
{
    char list[CLOUD_CLIENT_ID_MAX + 1];
    size_t len = strlen(text), cid = strcspn(text, "|");
    unsigned seen = 0;

    memset(id, 0, sizeof *id);
    if (len > CLOUD_CLIENT_ID_MAX) {
        snprintf(why, cap, "the client id is longer than %d characters", CLOUD_CLIENT_ID_MAX);
        return false;
    }
    if (cid == 0 || cid > CLOUD_CID_MAX) {
        snprintf(why, cap, "the client id has %s %d characters before its first |",
                 cid == 0 ? "less than" : "more than", cid == 0 ? 1 : CLOUD_CID_MAX);
        return false;
    }
    memcpy(id->cid, text, cid);
    if (text[cid] == 0) {
        snprintf(why, cap, "the client id has no |securemode=...,signmethod=...| behind its name");
        return false;
    }
    memcpy(list, text + cid + 1, len - cid);
    char *end = strchr(list, '|');
    if (end == NULL || end[1] != 0) {
        snprintf(why, cap, "the client id's list does not end with its second |");
        return false;
    }
    *end = 0;
    for (char *item = list; *item != 0;) { /* a comma behind the last item is accepted */
        size_t n = strcspn(item, ",");
        char *next = item + n + (item[n] == ',');
        item[n] = 0;
        if (!read_item(id, item, &seen, why, cap))
            return false;
        item = next;
    }
    for (unsigned f = F_SECUREMODE; f <= F_SIGNMETHOD; f++) {
        if (f == F_SIGNMETHOD && strcmp(id->auth_type, "connwl") == 0)
            continue; /* with a token nothing is signed */
        if ((seen & 1u << f) == 0) {
            snprintf(why, cap, "the client id has no %s",
                     f == F_SECUREMODE ? "securemode" : "signmethod");
            return false;
        }
    }
    return true;
}

/* Both parts of `first&second`. */
static bool read_pair(const char *text, size_t len, char *first, size_t first_max, char *second,
                      size_t second_max)
{
    const char *mark = memchr(text, '&', len);

    if (mark == NULL)
        return false;
    size_t a = (size_t)(mark - text), b = len - a - 1;
    if (a == 0 || b == 0 || a > first_max || b > second_max || memchr(mark + 1, '&', b) != NULL)
        return false;
    memcpy(first, text, a);
    first[a] = 0;
    memcpy(second, mark + 1, b);
    second[b] = 0;
    return true;
}

bool cloud_user_name_read(const char *text, char key[CLOUD_KEY_MAX + 1],
                          char name[CLOUD_NAME_MAX + 1])
{
    return read_pair(text, strlen(text), name, CLOUD_NAME_MAX, key, CLOUD_KEY_MAX);
}

void cloud_signed_text(const struct cloud_client_id *id, const char *key, const char *name,
                       char text[CLOUD_SIGNED_MAX])
{
    snprintf(text, CLOUD_SIGNED_MAX, "clientId%sdeviceName%sproductKey%s%s%s%s%s", id->cid, name,
             key, id->seq[0] != 0 ? "seq" : "", id->seq, id->stamp[0] != 0 ? "timestamp" : "",
             id->stamp);
}

bool cloud_psk_identity_read(const char *identity, char key[CLOUD_KEY_MAX + 1],
                             char name[CLOUD_NAME_MAX + 1], char text[CLOUD_SIGNED_MAX])
{
    const char *rest = cloud_text_after(identity, "devicename|hmacsha256|");
    char stamp[CLOUD_STAMP_MAX + 1];

    if (rest == NULL)
        return false;
    size_t n = strcspn(rest, "|");
    if (rest[n] != '|' || !read_pair(rest, n, key, CLOUD_KEY_MAX, name, CLOUD_NAME_MAX) ||
        !read_stamp(rest + n + 1, stamp))
        return false;
    snprintf(text, CLOUD_SIGNED_MAX, "id%s&%stimestamp%s", key, name, stamp);
    return true;
}
