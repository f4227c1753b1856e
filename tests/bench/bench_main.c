/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "mark.h"

int main(void)
{
    mark_calibrate();
    bench_device();
    bench_lwip();
    bench_sign();
    bench_json();
    bench_thing();
    bench_http();
    bench_coap();
    bench_ota();
    mark_over();
}
