/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_rude.h"

/* clang-format off */
/* Names under which a connection is lost. For a device of the platform an end soon after the login, and
 * a refusal, have names of their own; a reset may meet the handshake. */
#define NOTHING   {IOT_OK}
#define ENDED     {IOT_ERR_TCP_EOF, IOT_ERR_TCP_RESET, IOT_ERR_LINK_FLOW, IOT_ERR_LINK_TWICE}
#define RESET     {IOT_ERR_TCP_RESET, IOT_ERR_TCP_REFUSED, IOT_ERR_TCP_EOF, IOT_ERR_LINK_FLOW, IOT_ERR_LINK_TWICE}
#define REFUSED   {IOT_ERR_MQTT_REFUSED, IOT_ERR_LINK_CLIENT_ID, IOT_ERR_LINK_SECRET, IOT_ERR_LINK_DENIED}
#define MALFORMED {IOT_ERR_MQTT_MALFORMED}
#define PROTOCOL  {IOT_ERR_MQTT_PROTOCOL}
#define EITHER_OF {IOT_ERR_MQTT_MALFORMED, IOT_ERR_MQTT_PROTOCOL}
#define LOGIN     {IOT_ERR_MQTT_CONNACK_TIMEOUT, IOT_ERR_TCP_EOF, IOT_ERR_TCP_RESET}
#define SILENT    {IOT_ERR_MQTT_PING_TIMEOUT, IOT_ERR_MQTT_ACK_TIMEOUT, IOT_ERR_TCP_EOF, IOT_ERR_TCP_RESET, IOT_ERR_TCP_STALLED}

/* The braces of the errors have commas in them: hence the dots. */
#define ON(name, when, type, what, hex, expect, ...) \
    {name, WORLD_RUDE_##when, WORLD_MQTT_##type, WORLD_RUDE_##what, 0, hex, WORLD_RUDE_##expect, __VA_ARGS__}
/* Behind an accepted CONNACK. */
#define SAY(name, hex, expect, ...) ON(name, ANSWERED, CONNACK, SAY, hex, expect, __VA_ARGS__)

const struct world_rude_row world_rude_rows[] = {
    {"none", 0, 0, 0, 0, "", WORLD_RUDE_SURVIVE, NOTHING},

    /* ---- before and at the login */
    {"accept-silence", WORLD_RUDE_ACCEPT, 0, WORLD_RUDE_MUTE, 0, "", WORLD_RUDE_LOSE, LOGIN},
    {"accept-close", WORLD_RUDE_ACCEPT, 0, WORLD_RUDE_FIN, 0, "", WORLD_RUDE_LOSE, ENDED},
    {"accept-reset", WORLD_RUDE_ACCEPT, 0, WORLD_RUDE_RST, 0, "", WORLD_RUDE_LOSE, RESET},
    {"accept-garbage", WORLD_RUDE_ACCEPT, 0, WORLD_RUDE_SAY, 0, "48 54 54 50 2f 31 2e 31", WORLD_RUDE_LOSE, EITHER_OF},
    {"accept-connack", WORLD_RUDE_ACCEPT, 0, WORLD_RUDE_SAY, 0, "20 02 00 00", WORLD_RUDE_LOSE, EITHER_OF},
    {"accept-deaf", WORLD_RUDE_ACCEPT, 0, WORLD_RUDE_DEAF, 0, "", WORLD_RUDE_LOSE, LOGIN},
    ON("connect-silence", BEFORE, CONNECT, MUTE, "", LOSE, LOGIN),
    ON("connect-close", BEFORE, CONNECT, FIN, "", LOSE, ENDED),
    ON("connect-reset", BEFORE, CONNECT, RST, "", LOSE, RESET),
    ON("connect-publish", BEFORE, CONNECT, SAY_MUTE, "30 07 00 04 72 75 64 65 31", LOSE, PROTOCOL),
    ON("connect-pingresp", BEFORE, CONNECT, SAY_MUTE, "d0 00", LOSE, PROTOCOL),
    ON("connect-half-connack", BEFORE, CONNECT, SAY_MUTE, "20 02 00", LOSE, LOGIN),
    ON("connack-1", BEFORE, CONNECT, SAY_FIN, "20 02 00 01", LOSE, REFUSED),
    ON("connack-2", BEFORE, CONNECT, SAY_FIN, "20 02 00 02", LOSE, REFUSED),
    ON("connack-3", BEFORE, CONNECT, SAY_FIN, "20 02 00 03", LOSE, REFUSED),
    ON("connack-4", BEFORE, CONNECT, SAY_FIN, "20 02 00 04", LOSE, REFUSED),
    ON("connack-5", BEFORE, CONNECT, SAY_FIN, "20 02 00 05", LOSE, REFUSED),
    ON("connack-6", BEFORE, CONNECT, SAY_FIN, "20 02 00 06", LOSE, REFUSED),
    ON("connack-255-open", BEFORE, CONNECT, SAY_MUTE, "20 02 00 ff", LOSE, REFUSED),
    ON("connack-flags", BEFORE, CONNECT, SAY_MUTE, "20 02 02 00", LOSE, MALFORMED),
    ON("connack-long", BEFORE, CONNECT, SAY_MUTE, "20 03 00 00 00", LOSE, MALFORMED),
    ON("connack-refusing-session", BEFORE, CONNECT, SAY_MUTE, "20 02 01 05", LOSE, MALFORMED),
    ON("connack-present", AT_ANSWER, CONNACK, PRESENT, "", EITHER, {IOT_ERR_MQTT_SESSION}),

    /* ---- an end at a bad moment */
    ON("connack-close", ANSWERED, CONNACK, FIN, "", LOSE, ENDED),
    ON("connack-reset", ANSWERED, CONNACK, RST, "", LOSE, RESET),
    ON("publish-close", BEFORE, PUBLISH, FIN, "", LOSE, ENDED),
    ON("publish-reset", BEFORE, PUBLISH, RST, "", LOSE, RESET),
    ON("published-close", AFTER, PUBLISH, FIN, "", LOSE, ENDED),
    ON("published-reset", AFTER, PUBLISH, RST, "", LOSE, RESET),
    ON("pubrel-reset", BEFORE, PUBREL, RST, "", LOSE, RESET),
    ON("pubreled-reset", AFTER, PUBREL, RST, "", LOSE, RESET),
    ON("puback-reset", BEFORE, PUBACK, RST, "", LOSE, RESET),
    ON("pubacked-reset", AFTER, PUBACK, RST, "", LOSE, RESET),
    ON("pubrec-reset", BEFORE, PUBREC, RST, "", LOSE, RESET),
    ON("pubreced-reset", AFTER, PUBREC, RST, "", LOSE, RESET),
    ON("pubcomp-reset", BEFORE, PUBCOMP, RST, "", LOSE, RESET),
    ON("subscribe-close", BEFORE, SUBSCRIBE, FIN, "", LOSE, ENDED),
    ON("subscribed-reset", AFTER, SUBSCRIBE, RST, "", LOSE, RESET),
    ON("ping-reset", BEFORE, PINGREQ, RST, "", LOSE, RESET),

    /* ---- malformed packets */
    SAY("garbage", "de ad be ef 00 11 22 33", LOSE, EITHER_OF),
    SAY("type-0", "00 00", LOSE, MALFORMED),
    SAY("type-15", "f0 00", LOSE, MALFORMED),
    SAY("flags-puback", "41 02 @@@@", LOSE, MALFORMED),
    SAY("flags-pubrel", "60 02 @@@@", LOSE, MALFORMED),
    SAY("flags-suback", "91 03 @@@@ 00", LOSE, MALFORMED),
    SAY("flags-pingresp", "d1 00", LOSE, MALFORMED),
    SAY("length-of-five", "30 80 80 80 80 01", LOSE, MALFORMED),
    SAY("length-needless", "d0 80 00", LOSE, MALFORMED),
    SAY("puback-id-0", "40 02 00 00", LOSE, MALFORMED),
    SAY("puback-short", "40 01 00", LOSE, MALFORMED),
    SAY("puback-long", "40 03 @@@@ 00", LOSE, MALFORMED),
    SAY("publish-id-0", "32 08 00 04 72 75 64 65 00 00", LOSE, MALFORMED),
    SAY("publish-qos-3", "36 08 00 04 72 75 64 65 @@@@", LOSE, MALFORMED),
    SAY("publish-dup-qos-0", "38 06 00 04 72 75 64 65", LOSE, MALFORMED),
    SAY("publish-without-id", "32 06 00 04 72 75 64 65", LOSE, MALFORMED),
    SAY("topic-empty", "30 02 00 00", LOSE, MALFORMED),
    SAY("topic-beyond", "30 03 00 05 61", LOSE, MALFORMED),
    SAY("topic-overlong-utf8", "30 04 00 02 c0 80", LOSE, MALFORMED),
    SAY("topic-surrogate", "30 05 00 03 ed a0 80", LOSE, MALFORMED),
    SAY("topic-nul", "30 05 00 03 61 00 62", LOSE, MALFORMED),
    SAY("topic-plus", "30 05 00 03 61 2f 2b", LOSE, MALFORMED),
    SAY("topic-hash", "30 03 00 01 23", LOSE, MALFORMED),
    SAY("suback-empty", "90 02 @@@@", LOSE, MALFORMED),
    ON("suback-two", AT_ANSWER, SUBACK, SPOIL, "90 04 @@@@ 00 00", LOSE, EITHER_OF),
    ON("suback-code-3", AT_ANSWER, SUBACK, SPOIL, "90 03 @@@@ 03", LOSE, MALFORMED),
    ON("long-suback", ANSWERED, CONNACK, LONG_SUBACK, "", LOSE, {IOT_ERR_MQTT_TOO_LARGE}),

    /* ---- packets out of place */
    SAY("connack-twice", "20 02 00 00", LOSE, PROTOCOL),
    SAY("client-connect", "10 00", LOSE, PROTOCOL),
    SAY("client-subscribe", "82 06 00 01 00 01 61 00", LOSE, PROTOCOL),
    SAY("client-unsubscribe", "a2 05 00 01 00 01 61", LOSE, PROTOCOL),
    SAY("client-pingreq", "c0 00", LOSE, PROTOCOL),
    SAY("client-disconnect", "e0 00", LOSE, PROTOCOL),
    SAY("unknown-puback", "40 02 @@@@", SURVIVE, NOTHING),
    SAY("unknown-pubrec", "50 02 @@@@", SURVIVE, NOTHING),
    SAY("unknown-pubrel", "62 02 @@@@", SURVIVE, NOTHING),
    SAY("unknown-pubcomp", "70 02 @@@@", SURVIVE, NOTHING),
    SAY("unknown-suback", "90 03 @@@@ 00", SURVIVE, NOTHING),
    SAY("unknown-unsuback", "b0 02 @@@@", SURVIVE, NOTHING),
    SAY("unasked-pingresp", "d0 00", SURVIVE, NOTHING),
    {"acks-twice", WORLD_RUDE_AT_ANSWER, WORLD_RUDE_ACKS, WORLD_RUDE_TWICE, 0, "", WORLD_RUDE_SURVIVE, NOTHING},
    ON("pubrec-for-qos-1", AT_ANSWER, PUBACK, SPOIL, "50 02 @@@@", EITHER, SILENT),
    ON("puback-for-qos-2", AT_ANSWER, PUBREC, SPOIL, "40 02 @@@@", EITHER, SILENT),

    /* ---- what does not come */
    {"no-acks", WORLD_RUDE_AT_ANSWER, WORLD_RUDE_ACKS, WORLD_RUDE_SWALLOW, 0, "", WORLD_RUDE_EITHER, SILENT},
    ON("no-pubcomp", AT_ANSWER, PUBCOMP, SWALLOW, "", EITHER, SILENT),
    ON("no-suback", AT_ANSWER, SUBACK, SWALLOW, "", EITHER, SILENT),
    ON("no-pingresp", AT_ANSWER, PINGRESP, SWALLOW, "", EITHER, SILENT),
    ON("silence", ANSWERED, CONNACK, MUTE, "", LOSE, SILENT),
    ON("silence-after-publish", AFTER, PUBLISH, MUTE, "", LOSE, SILENT),
    ON("half-publish", ANSWERED, CONNACK, SAY_MUTE, "30 7f 00 04 72 75 64 65 31 32", LOSE, SILENT),
    ON("deaf", ANSWERED, CONNACK, DEAF, "", LOSE, SILENT),
    ON("drip", ANSWERED, CONNACK, DRIP, "", EITHER, SILENT),

    /* ---- too much */
    ON("large-qos-0", ANSWERED, CONNACK, LARGE, "", SURVIVE, NOTHING),
    {"large-qos-1", WORLD_RUDE_ANSWERED, WORLD_MQTT_CONNACK, WORLD_RUDE_LARGE, 1, "", WORLD_RUDE_SURVIVE, NOTHING},
    {"large-qos-2", WORLD_RUDE_ANSWERED, WORLD_MQTT_CONNACK, WORLD_RUDE_LARGE, 2, "", WORLD_RUDE_SURVIVE, NOTHING},
    ON("flood-qos-0", ANSWERED, CONNACK, FLOOD, "", SURVIVE, NOTHING),
    {"flood-qos-1", WORLD_RUDE_ANSWERED, WORLD_MQTT_CONNACK, WORLD_RUDE_FLOOD, 1, "", WORLD_RUDE_SURVIVE, NOTHING},
    {"flood-qos-2", WORLD_RUDE_ANSWERED, WORLD_MQTT_CONNACK, WORLD_RUDE_FLOOD, 2, "", WORLD_RUDE_EITHER, {IOT_ERR_MQTT_QOS2_FULL, IOT_ERR_TCP_EOF}},
};
/* clang-format on */

const int world_rude_count = (int)(sizeof world_rude_rows / sizeof world_rude_rows[0]);
