/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file updater_device.h
 * The simulated device of build/updater: a process of its own, so that its power can be cut. Bootloader and application in one:
 * its "program" is the image that the boot contract chooses, and the version of that image is the one that it reports.
 *
 *     updater device FLASH CA-DER ADDRESS TLS-PORT
 *
 * FLASH is its chip as a file. PK, DN, DS in the environment: who it is. SIGUSR1 pulls its cable out, SIGUSR2 plugs it in, SIGTERM
 * ends it. What happens it says on standard output, an event per line:
 *
 *     boot SLOT VERSION ok|trial     first; "boot none NAME": there is nothing to start, exit 1
 *     connected | lost NAME | confirmed
 *     offered VERSION BYTES          of a firmware; it is accepted at once
 *     progress BYTES OF-BYTES
 *     ready                          verified and chosen: it restarts, which is exit UPDATER_RESTART
 *     failed NAME                    the update has ended
 */
#ifndef UPDATER_DEVICE_H
#define UPDATER_DEVICE_H

#define UPDATER_RESTART 3

/* The emulator's sample device. */
#define UPDATER_PK "a1B2c3D4e5F"
#define UPDATER_DN "dev001"
#define UPDATER_DS "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

/** words: those behind "device". Returns the exit code. */
int updater_device(char *const words[], int count);

#endif
