/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/iot_base.h"

#include <string.h>

#if IOT_FEATURE_ERR_NAMES

/* The list as one text with NUL between: half the flash of a table with two pointers per error,
 * and whoever asks for a name is not in a hurry. */
static const int8_t values[] = {
#define VALUE(name, value, text) (value),
    IOT_ERR_LIST(VALUE)
#undef VALUE
};

static const char names[] = {
#define NAME(name, value, text) #name "\0"
    IOT_ERR_LIST(NAME)
#undef NAME
};

#if IOT_FEATURE_ERR_TEXTS
static const char texts[] = {
#define TEXT(name, value, text) text "\0"
    IOT_ERR_LIST(TEXT)
#undef TEXT
};
#else
#define texts names
#endif

static const char *pick(const char *list, iot_err err)
{
    for (size_t i = 0; i < sizeof values; i++) {
        if (values[i] == err)
            return list;
        list += strlen(list) + 1;
    }
    return "?";
}

const char *iot_err_name(iot_err err)
{
    return pick(names, err);
}

const char *iot_err_text(iot_err err)
{
    return pick(texts, err);
}

#endif
