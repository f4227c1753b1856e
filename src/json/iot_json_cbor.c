/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON to CBOR. Values stand in the same order in both: so it is one way through the text, whatever contains what. */
#include "iot/iot_cbor.h"
#include "json/iot_json_reader.h"

#include <string.h>

#if IOT_FEATURE_JSON && IOT_FEATURE_CBOR

/* Its escapes make it shorter: room is made with bytes as they lie there. */
static void put_text(struct iot_writer *w, struct iot_json v)
{
    const uint8_t *at = v.ptr + 1, *end = v.ptr + v.len - 1;
    uint32_t len = iot_json_text_len(v);
    uint8_t bytes[4];

    iot_cbor_text_bytes(w, (struct iot_bytes){at, len});
    if (w->overflow || w->ptr == NULL)
        return;
    for (uint8_t *to = w->ptr + w->len - len; at < end;) {
        uint32_t n = iot_json_bytes(&at, end, bytes);
        memcpy(to, bytes, n);
        to += n;
    }
}

static void put_number(struct iot_writer *w, struct iot_json v)
{
    int64_t whole;
    double real;

    if (iot_json_i64(v, &whole) == IOT_OK)
        iot_cbor_int(w, whole);
    else if (iot_json_double(v, &real) == IOT_OK)
        iot_cbor_double(w, real);
    else
        iot_cbor_null(w); /* larger than any, as JSON writes it */
}

void iot_cbor_of_json(struct iot_json v, struct iot_writer *w)
{
    struct iot_json_walk walk = {v.ptr, v.ptr + v.len, false};

    while (iot_json_next(&walk, NULL, &v)) {
        enum iot_json_kind kind = iot_json_kind(v);
        switch (kind) {
        case IOT_JSON_NONE:
            return;
        case IOT_JSON_NULL:
            iot_cbor_null(w);
            break;
        case IOT_JSON_FALSE:
        case IOT_JSON_TRUE:
            iot_cbor_bool(w, kind == IOT_JSON_TRUE);
            break;
        case IOT_JSON_NUMBER:
            put_number(w, v);
            break;
        case IOT_JSON_STRING:
            put_text(w, v);
            break;
        case IOT_JSON_ARRAY:
        case IOT_JSON_OBJECT:
            if (kind == IOT_JSON_ARRAY)
                iot_cbor_array(w, iot_json_count(v));
            else
                iot_cbor_map(w, iot_json_count(v));
            walk.at = v.ptr + 1; /* and what is in it */
            break;
        }
        while (walk.at < walk.end &&
               (*walk.at <= ' ' || *walk.at == ',' || (*walk.at | 0x20) == '}'))
            walk.at++;
    }
}

#endif
