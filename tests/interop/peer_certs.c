/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_certs.h"

#include "test.h"

#include "host/host_child.h"
#include "host/host_dir.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define DER_MAX   8192u
#define FILE_MAX  16384u
#define MAKE_MS   60000u
#define WORDS_MAX 32

/* How a certificate is made. The strange root has the name of the right one: only its key tells.
 * `sans` and `more` are lines of openssl's configuration. */
struct recipe {
    const char *file;
    enum peer_cert_id issuer; /* itself: signed by itself */
    const char *key;          /* what `openssl req -newkey` understands, or one of those below */
    const char *name;         /* the common name */
    const char *sans;         /* subjectAltName; NULL: none */
    const char *more;         /* further extensions */
    int days;
    const char *digest;
};

#define EC   "ec"
#define TWIN "twin" /* that of CERT_EC_ROOT */
#define LONG "long" /* that of CERT_RSA_MIDDLE, its exponents changed for each other */
#define SANS "DNS:" PEER_NAME ",IP:127.0.0.1,IP:10.0.2.2,IP:::1,IP:fec0::2"
#define CA   "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
#define SERVER                                                                                     \
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"                     \
    "extendedKeyUsage=serverAuth\n"
#define RSA_SERVER                                                                                 \
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n"     \
    "extendedKeyUsage=serverAuth\n"
#define CLIENT                                                                                     \
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"                     \
    "extendedKeyUsage=clientAuth\n"
#define NO_SIGN                                                                                    \
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyEncipherment\n"                      \
    "extendedKeyUsage=serverAuth\n"

#define COMMENT_100                                                                                \
    "A ticket holds the certificate of the client; this one is as large as those of some "         \
    "vendors. "                                                                                    \
    "......"
#define COMMENT_400  COMMENT_100 COMMENT_100 COMMENT_100 COMMENT_100
#define COMMENT_1300 COMMENT_400 COMMENT_400 COMMENT_400 COMMENT_100
#define LARGE        CLIENT "nsComment=" COMMENT_1300 "\n"
#define VAST         SERVER "nsComment=" COMMENT_1300 COMMENT_1300 COMMENT_1300 COMMENT_1300 "\n"

static const struct recipe recipes[CERT_COUNT] = {
    [CERT_EC_ROOT] = {"ec-root", CERT_EC_ROOT, EC, "Test EC root", NULL, CA, PEER_ROOT_DAYS,
                      "-sha256"},
    [CERT_EC_GOOD] = {"ec-good", CERT_EC_ROOT, EC, "good", SANS, SERVER, PEER_LEAF_DAYS, "-sha256"},
    [CERT_EC_OTHER] = {"ec-other", CERT_EC_ROOT, EC, "other", "DNS:b.test.lwlink", SERVER,
                       PEER_LEAF_DAYS, "-sha256"},
    [CERT_EC_CN_ONLY] = {"ec-cn-only", CERT_EC_ROOT, EC, PEER_NAME, NULL, SERVER, PEER_LEAF_DAYS,
                         "-sha256"},
    [CERT_EC_CN_RIGHT] = {"ec-cn-right", CERT_EC_ROOT, EC, PEER_NAME, "DNS:b.test.lwlink", SERVER,
                          PEER_LEAF_DAYS, "-sha256"},
    [CERT_EC_WILD] = {"ec-wild", CERT_EC_ROOT, EC, "wild", "DNS:*.test.lwlink", SERVER,
                      PEER_LEAF_DAYS, "-sha256"},
    [CERT_EC_PARTIAL] = {"ec-partial", CERT_EC_ROOT, EC, "partial", "DNS:a*.test.lwlink", SERVER,
                         PEER_LEAF_DAYS, "-sha256"},
    [CERT_EC_URI] = {"ec-uri", CERT_EC_ROOT, EC, "uri",
                     "URI:" PEER_NAME ",URI:127.0.0.1,URI:10.0.2.2", SERVER, PEER_LEAF_DAYS,
                     "-sha256"},
    [CERT_EC_ADDRESS] = {"ec-address", CERT_EC_ROOT, EC, "address",
                         "DNS:127.0.0.1,DNS:10.0.2.2,DNS:*.0.0.1,DNS:*.0.2.2", SERVER,
                         PEER_LEAF_DAYS, "-sha256"},
    [CERT_EC_ROOT_OLD] = {"ec-root-old", CERT_EC_ROOT_OLD, TWIN, "Test EC root", NULL, CA,
                          PEER_BRIEF_DAYS, "-sha256"},
    [CERT_RSA_LONG] = {"rsa-long", CERT_RSA_ROOT, LONG, "Test RSA long", NULL, CA, PEER_LEAF_DAYS,
                       "-sha256"},
    [CERT_EC_BY_LONG] = {"ec-by-long", CERT_RSA_LONG, EC, "by-long", SANS, SERVER, PEER_LEAF_DAYS,
                         "-sha256"},
    [CERT_EC_BRIEF] = {"ec-brief", CERT_EC_ROOT, EC, "brief", SANS, SERVER, PEER_BRIEF_DAYS,
                       "-sha256"},
    [CERT_EC_HUGE] = {"ec-huge", CERT_EC_ROOT, EC, "huge", SANS, VAST, PEER_LEAF_DAYS, "-sha256"},
    [CERT_EC_CLIENT_USE] = {"ec-client-use", CERT_EC_ROOT, EC, "use", SANS, CLIENT, PEER_LEAF_DAYS,
                            "-sha256"},
    [CERT_EC_SHA1] = {"ec-sha1", CERT_EC_ROOT, EC, "sha1", SANS, SERVER, PEER_LEAF_DAYS, "-sha1"},
    [CERT_EC_BY_LEAF] = {"ec-by-leaf", CERT_EC_GOOD, EC, "by-leaf", SANS, SERVER, PEER_LEAF_DAYS,
                         "-sha256"},
    [CERT_RSA_ROOT] = {"rsa-root", CERT_RSA_ROOT, "rsa:2048", "Test RSA root", NULL, CA,
                       PEER_ROOT_DAYS, "-sha256"},
    [CERT_RSA_MIDDLE] = {"rsa-middle", CERT_RSA_ROOT, "rsa:2048", "Test RSA middle", NULL, CA,
                         PEER_MIDDLE_DAYS, "-sha256"},
    [CERT_RSA_GOOD] = {"rsa-good", CERT_RSA_MIDDLE, "rsa:2048", "good", SANS, RSA_SERVER,
                       PEER_LEAF_DAYS, "-sha256"},
    [CERT_RSA_NO_SIGN] = {"rsa-no-sign", CERT_EC_ROOT, "rsa:2048", "no-sign", SANS, NO_SIGN,
                          PEER_LEAF_DAYS, "-sha256"},
    [CERT_RSA_WEAK] = {"rsa-weak", CERT_EC_ROOT, "rsa:1024", "weak", SANS, RSA_SERVER,
                       PEER_LEAF_DAYS, "-sha256"},
    [CERT_STRANGE_ROOT] = {"strange-root", CERT_STRANGE_ROOT, EC, "Test EC root", NULL, CA,
                           PEER_ROOT_DAYS, "-sha256"},
    [CERT_STRANGE_GOOD] = {"strange-good", CERT_STRANGE_ROOT, EC, "good", SANS, SERVER,
                           PEER_LEAF_DAYS, "-sha256"},
    [CERT_SELF] = {"self", CERT_SELF, EC, PEER_NAME, SANS, SERVER, PEER_LEAF_DAYS, "-sha256"},
    [CERT_CLIENT_EC] = {"client-ec", CERT_EC_ROOT, EC, "device-ec", NULL, CLIENT, PEER_LEAF_DAYS,
                        "-sha256"},
    [CERT_CLIENT_RSA] = {"client-rsa", CERT_EC_ROOT, "rsa:2048", "device-rsa", NULL, CLIENT,
                         PEER_LEAF_DAYS, "-sha256"},
    [CERT_CLIENT_LARGE] = {"client-large", CERT_EC_ROOT, EC, "device-large", NULL, LARGE,
                           PEER_LEAF_DAYS, "-sha256"},
    [CERT_CLIENT_STRANGE] = {"client-strange", CERT_STRANGE_ROOT, EC, "device-strange", NULL,
                             CLIENT, PEER_LEAF_DAYS, "-sha256"},
};

static struct made {
    struct peer_cert cert; /* pem NULL: not made yet */
    char pem[HOST_PATH_MAX], above_pem[HOST_PATH_MAX], chain_pem[HOST_PATH_MAX];
    char key_pem[HOST_PATH_MAX];
    uint8_t der[DER_MAX], key[DER_MAX], key_traditional[DER_MAX];
} all[CERT_COUNT];

static char dir[HOST_PATH_MAX];
static int64_t made_s;

const char *peer_openssl(void)
{
    const char *program = getenv("OPENSSL");

    return program != NULL && *program != '\0' ? program : "openssl";
}

const char *peer_certs_dir(void)
{
    if (dir[0] == '\0') {
        /* From here on it is the test's folder, and of the servers that it starts: files are named without a
         * path, which may hold blanks, and words for openssl are divided by blanks. */
        assert_true(host_dir_make("certs", dir));
        assert_int_equal(chdir(dir), 0);
        made_s = (int64_t)time(NULL);
    }
    return dir;
}

int64_t peer_certs_made_s(void)
{
    peer_certs_dir();
    return made_s;
}

static void path_in_dir(char path[HOST_PATH_MAX], const char *file, const char *ending)
{
    (void)peer_certs_dir();
    assert_true(snprintf(path, HOST_PATH_MAX, "%s%s", file, ending) < HOST_PATH_MAX);
}

/* ---- Files ------------------------------------------------------------------------------- */

static uint32_t read_file(const char *path, void *into, uint32_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, into, cap) : -1;

    if (n < 0 || (uint32_t)n == cap)
        fail_msg("cannot read %s, or it is too large", path);
    close(fd);
    return (uint32_t)n;
}

static void write_file(const char *path, int flags, const void *bytes, uint32_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) != 0)
        fail_msg("cannot write %s", path);
}

static void append_file(const char *path, const char *from)
{
    char text[FILE_MAX];

    write_file(path, O_APPEND, text, read_file(from, text, sizeof text));
}

static uint32_t base64_value(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (uint32_t)(at - digits) : UINT32_MAX;
}

/* What stands between the first two lines of dashes. */
static struct iot_bytes read_pem(const char *path, uint8_t into[DER_MAX])
{
    char text[FILE_MAX];
    uint32_t bits = 0, have = 0, n = 0;

    text[read_file(path, text, sizeof text - 1)] = '\0';
    const char *at = strstr(text, "-----BEGIN");
    assert_non_null(at);
    for (at += strcspn(at, "\n"); *at != '-' && *at != '\0'; at++) {
        uint32_t value = base64_value(*at);
        if (value == UINT32_MAX)
            continue;
        bits = bits << 6 | value;
        have += 6;
        if (have >= 8) {
            assert_true(n < DER_MAX);
            have -= 8;
            into[n++] = (uint8_t)(bits >> have);
        }
    }
    return (struct iot_bytes){into, n};
}

/* ---- The openssl command ----------------------------------------------------------------- */

/* Runs it to its end; its words end with NULL. */
static void run(const char *const words[])
{
    char *argv[WORDS_MAX + 1], log[HOST_PATH_MAX], text[FILE_MAX];
    uint64_t end = host_clock_ms() + MAKE_MS;
    int count = 0, status = 0;

    path_in_dir(log, "openssl", ".log");
    argv[count++] = (char *)peer_openssl(); /* exec takes no const, and changes nothing */
    for (int i = 0; words[i] != NULL; i++) {
        assert_true(count < WORDS_MAX);
        argv[count++] = (char *)words[i];
    }
    argv[count] = NULL;
    unlink(log);
    pid_t pid = host_spawn(argv, log, NULL);
    if (pid < 0)
        fail_msg("cannot start %s", argv[0]);
    while (host_alive(pid, &status)) {
        if (host_clock_ms() >= end) {
            host_kill(pid);
            fail_msg("openssl does not end");
        }
        host_pause_ms(1);
    }
    if (status != 0) {
        text[read_file(log, text, sizeof text - 1)] = '\0';
        fail_msg("openssl %s ended with status %d: %s", words[0], status, text);
    }
}

static void write_config(const char *path, const struct recipe *r)
{
    char text[FILE_MAX];
    int n = snprintf(text, sizeof text,
                     "[req]\ndistinguished_name=dn\nprompt=no\nstring_mask=utf8only\n"
                     "[dn]\nCN=%s\n[ext]\nsubjectKeyIdentifier=hash\n%s%s%s%s",
                     r->name, r->more, r->sans != NULL ? "subjectAltName=" : "",
                     r->sans != NULL ? r->sans : "", r->sans != NULL ? "\n" : "");

    assert_true(n > 0 && n < (int)sizeof text);
    write_file(path, O_TRUNC, text, (uint32_t)n);
}

static void sign(const struct recipe *r, struct made *m, const struct made *issuer)
{
    char config[HOST_PATH_MAX], days[16];
    const char *words[WORDS_MAX] = {"req",  "-x509",       "-noenc", "-out",    m->pem,  "-config",
                                    config, "-extensions", "ext",    r->digest, "-days", days};
    int n = 12;
    bool is_new = strcmp(r->key, TWIN) != 0 && strcmp(r->key, LONG) != 0;

    path_in_dir(config, r->file, ".cnf");
    write_config(config, r);
    snprintf(days, sizeof days, "%d", r->days);
    words[n++] = is_new ? "-newkey" : "-key";
    words[n++] = is_new ? r->key : m->key_pem;
    if (is_new) {
        words[n++] = "-keyout";
        words[n++] = m->key_pem;
    }
    if (strcmp(r->key, EC) == 0) {
        words[n++] = "-pkeyopt";
        words[n++] = "ec_paramgen_curve:P-256";
    }
    if (issuer != m) {
        words[n++] = "-CA";
        words[n++] = issuer->pem;
        words[n++] = "-CAkey";
        words[n++] = issuer->key_pem;
    }
    words[n] = NULL;
    run(words);
}

/* openssl makes no key with a long public exponent, but uses one: what is signed by this key is signed rightly.
 * RFC 8017, A.1.2: version, n, e, d, p, q, d mod p-1, d mod q-1, and one more; the last but that are e now. */
static void make_long_key(const char *key_pem)
{
    static const uint8_t order[] = {0, 1, 3, 2, 4, 5, 2, 2, 8};
    struct iot_bytes parts[sizeof order];
    char path[HOST_PATH_MAX];
    uint8_t from[DER_MAX], der[DER_MAX] = {0x30, 0x82};
    uint32_t at = 4, n = 4;

    path_in_dir(path, "long", ".der");
    run((const char *const[]){"pkey", "-in", peer_cert(CERT_RSA_MIDDLE)->key_pem, "-traditional",
                              "-outform", "DER", "-out", path, NULL});
    (void)read_file(path, from, sizeof from);
    for (uint32_t i = 0; i < sizeof order; i++) {
        uint32_t len = from[at + 1] < 0x80    ? 2u + from[at + 1]
                       : from[at + 1] == 0x81 ? 3u + from[at + 2]
                                              : 4u + ((uint32_t)from[at + 2] << 8 | from[at + 3]);
        parts[i] = (struct iot_bytes){from + at, len};
        at += len;
        assert_true(at < DER_MAX / 2);
    }
    for (uint32_t i = 0; i < sizeof order; n += parts[order[i++]].len)
        memcpy(der + n, parts[order[i]].ptr, parts[order[i]].len);
    der[2] = (uint8_t)((n - 4) >> 8);
    der[3] = (uint8_t)(n - 4);
    write_file(path, O_TRUNC, der, n);
    run((const char *const[]){"pkey", "-inform", "DER", "-in", path, "-out", key_pem, NULL});
}

static void make(enum peer_cert_id id)
{
    const struct recipe *r = &recipes[id];
    struct made *m = &all[id];

    if (r->issuer != id)
        peer_cert(r->issuer);
    path_in_dir(m->pem, r->file, ".pem");
    path_in_dir(m->above_pem, r->file, ".above");
    path_in_dir(m->chain_pem, r->file, ".chain");
    path_in_dir(m->key_pem, r->file, ".key");
    if (strcmp(r->key, TWIN) == 0)
        strcpy(m->key_pem, peer_cert(CERT_EC_ROOT)->key_pem);
    if (strcmp(r->key, LONG) == 0)
        make_long_key(m->key_pem);
    sign(r, m, &all[r->issuer]);

    append_file(m->chain_pem, m->pem);
    for (enum peer_cert_id i = r->issuer; recipes[i].issuer != i; i = recipes[i].issuer) {
        append_file(m->above_pem, all[i].pem);
        append_file(m->chain_pem, all[i].pem);
        m->cert.above_pem = m->above_pem;
    }

    m->cert.der = read_pem(m->pem, m->der);
    m->cert.key = read_pem(m->key_pem, m->key);
    if (strncmp(r->file, "client", 6) == 0) {
        char path[HOST_PATH_MAX];
        path_in_dir(path, r->file, ".old");
        run((const char *const[]){"pkey", "-in", m->key_pem, "-traditional", "-outform", "DER",
                                  "-out", path, NULL});
        m->cert.key_traditional.len = read_file(path, m->key_traditional, DER_MAX);
        m->cert.key_traditional.ptr = m->key_traditional;
    }
    m->cert.chain_pem = m->chain_pem;
    m->cert.key_pem = m->key_pem;
    m->cert.pem = m->pem;
}

const struct peer_cert *peer_cert(enum peer_cert_id id)
{
    if (all[id].cert.pem == NULL)
        make(id);
    return &all[id].cert;
}

void peer_certs_remove(void)
{
    if (dir[0] != '\0' && chdir("/") == 0)
        host_dir_remove(dir);
    dir[0] = '\0';
    memset(all, 0, sizeof all);
}
