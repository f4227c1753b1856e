/* SPDX-License-Identifier: Apache-2.0 */
/* A property set of the platform, 143 bytes: the check alone, and what a device does with one. */
#include "bench.h"
#include "iot/iot_json.h"
#include "mark.h"

#include <string.h>

static const char text[] =
    "{\"method\":\"thing.service.property.set\",\"id\":\"1234567\",\"version\":\"1.0\","
    "\"params\":{\"temp\":21.5,\"power\":1,\"mode\":\"auto\",\"level\":-42,\"count\":65535}}";

struct properties {
    float temp;
    bool power;
    char mode[8];
    int32_t level;
    uint32_t count;
};

/* Each member once, in any order; how many were known. */
static uint32_t read_properties(struct iot_json params, struct properties *p)
{
    struct iot_json key, value;
    uint32_t known = 0;

    for (struct iot_json_walk w = iot_json_walk(params); iot_json_next(&w, &key, &value);) {
        iot_err err = IOT_ERR_JSON_MISSING;
        if (iot_json_is(key, "temp"))
            err = iot_json_float(value, &p->temp);
        else if (iot_json_is(key, "power"))
            err = iot_json_bool(value, &p->power);
        else if (iot_json_is(key, "mode"))
            err = iot_json_text(value, p->mode, sizeof p->mode, NULL);
        else if (iot_json_is(key, "level"))
            err = iot_json_i32(value, &p->level);
        else if (iot_json_is(key, "count"))
            err = iot_json_u32(value, &p->count);
        known += err == IOT_OK;
    }
    return known;
}

void bench_json(void)
{
    struct iot_bytes in = {(const uint8_t *)text, sizeof text - 1};
    struct iot_json root, params;
    struct properties p;
    uint32_t known = 0;

    mark_begin();
    iot_err err = iot_json_check(in, &root, NULL);
    mark_end();
    mark_name("json/check/%u", (unsigned)in.len);
    if (err != IOT_OK)
        mark_fail("that is no JSON");

    mark_begin();
    err = iot_json_check(in, &root, NULL);
    if (err == IOT_OK && iot_json_get(root, "params", &params) == IOT_OK)
        known = read_properties(params, &p);
    mark_end();
    mark_name("json/set/%u", (unsigned)in.len);
    if (known != 5 || p.temp != 21.5f || !p.power || strcmp(p.mode, "auto") != 0 ||
        p.level != -42 || p.count != 65535)
        mark_fail("that is not what was set");
}
