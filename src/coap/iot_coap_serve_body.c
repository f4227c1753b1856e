/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_guest.h"

#if IOT_FEATURE_COAP_SERVER

#define CONTINUE IOT_COAP_CODE(2, 31)

/* The body that this is a block of; NULL: none is under way. */
static struct iot_coap_task *find(struct iot_coap_serve *x, const struct iot_coap_heard *ask)
{
    for (struct iot_coap_task *t = x->tasks; t != x->tasks + IOT_COAP_CALLS; t++) {
        if (t->kind == IOT_COAP_TASK_UPLOAD && t->key == (ask->key ^ ask->tag) &&
            iot_coap_via_same(&t->via, &ask->say.via))
            return t;
    }
    return NULL;
}

/* RFC 7959 2.5. Each block but the last is full. Number 0 begins anew, whatever was under way; the one that came last is known again; any
 * other that is not the next is of something else, or one is missing. */
uint8_t iot_coap_body_take(struct iot_coap_serve *x, struct iot_coap_heard *ask,
                           struct iot_coap_task **task, iot_time now)
{
    const struct iot_coap_block *block = &ask->block1;
    uint32_t size = iot_coap_block_bytes(block->szx), at = block->number * size;
    uint32_t len = ask->m.payload.len;
    struct iot_coap_task *t = find(x, ask);

    ask->call.offset = at;
    if (block->more ? len != size : len > size)
        return IOT_COAP_CODE(4, 0);
    if (at != 0) {
        if (t == NULL)
            return IOT_COAP_CODE(4, 8);
        if (block->more && at + size == t->number)
            return CONTINUE;
        if (at != t->number || now / 1000 - t->sure_s > IOT_COAP_BODY_S) {
            iot_coap_task_end(x, t);
            return IOT_COAP_CODE(4, 8);
        }
    } else if (block->more && t == NULL) {
        t = iot_coap_task_new(x, ask, IOT_COAP_TASK_UPLOAD);
        if (t == NULL)
            return IOT_COAP_CODE(5, 3);
        t->key = ask->key ^ ask->tag;
    }
    if (t != NULL) {
        if (at == 0)
            t->sure_s = (uint32_t)(now / 1000);
        t->number = at + len;
        t->due = now + IOT_COAP_BODY_MS;
    }
    *task = t;
    return 0;
}

#endif
