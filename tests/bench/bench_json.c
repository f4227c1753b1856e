/* SPDX-License-Identifier: Apache-2.0 */
/* A property set of the platform, 143 bytes: the check alone, and what a device does with one. And what the dearest
 * numbers cost that a peer can send. */
#include "bench.h"
#include "iot/iot_json.h"
#include "mark.h"

#include <string.h>

static const char text[] =
    "{\"method\":\"thing.service.property.set\",\"id\":\"1234567\",\"version\":\"1.0\","
    "\"params\":{\"temp\":21.5,\"power\":1,\"mode\":\"auto\",\"level\":-42,\"count\":65535}}";

/* Exactly between the largest double that is not normal and the smallest that is: all digits have to be looked at. */
static const char halfway[] =
    "2.2250738585072011360574097967091319759348195463516456480234261097248222220210769455165295"
    "239081350879141491589130396211068700864386945946455276572074078206217433799881410632673292"
    "535522868813721490129811224514518898490572223072852551331557550159143974763979834118019993"
    "239625482890171070818506906306666559949382757725720157630626906633326475653000092458883164"
    "330377797918696120494973903778297049050510806099407302629371289589500035837999672072543043"
    "602840788957717961509455167482434710307026091446215722898802581825451803257070188608721131"
    "280795122334262883686223215037756666225039825343359745688844239002654981983854879482922068"
    "947216898310996983658468140228542433306603398508864458040010349339704275671864433837704860"
    "3786162277173854562306587467901408672332763671875e-308";

/* Between two small doubles but for the 18th digit: the dearest for their length. */
static const char small[] =
    "[7.41098468761869817e-324,7.41098468761869816e-324,7.41098468761869816e-324]";

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

static void bench_numbers(void)
{
    struct iot_json number = {(const uint8_t *)halfway, sizeof halfway - 1};
    double value = 0;

    mark_begin();
    iot_err err = iot_json_double(number, &value);
    mark_end();
    mark_name("json/halfway/%u", (unsigned)number.len);
    if (err != IOT_OK || value != 0x1p-1022)
        mark_fail("that is not the even one");

    struct iot_json list = {(const uint8_t *)small, sizeof small - 1}, element;
    uint32_t read = 0;
    mark_begin();
    for (struct iot_json_walk w = iot_json_walk(list); iot_json_next(&w, NULL, &element);)
        read += iot_json_double(element, &value) == IOT_OK;
    mark_end();
    mark_name("json/small/%u", (unsigned)list.len);
    if (read != 3 || value != 0x1p-1074)
        mark_fail("those are not small");
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
    bench_numbers();
}
