/* SPDX-License-Identifier: Apache-2.0 */
/* The examples of RFC 8949: appendix A, what is encoded in its shortest form and can be read; and appendix F. */
#ifndef CBOR_VECTORS_H
#define CBOR_VECTORS_H

#include "test.h"

#include "iot/iot_cbor.h"

#include <math.h>

static const struct {
    uint64_t value;
    const char *hex;
} cbor_unsigned[] = {
    {0, "00"},
    {1, "01"},
    {10, "0a"},
    {23, "17"},
    {24, "1818"},
    {25, "1819"},
    {100, "1864"},
    {255, "18ff"},
    {256, "190100"},
    {1000, "1903e8"},
    {65535, "19ffff"},
    {65536, "1a00010000"},
    {1000000, "1a000f4240"},
    {UINT32_MAX, "1affffffff"},
    {(uint64_t)UINT32_MAX + 1, "1b0000000100000000"},
    {1000000000000, "1b000000e8d4a51000"},
    {UINT64_MAX, "1bffffffffffffffff"},
};

static const struct {
    int64_t value;
    const char *hex;
} cbor_negative[] = {
    {-1, "20"},
    {-10, "29"},
    {-24, "37"},
    {-25, "3818"},
    {-100, "3863"},
    {-1000, "3903e7"},
    {INT64_MIN, "3b7fffffffffffffff"},
};

static const struct {
    double value;
    const char *hex;
} cbor_floats[] = {
    {0.0, "f90000"},
    {-0.0, "f98000"},
    {1.0, "f93c00"},
    {1.1, "fb3ff199999999999a"},
    {1.5, "f93e00"},
    {65504.0, "f97bff"},
    {65536.0, "fa47800000"},
    {100000.0, "fa47c35000"},
    {3.4028234663852886e+38, "fa7f7fffff"},
    {1.0e+300, "fb7e37e43c8800759c"},
    {5.960464477539063e-8, "f90001"},
    {0.00006103515625, "f90400"},
    {-4.0, "f9c400"},
    {-4.1, "fbc010666666666666"},
    {INFINITY, "f97c00"},
    {-INFINITY, "f9fc00"},
    /* on the edges of the forms */
    {6.097555160522461e-5, "f903ff"},      /* the largest half without a hidden bit */
    {2.9802322387695312e-8, "fa33000000"}, /* half of the smallest */
    {65520.0, "fa477ff000"},               /* would be rounded */
    {1.401298464324817e-45, "fa00000001"}, /* the smallest float */
    {7.006492321624085e-46, "fb3690000000000000"},
    {1.1754942106924411e-38, "fa007fffff"},
    {3.402823669209385e+38, "fb47f0000000000000"}, /* 2^128 */
    {16777216.0, "fa4b800000"},
    {16777217.0, "fb4170000010000000"},
    {4.9e-324, "fb0000000000000001"},
    {1.7976931348623157e308, "fb7fefffffffffffff"},
    {-2.2250738585072009e-308, "fb800fffffffffffff"},
};

/* Well-formed, the shortest or not, and read: what is in them is looked at by tests of their own. */
static const char *const cbor_others[] = {
    "c249010000000000000000",
    "c349010000000000000000",
    "f4",
    "f5",
    "f6",
    "f7",
    "f0",
    "f8ff",
    "fa7f800000",
    "fa7fc00000",
    "fb7ff0000000000000",
    "fbfff0000000000000",
    "c074323031332d30332d32315432303a30343a30305a",
    "c11a514b67b0",
    "c1fb41d452d9ec200000",
    "d74401020304",
    "d818456449455446",
    "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
    "40",
    "4401020304",
    "60",
    "6161",
    "6449455446",
    "62225c",
    "62c3bc",
    "63e6b0b4",
    "64f0908591",
    "80",
    "83010203",
    "8301820203820405",
    "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
    "a0",
    "a201020304",
    "a26161016162820203",
    "826161a161626163",
    "a56161614161626142616361436164614461656145",
    /* not the shortest, but well-formed */
    "1800",
    "190000",
    "1b0000000000000000",
    "5900024142",
    "9b000000000000000101",
    "ba0000000101f6",
};

/* Not well-formed (F.1). Those that only miss bytes are `cut`. */
static const struct {
    const char *hex;
    bool cut;
} cbor_wrong[] = {
    {"18", true},
    {"19", true},
    {"1a", true},
    {"1b", true},
    {"1901", true},
    {"1a0102", true},
    {"1b01020304050607", true},
    {"38", true},
    {"58", true},
    {"78", true},
    {"98", true},
    {"9a01ff00", true},
    {"b8", true},
    {"d8", true},
    {"f8", true},
    {"f900", true},
    {"fa0000", true},
    {"fb000000", true},
    {"41", true},
    {"61", true},
    {"5affffffff00", true},
    {"7affffffff00", true},
    {"81", true},
    {"818181818181818181", true},
    {"8200", true},
    {"a1", true},
    {"a20102", true},
    {"a100", true},
    {"a2000000", true},
    {"c0", true},
    {"1c", false},
    {"1d", false},
    {"1e", false},
    {"3c", false},
    {"3d", false},
    {"3e", false},
    {"5c", false},
    {"5d", false},
    {"5e", false},
    {"7c", false},
    {"7d", false},
    {"7e", false},
    {"9c", false},
    {"9d", false},
    {"9e", false},
    {"bc", false},
    {"bd", false},
    {"be", false},
    {"dc", false},
    {"dd", false},
    {"de", false},
    {"fc", false},
    {"fd", false},
    {"fe", false},
    {"f800", false},
    {"f801", false},
    {"f818", false},
    {"f81f", false},
    {"ff", false},
    {"81ff", false},
    {"8200ff", false},
    {"a1ff", false},
    {"a1ff00", false},
    {"a100ff", false},
    {"a20000ff", false},
    {"1f", false},
    {"3f", false},
    {"df", false},
};

/* Well-formed, and not read. */
static const char *const cbor_unread[] = {
    "5f42010243030405ff",
    "7f657374726561646d696e67ff",
    "9fff",
    "9f018202039f0405ffff",
    "bf61610161629f0203ffff",
    "826161bf61626163ff",
    "5f",
    "7f",
    "9f",
    "bf",
    "5bffffffffffffffff010203",
    "7bffffffffffffffff010203",
    "9b0000000100000000",
    "ba80000000",
    "61ff",     /* no UTF-8 */
    "62c080",   /* too long */
    "63eda080", /* half a pair */
    "6100",     /* U+0000 */
    "81a1616163e6b0ff",
};

static inline struct iot_bytes cbor_hex(const char *hex)
{
    static uint8_t room[256];

    return (struct iot_bytes){room, from_hex(hex, room, sizeof room)};
}

/* Read, at the end of readable memory. */
static inline struct iot_cbor cbor_of(const char *hex)
{
    struct iot_cbor v = {NULL, NULL};
    uint32_t at = 99;
    iot_err err = iot_cbor_check(guarded(cbor_hex(hex)), &v, &at);

    if (err != IOT_OK)
        fail_msg("%s: %s at %u", hex, iot_err_name(err), (unsigned)at);
    return v;
}

#endif
