/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_region.h"

#if IOT_FEATURE_LINK

iot_err iot_link_host(const struct iot_link_identity *id, enum iot_link_transport transport,
                      char *into, uint32_t cap)
{
    struct iot_writer w = {.ptr = (uint8_t *)into, .cap = cap};
    iot_err err = iot_link_check(id);

    if (err != IOT_OK)
        return err;
    if (id->instance_id != NULL && id->instance_id[0] != '\0') {
        iot_writer_text(&w, id->instance_id);
        iot_writer_text(&w, ".mqtt.iothub");
    } else {
        const char *who = id->product_key, *service = ".iot-as-mqtt.";
        if (id->x509)
            who = "x509"; /* the product is not known before the certificate is read */
        if (id->x509 || transport == IOT_LINK_TLS_PSK)
            service = ".itls.";
        iot_writer_text(&w, who);
        iot_writer_text(&w, service);
        iot_writer_text(&w, id->region != NULL ? id->region : "cn-shanghai");
    }
    iot_writer_put(&w, ".aliyuncs.com", sizeof ".aliyuncs.com"); /* its NUL too */
    return w.overflow ? IOT_ERR_SIZE : IOT_OK;
}

#endif
