/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_slot.h"

#if IOT_FEATURE_COAP

#include <string.h>

#define MAX_AGE_S 60u /* RFC 7252 5.10.5 */

/* Options that mean something to us in a response, and how long they may be (RFC 7252 5.10, 7641 2, 7959 2.1, 9175 2.2.1). All others
 * that are critical are not for responses. */
static const struct {
    uint16_t number;
    uint8_t min, max;
} known[] = {
    {IOT_COAP_ETAG, 1, 8},           {IOT_COAP_OBSERVE, 0, 3},
    {IOT_COAP_CONTENT_FORMAT, 0, 2}, {IOT_COAP_MAX_AGE, 0, 4},
    {IOT_COAP_BLOCK2, 0, 3},         {IOT_COAP_BLOCK1, 0, 3},
    {IOT_COAP_SIZE2, 0, 4},          {IOT_COAP_ECHO, 1, IOT_COAP_ECHO_MAX},
};

static bool is_known(const struct iot_coap_option *o)
{
    for (uint32_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].number == o->number)
            return o->value.len >= known[i].min && o->value.len <= known[i].max;
    }
    return false;
}

iot_err iot_coap_reply_read(const struct iot_coap_message *m, const struct iot_coap_request *req,
                            struct iot_coap_reply *out, int32_t *detail)
{
    struct iot_coap_cursor at = {m->options, 0};
    struct iot_coap_option o;
    uint16_t before = 0;
    bool ok = true;

    memset(out, 0, sizeof *out);
    out->head.code = m->code;
    out->head.max_age_s = MAX_AGE_S;
    out->head.options = m->options;
    while (iot_coap_next(&at, &o)) {
        uint32_t value = iot_coap_uint(&o);
        *detail = o.number;
        /* RFC 7252 5.4.3, 5.4.5: of a wrong length, or there twice, is like unknown. */
        if (o.number == before || !is_known(&o)) {
            if ((o.number & 1) != 0 && (req == NULL || o.number != req->understands))
                return IOT_ERR_COAP_OPTION;
            continue;
        }
        before = o.number;
        switch (o.number) {
        case IOT_COAP_ETAG:
            out->head.etag = o.value;
            break;
        case IOT_COAP_OBSERVE:
            out->has_observe = true;
            out->observe = value;
            break;
        case IOT_COAP_CONTENT_FORMAT:
            out->head.has_format = true;
            out->head.format = (uint16_t)value;
            break;
        case IOT_COAP_MAX_AGE:
            out->head.max_age_s = value;
            break;
        case IOT_COAP_BLOCK2:
            out->has_block2 = true;
            ok = iot_coap_block_read(&o, &out->block2);
            break;
        case IOT_COAP_BLOCK1:
            out->has_block1 = true;
            ok = iot_coap_block_read(&o, &out->block1);
            break;
        case IOT_COAP_SIZE2:
            out->head.has_total = true;
            out->head.total = value;
            break;
        default: /* Echo */
            out->echo = o.value;
            break;
        }
        if (!ok)
            return IOT_ERR_COAP_BLOCK; /* SZX 7 */
    }
    return IOT_OK;
}

#endif
