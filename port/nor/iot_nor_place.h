/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_nor_place.h
 * A slot in NOR flash as the place that images are fetched into (iot/iot_slot.h): the spare one of a boot contract, or one
 * of its own for what no bootloader starts (the firmware of a second processor, a file).
 *
 *     static struct iot_nor_place place;
 *     iot_nor_place_boot(&place, &boot);
 *     ... options.slot = &place.slot;
 */
#ifndef IOT_NOR_PLACE_H
#define IOT_NOR_PLACE_H

#include "iot/iot_slot.h"
#include "iot_nor_boot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Yours to place. `slot` is to be given on; the rest is private but where said. */
struct iot_nor_place {
    struct iot_slot slot;
    struct iot_nor_slot *nor;
    struct iot_nor_boot *boot; /* NULL: nobody boots what is here */
    uint8_t index;
    /** To be set before the image is accepted, if the bootloader looks at signatures: over its SHA-256. Borrowed until
     *  then. */
    struct iot_bytes signature;
};

/**
 * The spare slot of the boot contract: which one that is, is looked up at each `open`. `choose` makes its image the
 * candidate for the next boot. While a candidate is being tried neither slot is spare, and `open` answers IOT_ERR_STATE: so
 * confirm first (iot_nor_boot_confirm), then fetch. What is done to a slot without `open`, or after it came into use,
 * is refused the same way. `boot` is open, and borrowed as long as the place is used.
 */
void iot_nor_place_boot(struct iot_nor_place *p, struct iot_nor_boot *boot);

/** A slot by itself; `nor` is open, and borrowed as long as the place is used. It has no `choose`. */
void iot_nor_place_alone(struct iot_nor_place *p, struct iot_nor_slot *nor);

#ifdef __cplusplus
}
#endif
#endif
