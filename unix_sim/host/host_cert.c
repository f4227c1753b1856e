/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_cert.h"

#include "host/host_child.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define RUN_MS    10000u
#define STEP_MS   2u
#define ARGS_MAX  28
#define DAY_S     86400
#define VALID_S   (2 * 365 * DAY_S)
#define NAMED_MAX 128 /* a file's name without the folder */

struct maker {
    const char *openssl, *dir;
    char *why;
    size_t cap;
    char from[20], until[20];
};

static const char *const regions[] = {"cn-shanghai", "ap-southeast-1", "ap-northeast-1",
                                      "us-west-1",   "us-east-1",      "eu-central-1",
                                      "cn-beijing",  "cn-shenzhen"};

static const char *const coap_regions[] = {"cn-shanghai", "cn-beijing", "cn-shenzhen"};

static void start(struct maker *m, const char *openssl, const char *dir, char *why, size_t cap)
{
    time_t now = time(NULL), from = now - DAY_S, until = now + VALID_S;
    struct tm day;

    *m = (struct maker){openssl, dir, why, cap, "", ""};
    strftime(m->from, sizeof m->from, "%Y%m%d%H%M%SZ", gmtime_r(&from, &day));
    strftime(m->until, sizeof m->until, "%Y%m%d%H%M%SZ", gmtime_r(&until, &day));
}

/* The last line of what it said, which mostly is the reason. */
static void explain(const struct maker *m, const char *what)
{
    char path[HOST_PATH_MAX], text[2048];

    snprintf(path, sizeof path, "%.1000s/openssl.log", m->dir);
    FILE *f = fopen(path, "re");
    size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f != NULL)
        fclose(f);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    text[n] = 0;
    const char *last = strrchr(text, '\n');
    snprintf(m->why, m->cap, "%.200s %s failed: %.200s", m->openssl, what,
             n == 0         ? "it said nothing"
             : last != NULL ? last + 1
                            : text);
}

/* `openssl WORDS...` in the folder: so the files' names need no quoting in openssl's configuration. */
static bool run(const struct maker *m, const char *const *words)
{
    const char *argv[ARGS_MAX] = {"env", "-C", m->dir, m->openssl};
    char log[HOST_PATH_MAX];
    uint64_t end = host_clock_ms() + RUN_MS;
    int n = 4, status = 0;

    for (const char *const *w = words; *w != NULL && n < ARGS_MAX - 1; w++)
        argv[n++] = *w;
    snprintf(log, sizeof log, "%.1000s/openssl.log", m->dir);
    pid_t pid = host_spawn((char *const *)argv, log, NULL);
    if (pid < 0) {
        snprintf(m->why, m->cap, "cannot start openssl: %s", strerror(errno));
        return false;
    }
    while (host_alive(pid, &status)) {
        if (host_clock_ms() > end) {
            host_kill(pid);
            snprintf(m->why, m->cap, "%.200s %s does not end", m->openssl, words[0]);
            return false;
        }
        host_pause_ms(STEP_MS);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    explain(m, words[0]);
    return false;
}

#define RUN(m, ...) run((m), (const char *const[]){__VA_ARGS__, NULL})

/* `openssl ca` and not `req -x509`: only it can date a certificate back. */
static bool write_config(const struct maker *m, const struct cloud_book *book)
{
    char path[HOST_PATH_MAX];

    snprintf(path, sizeof path, "%.1000s/index.txt", m->dir);
    FILE *f = fopen(path, "we");
    if (f == NULL || fclose(f) != 0)
        return false;
    snprintf(path, sizeof path, "%.1000s/openssl.cnf", m->dir);
    f = fopen(path, "we");
    if (f == NULL)
        return false;
    fprintf(f, "[req]\ndistinguished_name = nothing\n[nothing]\n"
               "[ca]\ndefault_ca = me\n[me]\ndatabase = index.txt\nnew_certs_dir = .\n"
               "rand_serial = yes\ndefault_md = sha256\npolicy = any\nunique_subject = no\n"
               "[any]\norganizationName = optional\ncommonName = supplied\n"
               "[authority]\nbasicConstraints = critical, CA:TRUE\n"
               "keyUsage = critical, keyCertSign, cRLSign\nsubjectKeyIdentifier = hash\n"
               "[client]\nbasicConstraints = critical, CA:FALSE\n"
               "keyUsage = critical, digitalSignature\nextendedKeyUsage = clientAuth\n"
               "[server]\nbasicConstraints = critical, CA:FALSE\n"
               "keyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth\n"
               "subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1");
    for (uint16_t i = 0; i < book->product_count; i++)
        fprintf(f, ", DNS:%s.iot-as-mqtt.cn-shanghai.aliyuncs.com", book->products[i].key);
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++)
        fprintf(f, ", DNS:*.iot-as-mqtt.%s.aliyuncs.com", regions[i]);
    fprintf(f, ", DNS:*.mqtt.iothub.aliyuncs.com"); /* enterprise instances */
    fprintf(f, ", DNS:x509.itls.cn-shanghai.aliyuncs.com\n");
    /* One of its own: a larger certificate would want more of a device's memory with each login. */
    fprintf(f, "[web]\nbasicConstraints = critical, CA:FALSE\n"
               "keyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth\n"
               "subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1, DNS:" HOST_CERT_FILES
               ", DNS:iot-auth-global.aliyuncs.com, DNS:iot-as-http.cn-shanghai.aliyuncs.com");
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++)
        fprintf(f, ", DNS:iot-auth.%s.aliyuncs.com", regions[i]);
    fprintf(f, "\n[coap]\nbasicConstraints = critical, CA:FALSE\n"
               "keyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth\n"
               "subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1");
    for (size_t i = 0; i < sizeof coap_regions / sizeof coap_regions[0]; i++)
        fprintf(f, ", DNS:*.coap.%s.link.aliyuncs.com, DNS:*.iot-as-coap.%s.aliyuncs.com",
                coap_regions[i], coap_regions[i]);
    fprintf(f, "\n");
    return fclose(f) == 0;
}

/* A key NAME.key and, signed by the authority, NAME.pem. */
static bool make(const struct maker *m, const char *name, const char *subject, const char *kind,
                 bool self)
{
    char key[NAMED_MAX], csr[NAMED_MAX], pem[NAMED_MAX];

    snprintf(key, sizeof key, "%s.key", name);
    snprintf(csr, sizeof csr, "%s.csr", name);
    snprintf(pem, sizeof pem, "%s.pem", name);
    return RUN(m, "req", "-new", "-config", "openssl.cnf", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", csr, "-subj",
               subject) &&
           RUN(m, "ca", "-batch", "-config", "openssl.cnf", "-notext", "-in", csr, "-out", pem,
               "-extensions", kind, "-startdate", m->from, "-enddate", m->until, "-keyfile",
               "ca.key", self ? "-selfsign" : "-cert", self ? NULL : "ca.pem");
}

bool host_cert_make(const char *openssl, const char *dir, const struct cloud_book *book, char *why,
                    size_t cap)
{
    struct maker m;

    start(&m, openssl, dir, why, cap);
    if (!write_config(&m, book)) {
        snprintf(why, cap, "cannot write to %.200s: %s", dir, strerror(errno));
        return false;
    }
    return make(&m, "ca", "/O=lwlink/CN=emulated cloud, throw-away authority", "authority", true) &&
           make(&m, "server", "/O=lwlink/CN=emulated cloud", "server", false) &&
           make(&m, "web", "/O=lwlink/CN=emulated cloud", "web", false) &&
           make(&m, "coap", "/O=lwlink/CN=emulated cloud", "coap", false) &&
           RUN(&m, "x509", "-in", "ca.pem", "-outform", "DER", "-out", "ca.der");
}

bool host_cert_issue(const char *openssl, const char *dir, const char *product_key,
                     const char *device_name, char cert[HOST_PATH_MAX], char key[HOST_PATH_MAX],
                     char *why, size_t cap)
{
    struct maker m;
    char name[80], subject[80], pem[NAMED_MAX], private[NAMED_MAX], der[NAMED_MAX], pk8[NAMED_MAX];

    start(&m, openssl, dir, why, cap);
    snprintf(name, sizeof name, "%.20s.%.32s", product_key, device_name);
    snprintf(subject, sizeof subject, "/O=%.20s/CN=%.32s", product_key, device_name);
    snprintf(pem, sizeof pem, "%s.pem", name);
    snprintf(private, sizeof private, "%s.key", name);
    snprintf(der, sizeof der, "%s.der", name);
    snprintf(pk8, sizeof pk8, "%s.key.der", name);
    if (snprintf(cert, HOST_PATH_MAX, "%s/%s", dir, der) >= HOST_PATH_MAX ||
        snprintf(key, HOST_PATH_MAX, "%s/%s", dir, pk8) >= HOST_PATH_MAX) {
        snprintf(why, cap, "%.200s... is too long a path", dir);
        return false;
    }
    return make(&m, name, subject, "client", false) &&
           RUN(&m, "x509", "-in", pem, "-outform", "DER", "-out", der) &&
           RUN(&m, "pkey", "-in", private, "-outform", "DER", "-out", pk8);
}
