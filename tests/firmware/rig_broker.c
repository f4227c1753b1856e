/* SPDX-License-Identifier: Apache-2.0 */
#include "rig_broker.h"

#include "test.h"

#include "host/host_child.h"
#include "interop/peer_certs.h"
#include "rig_cloud.h"

#include <unistd.h>

void rig_broker_start(struct host_broker *broker)
{
    const struct peer_cert *server = peer_cert(CERT_RSA_GOOD);
    char extra[3 * HOST_PATH_MAX], dir[HOST_PATH_MAX], tls_port[8];
    const struct host_broker_options o = {.extra = extra};

    snprintf(tls_port, sizeof tls_port, "%u", (unsigned)host_free_port());
    assert_non_null(
        getcwd(dir, sizeof dir)); /* peer_certs.h: it is the folder of the certificates */
    snprintf(extra, sizeof extra, "listener %s 127.0.0.1\ncertfile %s/%s\nkeyfile %s/%s", tls_port,
             dir, server->chain_pem, dir, server->key_pem);
    if (!host_start_mosquitto(broker, 0, &o))
        fail_msg("%s", broker->why);
    rig_cloud_identity("ecdsa"); /* any login will do there */
    rig_flash_text("host", PEER_NAME);
    rig_flash_text("port", tls_port);
    rig_flash_bytes("ca", peer_cert(CERT_RSA_ROOT)->der);
}
