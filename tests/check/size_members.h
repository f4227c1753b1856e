/* SPDX-License-Identifier: Apache-2.0 */
/* MEMBER(name, expression or type): the rows of the memory table of `make size`, in this order. A double underscore
 * in a name is a dot in the table. DEVICE is a struct iot_device that is never touched, only measured; so is a device
 * with its thing, which is what the budget is for. */
MEMBER(iot_device, struct iot_device)
#if IOT_FEATURE_THING
MEMBER(iot_thing, struct iot_thing)
MEMBER(device_and_thing, DEVICE_AND_THING)
#endif
#if IOT_FEATURE_SHADOW
MEMBER(iot_shadow, struct iot_shadow)
#endif
#if IOT_FEATURE_HTTP
MEMBER(iot_http, struct iot_http)
#endif
#if IOT_FEATURE_OTA
MEMBER(iot_ota, struct iot_ota)
#if IOT_FEATURE_ALINK
MEMBER(iot_upgrade, struct iot_upgrade)
#endif
#endif
#if IOT_FEATURE_WEB
MEMBER(iot_web, struct iot_web)
#endif
#if IOT_FEATURE_COAP
MEMBER(iot_coap, struct iot_coap)
MEMBER(iot_coap__bytes, ((struct iot_coap *)0)->bytes)
#endif
#if IOT_FEATURE_COAP_SERVER
MEMBER(iot_coap_server, struct iot_coap_server)
MEMBER(iot_coap_server__serve__bytes, ((struct iot_coap_server *)0)->serve.bytes)
MEMBER(iot_coap_server__serve__body, ((struct iot_coap_server *)0)->serve.body)
#endif
#if IOT_FEATURE_UPLINK
MEMBER(iot_uplink, struct iot_uplink)
#endif
#if IOT_FEATURE_ALINK
MEMBER(alink, DEVICE->alink)
MEMBER(alink__requests, DEVICE->alink.requests)
#endif
MEMBER(tcp, DEVICE->tcp)
#if IOT_FEATURE_DNS
MEMBER(tcp__dns, DEVICE->tcp.dns)
#endif
#if IOT_FEATURE_TLS
MEMBER(iot_device__tls, DEVICE->tls)
#endif
#if IOT_FEATURE_LINK
MEMBER(iot_device__link, DEVICE->link)
#endif
MEMBER(mqtt, DEVICE->mqtt)
MEMBER(mqtt__rx, DEVICE->mqtt.rx)
#if IOT_FEATURE_STATS
MEMBER(mqtt__counters, DEVICE->mqtt.counters)
#endif
MEMBER(mqtt__session, DEVICE->mqtt.session)
#if IOT_FEATURE_RECEIVE
MEMBER(mqtt__session__subs, DEVICE->mqtt.session.subs)
#endif
MEMBER(mqtt__session__ctl, DEVICE->mqtt.session.ctl)
MEMBER(mqtt__session__box, DEVICE->mqtt.session.box)
MEMBER(mqtt__session__box__out, DEVICE->mqtt.session.box.out)
MEMBER(mqtt__session__box__tx, DEVICE->mqtt.session.box.tx)
