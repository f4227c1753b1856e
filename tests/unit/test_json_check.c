/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "iot/iot_json.h"

#include "heap_trap.h"

/* ---- Another opinion: the grammar of RFC 8259 as it is written, by recursion ------------------ */

struct other {
    const uint8_t *at, *end;
    uint32_t depth;
    bool deep;
};

static bool other_value(struct other *o);

static void other_blanks(struct other *o)
{
    while (o->at < o->end && memchr(" \t\r\n", *o->at, 4) != NULL)
        o->at++;
}

static bool other_take(struct other *o, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(o->end - o->at) < n || memcmp(o->at, text, n) != 0)
        return false;
    o->at += n;
    return true;
}

static bool other_hex(struct other *o, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *d = o->at < o->end && *o->at != 0 ? strchr(digits, *o->at) : NULL;
        if (d == NULL)
            return false;
        *code = *code << 4 | ((uint32_t)(d - digits) & 15);
        o->at++;
    }
    return true;
}

static bool other_string(struct other *o)
{
    if (!other_take(o, "\""))
        return false;
    for (;;) {
        uint32_t code;
        if (o->at == o->end)
            return false;
        uint8_t c = *o->at++;
        if (c == '"')
            return true;
        if (c < 0x20)
            return false;
        if (c == '\\') {
            if (o->at == o->end)
                return false;
            c = *o->at++;
            if (c == 'u') {
                if (!other_hex(o, &code) || (code >= 0xdc00 && code <= 0xdfff))
                    return false;
                if (code >= 0xd800 && code <= 0xdbff &&
                    (!other_take(o, "\\u") || !other_hex(o, &code) || code < 0xdc00 ||
                     code > 0xdfff))
                    return false;
            } else if (c == 0 || strchr("\"\\/bfnrt", c) == NULL) {
                return false;
            }
        } else if (c >= 0x80) {
            uint32_t more = c >> 5 == 6 ? 1 : c >> 4 == 14 ? 2 : c >> 3 == 30 ? 3 : 0;
            static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
            if (more == 0 || (size_t)(o->end - o->at) < more)
                return false;
            code = c & (0x3fu >> more);
            for (uint32_t i = 0; i < more; i++, o->at++) {
                if (*o->at >> 6 != 2)
                    return false;
                code = code << 6 | (*o->at & 0x3f);
            }
            if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
                return false;
        }
    }
}

static bool other_digits(struct other *o)
{
    const uint8_t *from = o->at;
    while (o->at < o->end && *o->at >= '0' && *o->at <= '9')
        o->at++;
    return o->at != from;
}

static bool other_number(struct other *o)
{
    (void)other_take(o, "-");
    if (!other_take(o, "0") && !other_digits(o))
        return false;
    if (other_take(o, ".") && !other_digits(o))
        return false;
    if (other_take(o, "e") || other_take(o, "E")) {
        if (!other_take(o, "+"))
            (void)other_take(o, "-");
        return other_digits(o);
    }
    return true;
}

static bool other_container(struct other *o, bool object)
{
    const char *close = object ? "}" : "]";
    bool good = false;

    if (++o->depth > IOT_JSON_DEPTH_MAX) {
        o->deep = true;
        return false;
    }
    other_blanks(o);
    if (other_take(o, close)) {
        o->depth--;
        return true;
    }
    for (;;) {
        other_blanks(o);
        if (object) {
            if (!other_string(o))
                break;
            other_blanks(o);
            if (!other_take(o, ":"))
                break;
            other_blanks(o);
        }
        if (!other_value(o))
            break;
        other_blanks(o);
        if (other_take(o, close)) {
            good = true;
            break;
        }
        if (!other_take(o, ","))
            break;
    }
    o->depth--;
    return good;
}

static bool other_value(struct other *o)
{
    if (o->at == o->end)
        return false;
    if (*o->at == '"')
        return other_string(o);
    if (other_take(o, "{"))
        return other_container(o, true);
    if (other_take(o, "["))
        return other_container(o, false);
    return other_take(o, "true") || other_take(o, "false") || other_take(o, "null") ||
           other_number(o);
}

static iot_err other_check(struct iot_bytes text, struct iot_json *root)
{
    struct other o = {text.ptr, text.ptr + text.len, 0, false};

    other_blanks(&o);
    root->ptr = o.at;
    bool good = other_value(&o);
    root->len = (uint32_t)(o.at - root->ptr);
    other_blanks(&o);
    return o.deep ? IOT_ERR_JSON_DEPTH : good && o.at == o.end ? IOT_OK : IOT_ERR_JSON_SYNTAX;
}

/* ---- Ours beside it ---------------------------------------------------------------------------- */

static void tell(struct iot_bytes text, const char *what, iot_err ours, iot_err other)
{
    char hex[400];
    to_hex(text, hex, sizeof hex);
    fail_msg("%.*s (%s): %s: %s, not %s", (int)(text.len < 150 ? text.len : 150),
             (const char *)text.ptr, hex, what, iot_err_name(ours), iot_err_name(other));
}

/* The text at the end of readable memory. */
static iot_err judge(struct iot_bytes text, uint32_t *offset)
{
    struct iot_json root = {NULL, 77}, root_other;
    iot_err other = other_check(text, &root_other), err = iot_json_check(text, &root, offset);

    if (err != other)
        tell(text, "verdict", err, other);
    if (err == IOT_OK && (root.ptr != root_other.ptr || root.len != root_other.len))
        tell(text, "root", (iot_err)root.len, (iot_err)root_other.len);
    if (err != IOT_OK && (root.ptr != NULL || root.len != 77))
        tell(text, "root was written", err, other);
    if (*offset > text.len || (err == IOT_OK && *offset != text.len))
        tell(text, "offset", err, other);
    return err;
}

static iot_err verdict(struct iot_bytes text)
{
    uint32_t offset;
    return judge(guarded(text), &offset);
}

static const char good_text[] =
    "{\"method\":\"thing.service.property.set\",\"id\":\"1\",\n\t\"params\" : "
    "{\"a\\u00e9\\ud83d\\ude00\\n\":[-1.5e+3, 0,\"\xe6\xb8\xa9\xf0\x9f\x98\x80\"],"
    "\"b\":{},\"c\":[],\"d\":[true,false,null,{\"e\":[[[\"\"]]]}]},\"version\":\"1.0\"} ";

/* ---- Tests ------------------------------------------------------------------------------------ */

static void what_rfc_8259_allows_is_taken(void **state)
{
    static const struct iot_bytes rows[] = {
#define ROW(text) {(const uint8_t *)(text), sizeof(text) - 1}
        ROW("{}"),
        ROW("[]"),
        ROW("\"\""),
        ROW("0"),
        ROW("-0"),
        ROW("1"),
        ROW("-1"),
        ROW("10"),
        ROW("true"),
        ROW("false"),
        ROW("null"),
        ROW(" 1"),
        ROW("1 "),
        ROW("\t\r\n 1 \t\r\n"),
        ROW(" {} "),
        ROW("[ ]"),
        ROW("{ }"),
        ROW("{\n}"),
        ROW("0.0"),
        ROW("0.1"),
        ROW("-0.1"),
        ROW("1.0"),
        ROW("1e1"),
        ROW("1E1"),
        ROW("1e+1"),
        ROW("1e-1"),
        ROW("1.5e10"),
        ROW("0e0"),
        ROW("-0E-0"),
        ROW("0e+000"),
        ROW("123456789012345678901234567890"),
        ROW("1e400"),
        ROW("1e-400"),
        ROW("0.00000000000000000000001"),
        ROW("1e0001"),
        ROW("[1e1,2E2,3]"),
        ROW("[1]"),
        ROW("[1,2]"),
        ROW("[ 1 , 2 ]"),
        ROW("[[]]"),
        ROW("[[],[]]"),
        ROW("[{}]"),
        ROW("[1,[2,[3]]]"),
        ROW("[null,true,false]"),
        ROW("[\"\"]"),
        ROW("{\"a\":1}"),
        ROW("{ \"a\" : 1 }"),
        ROW("{\"a\":1,\"b\":2}"),
        ROW("{\"a\":{}}"),
        ROW("{\"a\":[]}"),
        ROW("{\"a\":{\"b\":{\"c\":1}}}"),
        ROW("{\"\":0}"),
        ROW("{\"a\":1,\"a\":2}"),
        ROW("{\"a\":\"b\",\"c\":\"d\"}"),
        ROW("{\"a\":[{\"b\":1},{\"c\":2}],\"d\":null}"),
        ROW("{\"\\u0000\":1}"),
        ROW("{\"a\":true,\"b\":{\"c\":[]},\"d\":1}"),
        ROW("[{\"a\":1},{\"a\":2}]"),
        ROW("{\"a\"\n:\t1\r,\"b\" :2}"),
        ROW("\"a\""),
        ROW("\" \""),
        ROW("\"\\\"\""),
        ROW("\"\\\\\""),
        ROW("\"\\/\""),
        ROW("\"/\""),
        ROW("\"\\b\\f\\n\\r\\t\""),
        ROW("\"\\u0041\""),
        ROW("\"\\u00e9\\u00E9\""),
        ROW("\"\\uABCD\""),
        ROW("\"\\u0000\""),
        ROW("\"\\u001f\""),
        ROW("\"\\ud83d\\ude00\""),
        ROW("\"\\uD800\\uDC00\""),
        ROW("\"\\uDBFF\\uDFFF\""),
        ROW("\"\\uffff\""),
        ROW("\"\\ue000\\ud7ff\""),
        ROW("\"\x7f\""),
        ROW("\"\xc2\x80\""),
        ROW("\"\xdf\xbf\""),
        ROW("\"\xe0\xa0\x80\""),
        ROW("\"\xed\x9f\xbf\""),
        ROW("\"\xee\x80\x80\""),
        ROW("\"\xef\xbf\xbf\""),
        ROW("\"\xf0\x90\x80\x80\""),
        ROW("\"\xf4\x8f\xbf\xbf\""),
        ROW("\"\xef\xbb\xbf\""),
        ROW("\"a\xe6\xb8\xa9 b\""),
        ROW("\"\xe2\x80\xa8\xe2\x80\xa9\""),
        ROW("\"[{,:}]\""),
        ROW("[\"]\"]"),
        ROW("{\"}\":\"{\"}"),
        ROW("\"\\\\\\\"\""),
        ROW("[\"\\\\\",\"\\\"\"]"),
        ROW("\"a very long string that is more than four bytes\""),
        ROW("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"),
        ROW("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30]"),
        ROW("{\"a\":{\"b\":1,\"c\":2},\"d\":{\"e\":3,\"f\":[4,5,6]},\"g\":[{\"h\":7}]}"),
        ROW("[true]"),
        ROW("{\"a\":-0.0e-0}"),
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        if (verdict(rows[i]) != IOT_OK)
            fail_msg("%s is refused", (const char *)rows[i].ptr);
    }
}

static void what_it_does_not_is_refused_where_it_ceases_to_be_json(void **state)
{
    static const struct {
        struct iot_bytes text;
        uint32_t offset;
    } rows[] = {
#define BAD(text, offset) {ROW(text), offset}
        BAD("", 0),
        BAD(" ", 1),
        BAD("\n\n", 2),
        BAD("{", 1),
        BAD("[", 1),
        BAD("}", 0),
        BAD("]", 0),
        BAD(",", 0),
        BAD(":", 0),
        BAD("\"", 1),
        BAD("{]", 1),
        BAD("[}", 1),
        BAD("[1}", 2),
        BAD("{\"a\":1]", 6),
        BAD("[[]", 3),
        BAD("[]]", 2),
        BAD("{}}", 2),
        BAD("{}{}", 2),
        BAD("[][]", 2),
        BAD("1 2", 2),
        BAD("1,2", 1),
        BAD("1,", 1),
        BAD("\"a\" \"b\"", 4),
        BAD("\"a\"1", 3),
        BAD("1 []", 2),
        BAD("[] 1", 3),
        BAD("null null", 5),
        BAD("{} ,", 3),
        BAD("[],", 2),
        BAD("[1],2", 3),
        BAD("1:", 1),
        BAD("[]:1", 2),
        BAD("{}\"a\"", 2),
        BAD("[,]", 1),
        BAD("[1,]", 3),
        BAD("[,1]", 1),
        BAD("[1,,2]", 3),
        BAD("[1 2]", 3),
        BAD("[1:2]", 2),
        BAD("[\"a\":1]", 4),
        BAD("[\"a\" \"b\"]", 5),
        BAD("[1[2]]", 2),
        BAD("[[1]2]", 4),
        BAD("[[][]]", 3),
        BAD("[{}{}]", 3),
        BAD("[1,", 3),
        BAD("[1", 2),
        BAD("[\"a\"", 4),
        BAD("[\"a", 3),
        BAD("[{]", 2),
        BAD("[1,2", 4),
        BAD("[true", 5),
        BAD("[:]", 1),
        BAD("[\"a\":\"b\"]", 4),
        BAD("{,}", 1),
        BAD("{:}", 1),
        BAD("{1}", 1),
        BAD("{1:2}", 1),
        BAD("{a:1}", 1),
        BAD("{true:1}", 1),
        BAD("{null:1}", 1),
        BAD("{[]:1}", 1),
        BAD("{{}:1}", 1),
        BAD("{\"a\"}", 4),
        BAD("{\"a\",1}", 4),
        BAD("{\"a\":}", 5),
        BAD("{\"a\":,}", 5),
        BAD("{\"a\":1,}", 7),
        BAD("{\"a\":1,,\"b\":2}", 7),
        BAD("{\"a\":1 \"b\":2}", 7),
        BAD("{\"a\" 1}", 5),
        BAD("{\"a\"::1}", 5),
        BAD("{\"a\":1:2}", 6),
        BAD("{\"a\":1 2}", 7),
        BAD("{\"a\":1,2}", 7),
        BAD("{\"a\":1,\"b\"}", 10),
        BAD("{\"a\":1,\"b\":}", 11),
        BAD("{\"a\":\"b\":\"c\"}", 8),
        BAD("{\"a\":\"b\"\"c\":1}", 8),
        BAD("{\"a\" \"b\"}", 5),
        BAD("{\"a\"{}}", 4),
        BAD("{\"a\":{}{}}", 7),
        BAD("{\"a\":[]1}", 7),
        BAD("{\"a\":{}:1}", 7),
        BAD("{\"a\"", 4),
        BAD("{\"a\":", 5),
        BAD("{\"a\":1", 6),
        BAD("{\"a", 3),
        BAD("{\"a\":1,", 7),
        BAD("{'a':1}", 1),
        BAD("{\"a\":1,[]:2}", 7),
        BAD("{\"a\":1,{}}", 7),
        BAD("{\"a\":1,\"b\"2}", 10),
        BAD("{\"a\":1;\"b\":2}", 6),
        BAD("{\"a\":b}", 5),
        BAD("{\"a\":1}x", 7),
        BAD("{\"a\"=1}", 4),
        BAD("{,\"a\":1}", 1),
        BAD("+1", 0),
        BAD("01", 1),
        BAD("-", 1),
        BAD("-01", 2),
        BAD("00", 1),
        BAD("1.", 2),
        BAD(".1", 0),
        BAD("-.1", 1),
        BAD("1e", 2),
        BAD("1e+", 3),
        BAD("1e-", 3),
        BAD("1.e1", 2),
        BAD("1e1.0", 3),
        BAD("1.0.0", 3),
        BAD("0x1", 1),
        BAD("1a", 1),
        BAD("1_0", 1),
        BAD("--1", 1),
        BAD("1-", 1),
        BAD("1e1e1", 3),
        BAD("1 .5", 2),
        BAD("- 1", 1),
        BAD("Infinity", 0),
        BAD("NaN", 0),
        BAD("-Infinity", 1),
        BAD("1e1f", 3),
        BAD("[01]", 2),
        BAD("[1.]", 3),
        BAD("[-]", 2),
        BAD("[+1]", 1),
        BAD("[.5]", 1),
        BAD("[1e]", 3),
        BAD("[0x0]", 2),
        BAD("[1d]", 2),
        BAD("[-a]", 2),
        BAD("[1.2.3]", 4),
        BAD("[0 1]", 3),
        BAD("[1\xc2\xb2]", 2),
        BAD("tru", 3),
        BAD("truf", 3),
        BAD("truee", 4),
        BAD("True", 0),
        BAD("TRUE", 0),
        BAD("nul", 3),
        BAD("nulll", 4),
        BAD("fals", 4),
        BAD("falsee", 5),
        BAD("undefined", 0),
        BAD("t", 1),
        BAD("f", 1),
        BAD("n", 1),
        BAD("none", 1),
        BAD("[tru]", 4),
        BAD("[truex]", 5),
        BAD("[nan]", 2),
        BAD("[true false]", 6),
        BAD("[falsy]", 5),
        BAD("{\"a\":nil}", 6),
        BAD("truetrue", 4),
        BAD("true\"\"", 4),
        BAD("[true\"\"]", 5),
        BAD("[1\"a\"]", 2),
        BAD("[1{}]", 2),
        BAD("\"\\\"", 3),
        BAD("\"\\", 1),
        BAD("\"\\x\"", 1),
        BAD("\"\\a\"", 1),
        BAD("\"\\0\"", 1),
        BAD("\"\\'\"", 1),
        BAD("\"\\ \"", 1),
        BAD("\"\\u\"", 1),
        BAD("\"\\u1\"", 1),
        BAD("\"\\u12\"", 1),
        BAD("\"\\u123\"", 1),
        BAD("\"\\u123g\"", 1),
        BAD("\"\\u 123\"", 1),
        BAD("\"\\U0041\"", 1),
        BAD("\"\\ud800\"", 1),
        BAD("\"\\udc00\"", 1),
        BAD("\"\\ud800\\n\"", 1),
        BAD("\"\\ud800\\u0041\"", 1),
        BAD("\"\\ud800\\ud800\"", 1),
        BAD("\"\\udc00\\ud800\"", 1),
        BAD("\"\\ud800x\"", 1),
        BAD("\"\\ud83d\\ude\"", 1),
        BAD("\"\\ud83d\\u\"", 1),
        BAD("\"ab\\ude00\"", 3),
        BAD("\"\\u00", 1),
        BAD("\"\\ud800\\udbff\"", 1),
        BAD("\"\\ud800\\ue000\"", 1),
        BAD("\"\\N\"", 1),
        BAD("\"\\\n\"", 1),
        BAD("\"\n\"", 1),
        BAD("\"a\tb\"", 2),
        BAD("\"\x1f\"", 1),
        BAD("\"a\0b\"", 2),
        BAD("\"abcdefgh\rij\"", 9),
        BAD("\"\x01", 1),
        BAD("\"abc", 4),
        BAD("[\"abc]", 6),
        BAD("'a'", 0),
        BAD("{\"a\nb\":1}", 3),
        BAD("\"\b\"", 1),
        BAD("\"\x80\"", 1),
        BAD("\"\xbf\"", 1),
        BAD("\"\xc0\x80\"", 1),
        BAD("\"\xc1\xbf\"", 1),
        BAD("\"\xc2\"", 1),
        BAD("\"\xc2 \"", 1),
        BAD("\"\xe0\x80\x80\"", 1),
        BAD("\"\xe0\x9f\xbf\"", 1),
        BAD("\"\xe2\x82\"", 1),
        BAD("\"\xed\xa0\x80\"", 1),
        BAD("\"\xed\xbf\xbf\"", 1),
        BAD("\"\xf0\x80\x80\x80\"", 1),
        BAD("\"\xf0\x8f\xbf\xbf\"", 1),
        BAD("\"\xf4\x90\x80\x80\"", 1),
        BAD("\"\xf5\x80\x80\x80\"", 1),
        BAD("\"\xff\"", 1),
        BAD("\"\xfe\"", 1),
        BAD("\"\xf0\x9f\x98\"", 1),
        BAD("\"ab\xe9\"", 3),
        BAD("\xef\xbb\xbf{}", 0),
        BAD("{}\0", 2),
        BAD("\0", 0),
        BAD("[\0]", 1),
        BAD("1\0", 1),
        BAD("[1\0]", 2),
        BAD("\v1", 0),
        BAD("1\f", 1),
        BAD("\xc2\xa0"
            "1",
            0),
        BAD("[1]//", 3),
        BAD("/**/1", 0),
        BAD("#1", 0),
        BAD("[\v]", 1),
        BAD("{}\x1e", 2),
        BAD("[1]\xe3\x80\x80", 3),
        BAD("\x7f", 0),
        BAD("*", 0),
        BAD("[*]", 1),
        BAD("<a>", 0),
        BAD("[\"a\\u0041\\", 9),
        BAD("{\"a\":\"\\ud83d\"}", 6),
        BAD("{\"\\udfff\":1}", 2),
        BAD("[\"\xff\",1]", 2),
        BAD("abc", 0),
        BAD("[a", 1),
        BAD("{\"a\":1}}", 7),
        BAD("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,]", 79),
        BAD("\\u0031", 0),
        BAD("[1]1", 3),
        BAD("[\"a\"]\"", 5),
        BAD("[]tru", 2),
        BAD("{}-", 2),
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint32_t offset = 77;
        struct iot_bytes text = guarded(rows[i].text);
        iot_err err = judge(text, &offset);
        if (err != IOT_ERR_JSON_SYNTAX || offset != rows[i].offset) {
            char hex[200];
            to_hex(rows[i].text, hex, sizeof hex);
            fail_msg("%s (%s): %s at %u, not at %u", (const char *)rows[i].text.ptr, hex,
                     iot_err_name(err), offset, rows[i].offset);
        }
    }
}

static void offset_may_be_null_and_root_is_left_alone_by_what_is_refused(void **state)
{
    struct iot_json root = {NULL, 5};
    (void)state;

    assert_err(iot_json_check(BYTES("[1,]"), &root, NULL), IOT_ERR_JSON_SYNTAX);
    assert_true(root.ptr == NULL && root.len == 5);
    assert_err(iot_json_check(BYTES("  [1] "), &root, NULL), IOT_OK);
    assert_bytes(((struct iot_bytes){root.ptr, root.len}), BYTES("[1]"));
    assert_err(iot_json_check((struct iot_bytes){NULL, 0}, &root, NULL), IOT_ERR_JSON_SYNTAX);
    assert_err(iot_json_check((struct iot_bytes){(const uint8_t *)"1", UINT32_MAX}, &root, NULL),
               IOT_ERR_ARG);
    assert_err(iot_json_check((struct iot_bytes){(const uint8_t *)"1", 0x80000000u}, &root, NULL),
               IOT_ERR_ARG);
}

static void a_text_cut_anywhere_is_refused(void **state)
{
    (void)state;

    for (uint32_t n = 0; n < sizeof good_text - 2; n++)
        assert_err(verdict((struct iot_bytes){(const uint8_t *)good_text, n}), IOT_ERR_JSON_SYNTAX);
    assert_err(verdict(BYTES(good_text)), IOT_OK);
}

static void a_text_with_any_byte_replaced_by_any_other_is_judged_as_the_grammar_says(void **state)
{
    char text[sizeof good_text];
    uint32_t good = 0;
    (void)state;

    memcpy(text, good_text, sizeof text);
    for (uint32_t at = 0; at < sizeof text - 1; at++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            text[at] = (char)byte;
            good += verdict((struct iot_bytes){(const uint8_t *)text, sizeof text - 1}) == IOT_OK;
        }
        text[at] = good_text[at];
    }
    assert_in_range(good, 5000, 40000);
}

static void texts_of_random_tokens_are_judged_as_the_grammar_says(void **state)
{
    static const char *const words[] = {
        "{", "}",  "[",       "]",   ",",  ":",  "\"a\"",  "1", "true",
        " ", "\"", "{\"a\":", "[1,", "],", "},", "\"b\":", "-", "\\"};
    uint32_t seed = test_seed(), good = 0;
    (void)state;

    for (int i = 0; i < 200000; i++) {
        char text[128] = "";
        uint32_t count = 1 + test_random(&seed, 12);
        for (uint32_t w = 0; w < count; w++)
            strcat(text, words[test_random(&seed, COUNT(words))]);
        good += verdict(text_bytes(text)) == IOT_OK;
    }
    assert_in_range(good, 100, 200000);
}

/* Grown by the grammar, then hurt in one place. */
static void grow(char *text, size_t cap, uint32_t depth, uint32_t *seed)
{
    size_t n = strlen(text);
    uint32_t kind = test_random(seed, depth == 0 ? 5 : 8);

    if (n + 64 > cap || kind < 5) {
        static const char *const scalars[] = {"1",
                                              "-0.5e3",
                                              "\"\"",
                                              "\"x\\u0041\\\\\"",
                                              "null",
                                              "false",
                                              "\"\xe6\xb8\xa9\"",
                                              "\"long enough for words\""};
        strcat(text, scalars[test_random(seed, COUNT(scalars))]);
        return;
    }
    strcat(text, kind == 5 ? "[" : "{");
    for (uint32_t i = test_random(seed, 4); i != 0; i--) {
        if (kind != 5)
            strcat(text, test_random(seed, 2) != 0 ? "\"k\":" : "\"\\n\" : ");
        grow(text, cap, depth - 1, seed);
        if (i != 1)
            strcat(text, ",");
    }
    strcat(text, kind == 5 ? "]" : "}");
}

static void grown_texts_are_taken_and_hurt_ones_judged_as_the_grammar_says(void **state)
{
    uint32_t seed = test_seed();
    static char text[4096];
    (void)state;

    for (int i = 0; i < 5000; i++) {
        text[0] = '\0';
        grow(text, 1500, 6, &seed);
        assert_err(verdict(text_bytes(text)), IOT_OK);
        uint32_t n = (uint32_t)strlen(text), at = test_random(&seed, n);
        switch (test_random(&seed, 3)) {
        case 0:
            text[at] = (char)test_random(&seed, 256);
            break;
        case 1:
            memmove(text + at, text + at + 1, n - at);
            n--;
            break;
        default:
            memmove(text + at + 1, text + at, n - at);
            n++;
        }
        verdict((struct iot_bytes){(const uint8_t *)text, n});
    }
}

static void what_is_nested_too_deep_is_refused_where_it_gets_too_deep(void **state)
{
    static char text[20002];
    struct iot_json root;
    (void)state;

    for (uint32_t depth = 1; depth <= 10000; depth = depth < 20 ? depth + 1 : depth * 10) {
        for (int object = 0; object < 2; object++) {
            uint32_t offset = 0, n = 0;
            for (uint32_t i = 0; i < depth && n < 20000; i++) {
                memcpy(text + n, object ? "{\"\":" : "[", object ? 4 : 1);
                n += object ? 4 : 1;
            }
            memcpy(text + n, "1", 1);
            uint32_t open = n++;
            for (uint32_t i = 0; i < depth && n < 20000; i++)
                text[n++] = object ? '}' : ']';
            iot_err err = iot_json_check((struct iot_bytes){at_guard(text, n), n}, &root, &offset);
            assert_err(err, depth <= IOT_JSON_DEPTH_MAX ? IOT_OK : IOT_ERR_JSON_DEPTH);
            if (err != IOT_OK)
                assert_int_equal(offset, IOT_JSON_DEPTH_MAX * (object ? 4 : 1));
            /* that it never closes does not matter any more */
            err = iot_json_check((struct iot_bytes){at_guard(text, open), open}, &root, &offset);
            assert_err(err, depth <= IOT_JSON_DEPTH_MAX ? IOT_ERR_JSON_SYNTAX : IOT_ERR_JSON_DEPTH);
        }
    }
    /* breadth is no depth */
    uint32_t n = 1;
    text[0] = '[';
    for (int i = 0; i < 5000; i++) {
        memcpy(text + n, "[],", 3);
        n += 3;
    }
    text[n - 1] = ']';
    assert_err(iot_json_check((struct iot_bytes){at_guard(text, n), n}, &root, NULL), IOT_OK);
}

static void large_texts_need_no_more_memory(void **state)
{
    static uint8_t text[65536];
    struct iot_json root;
    uint32_t n = 0, offset;
    (void)state;

    text[n++] = '{';
    for (int i = 0; n < sizeof text - 200; i++) {
        n += (uint32_t)snprintf((char *)text + n, 100, "%s\"k%d\":[%d,{\"v\":\"%d\"},null]",
                                i == 0 ? "" : ",", i, i, i * i);
    }
    while (n < sizeof text - 1)
        text[n++] = ' ';
    text[n++] = '}';
    heap_trap_on();
    iot_err err = iot_json_check((struct iot_bytes){text, n}, &root, &offset);
    heap_trap_off();
    assert_err(err, IOT_OK);
    assert_int_equal(root.len, n);
    assert_err(verdict((struct iot_bytes){text, n}), IOT_OK);
    text[n - 1] = ']';
    assert_err(iot_json_check((struct iot_bytes){text, n}, &root, &offset), IOT_ERR_JSON_SYNTAX);
    assert_int_equal(offset, n - 1);

    /* one string of 10,240 characters, and one as long as there is room */
    for (uint32_t len = 10240; len <= sizeof text - 2;
         len = len == 10240 ? (uint32_t)sizeof text - 2 : len + 1) {
        memset(text, 'x', sizeof text);
        text[0] = text[len + 1] = '"';
        assert_err(verdict((struct iot_bytes){text, len + 2}), IOT_OK);
        text[len] = 0x1f;
        assert_err(iot_json_check((struct iot_bytes){text, len + 2}, &root, &offset),
                   IOT_ERR_JSON_SYNTAX);
        assert_int_equal(offset, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_rfc_8259_allows_is_taken),
        cmocka_unit_test(what_it_does_not_is_refused_where_it_ceases_to_be_json),
        cmocka_unit_test(offset_may_be_null_and_root_is_left_alone_by_what_is_refused),
        cmocka_unit_test(a_text_cut_anywhere_is_refused),
        cmocka_unit_test(a_text_with_any_byte_replaced_by_any_other_is_judged_as_the_grammar_says),
        cmocka_unit_test(texts_of_random_tokens_are_judged_as_the_grammar_says),
        cmocka_unit_test(grown_texts_are_taken_and_hurt_ones_judged_as_the_grammar_says),
        cmocka_unit_test(what_is_nested_too_deep_is_refused_where_it_gets_too_deep),
        cmocka_unit_test(large_texts_need_no_more_memory),
    };
    return cmocka_run_group_tests_name("json_check", tests, NULL, NULL);
}
