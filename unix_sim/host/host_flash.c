/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_flash.h"

#include "mps2_an385/iot_mps2_flash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((format(printf, 2, 3))) static bool fail(struct host_flash *f, const char *format,
                                                       ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(f->why, sizeof f->why, format, args);
    va_end(args);
    return false;
}

/* ---- NOR, as far as a factory needs it ----------------------------------------------------------- */

static iot_err erase(void *ctx, uint32_t offset)
{
    const struct host_flash *f = ctx;
    uint8_t bytes[MPS2_SECTOR_BYTES];

    memset(bytes, 0xff, sizeof bytes);
    return pwrite(f->fd, bytes, sizeof bytes, (off_t)offset) == (ssize_t)sizeof bytes ? IOT_OK
                                                                                      : IOT_ERR_KV;
}

static iot_err program(void *ctx, uint32_t offset, const void *bytes, uint32_t n)
{
    const struct host_flash *f = ctx;

    return pwrite(f->fd, bytes, n, (off_t)offset) == (ssize_t)n ? IOT_OK : IOT_ERR_KV;
}

static iot_err read_back(void *ctx, uint32_t offset, void *into, uint32_t n)
{
    const struct host_flash *f = ctx;

    return pread(f->fd, into, n, (off_t)offset) == (ssize_t)n ? IOT_OK : IOT_ERR_KV;
}

/* ---- The file -------------------------------------------------------------------------------- */

static bool mount(struct host_flash *f, const char *path)
{
    memset(&f->kv, 0, sizeof f->kv);
    f->nor = (struct iot_nor){
        .sector_bytes = MPS2_SECTOR_BYTES,
        .write_bytes = MPS2_WRITE_BYTES,
        .erase = erase,
        .program = program,
        .read = read_back,
        .ctx = f,
    };
    iot_err err = iot_nor_kv_mount(&f->kv, &f->nor, MPS2_KV_OFFSET, MPS2_KV_SECTORS);
    if (err == IOT_OK)
        return true;
    fail(f, "no store of keys in %.150s: %s", path, iot_err_text(err));
    host_flash_close(f);
    return false;
}

bool host_flash_make(struct host_flash *f, const char *path)
{
    f->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = f->fd >= 0;
    for (uint32_t at = 0; at < MPS2_FLASH_BYTES && ok; at += MPS2_SECTOR_BYTES)
        ok = erase(f, at) == IOT_OK;
    if (ok)
        return mount(f, path);
    fail(f, "cannot make %.150s: %s", path, strerror(errno));
    host_flash_close(f);
    return false;
}

bool host_flash_open(struct host_flash *f, const char *path)
{
    struct stat info;

    f->fd = open(path, O_RDWR | O_CLOEXEC);
    if (f->fd < 0)
        return fail(f, "cannot open %.150s: %s", path, strerror(errno));
    if (fstat(f->fd, &info) == 0 && info.st_size == (off_t)MPS2_FLASH_BYTES)
        return mount(f, path);
    fail(f, "%.150s is no flash of this board: it has another size", path);
    host_flash_close(f);
    return false;
}

void host_flash_close(struct host_flash *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

/* ---- Values ------------------------------------------------------------------------------------ */

bool host_flash_set(struct host_flash *f, const char *key, const void *bytes, uint32_t len)
{
    iot_err err = iot_nor_kv_set(&f->kv, key, bytes, len);

    return err == IOT_OK ||
           fail(f, "%.60s with %u bytes: %s", key, (unsigned)len, iot_err_text(err));
}

bool host_flash_set_text(struct host_flash *f, const char *key, const char *text)
{
    return host_flash_set(f, key, text, (uint32_t)strlen(text));
}

bool host_flash_set_file(struct host_flash *f, const char *key, const char *path)
{
    uint8_t bytes[HOST_FLASH_VALUE_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;

    if (n < 0)
        fail(f, "cannot read %.150s: %s", path, strerror(errno));
    else if (n == (ssize_t)sizeof bytes)
        fail(f, "%.150s is too long for a value", path);
    if (fd >= 0)
        close(fd);
    return n >= 0 && n < (ssize_t)sizeof bytes && host_flash_set(f, key, bytes, (uint32_t)n);
}

bool host_flash_del(struct host_flash *f, const char *key)
{
    iot_err err = iot_nor_kv_del(&f->kv, key);

    return err == IOT_OK || fail(f, "%.60s: %s", key, iot_err_text(err));
}

bool host_flash_get(struct host_flash *f, const char *key, char *text, uint32_t cap)
{
    uint32_t len = 0;

    if (iot_nor_kv_get(&f->kv, key, text, cap - 1, &len) != IOT_OK)
        return false;
    text[len] = 0;
    return true;
}
