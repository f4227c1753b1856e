/* SPDX-License-Identifier: Apache-2.0 */
/* lwIP's options of a product with an RTOS: lwIP in a thread of its own, everybody else under the core lock, and each
 * call without it asserted. The rest is as for a superloop. */
#ifndef LOCKING_LWIPOPTS_H
#define LOCKING_LWIPOPTS_H

#define NO_SYS                   0
#define LWIP_TCPIP_CORE_LOCKING  1
#define MEMP_NUM_TCPIP_MSG_INPKT 32

/* For three devices at once. */
#define MEM_SIZE       (3 * (2 * TCP_SND_BUF + 160))
#define PBUF_POOL_SIZE 24

/* Of lwIP's port to threads. */
typedef int sys_prot_t;
void sys_check_core_locking(void);
#define LWIP_ASSERT_CORE_LOCKED() sys_check_core_locking()

#include "../../port/lwip/lwipopts.h"

#endif
