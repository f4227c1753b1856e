/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/iot_base.h"

#include <string.h>

#if IOT_FEATURE_ERR_NAMES

/* Each list as one text with NUL between: half the flash of a table with two pointers per error,
 * and whoever asks for a name is not in a hurry. C99 promises no text of more than 4,095 characters. */
#define VALUE(name, value, text) (value),
#define NAME(name, value, text)  #name "\0"

static const int16_t core_values[] = {IOT_ERR_LIST_CORE(VALUE)};
static const char core_names[] = {IOT_ERR_LIST_CORE(NAME)};
static const int16_t web_values[] = {IOT_ERR_LIST_WEB(VALUE)};
static const char web_names[] = {IOT_ERR_LIST_WEB(NAME)};
static const int16_t coap_values[] = {IOT_ERR_LIST_COAP(VALUE)};
static const char coap_names[] = {IOT_ERR_LIST_COAP(NAME)};

#if IOT_FEATURE_ERR_TEXTS
#define TEXT(name, value, text) text "\0"
static const char core_texts[] = {IOT_ERR_LIST_CORE(TEXT)};
static const char web_texts[] = {IOT_ERR_LIST_WEB(TEXT)};
static const char coap_texts[] = {IOT_ERR_LIST_COAP(TEXT)};
#else
#define core_texts core_names
#define web_texts  web_names
#define coap_texts coap_names
#endif

static const char *pick(const int16_t *values, size_t n, const char *list, iot_err err)
{
    for (size_t i = 0; i < n; i++) {
        if (values[i] == err)
            return list;
        list += strlen(list) + 1;
    }
    return NULL;
}

#define PICK(values, list, err) pick(values, sizeof values / sizeof values[0], list, err)

static const char *pick_any(const char *core, const char *web, const char *coap, iot_err err)
{
    const char *found = PICK(core_values, core, err);

    if (found == NULL)
        found = PICK(web_values, web, err);
    if (found == NULL)
        found = PICK(coap_values, coap, err);
    return found != NULL ? found : "?";
}

const char *iot_err_name(iot_err err)
{
    return pick_any(core_names, web_names, coap_names, err);
}

const char *iot_err_text(iot_err err)
{
    return pick_any(core_texts, web_texts, coap_texts, err);
}

#endif
