/* SPDX-License-Identifier: Apache-2.0 */
#include "device_place.h"

#include "device_say.h"
#include "host/host_net.h"
#include "host/host_text.h"
#include "link/iot_link_region.h"
#include "unix/iot_port_unix.h"

#include "lwip/opt.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "roots.inc"

#define ROOTS ((uint8_t)(sizeof roots / sizeof roots[0]))

/* The emulator's sample device; the secret is invented, like all of it. */
#define SAMPLE_PK "a1B2c3D4e5F"
#define SAMPLE_DN "dev001"
#define SAMPLE_DS "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
/* One that nobody has switched on yet, and what its product knows. */
#define NEW_DN "new001"
#define NEW_PS "Ps16CharSecret01"

static uint64_t arena[PLACE_ARENA_BYTES / 8];

/* ---- Settings ------------------------------------------------------------------------------ */

static bool read_ca(struct place *p)
{
    const char *path = environment("CA", NULL);
    char why[128];

    if (path == NULL)
        return true;
    if (!host_pem_read(&p->ca, path, HOST_PEM_CERTIFICATES, why)) {
        fprintf(stderr, "CA: %s\n", why);
        return false;
    }
    return true;
}

static bool read_broker(struct place *p, const char *broker)
{
    p->port = p->ca.count != 0 ? 8883 : 1883;
    p->user_name = environment("USER_NAME", NULL);
    p->password = environment("PASSWORD", NULL);
    if (!host_text_endpoint(broker, p->host, sizeof p->host, &p->port)) {
        fprintf(stderr, "BROKER=%s: write host, host:port or [v6]:port\n", broker);
        return false;
    }
    if (p->password != NULL && p->user_name == NULL) {
        fprintf(stderr, "PASSWORD without USER_NAME: MQTT has no such thing\n");
        return false;
    }
    return true;
}

static bool read_identity(struct place *p)
{
    bool real = p->kind == PLACE_PLATFORM;
    struct iot_link_identity *id = &p->identity;

    id->product_key = environment("PK", real ? NULL : SAMPLE_PK);
    id->device_name = environment("DN", real ? NULL : SAMPLE_DN);
    id->device_secret = environment("DS", real ? NULL : SAMPLE_DS);
    id->region = environment("REGION", NULL);
    id->system_topics = true; /* so it is told when it is disabled */
    if (iot_link_host(id, IOT_LINK_TLS, p->host, sizeof p->host) == IOT_OK)
        return true;
    fprintf(stderr,
            "PK, DN, DS: product key, device name and device secret as the console shows "
            "them%s\n",
            real ? "; REGION wants all three" : "");
    return false;
}

bool place_read(struct place *p)
{
    const char *broker = environment("BROKER", NULL);

    p->kind = broker != NULL                        ? PLACE_BROKER
              : environment("REGION", NULL) != NULL ? PLACE_PLATFORM
                                                    : PLACE_EMULATOR;
    if (!read_ca(p))
        return false;
    return broker != NULL ? read_broker(p, broker) : read_identity(p);
}

bool place_read_lamp(struct place *p)
{
    struct iot_link_identity *id = &p->identity;

    p->kind = PLACE_EMULATOR;
    p->quiet = environment("LOG", NULL) == NULL;
    id->product_key = environment("PK", SAMPLE_PK);
    id->device_name = environment("DN", environment("DS", NULL) != NULL ? SAMPLE_DN : NEW_DN);
    id->device_secret = environment("DS", NULL);
    id->ext = IOT_LINK_EXT_RRPC | IOT_LINK_EXT_ERROR;
    id->system_topics = true;
    if (id->device_secret == NULL) {
        p->registration.product_secret = environment("PS", NEW_PS);
        id->registration = &p->registration;
    }
    if (!read_ca(p))
        return false;
    if (iot_link_host(id, IOT_LINK_TLS, p->host, sizeof p->host) == IOT_OK)
        return true;
    fprintf(stderr,
            "PK, DN: product key and device name; DS: the device's secret, or PS: the product's\n");
    return false;
}

/* ---- Starting ------------------------------------------------------------------------------ */

static bool start_emulator(struct place *p)
{
    const struct host_cloud_options options = {.address = LWIP_IPV4 ? "127.0.0.1" : "::1",
                                               .announce = true};
    char why[128];

    if (!host_cloud_start(&p->cloud, &options)) {
        fprintf(stderr, "no emulated platform: %s\n", p->cloud.why);
        return false;
    }
    p->port = p->cloud.tls_port;
    say(PLAIN, "cloud", "the emulated platform is up, TLS on %s port %u", p->cloud.address,
        (unsigned)p->port);
    if (p->ca.count == 0 && !host_pem_read(&p->ca, p->cloud.ca_der, HOST_PEM_CERTIFICATES, why)) {
        fprintf(stderr, "%s\n", why);
        return false;
    }
    /* The device asks for the name of the region's host, and finds us. */
    return host_name_add(p->host, p->cloud.address);
}

bool place_start(struct place *p)
{
    const struct iot_link_identity *id = &p->identity;
    uint32_t chance = 0;

    switch (p->kind) {
    case PLACE_EMULATOR:
        snprintf(p->readings, sizeof p->readings, "/%s/%s/user/readings", id->product_key,
                 id->device_name);
        snprintf(p->commands, sizeof p->commands, "/%s/%s/user/commands", id->product_key,
                 id->device_name);
        return start_emulator(p);
    case PLACE_PLATFORM: /* topics that every product has */
        p->port = IOT_LINK_PORT;
        snprintf(p->readings, sizeof p->readings, "/%s/%s/user/update", id->product_key,
                 id->device_name);
        snprintf(p->commands, sizeof p->commands, "/%s/%s/user/get", id->product_key,
                 id->device_name);
        return true;
    case PLACE_BROKER:
        if (iot_port_unix.random(iot_port_unix.ctx, &chance, sizeof chance) != IOT_OK)
            return false;
        snprintf(p->client_id, sizeof p->client_id, "lwlink-%08lx", (unsigned long)chance);
        snprintf(p->readings, sizeof p->readings, "lwlink/%s/reading", p->client_id);
        snprintf(p->commands, sizeof p->commands, "lwlink/%s/command", p->client_id);
        return true;
    }
    return false;
}

void place_stop(struct place *p)
{
    host_cloud_stop(&p->cloud);
}

void place_options(struct place *p, struct iot_options *o)
{
    struct iot_tls_options *tls = &p->tls;

    o->port = p->port;
    if (p->kind == PLACE_BROKER) {
        o->host = host_reachable(p->host);
        o->client_id = p->client_id;
        o->user_name = p->user_name;
        if (p->password != NULL)
            o->password =
                (struct iot_bytes){(const uint8_t *)p->password, (uint32_t)strlen(p->password)};
        tls->server_name = p->host;
    } else {
        o->link = &p->identity;
    }
    tls->ca = p->ca.count != 0 ? p->ca.items : roots;
    tls->ca_count = p->ca.count != 0 ? p->ca.count : ROOTS;
    tls->session_key = "tls-session";
    tls->arena = arena;
    tls->arena_bytes = sizeof arena;
    o->tls = p->kind == PLACE_BROKER && p->ca.count == 0 ? NULL : tls;
}

/* ---- Talking to it ------------------------------------------------------------------------- */

void place_send(struct place *p, const char *text)
{
    char line[600], answer[256];

    if (p->kind != PLACE_EMULATOR)
        return;
    snprintf(line, sizeof line, "publish %s %s %s %s", p->identity.product_key,
             p->identity.device_name, p->commands, text);
    if (!host_cloud_command(p->cloud.dir, line, answer, sizeof answer))
        say(RED, "cloud", "%s", answer);
}

void place_show_log(struct place *p)
{
    if (p->kind == PLACE_EMULATOR)
        say_cloud_log(p->cloud.dir, &p->log_seen, !p->quiet);
}

static void show_mosquitto(const struct place *p, const char *program, const char *topic,
                           const char *rest)
{
    char a[1024], b[300], c[600];

    printf("    %s -h %s -p %u", shell_word(program, a, sizeof a), shell_word(p->host, b, sizeof b),
           (unsigned)p->port);
    if (p->user_name != NULL)
        printf(" -u %s", shell_word(p->user_name, c, sizeof c));
    if (p->password != NULL)
        printf(" -P PASSWORD"); /* not shown: the timeline may end up anywhere */
    if (p->ca.count != 0)
        printf(" --cafile %s", shell_word(environment("CA", "CA"), c, sizeof c));
    printf(" -t %s %s\n", topic, rest);
}

/* The program of that name that was built with this one, as it is called from the current folder. */
static void find_beside_us(const char *name, char *path, size_t cap)
{
    char here[HOST_PATH_MAX], folder[HOST_PATH_MAX];
    const char *shown = folder;

    if (!host_dir_program(folder))
        strcpy(folder, "build");
    size_t len = getcwd(here, sizeof here) != NULL ? strlen(here) : 0;
    if (len != 0 && strncmp(folder, here, len) == 0) {
        if (folder[len] == '/')
            shown = folder + len + 1;
        else if (folder[len] == 0)
            shown = ".";
    }
    snprintf(path, cap, "%s/%s", shown, name);
}

void place_show_commands(const struct place *p)
{
    const struct iot_link_identity *id = &p->identity;
    char path[HOST_PATH_MAX + 16], word[2 * HOST_PATH_MAX];

    find_beside_us("cloud", path, sizeof path);
    const char *cloud = shell_word(path, word, sizeof word);

    switch (p->kind) {
    case PLACE_EMULATOR:
        printf("\n  From another terminal, in this folder, send it something, and see who is "
               "there:\n\n"
               "    %s publish %s %s %s hello\n    %s list\n\n",
               cloud, id->product_key, id->device_name, p->commands, cloud);
        break;
    case PLACE_PLATFORM:
        printf("\n  In the console of the platform, publish something to this device's topic\n\n"
               "    %s\n\n",
               p->commands);
        break;
    case PLACE_BROKER:
        printf("\n  From another terminal, see what the device sends, and send it something:\n\n");
        show_mosquitto(p, environment("MOSQUITTO_SUB", "mosquitto_sub"), p->readings, "-v");
        show_mosquitto(p, environment("MOSQUITTO_PUB", "mosquitto_pub"), p->commands, "-m hello");
        printf("\n");
        break;
    }
    fflush(stdout);
}

void place_show_lamp_commands(const struct place *p)
{
    const struct iot_link_identity *id = &p->identity;
    char path[HOST_PATH_MAX + 16], word[2 * HOST_PATH_MAX];

    find_beside_us("cloud", path, sizeof path);
    const char *cloud = shell_word(path, word, sizeof word);
    printf(
        "\n  From another terminal, in this folder, do what an application of the platform's "
        "would:\n\n"
        "    %s set %s %s '{\"LightSwitch\":0}'\n    %s call %s %s Toggle\n    %s show %s %s\n\n",
        cloud, id->product_key, id->device_name, cloud, id->product_key, id->device_name, cloud,
        id->product_key, id->device_name);
    fflush(stdout);
}
