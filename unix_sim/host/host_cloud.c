/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_cloud.h"

#include "cloud/cloud_book.h"
#include "cloud/cloud_command.h"
#include "cloud/cloud_model.h"
#include "host/host_cert.h"
#include "host/host_child.h"
#include "host/host_web.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define READY_MS     10000u
#define COMMAND_MS   15000u /* a device has 8 s for its answer, unless an option says otherwise */
#define STEP_MS      5u
#define TRIES        4 /* somebody may take a port between our choice and the broker's bind */
#define BOOK_MAX     (256u * 1024u)
#define CONFIG_MAX   (16u * HOST_PATH_MAX)
#define LOG_LINE_MAX 2048u /* more than cloud_core.c writes */
#define ANNOUNCE     "cloud.here"
#define HERE_MAX     64u

__attribute__((format(printf, 2, 3))) static bool fail(struct host_cloud *c, const char *format,
                                                       ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(c->why, sizeof c->why, format, args);
    va_end(args);
    return false;
}

static bool join(char path[HOST_PATH_MAX], const char *dir, const char *name)
{
    int n = snprintf(path, HOST_PATH_MAX, "%s/%s", dir, name);

    return n > 0 && n < HOST_PATH_MAX;
}

/* At most cap - 1 bytes, from the end if there are more; -1: it cannot be read. */
static long read_tail(const char *path, char *text, size_t cap)
{
    struct stat info;
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    text[0] = 0;
    if (fd < 0)
        return -1;
    if (fstat(fd, &info) == 0 && info.st_size >= (off_t)cap)
        lseek(fd, info.st_size - (off_t)cap + 1, SEEK_SET);
    n = read(fd, text, cap - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    return n;
}

static bool write_file(const char *path, const char *text, const char *more)
{
    FILE *f = fopen(path, "we");

    if (f == NULL)
        return false;
    bool ok = fputs(text, f) >= 0 && fputs(more, f) >= 0;
    return fclose(f) == 0 && ok;
}

/* ---- Where things are ------------------------------------------------------------------------ */

/* A child of ours works in another folder: names with a slash become absolute. */
static bool find_openssl(struct host_cloud *c, const struct host_cloud_options *o)
{
    const char *name = o->openssl != NULL ? o->openssl : getenv("OPENSSL");
    char *full;

    if (name == NULL || *name == 0)
        name = "openssl";
    if (strchr(name, '/') == NULL) {
        snprintf(c->openssl, sizeof c->openssl, "%s", name);
        return true;
    }
    full = realpath(name, NULL);
    if (full == NULL)
        return fail(c, "no openssl at %.300s: %s", name, strerror(errno));
    /* not behind a symbolic link: a wrapper may look at the name it is called by */
    snprintf(c->openssl, sizeof c->openssl, "%s", full);
    free(full);
    return true;
}

static bool find_plugin(struct host_cloud *c, const struct host_cloud_options *o, char *path)
{
    static const char *const places[] = {"cloud_plugin.so", "../cloud_plugin.so",
                                         "../../cloud_plugin.so"};
    const char *name = o->plugin != NULL ? o->plugin : getenv("CLOUD_PLUGIN");
    char program[HOST_PATH_MAX];

    if (name != NULL && *name != 0) {
        char *full = realpath(name, NULL);
        bool ok = full != NULL && snprintf(path, HOST_PATH_MAX, "%s", full) < HOST_PATH_MAX;
        free(full);
        return ok || fail(c, "no plugin at %.300s", name);
    }
    if (!host_dir_program(program))
        return fail(c, "cannot find the program's folder: %s", strerror(errno));
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (join(path, program, places[i]) && access(path, R_OK) == 0)
            return true;
    return fail(c, "no cloud_plugin.so in %.300s or above it; `make` builds it", program);
}

/* The sample identities lie in the source tree, in which the program was built. */
static bool find_sample(struct host_cloud *c, char *path)
{
    char folder[HOST_PATH_MAX];

    if (!host_dir_program(folder))
        return fail(c, "cannot find the program's folder: %s", strerror(errno));
    for (char *slash = folder + strlen(folder); slash != NULL; slash = strrchr(folder, '/')) {
        *slash = 0;
        if (join(path, folder, "unix_sim/cloud/devices.txt") && access(path, R_OK) == 0)
            return true;
    }
    return fail(c, "the sample identities, unix_sim/cloud/devices.txt, are not above the program");
}

/* FILE is named as seen from the book's folder; of a book that is no file, from the sample's. */
static bool copy_models(struct host_cloud *c, const char *book_name, const struct cloud_book *book)
{
    static char text[CLOUD_MODEL_BYTES_MAX + 1];
    char folder[HOST_PATH_MAX], path[2 * HOST_PATH_MAX], copy[HOST_PATH_MAX], name[64], why[256];

    for (int i = 0; i < book->product_count; i++) {
        const struct cloud_product *p = &book->products[i];
        if (p->model[0] == 0)
            continue;
        if (strchr(book_name, '/') != NULL)
            snprintf(folder, sizeof folder, "%s", book_name);
        else if (!find_sample(c, folder))
            return false;
        *strrchr(folder, '/') = 0;
        snprintf(path, sizeof path, "%s%s%s", p->model[0] == '/' ? "" : folder,
                 p->model[0] == '/' ? "" : "/", p->model);
        if (read_tail(path, text, sizeof text) < 0)
            return fail(c, "cannot read %.300s: %s", path, strerror(errno));
        struct cloud_model *m = cloud_model_read(text, p->key, why, sizeof why);
        if (m == NULL)
            return fail(c, "%.200s: %s", path, why);
        cloud_model_free(m);
        snprintf(name, sizeof name, "%s.tsl.json", p->key);
        if (!join(copy, c->dir, name) || !write_file(copy, text, ""))
            return fail(c, "cannot write to %.300s: %s", c->dir, strerror(errno));
    }
    return true;
}

/* The book, checked, as DIR/devices.txt. */
static bool write_book(struct host_cloud *c, const struct host_cloud_options *o,
                       struct cloud_book *book)
{
    static char text[BOOK_MAX];
    char path[HOST_PATH_MAX], copy[HOST_PATH_MAX];
    const char *name = o->devices;

    if (o->devices_text != NULL) {
        name = "devices";
        snprintf(text, sizeof text, "%s", o->devices_text);
    } else {
        if (name == NULL && !find_sample(c, path))
            return false;
        if (name == NULL)
            name = path;
        if (read_tail(name, text, sizeof text) < 0)
            return fail(c, "cannot read %.300s: %s", name, strerror(errno));
    }
    size_t n = strlen(text);
    if (o->more != NULL)
        snprintf(text + n, sizeof text - n, "\n%s", o->more);
    if (strlen(text) >= sizeof text - 1)
        return fail(c, "%.300s is too long", name);
    if (!cloud_book_read(book, name, text, c->why, sizeof c->why))
        return false;
    if (!copy_models(c, name, book))
        return false;
    if (!join(copy, c->dir, "devices.txt") || !write_file(copy, text, "\n"))
        return fail(c, "cannot write to %.300s: %s", c->dir, strerror(errno));
    return true;
}

static bool make_dir(struct host_cloud *c, const struct host_cloud_options *o)
{
    char answer[64], control[HOST_PATH_MAX];

    c->temporary = o->dir == NULL;
    if (c->temporary)
        return host_dir_make("cloud", c->dir) ||
               fail(c, "no directory for the cloud: %s", strerror(errno));
    if (mkdir(o->dir, 0700) != 0 && errno != EEXIST)
        return fail(c, "cannot make %.300s: %s", o->dir, strerror(errno));
    char *full = realpath(o->dir, NULL);
    bool ok = full != NULL && snprintf(c->dir, sizeof c->dir, "%s", full) < HOST_PATH_MAX - 64;
    free(full);
    if (!ok)
        return fail(c, "%.300s is no folder that can be used", o->dir);
    if (host_cloud_command(c->dir, "list", answer, sizeof answer))
        return fail(c, "an emulator runs in %.300s already", o->dir);
    if (join(control, c->dir, "cloud.log"))
        unlink(control);
    return true;
}

/* ---- The broker ---------------------------------------------------------------------------- */

static uint16_t choose(uint16_t wanted)
{
    return wanted != 0 ? wanted : host_free_port();
}

static uint16_t choose_udp(uint16_t wanted)
{
    return wanted != 0 ? wanted : host_free_udp_port();
}

static void write_config(const struct host_cloud *c, char *text, size_t cap)
{
    const char *plugin = c->plugin;

    snprintf(text, cap,
             "plugin %s\nplugin_opt_transport plain\nplugin_opt_dir %s\nplugin_opt_address %s\n"
             "plugin_opt_port %u\nplugin_opt_web https://" HOST_CERT_FILES ":%u\n"
             "plugin_opt_web_plain http://" HOST_CERT_FILES ":%u\nplugin_opt_mqtt_port %u\n"
             "max_qos 1\n"
             "listener %u %s\ncertfile %s/server.pem\nkeyfile %s/server.key\nmax_qos 1\n"
             "plugin %s\nplugin_opt_transport tls\n"
             /* the one suite that the platform has for this */
             "listener %u %s\npsk_hint cloud\nciphers PSK-AES128-CBC-SHA\nmax_qos 1\n"
             "plugin %s\nplugin_opt_transport psk\n"
             "listener %u %s\ncertfile %s/server.pem\nkeyfile %s/server.key\ncafile %s/ca.pem\n"
             "require_certificate true\nmax_qos 1\nplugin %s\nplugin_opt_transport x509\n",
             plugin, c->dir, c->address, (unsigned)c->plain_port, (unsigned)c->https_port,
             (unsigned)c->http_port, (unsigned)c->tls_port, (unsigned)c->tls_port, c->address,
             c->dir, c->dir, plugin, (unsigned)c->psk_port, c->address, plugin,
             (unsigned)c->x509_port, c->address, c->dir, c->dir, c->dir, plugin);
}

/* The beat has to have come: then commands are answered, and time passes. */
static bool wait_ready(struct host_cloud *c)
{
    uint64_t end = host_clock_ms() + READY_MS;
    char answer[64];
    uint16_t ports[] = {c->tls_port, c->psk_port, c->x509_port};

    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        while (!host_port_open(c->address, ports[i])) {
            if (host_clock_ms() > end)
                return fail(c, "the cloud takes no connection on port %u", (unsigned)ports[i]);
            host_pause_ms(STEP_MS);
        }
    }
    return host_cloud_command(c->dir, "list", answer, sizeof answer) ||
           fail(c, "the cloud answers no commands: %s", answer);
}

static bool start_web(struct host_cloud *c)
{
    pid_t pid =
        host_web_start(c->dir, c->address, c->https_port, c->http_port, c->why, sizeof c->why);

    c->web = pid > 0 ? pid : 0;
    return pid > 0;
}

static bool start_coap(struct host_cloud *c)
{
    pid_t pid = host_coap_start(c->dir, c->address, &c->coap, c->why, sizeof c->why);

    c->coap_pid = pid > 0 ? pid : 0;
    return pid > 0;
}

/* What stands beside the broker. */
static void end_fronts(struct host_cloud *c, int (*end)(pid_t))
{
    if (c->web != 0)
        end(c->web);
    if (c->coap_pid != 0)
        end(c->coap_pid);
    c->web = c->coap_pid = 0;
}

static bool start_broker(struct host_cloud *c, const struct host_cloud_options *o)
{
    static char config[CONFIG_MAX];
    struct host_broker_options b = {
        .address = c->address, .first = "per_listener_settings true", .extra = config};
    bool fixed = o->plain_port != 0 && o->tls_port != 0 && o->psk_port != 0 && o->x509_port != 0 &&
                 o->https_port != 0 && o->http_port != 0 && o->coap.cert != 0 && o->coap.psk != 0 &&
                 o->coap.plain != 0;

    for (int tries = fixed ? 1 : TRIES; tries > 0; tries--) {
        c->plain_port = choose(o->plain_port);
        c->tls_port = choose(o->tls_port);
        c->psk_port = choose(o->psk_port);
        c->x509_port = choose(o->x509_port);
        c->https_port = choose(o->https_port);
        c->http_port = choose(o->http_port);
        c->coap.cert = choose_udp(o->coap.cert);
        c->coap.psk = choose_udp(o->coap.psk);
        c->coap.plain = choose_udp(o->coap.plain);
        write_config(c, config, sizeof config);
        if (host_start_mosquitto(&c->broker, c->plain_port, &b)) {
            if (wait_ready(c) && start_web(c) && start_coap(c))
                return true;
            end_fronts(c, host_kill);
            host_kill_mosquitto(&c->broker);
        } else {
            fail(c, "%s", c->broker.why);
        }
    }
    return false;
}

/* The file that says where it is: of this folder, and of those who have the same $CLOUD_HERE. */
static bool announcement(char path[HOST_PATH_MAX])
{
    char program[HOST_PATH_MAX], name[HERE_MAX + 32];
    const char *here = getenv("CLOUD_HERE");

    snprintf(name, sizeof name, "run/" ANNOUNCE "%s%.*s", here != NULL ? "." : "", (int)HERE_MAX,
             here != NULL ? here : "");
    return host_dir_program(program) && join(path, program, name);
}

static bool announce(struct host_cloud *c)
{
    char program[HOST_PATH_MAX], path[HOST_PATH_MAX];

    if (!host_dir_program(program) || !join(path, program, "run"))
        return false;
    mkdir(path, 0755);
    c->announced = announcement(path) && write_file(path, c->dir, "\n");
    return c->announced;
}

bool host_cloud_start(struct host_cloud *c, const struct host_cloud_options *options)
{
    static const struct host_cloud_options none;
    static struct cloud_book book;
    const struct host_cloud_options *o = options != NULL ? options : &none;

    memset(c, 0, sizeof *c);
    snprintf(c->address, sizeof c->address, "%s", o->address != NULL ? o->address : "127.0.0.1");
    if (!find_openssl(c, o) || !find_plugin(c, o, c->plugin) || !make_dir(c, o))
        return false;
    if (write_book(c, o, &book) &&
        host_cert_make(c->openssl, c->dir, &book, c->why, sizeof c->why) &&
        join(c->ca_pem, c->dir, "ca.pem") && join(c->ca_der, c->dir, "ca.der") &&
        start_broker(c, o)) {
        if (!o->announce || announce(c))
            return true;
        fail(c, "cannot write where the cloud is: %s", strerror(errno));
    }
    end_fronts(c, host_kill);
    if (c->broker.pid != 0)
        host_kill_mosquitto(&c->broker);
    if (c->temporary)
        host_dir_remove(c->dir);
    return false;
}

void host_cloud_stop(struct host_cloud *c)
{
    char found[HOST_PATH_MAX], path[HOST_PATH_MAX];

    if (c->broker.pid == 0 && !c->cut)
        return;
    c->cut = false;
    end_fronts(c, host_stop);
    host_stop_mosquitto(&c->broker);
    if (c->announced && host_cloud_find(found) && strcmp(found, c->dir) == 0 && announcement(path))
        unlink(path);
    if (c->temporary)
        host_dir_remove(c->dir);
    else if (join(path, c->dir, "control"))
        unlink(path);
}

void host_cloud_cut(struct host_cloud *c)
{
    c->cut = c->broker.pid != 0;
    end_fronts(c, host_kill);
    host_kill_mosquitto(&c->broker);
}

bool host_cloud_restore(struct host_cloud *c)
{
    const struct host_cloud_options o = {.tls_port = c->tls_port,
                                         .plain_port = c->plain_port,
                                         .psk_port = c->psk_port,
                                         .x509_port = c->x509_port,
                                         .https_port = c->https_port,
                                         .http_port = c->http_port,
                                         .coap = c->coap};

    if (!c->cut || !start_broker(c, &o))
        return false;
    c->cut = false;
    return true;
}

bool host_cloud_alive(const struct host_cloud *c)
{
    return c->broker.pid != 0 && host_port_open(c->address, c->plain_port);
}

bool host_cloud_issue(struct host_cloud *c, const char *product_key, const char *device_name,
                      char cert[HOST_PATH_MAX], char key[HOST_PATH_MAX])
{
    return host_cert_issue(c->openssl, c->dir, product_key, device_name, cert, key, c->why,
                           sizeof c->why);
}

/* ---- Commands ------------------------------------------------------------------------------ */

/* A path may be longer than a socket's address: it is reached by way of its open folder. */
static int connect_control(const char *dir)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/control", folder);
    bool ok = fd >= 0 && folder >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    if (folder >= 0)
        close(folder);
    if (ok)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* All that comes until the other end closes; false: it did not in time. */
static bool read_all(int fd, char *text, size_t cap, void (*meanwhile)(void))
{
    uint64_t end = host_clock_ms() + COMMAND_MS;
    size_t len = 0;
    char spill[256];

    text[0] = 0;
    while (host_clock_ms() < end) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (meanwhile != NULL)
            meanwhile();
        if (poll(&p, 1, meanwhile != NULL ? 0 : (int)(end - host_clock_ms())) <= 0)
            continue;
        bool room = len + 1 < cap;
        ssize_t n = read(fd, room ? text + len : spill, room ? cap - 1 - len : sizeof spill);
        if (n <= 0)
            return n == 0;
        if (room)
            len += (size_t)n;
        text[len] = 0;
    }
    return false;
}

bool host_cloud_command(const char *dir, const char *line, char *answer, uint32_t cap)
{
    return host_cloud_command_while(dir, line, answer, cap, NULL);
}

bool host_cloud_command_while(const char *dir, const char *line, char *answer, uint32_t cap,
                              void (*meanwhile)(void))
{
    static char said[CLOUD_REPLY_MAX];
    size_t len = strlen(line);
    int fd = -1;

    if (len >= CLOUD_LINE_MAX - 1 || strchr(line, '\n') != NULL) {
        snprintf(answer, cap, "the command is too long, or more than one line");
        return false;
    }
    fd = connect_control(dir);
    if (fd < 0) {
        snprintf(answer, cap, "no emulator runs in %s", dir);
        return false;
    }
    /* whole, for the other end looks when it begins to come */
    struct iovec parts[] = {{(void *)line, len}, {(char[]){'\n'}, 1}};
    const struct msghdr whole = {.msg_iov = parts, .msg_iovlen = 2};
    bool sent = sendmsg(fd, &whole, MSG_NOSIGNAL) == (ssize_t)len + 1 &&
                read_all(fd, said, sizeof said, meanwhile);
    close(fd);
    bool ok = sent && strncmp(said, "ok\n", 3) == 0;
    const char *error = strncmp(said, "error: ", 7) == 0 ? said + 7 : said;
    snprintf(answer, cap, "%s", ok ? said + 3 : sent && *said != 0 ? error : "no answer");
    size_t n = strlen(answer);
    if (!ok && n > 0 && answer[n - 1] == '\n')
        answer[n - 1] = 0;
    return ok;
}

bool host_cloud_log(const char *dir, char *text, uint32_t cap)
{
    char path[HOST_PATH_MAX];

    text[0] = 0;
    return join(path, dir, "cloud.log") && read_tail(path, text, cap) >= 0;
}

bool host_cloud_line(const char *dir, uint64_t *seen, char *line, uint32_t cap)
{
    char path[HOST_PATH_MAX], text[LOG_LINE_MAX];
    int fd = join(path, dir, "cloud.log") ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? pread(fd, text, sizeof text, (off_t)*seen) : -1;
    const char *end = n > 0 ? memchr(text, '\n', (size_t)n) : NULL;

    if (fd >= 0)
        close(fd);
    if (end == NULL)
        return false; /* it is still being written */
    snprintf(line, cap, "%.*s", (int)(end - text), text);
    *seen += (uint64_t)(end - text) + 1;
    return true;
}

bool host_cloud_find(char dir[HOST_PATH_MAX])
{
    char path[HOST_PATH_MAX];

    if (!announcement(path) || read_tail(path, dir, HOST_PATH_MAX) <= 0)
        return false;
    dir[strcspn(dir, "\n")] = 0;
    return true;
}
