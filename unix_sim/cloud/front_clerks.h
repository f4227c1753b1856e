/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file front_clerks.h
 * The control socket of a front: a UNIX socket `control` in its folder, for its owner alone. One command (cloud_command.h)
 * per connection, a line; the answer comes when there is one, then the connection is closed. Who is slow is dismissed.
 */
#ifndef FRONT_CLERKS_H
#define FRONT_CLERKS_H

#include "cloud/cloud_command.h"

#define FRONT_CLERKS_MAX 16

/* One connection. */
struct front_clerk {
    int fd; /* -1: free */
    uint64_t since_ms;
    uint32_t ticket; /* of the answer that it waits for; 0: none */
    size_t len;
    char line[CLOUD_LINE_MAX];
    char *answer; /* NULL: none yet */
    size_t sent;
};

struct front_clerks {
    int control; /* the socket, readable when somebody calls; -1: not open */
    struct front_clerk clerks[FRONT_CLERKS_MAX];
    char answer[CLOUD_REPLY_MAX];
};

/** False: the folder, or the socket in it, cannot be opened. */
bool front_clerks_open(struct front_clerks *f, const char *dir);

/** Hear, ask the cloud, answer: what can be done without waiting. */
void front_clerks_serve(struct front_clerks *f, struct cloud *cloud, uint64_t now_ms);

/** No more calls. */
void front_clerks_close(struct front_clerks *f);

#endif
