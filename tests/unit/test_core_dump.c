/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled in here, with and without the dump: the library is built with the level of the configuration. */
#undef IOT_LOG_LEVEL
#define IOT_LOG_LEVEL 5
#undef IOT_LOG_LINE_BYTES
#define IOT_LOG_LINE_BYTES 256
#include "core/iot_core_log.c"
#include "core/iot_core_dump.c"

#include "test.h"

#include "heap_trap.h"

static struct {
    char line[IOT_LOG_LINE_BYTES + 1];
    uint32_t lines, len;
    enum iot_log_level level;
} got;

static void on_line(void *ctx, enum iot_log_level level, const char *line, uint32_t len)
{
    (void)ctx;
    assert_in_range(len, 0, IOT_LOG_LINE_BYTES);
    memcpy(got.line, line, len);
    got.line[len] = '\0';
    got.len = len;
    got.level = level;
    got.lines++;
}

static const struct iot_port board = {.log = on_line};
static uint32_t asked;

static struct iot_bytes ask(void)
{
    asked++;
    return BYTES("asked");
}

static uint32_t dump_at_5(void)
{
    got.lines = asked = 0;
    IOT_DUMP_UP(&board, ask(), ask());
    return got.lines;
}

#undef IOT_LOG_LEVEL
#define IOT_LOG_LEVEL 4
#undef IOT_CORE_DUMP_H
#undef IOT_DUMP
#undef IOT_DUMP_UP
#undef IOT_DUMP_DOWN
#include "core/iot_core_dump.c" /* nothing: a second definition of anything would not compile */
#include "core/iot_core_dump.h"

static uint32_t dump_at_4(void)
{
    got.lines = asked = 0;
    IOT_DUMP_UP(&board, ask(), ask());
    return got.lines;
}

#undef IOT_LOG_LEVEL
#define IOT_LOG_LEVEL 5
#undef IOT_DUMP
#define IOT_DUMP(port, way, topic, payload) iot_dump(port, way, topic, payload)

static void the_dump_is_level_5_and_evaluates_nothing_below(void **state)
{
    (void)state;
    assert_int_equal(dump_at_4(), 0);
    assert_int_equal(asked, 0);
    assert_int_equal(dump_at_5(), 1);
    assert_int_equal(asked, 2);
    assert_int_equal(got.level, IOT_LOG_DUMP);
}

/* Both slices end where memory does, each in turn. */
static const char *dump(struct iot_bytes topic, struct iot_bytes payload)
{
    got.lines = 0;
    IOT_DUMP_DOWN(&board, guarded(topic), payload);
    assert_int_equal(got.lines, 1);
    IOT_DUMP_UP(&board, topic, guarded(payload));
    assert_int_equal(got.lines, 2);
    return got.line;
}

static const char *dump_text(const char *payload)
{
    return dump(BYTES("t"), text_bytes(payload)) + 4;
}

static void what_goes_up_and_what_comes_down_have_their_arrows(void **state)
{
    (void)state;
    heap_trap_on();
    IOT_DUMP_UP(&board, BYTES("/sys/pk/dn/post"), BYTES("{\"t\":21}"));
    assert_string_equal(got.line, "> /sys/pk/dn/post {\"t\":21}");
    IOT_DUMP_DOWN(&board, BYTES("/sys/pk/dn/set"), BYTES("\xe6\xb8\xa9 ok"));
    assert_string_equal(got.line, "< /sys/pk/dn/set \xe6\xb8\xa9 ok");
    IOT_DUMP_UP(&board, BYTES("raw"), BYTES("\x01\x00\xff"));
    assert_string_equal(got.line, "> raw hex:0100ff");
    IOT_DUMP_UP(&board, BYTES("none"), ((struct iot_bytes){NULL, 0}));
    assert_string_equal(got.line, "> none");
    heap_trap_off();
}

static void a_port_without_a_log_is_no_trouble(void **state)
{
    static const struct iot_port silent = {.ctx = NULL};
    (void)state;

    got.lines = 0;
    IOT_DUMP_UP(&silent, BYTES("t"), BYTES("p"));
    assert_int_equal(got.lines, 0);
}

static void text_is_utf8_with_line_ends_and_everything_else_is_hex(void **state)
{
    (void)state;
    assert_string_equal(dump_text("{\r\n\t\"a\":1}"), "{\\x0d\\x0a\\x09\"a\":1}");
    assert_string_equal(dump_text("a\x1b"), "hex:611b");
    assert_string_equal(dump_text("\xc3"), "hex:c3");
    assert_string_equal(dump_text("\xe2\x80\xa8"), "hex:e280a8");
    assert_string_equal(dump(BYTES("t"), BYTES("a\0b")) + 4, "hex:610062");
}

static void a_topic_of_outside_cannot_forge_a_line(void **state)
{
    (void)state;
    dump(BYTES("a\n< b"), BYTES("x"));
    assert_string_equal(got.line, "> a\\x0a< b x");
}

static void what_is_long_is_cut_and_its_length_named(void **state)
{
    static uint8_t big[3000];
    (void)state;

    for (uint32_t n = 1; n < sizeof big; n += n < 2 * IOT_LOG_LINE_BYTES ? 1 : 97) {
        for (int kind = 0; kind < 3; kind++) {
            char tail[40];
            memset(big, 'x', sizeof big);
            if (kind == 1)
                big[0] = 1;
            for (uint32_t i = 0; kind == 2 && i + 3 <= n; i += 3)
                memcpy(big + i, "\xe6\xb8\xa9", 3);
            const char *line = dump(BYTES("t"), (struct iot_bytes){big, n});
            uint32_t size = kind == 1 ? 8 + 2 * n : 4 + n;
            snprintf(tail, sizeof tail, "... (%u bytes)", (unsigned)n);
            bool cut = size > IOT_LOG_LINE_BYTES - LINE_END_MAX;
            assert_int_equal(strstr(line, tail) != NULL, cut);
            assert_int_equal(strstr(line, "hex:") != NULL, kind == 1);
            assert_null(strstr(line, "\\x")); /* no character is cut in two */
            if (!cut)
                assert_int_equal(got.len, size);
            else
                assert_string_equal(line + got.len - strlen(tail), tail);
        }
    }
}

static void a_long_topic_leaves_room_for_the_payload(void **state)
{
    static uint8_t topic[65535];
    (void)state;

    memset(topic, 'x', sizeof topic);
    dump((struct iot_bytes){topic, sizeof topic}, BYTES("payload"));
    assert_string_equal(got.line + IOT_LOG_LINE_BYTES / 2, "... payload");
    assert_int_equal(got.line[IOT_LOG_LINE_BYTES / 2 - 1], 'x');
}

/* ---- masks */

/* In: $ stands for the secret. */
struct mask_row {
    const char *in, *out;
};

static const struct mask_row rows[] = {
    /* every ending, in any case, alone and behind something */
    {"{\"secret\":\"$\"}", "{\"secret\":\"***\"}"},
    {"{\"deviceSecret\":\"$\"}", "{\"deviceSecret\":\"***\"}"},
    {"{\"PRODUCTSECRET\":\"$\"}", "{\"PRODUCTSECRET\":\"***\"}"},
    {"{\"token\":\"$\"}", "{\"token\":\"***\"}"},
    {"{\"access_Token\":\"$\"}", "{\"access_Token\":\"***\"}"},
    {"{\"password\":\"$\"}", "{\"password\":\"***\"}"},
    {"{\"wifi.passWord\":\"$\"}", "{\"wifi.passWord\":\"***\"}"},
    {"{\"passwd\":\"$\"}", "{\"passwd\":\"***\"}"},
    {"{\"my-passwd\":\"$\"}", "{\"my-passwd\":\"***\"}"},
    {"{\"sign\":\"$\"}", "{\"sign\":\"***\"}"},
    {"{\"cleanSign\":\"$\"}", "{\"cleanSign\":\"***\"}"},
    {"{\"signature\":\"$\"}", "{\"signature\":\"***\"}"},
    {"{\"X-Signature\":\"$\"}", "{\"X-Signature\":\"***\"}"},
    {"{\"psk\":\"$\"}", "{\"psk\":\"***\"}"},
    {"{\"PSK\":\"$\"}", "{\"PSK\":\"***\"}"},
    {"{\"key\":\"$\"}", "{\"key\":\"***\"}"},
    {"{\"Key\":\"$\"}", "{\"Key\":\"***\"}"},
    {"{\"privateKey\":\"$\"}", "{\"privateKey\":\"***\"}"},
    {"{\"api_key\":\"$\"}", "{\"api_key\":\"***\"}"},
    {"{\"wifiPsk\":\"$\"}", "{\"wifiPsk\":\"***\"}"},
    {"{\"pwd\":\"$\"}", "{\"pwd\":\"***\"}"},
    {"{\"userPwd\":\"$\"}", "{\"userPwd\":\"***\"}"},
    {"{\"pass\":\"$\"}", "{\"pass\":\"***\"}"},
    {"{\"mqtt_pass\":\"$\"}", "{\"mqtt_pass\":\"***\"}"},
    {"{\"passphrase\":\"$\"}", "{\"passphrase\":\"***\"}"},
    {"{\"authorization\":\"$\"}", "{\"authorization\":\"***\"}"},
    {"Proxy-Authorization: Bearer $\r\nHost: h", "Proxy-Authorization: \"***\"\\x0d\\x0aHost: h"},
    /* plural */
    {"{\"deviceSecrets\":[\"$\",\"$\"],\"a\":1}", "{\"deviceSecrets\":\"***\",\"a\":1}"},
    {"{\"tokens\":\"$\"}", "{\"tokens\":\"***\"}"},
    {"{\"passwords\":\"$\"}", "{\"passwords\":\"***\"}"},
    {"{\"psks\":\"$\"}", "{\"psks\":\"***\"}"},
    {"{\"AuthorizationS\":\"$\"}", "{\"AuthorizationS\":\"***\"}"},
    {"a=1&keys=$&b=2", "a=1&keys=***&b=2"},
    /* beside names that are harmless */
    {"{\"productKey\":\"pk\",\"secretKey\":\"$\"}",
     "{\"productKey\":\"pk\",\"secretKey\":\"***\"}"},
    {"{\"attr.key\":\"$\"}", "{\"attr.key\":\"***\"}"},
    /* a name in escapes */
    {"{\"pass\\u0077ord\":\"$\"}", "{\"pass\\u0077ord\":\"***\"}"},
    {"{\"\\u006b\\u0045y\":\"$\"}", "{\"\\u006b\\u0045y\":\"***\"}"},
    {"{\"toke\\u006E\":\"$\"}", "{\"toke\\u006E\":\"***\"}"},
    {"{\"\\nkey\":\"$\"}", "{\"\\nkey\":\"***\"}"},
    {"{\"a b\xe6\xb8\xa9token\":\"$\"}", "{\"a b\xe6\xb8\xa9token\":\"***\"}"},
    /* places and blanks */
    {"{\"a\":1,\"key\" : \"$\" , \"b\":2}", "{\"a\":1,\"key\" : \"***\", \"b\":2}"},
    {"{\r\n\"key\"\r\n:\r\n\"$\"\r\n}",
     "{\\x0d\\x0a\"key\"\\x0d\\x0a:\\x0d\\x0a\"***\"\\x0d\\x0a}"},
    {"{\"p\":{\"q\":[{\"sign\":\"$\"},1]},\"r\":0}",
     "{\"p\":{\"q\":[{\"sign\":\"***\"},1]},\"r\":0}"},
    {"{\"sign\":\"$\",\"token\":\"$\",\"x\":\"y\"}",
     "{\"sign\":\"***\",\"token\":\"***\",\"x\":\"y\"}"},
    /* what looks like JSON */
    {"{'password':'$','a':1}", "{'password':'***','a':1}"},
    {"{password:$,a:1}", "{password:\"***\",a:1}"},
    {"password: $\nuser: me", "password: \"***\"\\x0auser: me"},
    {"{sign = \"$\", a = 1}", "{sign = \"***\", a = 1}"},
    {"\"password\":\"$\"", "\"password\":\"***\""},
    {"{\"password\":\"$\"$,\"a\":1}", "{\"password\":\"***\",\"a\":1}"},
    {"{\"password\":\"$\"\"$\",\"a\":1}", "{\"password\":\"***\",\"a\":1}"},
    /* other values */
    {"{\"key\":12345,\"a\":1}", "{\"key\":\"***\",\"a\":1}"},
    {"{\"key\":-1.5e3}", "{\"key\":\"***\"}"},
    {"{\"key\":null}", "{\"key\":\"***\"}"},
    {"{\"key\":\"\"}", "{\"key\":\"***\"}"},
    {"{\"key\":{\"a\":\"$\",\"b\":[\"$\"]},\"c\":1}", "{\"key\":\"***\",\"c\":1}"},
    {"{\"key\":[\"$\",{\"a\":\"]}$\"}],\"c\":1}", "{\"key\":\"***\",\"c\":1}"},
    {"{\"key\":{\"a\":\"\\\"}$\",\"b\":'}$'},\"c\":1}", "{\"key\":\"***\",\"c\":1}"},
    {"{\"key\":{\"a\":\"{\\\"b\\\":\\\"$\"},\"c\":1}", "{\"key\":\"***\",\"c\":1}"},
    /* quotes and backslashes in the secret */
    {"{\"key\":\"\\\"$\",\"a\":1}", "{\"key\":\"***\",\"a\":1}"},
    {"{\"key\":\"$\\\",\\\"$\",\"a\":1}", "{\"key\":\"***\",\"a\":1}"},
    {"{\"key\":\"$\\\\\",\"a\":1}", "{\"key\":\"***\",\"a\":1}"},
    {"{\"key\":\"\\\\\\\"$\",\"a\":1}", "{\"key\":\"***\",\"a\":1}"},
    {"{\"key\":\"$'}$:$&$\",\"a\":1}", "{\"key\":\"***\",\"a\":1}"},
    {"{\"key\":\"\xe6\xb8\xa9$\xc3\xa9\",\"a\":1}", "{\"key\":\"***\",\"a\":1}"},
    /* JSON in a string of JSON, and once more */
    {"{\"p\":\"{\\\"sign\\\":\\\"$\\\",\\\"a\\\":1}\"}",
     "{\"p\":\"{\\\"sign\\\":\\\"***\\\",\\\"a\\\":1}\"}"},
    {"{\"p\":\"{\\\"sign\\\":\\\"$\\\\\\\"$\\\",\\\"a\\\":1}\"}",
     "{\"p\":\"{\\\"sign\\\":\\\"***\\\",\\\"a\\\":1}\"}"},
    {"{\"p\":\"{\\\"sign\\\":\\\"$\\\\\\\\\\\",\\\"a\\\":1}\"}",
     "{\"p\":\"{\\\"sign\\\":\\\"***\\\",\\\"a\\\":1}\"}"},
    {"{\"p\":\"{\\\"q\\\":\\\"{\\\\\\\"sign\\\\\\\":\\\\\\\"$\\\\\\\"}\\\"}\"}",
     "{\"p\":\"{\\\"q\\\":\\\"{\\\\\\\"sign\\\\\\\":\\\\\\\"***\\\\\\\"}\\\"}\"}"},
    {"{\"p\":\"{\\\"key\\\":{\\\"a\\\":\\\"}$\\\"},\\\"b\\\":1}\"}",
     "{\"p\":\"{\\\"key\\\":\"***\",\\\"b\\\":1}\"}"},
    {"{\"p\":\"{\\\"key\\\":17}\",\"b\":1}", "{\"p\":\"{\\\"key\\\":\"***\"}\",\"b\":1}"},
    {"{\"p\":\"{\\\"pass\\\\u0077ord\\\":\\\"$\\\"}\"}",
     "{\"p\":\"{\\\"pass\\\\u0077ord\\\":\\\"***\\\"}\"}"},
    {"{\"p\":\"{\\\"sign\\\"=\\\"$\\\",\\\"a\\\":1}\"}",
     "{\"p\":\"{\\\"sign\\\"=\\\"***\\\",\\\"a\\\":1}\"}"},
    /* no end */
    {"{\"key\":\"$", "{\"key\":\"***\""},
    {"{\"key\":\"$\\\"", "{\"key\":\"***\""},
    {"{\"key\":\"$\\", "{\"key\":\"***\""},
    {"{\"key\":{\"a\":\"$\"", "{\"key\":\"***\""},
    {"{\"p\":\"{\\\"key\\\":\\\"$\"}", "{\"p\":\"{\\\"key\\\":\\\"***\\\""},
    {"{\"key\":", "{\"key\":"},
    {"{\"key\": ", "{\"key\": "},
    {"{\"key\":\"", "{\"key\":\"***\""},
    {"{\"key\"", "{\"key\""},
    /* forms and queries */
    {"deviceName=d&sign=$&productKey=p", "deviceName=d&sign=***&productKey=p"},
    {"sign=$", "sign=***"},
    {"token=$&PASSWORD=$", "token=***&PASSWORD=***"},
    {"key=$", "key=***"},
    {"password=\"$\"$&a=1", "password=***&a=1"},
    {"password='$'$&a=1", "password=***&a=1"},
    {"a=x\"y&password=$\"$&b=1", "a=x\"y&password=***&b=1"},
    {"password= $&a=1", "password=***&a=1"},
    {"password=$,$;$}$&a=1", "password=***&a=1"},
    {"sign=&a=1", "sign=&a=1"},
    {"sign=\r\n=1", "sign=\\x0d\\x0a=1"},
    {"sign=\r\na=1", "sign=\\x0d\\x0aa=1"},
    {"{\"url\":\"https://h/f?e=1&Signature=$%2B%3D&security-token=$\",\"n\":1}",
     "{\"url\":\"https://h/f?e=1&Signature=***&security-token=***\",\"n\":1}"},
    {"{\"url\":\"https:\\/\\/h?key=$\",\"n\":1}", "{\"url\":\"https:\\/\\/h?key=***\",\"n\":1}"},
    {"{\"url\":\"h?sign=\",\"n\":1}", "{\"url\":\"h?sign=\",\"n\":1}"},
    {"{\"f\":\"sign=$\\\\\\\\\",\"n\":1}", "{\"f\":\"sign=***\",\"n\":1}"},
    {"{\"f\":\"sign=$\\\"$&a=1\",\"n\":1}", "{\"f\":\"sign=***&a=1\",\"n\":1}"},
    {"{\"p\":\"{\\\"u\\\":\\\"h?sign=$\\\",\\\"n\\\":1}\"}",
     "{\"p\":\"{\\\"u\\\":\\\"h?sign=***\\\",\\\"n\\\":1}\"}"},
    {"{\"msg\":\"the password: $\",\"n\":1}", "{\"msg\":\"the password: \"***\"\",\"n\":1}"},
};

/* A secret of which no character occurs elsewhere. */
#define SECRET "QZVJ"

static void with_secret(const char *in, char *into, size_t cap)
{
    size_t at = 0;

    for (; *in != '\0'; in++)
        at +=
            (size_t)snprintf(into + at, cap - at, "%s", *in == '$' ? SECRET : (char[2]){*in, '\0'});
    assert_in_range(at, 1, cap - 1);
}

static void secrets_are_masked_in_every_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char in[300];
        with_secret(rows[i].in, in, sizeof in);
        if (strcmp(dump_text(in), rows[i].out) != 0)
            fail_msg("%s\n    gives %s\n   not as %s", in, got.line + 4, rows[i].out);
    }
}

static void assert_no_secret(const char *in)
{
    if (strpbrk(got.line, SECRET) != NULL)
        fail_msg("%s\n    gives %s", in, got.line);
}

static void no_character_of_a_secret_survives_a_cut_at_any_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char in[300];
        with_secret(rows[i].in, in, sizeof in);
        for (uint32_t n = 0; n <= strlen(in); n++) {
            dump(BYTES("t"), (struct iot_bytes){(const uint8_t *)in, n});
            assert_no_secret(in);
        }
    }
}

static void no_character_of_a_secret_survives_the_end_of_the_line(void **state)
{
    static char in[2 * IOT_LOG_LINE_BYTES];
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[300];
        with_secret(rows[i].in, text, sizeof text);
        /* The row comes later and later, behind blanks that change nothing. */
        for (uint32_t before = 0; before < IOT_LOG_LINE_BYTES; before++) {
            memset(in, ' ', before);
            snprintf(in + before, sizeof in - before, "%s", text);
            dump(BYTES("t"), text_bytes(in));
            assert_no_secret(in);
        }
    }
}

static void a_secret_longer_than_the_line_is_masked_and_the_length_named(void **state)
{
    static char in[3 * IOT_LOG_LINE_BYTES];
    (void)state;

    memset(in, 'Q', sizeof in - 1);
    memcpy(in, "{\"key\":\"", 8);
    char expected[64];
    snprintf(expected, sizeof expected, "{\"key\":\"***\"... (%u bytes)", (unsigned)sizeof in - 1);
    assert_string_equal(dump_text(in), expected);
}

static void a_character_that_goes_on_behind_what_is_looked_at_is_left_out(void **state)
{
    (void)state;
    for (uint32_t before = 0; before < 4; before++) {
        char in[IOT_LOG_LINE_BYTES + 60] = "abcd", expected[IOT_LOG_LINE_BYTES];
        /* The mask makes so much room that the line does not end before the look does. */
        strcpy(in + before, "{\"key\":\"");
        memset(in + before + 8, 'Q', 200);
        strcpy(in + before + 208, "\",\"a\":\"");
        uint32_t n = before + 215, shown = 0;
        for (; n + 4 < sizeof in; n += 4) {
            memcpy(in + n, "\xf0\x9f\x92\xa1", 5);
            shown += n + 4 <= IOT_LOG_LINE_BYTES;
        }
        size_t at = (size_t)snprintf(expected, sizeof expected, "%.*s{\"key\":\"***\",\"a\":\"",
                                     (int)before, in);
        for (; shown > 0; shown--)
            at += (size_t)snprintf(expected + at, sizeof expected - at, "\xf0\x9f\x92\xa1");
        snprintf(expected + at, sizeof expected - at, "... (%u bytes)", (unsigned)n);
        assert_string_equal(dump_text(in), expected);
    }
}

static void secrets_are_masked_in_hex_too(void **state)
{
    (void)state;
    /* 01 {"sign":"S"} 02 */
    assert_string_equal(dump_text("\x01{\"sign\":\"" SECRET "\"}\x02"),
                        "hex:017b227369676e223a***7d02");
    assert_string_equal(dump_text("\x01sign=" SECRET "&a"), "hex:017369676e3d***2661");
    for (size_t i = 0; i < COUNT(rows); i++) {
        char in[300] = "\x01";
        with_secret(rows[i].in, in + 1, sizeof in - 1);
        for (uint32_t n = 0; n <= strlen(in); n++) {
            dump(BYTES("t"), (struct iot_bytes){(const uint8_t *)in, n});
            for (const char *c = SECRET; *c != '\0'; c++) {
                char hex[3];
                snprintf(hex, sizeof hex, "%02x", *c);
                for (const char *p = got.line + 8; n != 0 && p[0] != '\0' && p[1] != '\0'; p += 2) {
                    while (*p == '*')
                        p++;
                    if (*p == '.' || *p == '\0')
                        break;
                    if (p[0] == hex[0] && p[1] == hex[1])
                        fail_msg("%s\n    gives %s", in, got.line);
                }
            }
        }
    }
}

/* What JSON makes of a text that stands in a string. */
static void in_string(const char *in, char *into, size_t cap)
{
    size_t at = 0;

    for (; *in != '\0'; in++) {
        assert_true(at + 3 < cap);
        if (*in == '"' || *in == '\\')
            into[at++] = '\\';
        into[at++] = *in;
    }
    into[at] = '\0';
}

static void any_secret_in_good_json_is_masked_at_any_depth_and_any_cut(void **state)
{
    static const char alphabet[] = "\\\\\"\"\"'{}[],:=& QZVJ";
    uint32_t seed = test_seed();
    (void)state;

    for (int round = 0; round < 1500; round++) {
        char secret[8], value[400], text[420];
        uint32_t n = 1 + test_random(&seed, sizeof secret - 1);
        uint32_t depth = test_random(&seed, 3), kind = test_random(&seed, 3);
        for (uint32_t i = 0; i < n; i++)
            secret[i] = alphabet[test_random(&seed, sizeof alphabet - 1)];
        secret[n] = '\0';
        in_string(secret, value, sizeof value);
        snprintf(text, sizeof text,
                 kind == 0   ? "{\"a\":1,\"key\":\"%s\",\"b\":\"c\"}"
                 : kind == 1 ? "{\"sign\" : [ {\"x\":\"%s\"}, 2 ]}"
                             : "{\"token\":{\"%s\":\"\"},\"b\":[]}",
                 value);
        for (uint32_t i = 0; i < depth; i++) {
            in_string(text, value, sizeof value);
            snprintf(text, sizeof text, "{\"p\":\"%s\",\"q\":1}", value);
        }
        for (uint32_t cut = 0; cut <= strlen(text); cut++) {
            dump(BYTES("t"), (struct iot_bytes){(const uint8_t *)text, cut});
            assert_no_secret(text);
        }
        /* and what follows is seen again */
        if (depth == 0)
            assert_non_null(strstr(got.line, kind == 0 ? ",\"b\":\"c\"}" : "}"));
    }
}

static void other_names_keep_their_values(void **state)
{
    static const char *const texts[] = {
        "{\"keyss\":\"v\",\"sKeyS \\n\":\"v\",\"keyword\":1,\"psk1\":3,\"pw\":4}",
        "{\"s\":\"v\",\"secretary\":\"v\",\"signed\":true,\"signmethod\":\"hmacsha256\"}",
        "{\"productKey\":\"pk\",\"attrKey\":\"k\",\"attrValue\":\"v\"}",
        "{\"PRODUCTKEYS\":[\"pk\"],\"subProductKey\":\"pk\",\"attrKeys\":[\"k\"]}",
        "{\"compass\":271,\"bypass\":true,\"passes\":2,\"passenger\":3,\"authorized\":false}",
        "{\"a\":\"key\",\"b\":\"sign\",\"c\":[\"token\",\"password\"]}",
        "{\"password\",\"a\":1}",
        "a=1&keyed=2&designer=3",
        "ke y=1&to:ken=2&to\"ken=3",
        "{\"m\":\"sign here, please\"}",
        "{\"m\":\"my-key\",\"t\":\"10:21:07\",\"u\":\"https://key.example/sign?x=1\"}",
        "token",
        "it's a key; see: nothing",
        "\xe6\xb8\xa9=21&\xc2\xb0=C",
    };
    (void)state;

    for (size_t i = 0; i < COUNT(texts); i++)
        assert_string_equal(dump_text(texts[i]), texts[i]);
}

static void noise_is_never_read_beyond_its_end(void **state)
{
    static const char alphabet[] = "\"\"\"\\\\':=&,{}[] \nkeykeysign\x01\xe6\xb8\xa9u0065";
    uint32_t seed = test_seed();
    (void)state;

    heap_trap_on();
    for (int round = 0; round < 20000; round++) {
        uint8_t noise[IOT_LOG_LINE_BYTES + 40];
        uint32_t n = test_random(&seed, sizeof noise),
                 kinds = test_random(&seed, sizeof alphabet) + 1;
        for (uint32_t i = 0; i < n; i++)
            noise[i] = (uint8_t)alphabet[test_random(&seed, kinds)];
        dump(BYTES("t"), (struct iot_bytes){noise, n});
        for (uint32_t i = 0; i < got.len; i++)
            assert_true((uint8_t)got.line[i] >= 0x20);
    }
    heap_trap_off();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_dump_is_level_5_and_evaluates_nothing_below),
        cmocka_unit_test(what_goes_up_and_what_comes_down_have_their_arrows),
        cmocka_unit_test(a_port_without_a_log_is_no_trouble),
        cmocka_unit_test(text_is_utf8_with_line_ends_and_everything_else_is_hex),
        cmocka_unit_test(a_topic_of_outside_cannot_forge_a_line),
        cmocka_unit_test(what_is_long_is_cut_and_its_length_named),
        cmocka_unit_test(a_long_topic_leaves_room_for_the_payload),
        cmocka_unit_test(secrets_are_masked_in_every_form),
        cmocka_unit_test(no_character_of_a_secret_survives_a_cut_at_any_length),
        cmocka_unit_test(no_character_of_a_secret_survives_the_end_of_the_line),
        cmocka_unit_test(a_secret_longer_than_the_line_is_masked_and_the_length_named),
        cmocka_unit_test(a_character_that_goes_on_behind_what_is_looked_at_is_left_out),
        cmocka_unit_test(secrets_are_masked_in_hex_too),
        cmocka_unit_test(any_secret_in_good_json_is_masked_at_any_depth_and_any_cut),
        cmocka_unit_test(other_names_keep_their_values),
        cmocka_unit_test(noise_is_never_read_beyond_its_end),
    };
    return cmocka_run_group_tests_name("core_dump", tests, NULL, NULL);
}
