#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# selftest.sh: does includes.sh notice? Breaks each rule once in a copy of the tree under build/ and looks for the report;
# and writes things that only look like a violation, which must pass.

set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
TOP=$PWD
CC=${CC:-gcc}
mkdir -p build
copy=$TOP/$(mktemp -d build/selftest.XXXXXX)
trap 'rm -rf "$copy" "$copy.base" "$copy.kept"' EXIT

for d in Makefile .ci include src port unix_sim examples tests; do
    [ ! -e "$d" ] || cp -R "$d" "$copy/"
done
cd "$copy"
mkdir -p src/{core,crypto,json,net,tls,mqtt,coap,http,ota,link,device,compat} \
         include/iot examples tests/{unit,interop} unix_sim port
# "symbols are not looked at" is said when there is no archive; it is no violation.
look() { bash "$TOP/tests/check/includes.sh" "$copy" "${1:-none}" 2>&1 | grep -v '^includes: no '; }

count=0 wrong=0
look >"$copy.base" || :                          # what is wrong anyway is not what is tested here

# verdict NAME REPORT PATTERN: a new line that fits is there (or, with PATTERN empty, no new line is).
verdict() {
    local new
    count=$((count + 1))
    new=$(grep -vxFf "$copy.base" <<<"$2" || :)
    if [ -n "$3" ]; then
        grep -qE -- "$3" <<<"$new" && return
        echo "selftest: $1: not noticed; wanted: $3"
    else
        [ -z "$new" ] && return
        echo "selftest: $1: wrongly reported: $new"
    fi
    wrong=$((wrong + 1))
}

# put FILE TEXT: write the file (with a licence line, so TEXT is on line 2); restored by take.
put() {
    [ ! -e "$1" ] || mv "$1" "$copy.kept"
    printf '/* SPDX-License-Identifier: Apache-2.0 */\n%s\n' "$2" >"$1"
}
take() { rm -f "$1"; [ ! -e "$copy.kept" ] || mv "$copy.kept" "$1"; }

# catches FILE TEXT RULE: this text in this file breaks this rule, on its line 2.
catches() {
    put "$1" "$2"
    verdict "$1: ${2//$'\n'/ }" "$(look || :)" "^$1:2: .*$3"
    take "$1"
}
# accepts FILE TEXT: no rule is broken.
accepts() {
    put "$1" "$2"
    verdict "$1: ${2//$'\n'/ }" "$(look || :)" ''
    take "$1"
}
# compiled FILE TEXT RULE: the same for the rules about symbols.
compiled() {
    local o=${1##*/}
    put "$1" "$2"
    rm -f build/x.a "build/${o%.c}.o"
    # shellcheck disable=SC2086 # a flag or none
    $CC -std=c99 -O1 ${4:-} -c "$1" -o "build/${o%.c}.o"
    ar rcs build/x.a "build/${o%.c}.o"
    verdict "$1: ${2//$'\n'/ }" "$(look build/x.a || :)" "$3"
    take "$1"
}
mkdir -p build

# (a) downward only
down='strictly downward'
catches src/net/iot_net_zz.c    '#include "tls/iot_tls_x.h"'         'src/net includes src/core only'
catches src/core/iot_core_zz.h  '#include "net/iot_net_tcp.h"'       'src/core includes src/core only'
catches src/crypto/iot_crypto_zz.c '#include "json/iot_json_x.h"'    'src/crypto includes src/core only'
catches src/json/iot_json_zz.c  '#include "mqtt/iot_mqtt_codec.h"'   'src/json includes src/core only'
catches src/tls/iot_tls_zz.c    '#include "mqtt/iot_mqtt_codec.h"'   "$down"
catches src/mqtt/iot_mqtt_zz.c  '#  include "coap/iot_coap_codec.h"' "$down"
catches src/coap/iot_coap_zz.c  '#include "http/iot_http_client.h"'  "$down"
catches src/http/iot_http_zz.c  '#include <mqtt/iot_mqtt_client.h>'  "$down"
catches src/mqtt/iot_mqtt_zz.c  '#include "device/iot_device_poll.h"' "$down"
catches src/ota/iot_ota_zz.c    '#include "link/iot_link_route.h"'   "$down"
catches src/link/iot_link_zz.c  '#include "device/iot_device_poll.h"' "$down"
catches src/device/iot_device_zz.c '#include "compat/iot_compat_x.h"' "$down"
catches src/mqtt/iot_mqtt_zz.c  '#include "iot_mqtt_codec.h"'        'included as "room/name.h"'
catches include/iot/iot_zz.h    '#include "core/iot_core_x.h"'       'public header'
mkdir -p src/attic
catches src/attic/iot_attic_zz.c '#include "core/iot_core_x.h"'      'not in the table'
rmdir src/attic
accepts src/mqtt/iot_mqtt_zz.c  $'#include "net/iot_net_tcp.h"\n#include "json/iot_json_x.h"\n#include "iot/iot_device.h"'
accepts src/core/iot_core_zz.c  '/* #include "net/iot_net_tcp.h" */'
accepts src/compat/iot_compat_zz.c '#include "device/iot_device_poll.h"'

# (b) foreign headers
catches src/mqtt/iot_mqtt_zz.c  '#include "lwip/tcp.h"'              'lwIP is known to'
catches src/tls/iot_tls_zz.c    '#include <lwip/pbuf.h>'             'lwIP is known to'
catches include/iot/iot_zz.h    '#include "lwip/ip_addr.h"'          'lwIP is known to'
catches tests/unit/test_zz.c    '#include "lwip/tcp.h"'              'lwIP is known to'
catches src/net/iot_net_zz.c    '#include "mbedtls/ssl.h"'           'mbedTLS is known to'
catches src/device/iot_device_zz.c '#include "psa/crypto.h"'         'mbedTLS is known to'
accepts src/net/iot_net_zz.c    '#include "lwip/tcp.h"'
accepts tests/interop/test_zz.c '#include "lwip/tcp.h"'
accepts examples/zz.c           '#include "lwip/tcp.h"'
accepts src/tls/iot_tls_zz.c    '#include "mbedtls/ssl.h"'

# (c) pure rooms in a room
pure='a codec, topic or parser includes'
memory='a session or exchange includes'
catches src/mqtt/iot_mqtt_codec.h   '#include "mqtt/iot_mqtt_session.h"' "$pure"
catches src/mqtt/iot_mqtt_topic.c   '#include "net/iot_net_tcp.h"'       "$pure"
catches src/http/iot_http_parser.c  '#include "tls/iot_tls_x.h"'         "$pure"
catches src/mqtt/iot_mqtt_session.c '#include "net/iot_net_tcp.h"'       "$memory"
catches src/mqtt/iot_mqtt_session.c '#include "mqtt/iot_mqtt_client.h"'  "$memory"
catches src/coap/iot_coap_exchange.h '#include "tls/iot_tls_dtls.h"'     "$memory"
accepts src/mqtt/iot_mqtt_session.c $'#include "mqtt/iot_mqtt_codec.h"\n#include "core/iot_core_x.h"\n#include "iot/iot_mqtt.h"'
accepts src/mqtt/iot_mqtt_topic.c   $'#include "mqtt/iot_mqtt_topic.h"\n#include "iot/iot_base.h"\n#include <string.h>'

# (d) calls
for call in 'p = malloc(4);' 'p = calloc(1, 4);' 'p = realloc(p, 8);' 'free (p);' 'sleep(1);' 'usleep(10);' 't = time(NULL);' \
            'gettimeofday(&tv, 0);' 'clock_gettime(0, &t);' 'n = rand();' 'printf("x");' '(void)printf("x");'; do
    catches src/core/iot_core_zz.c "void f(void) { $call }" 'no heap, no sleep, no clock'
done
catches include/iot/iot_zz.h   'static inline void f(void *p) { free(p); }' 'no heap, no sleep, no clock'
catches src/net/iot_net_zz.c   '#include <pthread.h>'                 'no threads'
catches src/net/iot_net_zz.c   'static struct net_mutex *m;'          'no threads'
accepts src/core/iot_core_zz.c 'void f(void) { /* malloc(4) */ s = "free(x) // sleep(1)"; port->random(c); x.free(p); sys_free(p); iot_printf(p); }'
accepts src/core/iot_core_zz.c $'/* a mutex\n   would malloc(1) */\n// pthread, free(p)\nchar q = \'"\';'
accepts unix_sim/zz.c          'void f(void) { free(malloc(1)); }'

# (e) licence
for f in src/core/iot_core_zz.c include/iot/iot_zz.h tests/zz.sh port/zz/Makefile; do
    mkdir -p "$(dirname "$f")"
    printf 'x\n' >"$f"
    verdict "$f without licence" "$(look || :)" "^$f:1: .*SPDX"
    rm -f "$f"
done
rmdir port/zz

# (f) names
for f in src/core/zz.c src/core/iot_Upper.c src/core/iot_zz.txt src/iot_zz.c; do
    put "$f" ''
    verdict "$f" "$(look || :)" "^$f:1: a file of the library is"
    take "$f"
done
put src/core/iot_zz_twice.c ''
put src/net/iot_zz_twice.c ''
verdict 'one name twice' "$(look || :)" '^src/net/iot_zz_twice\.c:1: base names are unique'
take src/core/iot_zz_twice.c
take src/net/iot_zz_twice.c

# (g) symbols
compiled src/core/iot_core_zz.c 'int other_name(void) { return 1; }'     '^src/core/iot_core_zz\.c:2: external symbol other_name'
compiled src/core/iot_core_zz.c 'const int table = 3;'                   '^src/core/iot_core_zz\.c:2: external symbol table'
compiled src/core/iot_core_zz.c 'static int n; int iot_f(void) { return ++n; }'     '^src/core/iot_core_zz\.c:2: mutable static n'
compiled src/core/iot_core_zz.c 'int iot_f(void) { static int k = 5; return ++k; }' '^src/core/iot_core_zz\.c:2: mutable static k'
compiled src/core/iot_core_zz.c 'int iot_g;'                             '^src/core/iot_core_zz\.c:2: mutable static iot_g'
compiled src/core/iot_core_zz.c 'int iot_c;'                             '^src/core/iot_core_zz\.c:2: mutable static iot_c' -fcommon
compiled src/core/iot_core_zz.c 'static const char *const t[] = { "a", "b" }; const char *iot_f(int i) { return t[i]; }' '' -fPIE

if [ $wrong != 0 ]; then
    echo "selftest: $wrong of $count wrong"
    exit 1
fi
echo "selftest: $count cases, each as it should be"
