/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled for the Cortex-M3 and never run: one array for each row of size_members.h, whose size, as nm prints it,
 * is the size of that thing there. */
#include "iot/iot_static.h"

#define DEVICE ((struct iot_device *)0)
#define DEVICE_AND_THING                                                                           \
    struct {                                                                                       \
        struct iot_device device;                                                                  \
        struct iot_thing thing;                                                                    \
    }
#define MEMBER(name, what)                                                                         \
    extern char size_of_##name[sizeof(what)];                                                      \
    char size_of_##name[sizeof(what)];

#include "size_members.h"
