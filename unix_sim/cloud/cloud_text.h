/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_text.h
 * Small matters of text for the emulator. Texts end with a NUL.
 */
#ifndef CLOUD_TEXT_H
#define CLOUD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool cloud_is_alnum(char c);
bool cloud_is_digit(char c);

/** Does the rule hold for each character? It does for an empty text. */
bool cloud_text_all(const char *text, bool (*rule)(char));

/** What follows `head` in the text; NULL: it does not start so. */
const char *cloud_text_after(const char *text, const char *head);

/** Decimal digits only, 0..max. */
bool cloud_text_number(const char *text, uint32_t max, uint32_t *value);

/** Cut at blanks, in place. Returns how many words there are, which may be more than `max`. */
int cloud_text_words(char *line, char *words[], int max);

/** Letters of either case are the same. Takes as long wherever the texts differ. */
bool cloud_text_same_secret(const char *a, const char *b, size_t len);

/** Two hexadecimal digits for each byte; `into` has room for them and a NUL. */
void cloud_text_hex(const uint8_t *bytes, size_t count, bool upper, char *into);

/** For a line of a log: what is no printable ASCII or UTF-8 becomes '?'. In place. */
void cloud_text_clean(char *text);

#endif
