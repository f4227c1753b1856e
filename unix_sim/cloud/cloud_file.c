/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_file.h"

#include "cloud/cloud_store.h"
#include "cloud/cloud_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cloud_file {
    char *text;      /* NULL: none */
    uint32_t number; /* goes on when there is none for a while */
    enum cloud_hash method;
    char id[16], sign[2 * CLOUD_DIGEST_MAX + 1];
};

void cloud_file_free(struct cloud_file *f)
{
    if (f != NULL)
        free(f->text);
    free(f);
}

bool cloud_file_set(struct cloud *c, int product, const char *text, enum cloud_hash method,
                    const char **why)
{
    struct cloud_file *f = c->files[product];
    uint8_t digest[CLOUD_DIGEST_MAX];
    static char words[160];
    size_t len = text != NULL ? strlen(text) : 0;

    *why = NULL;
    if (text == NULL) {
        if (f != NULL) {
            free(f->text);
            f->text = NULL;
        }
        return true;
    }
    json_t *json = len <= CLOUD_FILE_MAX ? cloud_json_read(text, len, words, sizeof words) : NULL;
    json_decref(json);
    if (len > CLOUD_FILE_MAX)
        *why = "a configuration has at most 64 KB";
    else if (json == NULL)
        *why = words;
    else if (c->config.digest == NULL ||
             !c->config.digest(c->config.ctx, method, text, len, digest))
        *why = "the emulator cannot compute its digest here";
    if (*why != NULL)
        return false;
    if (f == NULL)
        f = c->files[product] = calloc(1, sizeof *f);
    if (f == NULL)
        abort();
    free(f->text);
    f->text = strdup(text);
    f->method = method;
    snprintf(f->id, sizeof f->id, "cfg%04u", (unsigned)(++f->number % 10000));
    cloud_text_hex(digest, cloud_hash_len(method), false, f->sign);
    return true;
}

const char *cloud_file_text(const struct cloud *c, int product, const char **id)
{
    const struct cloud_file *f = c->files[product];

    *id = f != NULL ? f->id : NULL;
    return f != NULL ? f->text : NULL;
}

json_t *cloud_file_describe(struct cloud *c, int product, uint64_t now_ms)
{
    const struct cloud_file *f = c->files[product];
    char path[CLOUD_KEY_MAX + 32], url[CLOUD_URL_MAX];

    if (f == NULL || f->text == NULL)
        return NULL;
    snprintf(path, sizeof path, "/cfg/%s-%s.json", c->book.products[product].key, f->id);
    cloud_store_url(c, path, false, CLOUD_FILE_EXPIRE_S, now_ms, url);
    return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "configId", f->id, "configSize",
                     (json_int_t)strlen(f->text), "sign", f->sign, "signMethod",
                     f->method == CLOUD_MD5 ? "Md5" : "Sha256", "url", url, "getType", "file");
}

static bool is_word(const json_t *params, const char *name, const char *expected)
{
    const char *text = cloud_json_string(params, name);

    return text != NULL && strcmp(text, expected) == 0;
}

void cloud_file_get(struct cloud_request *r)
{
    int product = r->cloud->book.devices[r->device].product;

    if (!is_word(r->params, "configScope", "product") || !is_word(r->params, "getType", "file"))
        cloud_refuse(r, CLOUD_PARAMETER_ERROR,
                     "configScope has to be product, getType has to be file");
    else if (r->cloud->book.rules.no_config)
        cloud_refuse(r, CLOUD_NO_FILE_SERVICE, "remote configuration is not enabled");
    else if ((r->data = cloud_file_describe(r->cloud, product, r->now_ms)) == NULL)
        cloud_refuse(r, CLOUD_NO_FILE, "there is no remote configuration");
}
