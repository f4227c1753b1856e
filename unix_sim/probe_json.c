/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_json.h"

#include "host/host_text.h"
#include "iot/iot_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX (1024u * 1024u)

static uint8_t text[TEXT_MAX + 1]; /* one more tells a file that is too large */

static bool read_file(const char *path, uint32_t *count)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return false;
    *count = (uint32_t)fread(text, 1, sizeof text, file);
    bool good = ferror(file) == 0;
    fclose(file);
    return good;
}

enum probe_step probe_json(char **words, uint32_t count, uint32_t waited_ms)
{
    struct iot_json root;
    uint32_t n = 0;

    (void)waited_ms;
    if (count > 2)
        return probe_usage("json HEX|@FILE");
    if (count == 2 && words[1][0] == '@') {
        errno = EIO;
        if (!read_file(words[1] + 1, &n))
            return probe_usage("json: %s: %s", words[1] + 1, strerror(errno));
        if (n > TEXT_MAX)
            return probe_usage("json: %s has more than %u bytes", words[1] + 1, TEXT_MAX);
    } else if (count == 2 && !host_text_hex(words[1], text, TEXT_MAX, &n)) {
        return probe_usage("json: HEX is not hexadecimal, or more than %u bytes", TEXT_MAX);
    }
    iot_err err = iot_json_check((struct iot_bytes){text, n}, &root, NULL);
    probe_event("json %s", err == IOT_OK ? "ok" : iot_err_name(err));
    return err == IOT_OK ? PROBE_DONE : PROBE_FAILED;
}
