/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_nginx.h"

#include "test.h"

#include "host/host_child.h"
#include "peer_device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_MS 10000u
#define TRIES    5

static const char *const folders[] = {"body", "proxy", "fastcgi", "uwsgi", "scgi"};

/* Names are relative to its folder. What it could compress it does not; with SSI on it knows no length beforehand, so the
 * body is chunked, or ends with the connection. */
static const char config[] =
    "daemon off;\n"
    "master_process off;\n"
    "pid pid;\n"
    "error_log error.log;\n"
    "events { worker_connections 64; }\n"
    "http {\n"
    "  log_format short '$connection $connection_requests $request_method $request_uri $status';\n"
    "  access_log access.log short;\n"
    "  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n"
    "  uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"
    "  default_type application/octet-stream;\n"
    "  gzip off;\n"
    "  keepalive_timeout 60;\n"
    "  server {\n"
    "    listen %s%s%s:%u;\n"
    "    listen %s%s%s:%u ssl;\n"
    "    ssl_certificate \"%s/%s\";\n"
    "    ssl_certificate_key \"%s/%s\";\n"
    "    ssl_protocols TLSv1.2;\n"
    "    ssl_buffer_size 16k;\n" /* of a record, unless the client asks for smaller ones */
    "    root .;\n"
    "    port_in_redirect on;\n"
    "    location /chunked/ { ssi on; ssi_types *; rewrite ^/chunked(/.*) $1 break; }\n"
    "    location /close/ { ssi on; ssi_types *; chunked_transfer_encoding off;\n"
    "                       rewrite ^/close(/.*) $1 break; }\n"
    "    location /once/ { keepalive_timeout 0; rewrite ^/once(/.*) $1 break; }\n"
    "    location /brief/ { keepalive_timeout 1s; rewrite ^/brief(/.*) $1 break; }\n"
    "    location /slow/ { limit_rate 2k; rewrite ^/slow(/.*) $1 break; }\n"
    "    location /packed/ { gzip on; gzip_types *; gzip_min_length 1;\n"
    "                        rewrite ^/packed(/.*) $1 break; }\n"
    "    location /moved/ { rewrite ^/moved(/.*) $1 redirect; }\n"
    "    location /gone/ { rewrite ^/gone(/.*) $1 permanent; }\n"
    "    location /loop { return 302 /loop; }\n"
    "    location /to-tls { return 302 https://" PEER_NAME ":%u/small; }\n"
    "    location /to-plain { return 302 http://" PEER_NAME ":%u/small; }\n"
    "    location /echo { client_max_body_size 8k; proxy_pass http://%s%s%s:%u/said;\n"
    "                     proxy_set_header X-Said $request_body; }\n"
    "    location /said { return 200 $http_x_said; }\n"
    "  }\n"
    "}\n";

static const char *program(void)
{
    const char *name = getenv("NGINX");

    if (name != NULL && *name != '\0')
        return name;
    return access("/usr/sbin/nginx", X_OK) == 0 ? "/usr/sbin/nginx" : "nginx";
}

static void path_of(const struct peer_nginx *n, const char *name, char path[HOST_PATH_MAX])
{
    assert_true(snprintf(path, HOST_PATH_MAX, "%s/%s", n->dir, name) < HOST_PATH_MAX);
}

void peer_nginx_file(const struct peer_nginx *n, const char *name, struct iot_bytes content)
{
    char path[HOST_PATH_MAX];

    path_of(n, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_true(write(fd, content.ptr, content.len) == (ssize_t)content.len);
    close(fd);
}

static void write_config(const struct peer_nginx *n, enum peer_cert_id id)
{
    static char text[8192];
    const struct peer_cert *cert = peer_cert(id);
    const char *host = peer_loopback, *open = strchr(host, ':') != NULL ? "[" : "";
    const char *close = *open != '\0' ? "]" : "";
    int len =
        snprintf(text, sizeof text, config, open, host, close, n->port, open, host, close,
                 n->secure, peer_certs_dir(), cert->chain_pem != NULL ? cert->chain_pem : cert->pem,
                 peer_certs_dir(), cert->key_pem, n->secure, n->port, open, host, close, n->port);

    assert_in_range(len, 1, sizeof text - 1);
    peer_nginx_file(n, "conf", (struct iot_bytes){(const uint8_t *)text, (uint32_t)len});
}

static void tell(const struct peer_nginx *n)
{
    static char text[4096];
    char path[HOST_PATH_MAX];

    path_of(n, "error.log", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    text[len > 0 ? len : 0] = '\0';
    print_message("nginx: %s\n", text);
    if (fd >= 0)
        close(fd);
}

static bool try_start(struct peer_nginx *n, enum peer_cert_id cert)
{
    char name[HOST_PATH_MAX];
    int status;

    n->port = host_free_port();
    do
        n->secure = host_free_port();
    while (n->secure == n->port);
    write_config(n, cert);
    assert_true(snprintf(name, sizeof name, "%s", program()) < (int)sizeof name);
    char *const argv[] = {name, "-p", n->dir, "-c", "conf", "-e", "error.log", NULL};
    n->pid = host_spawn(argv, NULL, NULL);
    if (n->pid <= 0)
        fail_msg("cannot start %s", name);
    for (uint64_t end = host_clock_ms() + START_MS; host_clock_ms() < end; host_pause_ms(5)) {
        if (!host_alive(n->pid, &status)) {
            n->pid = 0;
            return false;
        }
        if (host_port_open(peer_loopback, n->port) && host_port_open(peer_loopback, n->secure))
            return true;
    }
    host_kill(n->pid);
    n->pid = 0;
    return false;
}

void peer_nginx_start(struct peer_nginx *n, enum peer_cert_id cert)
{
    memset(n, 0, sizeof *n);
    assert_true(host_dir_make("nginx", n->dir));
    (void)peer_cert(cert);
    for (int i = 0; i < TRIES; i++) /* somebody may take a port between our choice and its bind */
        if (try_start(n, cert))
            return;
    tell(n);
    peer_nginx_stop(n);
    fail_msg("nginx does not start");
}

void peer_nginx_stop(struct peer_nginx *n)
{
    char path[HOST_PATH_MAX];

    if (n->pid > 0)
        host_stop(n->pid);
    n->pid = 0;
    if (n->dir[0] == '\0')
        return;
    for (size_t i = 0; i < COUNT(folders); i++) {
        path_of(n, folders[i], path);
        rmdir(path);
    }
    host_dir_remove(n->dir);
    n->dir[0] = '\0';
}

/* ---- Its log ----------------------------------------------------------------------------- */

static const char *read_log(const struct peer_nginx *n)
{
    static char text[1u << 18];
    char path[HOST_PATH_MAX];

    path_of(n, "access.log", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

uint32_t peer_nginx_logged(const struct peer_nginx *n, const char *what)
{
    uint32_t count = 0;

    for (const char *at = read_log(n); (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

/* Each has a first request. */
uint32_t peer_nginx_connections(const struct peer_nginx *n)
{
    return peer_nginx_logged(n, " 1 GET ") + peer_nginx_logged(n, " 1 POST ") +
           peer_nginx_logged(n, " 1 HEAD ");
}
