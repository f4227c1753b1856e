/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_form.h
 * Text as it stands in HTTP: forms ("a=1&b=2", with %XX and + for a blank), Base64.
 */
#ifndef CLOUD_FORM_H
#define CLOUD_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The value of a field, unescaped. False: it is not there, there twice, ill-formed, or does not fit with its NUL. A
 *  value with a NUL in it is ill-formed. */
bool cloud_form_get(const char *form, size_t len, const char *name, char *value, size_t cap);

/** Escape what may not stand in a value; `into` has room for three bytes of each, and a NUL. */
void cloud_form_escape(const char *text, char *into);

/** With padding, and a NUL; `into` has room for 4 bytes of each 3 begun, and one. */
void cloud_base64(const void *bytes, size_t len, char *into);

#endif
