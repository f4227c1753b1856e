/* SPDX-License-Identifier: Apache-2.0 */
/* The data channel: a token for a signature, messages for a token. Codes are those of protocol 9.3. */
#include "cloud/cloud_form.h"
#include "cloud/cloud_text.h"
#include "cloud/cloud_web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMETER 10001
#define REFUSED   20000
#define EXPIRED   20001
#define MISSING   20002
#define UNKNOWN   20003
#define LOST      30001
#define TOO_MANY  40000

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = cloud_json_string(object, name);

    return text != NULL ? text : "";
}

void cloud_web_auth(struct cloud *c, const struct cloud_web_request *q, const char *path,
                    const char *query, uint64_t now_ms, struct cloud_web_answer *a)
{
    char why[400];
    int device = -1;

    (void)path;
    (void)query;
    json_t *in = cloud_json_read(q->body, q->body_len, why, sizeof why);
    const char *method = text_of(in, "signmethod");
    if (in == NULL || *text_of(in, "clientId") == 0 || *text_of(in, "productKey") == 0 ||
        *text_of(in, "deviceName") == 0 || *text_of(in, "sign") == 0) {
        cloud_web_say(a, PARAMETER, NULL, NULL, "parameter error: %s",
                      in == NULL ? why : "clientId, productKey, deviceName and sign are needed");
        json_decref(in);
        return;
    }
    int code = cloud_web_check(c, text_of(in, "productKey"), text_of(in, "deviceName"),
                               text_of(in, "clientId"), "", text_of(in, "timestamp"),
                               *method != 0 ? method : "hmacmd5", text_of(in, "sign"), &device, why,
                               sizeof why);
    json_decref(in);
    if (code != 200 || c->config.random == NULL) {
        cloud_say(c, "http token refused: %s", why);
        cloud_web_say(a, code == 460 || code == 6292 ? PARAMETER : REFUSED, NULL, NULL,
                      "authentication check failed: %s", why);
        return;
    }
    struct cloud_pass *p = &c->passes[device];
    cloud_draw(c, p->token);
    c->book.devices[device].activated = true;
    p->token_until_ms = now_ms + (uint64_t)c->book.rules.http_token_s * 1000u;
    cloud_say(c, "http token for %s %s", cloud_key_of(c, device), cloud_name_of(c, device));
    cloud_web_say(a, 0, "info", json_pack("{s:s}", "token", p->token), "success");
}

/* -1: nobody's. */
static int holder_of(const struct cloud *c, const char *token)
{
    for (int i = 0; i < c->book.device_count; i++) {
        const char *t = c->passes[i].token;
        if (t[0] != 0 && strlen(token) == strlen(t) && strcmp(token, t) == 0)
            return i;
    }
    return -1;
}

void cloud_web_topic(struct cloud *c, const struct cloud_web_request *q, const char *path,
                     const char *query, uint64_t now_ms, struct cloud_web_answer *a)
{
    char topic[CLOUD_WEB_TARGET_MAX + 1], why[160], *answer = NULL;
    size_t answer_len = 0;
    bool often = false;

    (void)query;
    if (q->password == NULL || q->password[0] == 0) {
        cloud_web_say(a, MISSING, NULL, NULL, "the token is missing in the header");
        return;
    }
    int device = holder_of(c, q->password);
    if (device < 0) {
        cloud_web_say(a, UNKNOWN, NULL, NULL, "token check failed");
        return;
    }
    if (now_ms >= c->passes[device].token_until_ms) {
        cloud_web_say(a, EXPIRED, NULL, NULL, "the token has expired");
        return;
    }
    snprintf(topic, sizeof topic, "/%s", path);
    if (!cloud_post(c, device, topic, q->body, q->body_len, now_ms, &answer, &answer_len, &often,
                    why, sizeof why)) {
        cloud_web_say(a, often ? TOO_MANY : LOST, NULL, NULL, "publish failed: %s", why);
        return;
    }
    json_t *info = json_pack("{s:I}", "messageId",
                             (json_int_t)(700000000000000000 + (int64_t)c->next_message++));
    if (answer != NULL) {
        char *base64 = malloc((answer_len + 2) / 3 * 4 + 1);
        if (base64 == NULL)
            abort();
        cloud_base64(answer, answer_len, base64);
        json_object_set_new(info, "data", json_string(base64));
        free(base64);
        free(answer);
    }
    cloud_web_say(a, 0, "info", info, "success");
}
