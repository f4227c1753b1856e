/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "cloud/cloud_login.h"

static struct cloud_client_id id;
static char why[256];

static bool read(const char *text)
{
    return cloud_client_id_read(&id, text, why, sizeof why);
}

static void assert_refused(const char *text, const char *reason)
{
    assert_false(read(text));
    if (strstr(why, reason) == NULL)
        fail_msg("'%s' gave '%s', not '%s'", text, why, reason);
}

static void the_fields_of_a_client_id_are_read_in_any_order(void **state)
{
    (void)state;
    assert_true(read("a1B2c3D4e5F.dev001|timestamp=2524608000000,_v=sdk-c-3.2.0,securemode=2,"
                     "signmethod=hmacsha256,lan=C,gw=0,ext=0|"));
    assert_string_equal(id.cid, "a1B2c3D4e5F.dev001");
    assert_string_equal(id.stamp, "2524608000000");
    assert_int_equal(id.securemode, 2);
    assert_int_equal(id.method, CLOUD_SHA256);
    assert_false(id.gateway);

    assert_true(read("x|ext=3,signmethod=hmacmd5,gw=1,_ss=1,securemode=-2,_conn=a=b,pid=p|"));
    assert_string_equal(id.stamp, "");
    assert_int_equal(id.securemode, -2);
    assert_int_equal(id.method, CLOUD_MD5);
    assert_int_equal(id.ext, 3);
    assert_true(id.gateway && id.system_subscribed);

    assert_true(read("x|securemode=3,signmethod=hmacsha1,authType=register,|")); /* L4's comma */
    assert_string_equal(id.auth_type, "register");
}

static void a_client_id_that_is_not_so_is_refused_in_words(void **state)
{
    char cid[80];
    (void)state;
    assert_refused("", "less than 1");
    assert_refused("|securemode=2,signmethod=hmacsha1|", "less than 1");
    assert_refused("x", "no |securemode");
    assert_refused("x|securemode=2,signmethod=hmacsha1", "second |");
    assert_refused("x|securemode=2,signmethod=hmacsha1|y", "second |");
    assert_refused("x|securemode=2|signmethod=hmacsha1|", "second |");
    assert_refused("x||", "no securemode");
    assert_refused("x|securemode=2|", "no signmethod");
    assert_refused("x|signmethod=hmacsha1|", "no securemode");
    assert_refused("x|securemode=2,,signmethod=hmacsha1|", "not name=value");
    assert_refused("x|securemode=2,signmethod=hmacsha1,what|", "'what'");
    assert_refused("x|securemode=2,signmethod=hmacsha1,=1|", "not name=value");
    assert_refused("x|securemode=2,securemode=2,signmethod=hmacsha1|", "securemode is in");
    assert_refused("x|securemode=two,signmethod=hmacsha1|", "client id's securemode");
    assert_refused("x|securemode=6,signmethod=hmacsha1|", "client id's securemode");
    assert_refused("x|securemode=-3,signmethod=hmacsha1|", "client id's securemode");
    assert_refused("x|securemode=,signmethod=hmacsha1|", "client id's securemode");
    assert_refused("x|securemode=2,signmethod=sha1|", "client id's signmethod");
    assert_refused("x|securemode=2,signmethod=hmacsha1,timestamp=12a|", "client id's timestamp");
    assert_refused("x|securemode=2,signmethod=hmacsha1,timestamp=|", "client id's timestamp");
    assert_refused("x|securemode=2,signmethod=hmacsha1,timestamp=123456789012345678901|",
                   "client id's timestamp");
    assert_refused("x|securemode=2,signmethod=hmacsha1,gw=2|", "client id's gw");
    assert_refused("x|securemode=2,signmethod=hmacsha1,ext=-1|", "client id's ext");
    assert_refused("x|securemode=2,signmethod=hmacsha1,pid=12345678901234567|", "client id's pid");

    memset(cid, 'c', 65);
    strcpy(cid + 65, "|a=b|");
    assert_refused(cid, "more than 64");
    strcpy(cid + 64, "|a=b|");
    assert_refused(cid, "no securemode"); /* 64 are not too many */
}

static void a_client_id_may_be_long_but_not_endless(void **state)
{
    static char text[CLOUD_CLIENT_ID_MAX + 8];
    (void)state;
    int n = snprintf(text, sizeof text, "x|securemode=2,signmethod=hmacsha1,v=");
    memset(text + n, 'v', (size_t)(CLOUD_CLIENT_ID_MAX - n - 1));
    strcpy(text + CLOUD_CLIENT_ID_MAX - 1, "|");
    assert_true(read((const char *)at_guard(text, CLOUD_CLIENT_ID_MAX + 1)));
    strcpy(text + CLOUD_CLIENT_ID_MAX - 1, "v|");
    assert_refused(text, "longer than 512");
}

static void a_user_name_is_device_and_product(void **state)
{
    char key[CLOUD_KEY_MAX + 1], name[CLOUD_NAME_MAX + 1];
    static const char *const wrong[] = {
        "",
        "dev001",
        "&a1",
        "dev001&",
        "d&a&1",
        "a&123456789012345678901",
        "123456789012345678901234567890123&a1",
    };
    (void)state;
    assert_true(cloud_user_name_read("dev001&a1B2c3D4e5F", key, name));
    assert_string_equal(key, "a1B2c3D4e5F");
    assert_string_equal(name, "dev001");
    assert_true(
        cloud_user_name_read("12345678901234567890123456789012&12345678901234567890", key, name));
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(cloud_user_name_read(wrong[i], key, name));
}

static void the_signed_text_is_in_alphabetical_order(void **state)
{
    char text[CLOUD_SIGNED_MAX];
    (void)state;
    assert_true(read("12345|timestamp=2524608000000,securemode=2,signmethod=hmacsha1|"));
    cloud_signed_text(&id, "a1B2c3D4e5F", "dev001", text);
    assert_string_equal(text,
                        "clientId12345deviceNamedev001productKeya1B2c3D4e5Ftimestamp2524608000000");
    assert_true(read("12345|securemode=2,signmethod=hmacsha1|"));
    cloud_signed_text(&id, "a1B2c3D4e5F", "dev001", text);
    assert_string_equal(text, "clientId12345deviceNamedev001productKeya1B2c3D4e5F");
}

static void a_psk_identity_has_four_parts(void **state)
{
    char key[CLOUD_KEY_MAX + 1], name[CLOUD_NAME_MAX + 1], text[CLOUD_SIGNED_MAX];
    static const char *const wrong[] = {
        "",
        "dev001",
        "devicename|hmacsha1|a1&d|1",
        "devicename|hmacsha256|a1&d",
        "devicename|hmacsha256|a1&d|",
        "devicename|hmacsha256|a1&d|x",
        "devicename|hmacsha256|a1&d|1|",
        "devicename|hmacsha256|a1|1",
        "DeviceName|hmacsha256|a1&d|1",
    };
    (void)state;
    assert_true(cloud_psk_identity_read("devicename|hmacsha256|a1B2c3D4e5F&dev001|2524608000000",
                                        key, name, text));
    assert_string_equal(key, "a1B2c3D4e5F");
    assert_string_equal(name, "dev001");
    assert_string_equal(text, "ida1B2c3D4e5F&dev001timestamp2524608000000");
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(cloud_psk_identity_read(wrong[i], key, name, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_of_a_client_id_are_read_in_any_order),
        cmocka_unit_test(a_client_id_that_is_not_so_is_refused_in_words),
        cmocka_unit_test(a_client_id_may_be_long_but_not_endless),
        cmocka_unit_test(a_user_name_is_device_and_product),
        cmocka_unit_test(the_signed_text_is_in_alphabetical_order),
        cmocka_unit_test(a_psk_identity_has_four_parts),
    };
    return cmocka_run_group_tests_name("cloud login", tests, NULL, NULL);
}
