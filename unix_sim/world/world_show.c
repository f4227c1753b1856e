/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_show.h"

#include "world/world_trace.h"

#include <inttypes.h>
#include <stdio.h>

void world_show_reset(struct world_show *s, const char *name, const char *arrow)
{
    s->name = name;
    s->arrow = arrow;
    world_reader_reset(&s->reader);
}

static void show(const struct world_show *s)
{
    struct world_packet p;
    char more[96] = "";
    bool from_device = s->arrow[0] == '>';
    if (from_device ? world_packet_judge(&s->reader, &p) != NULL
                    : !world_packet_split(&s->reader, &p)) {
        world_trace_aside("%s %s something that is no packet", s->name, s->arrow);
        return;
    }
    int n = p.id != 0 ? snprintf(more, sizeof more, " (%u)", p.id) : 0;
    if (p.type == WORLD_PUBLISH)
        snprintf(more + n, sizeof more - (size_t)n, " qos %u%s, %u bytes, message %016" PRIx64,
                 p.qos, p.dup ? ", DUP" : "", p.bytes, p.serial);
    if (p.type == WORLD_CONNACK)
        snprintf(more + n, sizeof more - (size_t)n, " code %u, session %s", p.code,
                 p.session_present ? "kept" : "new");
    world_trace_aside("%s %s %s%s", s->name, s->arrow, world_packet_name(p.type), more);
}

void world_show_bytes(struct world_show *s, struct iot_bytes bytes)
{
    enum world_reader_said said;
    if (!world_trace_shown())
        return;
    while ((said = world_reader_take(&s->reader, &bytes)) != WORLD_READ_MORE)
        if (said == WORLD_READ_PACKET)
            show(s);
}
