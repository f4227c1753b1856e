/* SPDX-License-Identifier: Apache-2.0 */
#include "rig_firmware.h"

#include "test.h"

#include "host/host_dir.h"
#include "host/host_factory.h"
#include "host/host_firmware.h"
#include "host/host_web.h"
#include "interop/peer_certs.h"
#include "interop/peer_run.h"
#include "rig_cloud.h"

#define DEVICE "dev001"

static const char *build = "an385";

void rig_firmware_use(const char *name)
{
    build = name;
}

const char *rig_firmware_path(const char *version)
{
    static char path[HOST_PATH_MAX];
    char here[HOST_PATH_MAX];

    assert_true(host_dir_program(here));
    snprintf(path, sizeof path, "%.900s/../../firmware/%s/firmware_superloop-%s.bin", here, build,
             version);
    return path;
}

void rig_firmware_make(void)
{
    rig_cloud_identity("ecdsa");
    if (!host_firmware_factory_file(rig_flash_open(), rig_firmware_path("1.0.0"), "1.0.0"))
        fail_msg("%s", rig_flash_open()->why);
}

void rig_firmware_on(void)
{
    char program[64];

    snprintf(program, sizeof program, "../%s/firmware_boot", build);
    rig_power_on_with(program);
}

void rig_await_exactly(const char *line)
{
    size_t n = strcspn(line, ":") + 1;
    char begin[16];

    snprintf(begin, sizeof begin, "%.*s", (int)n, line);
    assert_string_equal(rig_await(begin), line);
}

/* ---- Signatures ---------------------------------------------------------------------------------- */

static char folder[HOST_PATH_MAX];

static const char *in_folder(const char *name)
{
    static char paths[4][HOST_PATH_MAX + 16];
    static uint32_t next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%.1000s/%s", folder, name);
    return path;
}

static void run_openssl(const char *const words[])
{
    if (peer_run(words) != 0)
        fail_msg("%s %s: %s", words[0], words[1], peer_output);
}
#define OPENSSL(...) run_openssl((const char *const[]){peer_openssl(), __VA_ARGS__, NULL})

/* The last `most` bytes of a file, or all. */
static struct iot_bytes tail_of(const char *path, uint32_t most)
{
    static uint8_t bytes[2][256];
    static uint32_t next;
    uint8_t *into = bytes[next++ % 2];
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    uint32_t n = (uint32_t)fread(into, 1, sizeof bytes[0], f);
    fclose(f);
    assert_true(n > 0 && n < sizeof bytes[0]);
    most = n < most ? n : most;
    return (struct iot_bytes){into + n - most, most};
}

void rig_signer_begin(void)
{
    assert_true(host_dir_make("signed", folder));
    OPENSSL("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", in_folder("key"));
    OPENSSL("ec", "-in", in_folder("key"), "-pubout", "-outform", "DER", "-out", in_folder("pub"));
}

void rig_signer_end(void)
{
    host_dir_remove(folder);
}

struct iot_bytes rig_signer_point(void)
{
    return tail_of(in_folder("pub"), 65);
}

struct iot_bytes rig_signer_sign(const char *image)
{
    OPENSSL("dgst", "-sha256", "-sign", in_folder("key"), "-out", in_folder("sig"), image);
    return tail_of(in_folder("sig"), 72);
}

const char *rig_signer_base64(const char *image)
{
    static char text[2][128];
    static uint32_t next;
    char *into = text[next++ % 2];

    (void)rig_signer_sign(image);
    OPENSSL("base64", "-A", "-in", in_folder("sig"));
    snprintf(into, sizeof text[0], "%.*s", (int)strcspn(peer_output, "\r\n"), peer_output);
    return into;
}

/* ---- Updates ------------------------------------------------------------------------------------- */

/* The value of a member, a text or a number, in the platform's answer. */
static const char *member(const char *json, const char *name, char *into, size_t cap)
{
    char words[32];

    snprintf(words, sizeof words, "\"%s\":", name);
    const char *at = strstr(json, words);
    if (at == NULL)
        fail_msg("no %s in %s", name, json);
    at += strlen(words);
    at += strspn(at, " \"");
    snprintf(into, cap, "%.*s", (int)strcspn(at, "\",}"), at);
    return into;
}

void rig_publish(const char *image, const char *version, const char *words)
{
    char answer[2048], line[2048], url[512], size[16], digest[80];

    if (!host_web_publish(rig_cloud.dir, image, "product.bin", 0, answer, sizeof answer))
        rig_fail(answer);
    /* Of words that come twice the last one counts. */
    snprintf(line, sizeof line,
             "ota publish " HOST_FACTORY_PK " " DEVICE " %s version=%s size=%s digest=%s%s",
             member(answer, "url", url, sizeof url), version,
             member(answer, "size", size, sizeof size),
             member(answer, "sha256", digest, sizeof digest), words);
    if (!host_cloud_command(rig_cloud.dir, line, answer, sizeof answer))
        rig_fail(answer);
}

void rig_await_update(uint32_t id, const char *state)
{
    char line[128];

    snprintf(line, sizeof line, "update %u of " HOST_FACTORY_PK " " DEVICE " to 2.0.0: %s",
             (unsigned)id, state);
    rig_cloud_await(line);
}

void rig_expect_update(const char *words)
{
    char answer[4096];

    if (!host_cloud_command(rig_cloud.dir, "ota show " HOST_FACTORY_PK " " DEVICE, answer,
                            sizeof answer))
        rig_fail(answer);
    if (strstr(answer, words) == NULL)
        rig_fail(answer);
}
