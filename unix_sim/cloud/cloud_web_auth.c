/* SPDX-License-Identifier: Apache-2.0 */
/* By form: pre-authentication, bootstrap, registration. */
#include "cloud/cloud_form.h"
#include "cloud/cloud_register.h"
#include "cloud/cloud_text.h"
#include "cloud/cloud_web.h"

#include <stdio.h>
#include <string.h>

#define FIELD_MAX 200
#define PORT_TLS  443

static void get(const struct cloud_web_request *q, const char *name, char value[FIELD_MAX])
{
    if (!cloud_form_get(q->body, q->body_len, name, value, FIELD_MAX))
        value[0] = 0;
}

static bool is_form(const struct cloud_web_request *q, struct cloud_web_answer *a)
{
    if (q->type != NULL && cloud_text_after(q->type, "application/x-www-form-urlencoded") != NULL)
        return true;
    cloud_web_say(a, 460, "data", json_object(), "Content-Type is not that of a form");
    return false;
}

/* {"mqtt":{"host":..., "port":...}}; `before` the name of the platform's part. */
static json_t *resources(const struct cloud *c, const char *before, const char *region)
{
    char host[128];

    snprintf(host, sizeof host, "%s.iot-as-mqtt.%s.aliyuncs.com", before, region);
    return json_pack("{s:{s:s, s:i}}", "mqtt", "host", host, "port",
                     c->config.mqtt_port != 0 ? c->config.mqtt_port : PORT_TLS);
}

void cloud_web_devicename(struct cloud *c, const struct cloud_web_request *q, const char *path,
                          const char *query, uint64_t now_ms, struct cloud_web_answer *a)
{
    char key[FIELD_MAX], name[FIELD_MAX], cid[FIELD_MAX], stamp[FIELD_MAX], method[FIELD_MAX],
        sign[FIELD_MAX], wanted[FIELD_MAX], why[400];
    int device = -1;

    (void)path;
    (void)query;
    (void)now_ms;
    if (!is_form(q, a))
        return;
    get(q, "productKey", key);
    get(q, "deviceName", name);
    get(q, "clientId", cid);
    get(q, "timestamp", stamp);
    get(q, "signmethod", method);
    get(q, "sign", sign);
    get(q, "resources", wanted);
    int code = cloud_web_check(c, key, name, cid, "", stamp, method[0] != 0 ? method : "hmacmd5",
                               sign, &device, why, sizeof why);
    if (code == 200 && c->config.random == NULL)
        code = 500;
    if (code != 200) {
        cloud_web_say(a, code, "data", json_object(), "%s", why);
        return;
    }
    struct cloud_pass *p = &c->passes[device];
    if (p->iot_id[0] == 0)
        cloud_draw(c, p->iot_id);
    cloud_draw(c, p->iot_token);
    c->book.devices[device].activated = true;
    cloud_say(c, "pre-authentication of %s %s", key, name);
    json_t *data = json_pack("{s:s, s:s}", "iotId", p->iot_id, "iotToken", p->iot_token);
    if (strcmp(wanted, "mqtt") == 0)
        json_object_set_new(data, "resources", resources(c, "public", c->book.rules.region));
    cloud_web_say(a, 200, "data", data, "success");
}

/* A form, or a region behind the path. Nothing is signed. */
void cloud_web_bootstrap(struct cloud *c, const struct cloud_web_request *q, const char *path,
                         const char *query, uint64_t now_ms, struct cloud_web_answer *a)
{
    char key[FIELD_MAX], name[FIELD_MAX];
    const char *before = key, *region = path[0] != 0 ? path : c->book.rules.region;

    (void)now_ms;
    if (path[0] == 0) {
        if (!is_form(q, a))
            return;
        get(q, "productKey", key);
        get(q, "deviceName", name);
        if (cloud_book_product(&c->book, key) < 0 || cloud_book_device(&c->book, key, name) < 0) {
            cloud_web_say(a, cloud_book_product(&c->book, key) < 0 ? 6250 : 6100, "data",
                          json_object(), "product or device not found");
            return;
        }
    } else if (!cloud_book_is_region(path)) {
        cloud_web_say(a, 460, "data", json_object(), "there is no such region");
        return;
    } else if (!cloud_form_get(query, strlen(query), "productKey", key, sizeof key)) {
        before = "public";
    }
    cloud_web_say(a, 200, "data", json_pack("{s:o}", "resources", resources(c, before, region)),
                  "success");
}

void cloud_web_register(struct cloud *c, const struct cloud_web_request *q, const char *path,
                        const char *query, uint64_t now_ms, struct cloud_web_answer *a)
{
    char key[FIELD_MAX], name[FIELD_MAX], random[FIELD_MAX], sign[FIELD_MAX], method[FIELD_MAX],
        why[512];
    enum cloud_hash hash;
    const char *secret = NULL;

    (void)path;
    (void)query;
    (void)now_ms;
    if (!is_form(q, a))
        return;
    get(q, "productKey", key);
    get(q, "deviceName", name);
    get(q, "random", random);
    get(q, "sign", sign);
    get(q, "signMethod", method);
    int code = 6292;
    snprintf(why, sizeof why, "signMethod is hmacmd5, hmacsha1 or hmacsha256");
    if (cloud_web_method(method, &hash))
        code = cloud_register_form(c, key, name, random, hash, sign, &secret, why, sizeof why);
    if (code != 200) {
        cloud_say(c, "registration of %.20s %.32s by https refused (%d): %s", key, name, code, why);
        cloud_web_say(a, code, "data", json_object(), "%s", why);
        return;
    }
    cloud_say(c, "registration of %s %s by https", key, name);
    cloud_web_say(
        a, 200, "data",
        json_pack("{s:s, s:s, s:s}", "productKey", key, "deviceName", name, "deviceSecret", secret),
        "success");
}
