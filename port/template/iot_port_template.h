/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_port_template.h
 * An empty port to copy: rename both files after your board and fill in the four functions of the
 * .c file. The application passes `&iot_port_template` in iot_options.port_ops.
 */
#ifndef IOT_PORT_TEMPLATE_H
#define IOT_PORT_TEMPLATE_H

#include "iot/iot_port.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct iot_port iot_port_template;

#ifdef __cplusplus
}
#endif
#endif
