/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "cloud/cloud_book.h"

static struct cloud_book book;
static char why[256];

static bool read(const char *text)
{
    why[0] = 0;
    return cloud_book_read(&book, "file.txt", text, why, sizeof why);
}

static void assert_refused(const char *text, const char *reason)
{
    assert_false(read(text));
    if (strcmp(why, reason) != 0)
        fail_msg("'%s' gave '%s', not '%s'", text, why, reason);
}

static void a_book_is_read_in_all_its_parts(void **state)
{
    (void)state;
    assert_true(read("# a comment\n\n  product a1 secret=s1 gateway # behind\r\n"
                     "topic a1 x/+/# both\n"
                     "device a1 d-_@.:9 secret=q1 disabled\n\tdevice a1 c auth=x509\n"
                     "option keepalive-limits on\noption publish-rate 30"));
    assert_int_equal(book.product_count, 1);
    assert_true(book.products[0].gateway);
    assert_string_equal(book.products[0].secret, "s1");
    int d = cloud_book_device(&book, "a1", "d-_@.:9");
    assert_int_equal(d, 0);
    assert_int_equal(book.devices[d].state, CLOUD_DISABLED);
    assert_string_equal(book.devices[d].secret, "q1");
    assert_string_equal(cloud_book_key(&book, d), "a1");
    assert_int_equal(book.devices[1].auth, CLOUD_AUTH_X509);
    assert_true(book.rules.keepalive_limits);
    assert_int_equal(book.rules.publish_rate, 30);
    assert_int_equal(book.rules.flow_wait_s, 300);
    assert_int_equal(cloud_book_device(&book, "a1", "none"), -1);
    assert_int_equal(cloud_book_device(&book, "none", "c"), -1);
}

static void a_topic_line_replaces_a_given_permission(void **state)
{
    (void)state;
    assert_true(read("product a1\ntopic a1 user/get both\n"));
    for (int i = 0; i < book.topic_count; i++)
        if (strcmp(book.topics[i].path, "user/get") == 0)
            assert_int_equal(book.topics[i].access, CLOUD_BOTH);
    uint16_t count = book.topic_count;
    assert_true(read("product a1\n"));
    assert_int_equal(book.topic_count, count);
}

static void an_error_names_file_and_line_and_what_is_wrong(void **state)
{
    (void)state;
    assert_refused("\n\nfoo",
                   "file.txt:3: a line starts with product, model, topic, device or option, "
                   "not 'foo'");
    assert_refused("product a-1", "file.txt:1: a product key has 1 to 20 letters and digits");
    assert_refused("product 123456789012345678901",
                   "file.txt:1: a product key has 1 to 20 letters and digits");
    assert_refused("product a1\nproduct a1", "file.txt:2: product a1 is there already");
    assert_refused("product a1 colour",
                   "file.txt:1: a product has secret=TEXT, gateway, raw, register "
                   "and register=nwl, not "
                   "'colour'");
    assert_refused("device a1 d secret=x", "file.txt:1: no product a1 above this line");
    assert_refused("product a1\ndevice a1 d", "file.txt:2: device d needs secret=TEXT, or "
                                              "auth=x509");
    assert_refused("product a1\ndevice a1 d/e secret=x",
                   "file.txt:2: a device name has 1 to 32 letters, digits and -_@.:");
    assert_refused("product a1\ndevice a1 d secret=x\ndevice a1 d secret=y",
                   "file.txt:3: device a1 d is there already");
    assert_refused("product a1\ndevice a1 d secret=x auth=id2",
                   "file.txt:2: auth is secret, x509 or psk, not 'id2'");
    assert_refused("product a1\ntopic a1 /x both",
                   "file.txt:2: '/x' is not what may follow /{pk}/{dn}/ in a topic");
    assert_refused("product a1\ntopic a1 x/#/y both",
                   "file.txt:2: 'x/#/y' is not what may follow /{pk}/{dn}/ in a topic");
    assert_refused("product a1\ntopic a1 x read",
                   "file.txt:2: a permission is publish, subscribe or both, not 'read'");
    assert_refused("option keepalive-limits maybe",
                   "file.txt:1: keepalive-limits is on or off, not 'maybe'");
    assert_refused("option publish-rate -1", "file.txt:1: publish-rate is a number 0..1000000, "
                                             "not '-1'");
    assert_false(read("option speed 1"));
    assert_non_null(strstr(why, "file.txt:1: no option 'speed'"));
}

static void an_error_never_repeats_what_may_be_a_secret(void **state)
{
    (void)state;
    assert_false(read("product a1\ndevice a1 d 0f1e2d3c4b5a\n"));
    assert_null(strstr(why, "0f1e2d3c4b5a"));
    assert_false(read("product a1\ndevice a1 d secret=0f1e2d3c-4b5a\n"));
    assert_null(strstr(why, "0f1e2d3c"));
}

static void tables_and_lines_have_an_end(void **state)
{
    static char text[64 * (CLOUD_DEVICES_MAX + 2)];
    (void)state;
    int at = snprintf(text, sizeof text, "product a1\n");
    for (int i = 0; i < CLOUD_DEVICES_MAX; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, "device a1 d%d secret=x\n", i);
    assert_true(read(text));
    snprintf(text + at, sizeof text - (size_t)at, "device a1 more secret=x\n");
    assert_refused(text, "file.txt:258: more than 256 devices");

    at = 0;
    for (int i = 0; i <= CLOUD_PRODUCTS_MAX; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, "product a%d\n", i);
    assert_refused(text, "file.txt:33: more than 32 products");

    memset(text, 'x', 600);
    text[600] = 0;
    assert_refused(text, "file.txt:1: the line is longer than 511 characters");
}

static void the_sample_book_is_right(void **state)
{
    static char text[8192];
    (void)state;
    FILE *f = fopen("unix_sim/cloud/devices.txt", "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    if (!read(text))
        fail_msg("%s", why);
    int d = cloud_book_device(&book, "a1B2c3D4e5F", "dev001");
    assert_true(d >= 0);
    assert_string_equal(book.devices[d].secret, "0f1e2d3c4b5a69788796a5b4c3d2e1f0");
}

static void models_registration_and_raw_belong_to_a_product(void **state)
{
    (void)state;
    assert_true(read("product a1 secret=s register\nmodel a1 x/lamp.json\ndevice a1 d\n"
                     "product b1 raw register=nwl\nproduct c1\n"));
    assert_string_equal(book.products[0].model, "x/lamp.json");
    assert_int_equal(book.products[0].registers, CLOUD_REGISTER_LISTED);
    assert_false(book.products[0].raw);
    assert_string_equal(book.devices[0].secret, "");
    assert_int_equal(book.products[1].registers, CLOUD_REGISTER_NEW);
    assert_true(book.products[1].raw);
    assert_int_equal(book.products[2].registers, CLOUD_REGISTER_OFF);
    assert_refused("model a1 f", "file.txt:1: no product a1 above this line");
    assert_refused("product a1\nmodel a1", "file.txt:2: it has to be: model PK FILE");
}

static void faults_of_answers_are_options(void **state)
{
    (void)state;
    assert_true(read(
        "option reply-delay-ms 5\noption reply-drop 2\noption reply-double 3\noption will off\n"
        "option retain off\noption config off\noption post-strict on\noption reply-code a/b 500\n"
        "option reply-code c 6\noption reply-code a/b 501\n"));
    assert_int_equal(book.rules.reply_delay_ms, 5);
    assert_int_equal(book.rules.reply_drop, 2);
    assert_int_equal(book.rules.reply_double, 3);
    assert_int_equal(book.rules.rrpc_wait_ms, 8000);
    assert_true(book.rules.no_will && book.rules.no_retain && book.rules.no_config);
    assert_true(book.rules.post_strict);
    assert_string_equal(book.rules.reply_codes[0].suffix, "a/b");
    assert_int_equal(book.rules.reply_codes[0].code, 501);
    assert_int_equal(book.rules.reply_codes[1].code, 6);
    assert_true(read("option will on\n"));
    assert_false(book.rules.no_will);
    assert_refused("option reply-code a",
                   "file.txt:1: it has to be: option reply-code SUFFIX CODE; CODE 0: no more");
    assert_refused("option reply-code a 1000000",
                   "file.txt:1: it has to be: option reply-code SUFFIX CODE; CODE 0: no more");
    assert_refused("option reply-drop x", "file.txt:1: reply-drop is a number 0..1000000, not 'x'");
    assert_refused("option reply-code a 1\noption reply-code b 1\noption reply-code c 1\n"
                   "option reply-code d 1\noption reply-code e 1\noption reply-code f 1\n"
                   "option reply-code g 1\noption reply-code h 1\noption reply-code i 1\n",
                   "file.txt:9: more than 8 of reply-code");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_book_is_read_in_all_its_parts),
        cmocka_unit_test(a_topic_line_replaces_a_given_permission),
        cmocka_unit_test(an_error_names_file_and_line_and_what_is_wrong),
        cmocka_unit_test(an_error_never_repeats_what_may_be_a_secret),
        cmocka_unit_test(tables_and_lines_have_an_end),
        cmocka_unit_test(the_sample_book_is_right),
        cmocka_unit_test(models_registration_and_raw_belong_to_a_product),
        cmocka_unit_test(faults_of_answers_are_options),
    };
    return cmocka_run_group_tests_name("cloud book", tests, NULL, NULL);
}
