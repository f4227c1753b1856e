/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated platform of a test. Its log says which readings have come (rig_readings.h). */
#ifndef RIG_CLOUD_H
#define RIG_CLOUD_H

#include "rig_board.h"
#include "rig_readings.h"

#include "host/host_cloud.h"

extern struct host_cloud rig_cloud;

/** Setup and teardown of a group: the platform runs. */
int rig_cloud_group_setup(void **state);
int rig_cloud_group_teardown(void **state);

/** Of a test: setup and teardown of the board, too. The platform begins anew. */
int rig_cloud_test_setup(void **state);
int rig_cloud_test_teardown(void **state);
#define CLOUD_TEST(f)                                                                              \
    cmocka_unit_test_setup_teardown(f, rig_cloud_test_setup, rig_cloud_test_teardown)

/** The board becomes the sample device for this way to log in (host_factory.h), with five readings in a second. */
void rig_cloud_identity(const char *login);

/** Send it a message; it must be connected. */
void rig_cloud_send(const char *payload);

/** Power of the platform. */
void rig_cloud_cut(void);
void rig_cloud_restore(void);

/** Wait until the platform's log has a line that starts so, behind "cloud: "; since the test began. */
void rig_cloud_await(const char *words);

/** How many lines of its log in this test begin so. */
uint32_t rig_cloud_count(const char *words);

/** Give it a command (cloud_command.h). */
void rig_cloud_command(const char *line);

#endif
