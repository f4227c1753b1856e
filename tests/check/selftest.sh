#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# selftest.sh: do includes.sh and symbols.sh notice? Breaks each rule in a copy of the tree under build/, each time in a file of its
# own, and looks for the report; and writes things that only look like a violation, which must not be reported.

set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
TOP=$PWD
CC=${CC:-gcc}
mkdir -p build
copy=$TOP/$(mktemp -d build/selftest.XXXXXX)
trap 'rm -rf "$copy"' EXIT

for d in Makefile .ci include src port unix_sim examples tests; do
    [ ! -e "$d" ] || cp -R "$d" "$copy/"
done
cd "$copy"
mkdir -p unix_sim/world tests/scenario src/{core,crypto,json,cbor,net,tls,mqtt,coap,http,ota,link,device,compat,attic} \
         include/iot examples tests/{unit,interop} unix_sim port/zz build

cases=() number=0

# name FILE: the file with @ replaced by letters that no other case uses; in $file.
name() {
    local n=$number letters='' alphabet=abcdefghijklmnopqrstuvwxyz
    number=$((number + 1))
    while [ ${#letters} -lt 3 ]; do
        letters=${alphabet:$((n % 26)):1}$letters
        n=$((n / 26))
    done
    file=${1//@/zz$letters}
}

# put FILE TEXT: write it below a licence line, so TEXT begins on line 2.
put() { printf '/* SPDX-License-Identifier: Apache-2.0 */\n%s\n' "$2" >"$1"; }

# catches FILE TEXT RULE: this text there is reported for line 2, with these words.
catches() {
    name "$1"
    put "$file" "$2"
    cases+=("$file:2: |$3|${2//$'\n'/ }")
}

# accepts FILE TEXT: nothing about this file is reported.
accepts() {
    name "$1"
    put "$file" "$2"
    cases+=("$file:||${2//$'\n'/ }")
}

# compiled FILE TEXT RULE [FLAG]: what that makes of an object file is reported for line 2 (RULE empty: is not).
compiled() {
    name "$1"
    put "$file" "${2//@/zz$number}"
    # shellcheck disable=SC2086 # a flag or none
    $CC -std=c99 -O1 ${4:-} -c "$file" -o "build/$(basename "${file%.c}").o"
    cases+=("$file:${3:+2: }|$3|${2//$'\n'/ }")
}

# (a) downward only
down='strictly downward'
catches src/net/iot_net_@.c       '#include "tls/iot_tls_x.h"'          'src/net includes src/core only'
catches src/core/iot_core_@.h     '#include "net/iot_net_tcp.h"'        'src/core includes src/core only'
catches src/crypto/iot_crypto_@.c '#include "json/iot_json_x.h"'        'src/crypto includes src/core only'
catches src/json/iot_json_@.c     '#include "mqtt/iot_mqtt_codec.h"'    'src/json includes src/core only'
catches src/cbor/iot_cbor_@.c     '#include "json/iot_json_x.h"'        'src/cbor includes src/core only'
catches src/tls/iot_tls_@.c       '#include "mqtt/iot_mqtt_codec.h"'    "$down"
catches src/mqtt/iot_mqtt_@.c     '#  include "coap/iot_coap_codec.h"'  "$down"
catches src/coap/iot_coap_@.c     '#include "http/iot_http_client.h"'   "$down"
catches src/http/iot_http_@.c     '#include <mqtt/iot_mqtt_client.h>'   "$down"
catches src/mqtt/iot_mqtt_@.c     '#include "device/iot_device_poll.h"' "$down"
catches src/ota/iot_ota_@.c       '#include "link/iot_link_route.h"'    "$down"
catches src/link/iot_link_@.c     '#include "device/iot_device_poll.h"' "$down"
catches src/device/iot_device_@.c '#include "compat/iot_compat_x.h"'    "$down"
catches src/mqtt/iot_mqtt_@.c     '#include "iot_mqtt_codec.h"'         'included as "room/name.h"'
catches include/iot/iot_@.h       '#include "core/iot_core_x.h"'        'public header'
catches src/attic/iot_attic_@.c   '#include "core/iot_core_x.h"'        'not in the table'
accepts src/mqtt/iot_mqtt_@.c     $'#include "net/iot_net_tcp.h"\n#include "json/iot_json_x.h"\n#include "iot/iot_device.h"'
accepts src/core/iot_core_@.c     '/* #include "net/iot_net_tcp.h" */'
accepts src/compat/iot_compat_@.c '#include "device/iot_device_poll.h"'

# (b) foreign headers
catches src/mqtt/iot_mqtt_@.c     '#include "lwip/tcp.h"'               'lwIP is known to'
catches src/tls/iot_tls_@.c       '#include <lwip/pbuf.h>'              'lwIP is known to'
catches include/iot/iot_@.h       '#include "lwip/ip_addr.h"'           'lwIP is known to'
catches tests/unit/test_@.c       '#include "lwip/tcp.h"'               'lwIP is known to'
catches src/net/iot_net_@.c       '#include "mbedtls/ssl.h"'            'mbedTLS is known to'
catches src/device/iot_device_@.c '#include "psa/crypto.h"'             'mbedTLS is known to'
catches src/tls/iot_tls_@.h       '#include "mbedtls/ssl.h"'            'a header of src/ includes no mbedTLS'
catches src/tls/iot_tls_@.h       '#include "tls/iot_tls_mbedtls.h"'    'is included by the .c files of src/tls'
catches src/device/iot_device_@.c '#include "tls/iot_tls_mbedtls.h"'    'is included by the .c files of src/tls'
catches src/link/iot_link_@.c     '#include "mbedtls/md.h"'             'mbedTLS is known to'
catches tests/unit/test_mqtt_@.c  '#include "mbedtls/md.h"'             'mbedTLS is known to'
catches unix_sim/@.c              '#include "mbedtls/md.h"'             'mbedTLS is known to'
catches src/json/iot_json_@.h     '#include <jsmn.h>'                   'jsmn is known to'
catches src/link/iot_link_@.c     '#include "jsmn.h"'                   'jsmn is known to'
accepts src/json/iot_json_@.c     '#include <jsmn.h>'
accepts src/net/iot_net_@.c       '#include "lwip/tcp.h"'
accepts tests/interop/test_@.c    '#include "lwip/tcp.h"'
accepts examples/@.c              '#include "lwip/tcp.h"'
accepts src/tls/iot_tls_@.c       '#include "mbedtls/ssl.h"'
accepts src/tls/iot_tls_@.c       '#include "tls/iot_tls_mbedtls.h"'
accepts tests/unit/test_tls_@.c   '#include "mbedtls/ssl.h"'
accepts tests/unit/test_crypto_@.c '#include "mbedtls/md.h"'
accepts tests/interop/test_@.c    '#include "mbedtls/ssl.h"'
accepts tests/support/dtls_@.c    '#include "mbedtls/ssl.h"'
catches tests/support/@.c         '#include "mbedtls/ssl.h"'            'mbedTLS is known to'

world='the world is virtual'
catches unix_sim/world/world_@.c  '#include "host/host_loop.h"'          "$world"
catches tests/scenario/test_@.c   '#include "iot_port_unix.h"'          "$world"
accepts unix_sim/world/world_@.c  '#include "host/host_question.h"'
accepts tests/scenario/test_@.c   '#include "lwip/tcp.h"'

# (c) the rooms in a room
pure='a codec, topic or parser includes'
memory='a session or exchange includes'
catches src/mqtt/iot_@_codec.h    '#include "mqtt/iot_mqtt_session.h"'  "$pure"
catches src/mqtt/iot_@_topic.c    '#include "net/iot_net_tcp.h"'        "$pure"
catches src/http/iot_@_parser.c   '#include "tls/iot_tls_x.h"'          "$pure"
catches src/mqtt/iot_@_session.c  '#include "net/iot_net_tcp.h"'        "$memory"
catches src/mqtt/iot_@_session.c  '#include "mqtt/iot_mqtt_client.h"'   "$memory"
catches src/mqtt/iot_@_session.h  '#include "device/iot_device_x.h"'    "$memory"
catches src/coap/iot_@_exchange.h '#include "tls/iot_tls_dtls.h"'       "$memory"
accepts src/mqtt/iot_@_session.c  $'#include "mqtt/iot_mqtt_codec.h"\n#include "core/iot_core_x.h"\n#include "iot/iot_mqtt.h"'
accepts src/mqtt/iot_@_topic.c    $'#include "core/iot_core_x.h"\n#include "iot/iot_base.h"\n#include <string.h>'
name src/mqtt/iot_@_codec.c
put "$file" "#include \"mqtt/$(basename "${file%.c}").h\""
cases+=("$file:||its own header")

# (d) calls
for call in 'p = malloc(4);' 'p = calloc(1, 4);' 'p = realloc(p, 8);' 'free (p);' 'sleep(1);' 'usleep(10);' 't = time(NULL);' \
            'gettimeofday(&tv, 0);' 'clock_gettime(0, &t);' 'n = rand();' 'printf("x");' '(void)printf("x");'; do
    catches src/core/iot_core_@.c "void f(void) { $call }"              'no heap, no sleep, no clock'
done
catches src/core/iot_core_@.c  'free(p);'                               'no heap, no sleep, no clock'
catches include/iot/iot_@.h    'static inline void f(void *p) { free(p); }' 'no heap, no sleep, no clock'
catches src/net/iot_net_@.c    '#include <pthread.h>'                   'no threads'
catches src/net/iot_net_@.c    'static struct net_mutex *m;'            'no threads'
accepts src/core/iot_core_@.c  'void f(void) { /* malloc(4) */ s = "free(x) // sleep(1)"; port->random(c); x.free(p); sys_free(p); iot_printf(p); }'
accepts src/core/iot_core_@.c  $'/* a mutex\n   would malloc(1) */\n// pthread, free(p)\nchar q = \'"\';'
accepts unix_sim/@.c           'void f(void) { free(malloc(1)); }'

own='no clock, no sleep and no chance but its own'
catches unix_sim/world/world_@.c 'void f(void) { clock_gettime(CLOCK_MONOTONIC, &t); }' "$own"
catches tests/scenario/test_@.c  'void f(void) { n = rand(); }'         "$own"
accepts unix_sim/world/main_@.c  'void f(void) { clock_gettime(CLOCK_MONOTONIC, &t); }'
accepts unix_sim/world/world_@.c 'void f(void) { port->random(c); }'

# (e) licence
for f in src/core/iot_core_@.c include/iot/iot_@.h tests/@.sh port/zz/Makefile; do
    name "$f"
    printf 'x\n' >"$file"
    cases+=("$file:1: |SPDX|no licence line")
done
name tests/made@.h
# shellcheck disable=SC2016 # the quotes are what it says
printf '/* Made from the thing model of product x by `make thing`: change the model, not this file. */\n' >"$file"

# (f) names
for f in src/core/@.c src/core/iot_@_Upper.c src/core/iot_@.txt src/iot_@.c; do
    name "$f"
    put "$file" ''
    cases+=("$file:1: |a file of the library is|its name")
done
put src/core/iot_zz_twice.c ''
put src/net/iot_zz_twice.c ''
cases+=('src/net/iot_zz_twice.c:1: |base names are unique|a name used twice')

# (g) symbols
compiled src/core/iot_core_@.c 'int other_@(void) { return 1; }'        'external symbol other_'
compiled src/core/iot_core_@.c 'const int table_@ = 3;'                 'external symbol table_'
compiled src/core/iot_core_@.c 'static int n; int iot_f@(void) { return ++n; }'     'mutable static n'
compiled src/core/iot_core_@.c 'int iot_f@(void) { static int k = 5; return ++k; }' 'mutable static k'
compiled src/core/iot_core_@.c 'int iot_g@;'                            'mutable static iot_g'
compiled src/core/iot_core_@.c 'int iot_c@;'                            'mutable static iot_c' -fcommon
compiled src/core/iot_core_@.c 'static const char *const t[] = { "a", "b" }; const char *iot_f@(int i) { return t[i]; }' '' -fPIE
ar rcs build/zz.a build/*.o

bash "$TOP/tests/check/includes.sh" "$copy" build/zz.a >build/report 2>&1 && rc=0 || rc=$?

wrong=0
for c in "${cases[@]}"; do
    IFS='|' read -r where rule text <<<"$c"
    found=$(grep -F -- "$where" build/report || :)
    if [ -n "$rule" ]; then
        grep -qF -- "$rule" <<<"$found" && continue
        echo "selftest: not noticed: $where$text; wanted: $rule"
    else
        [ -n "$found" ] || continue
        echo "selftest: wrongly reported: $found ($text)"
    fi
    wrong=$((wrong + 1))
done
[ "$rc" = 1 ] || { echo "selftest: includes.sh ended with $rc"; wrong=$((wrong + 1)); }

# And when nothing is wrong it says so.
mkdir -p clean/tests/check
cp "$TOP/tests/check/includes.sh" clean/tests/check/
(cd clean && bash tests/check/includes.sh . >report 2>&1) || { echo "selftest: a clean tree is refused:"; cat clean/report; wrong=$((wrong + 1)); }

# What symbols.sh looks at: objects below build/objects, and an archive that stands for lwIP.
# leaves FILE TEXT [NAME]: what that makes of an object file is reported for line 2 with this name, or not at all.
open=()
leaves() {
    name "$1"
    put "$file" "${2//@/zz$number}"
    mkdir -p "build/objects/${file%/*}"
    $CC -std=c99 -O1 -fno-builtin -c "$file" -o "build/objects/${file%.c}.o"
    open+=("$file|${3:-}|$2")
}
printf 'int tcp_zz(void) { return 1; }\n' >build/lwip.c
$CC -c build/lwip.c -o build/lwip.o && ar rcs build/lwip.a build/lwip.o
leaves src/core/iot_core_@.c 'int strcmp(const char *, const char *); int iot_s@(const char *p) { return strcmp(p, "x"); }' strcmp
leaves port/zz/iot_@.c       'void *malloc(unsigned long); void *iot_m@(void) { return malloc(4); }'    malloc
leaves src/core/iot_core_@.c 'extern int errno_zz; int iot_e@(void) { return errno_zz; }'               errno_zz
leaves src/core/iot_core_@.c 'unsigned long strlen(const char *); unsigned long iot_l@(const char *p) { return strlen(p); }'
leaves src/net/iot_net_@.c   'int tcp_zz(void); int iot_t@(void) { return tcp_zz(); }'
leaves src/net/iot_net_@.c   'int iot_there_zz(void) { return 1; }'
leaves src/mqtt/iot_mqtt_@.c 'int iot_there_zz(void); int iot_h@(void) { return iot_there_zz(); }'
bash "$TOP/tests/check/symbols.sh" build/objects build/lwip.a >build/report 2>&1 && rc=0 || rc=$?
for c in "${open[@]}"; do
    IFS='|' read -r where need text <<<"$c"
    found=$(grep -F -- "$where:" build/report || :)
    case $need:$found in
        :)                          continue ;;
        ?*:"$where:2: needs $need:"*) continue ;;
        :*)                         echo "selftest: wrongly reported: $found ($text)" ;;
        *)                          echo "selftest: not noticed: $where needs $need ($text)" ;;
    esac
    wrong=$((wrong + 1))
done
[ "$rc" = 1 ] || { echo "selftest: symbols.sh ended with $rc"; wrong=$((wrong + 1)); }
cases+=("${open[@]}")
rm -rf build/objects
bash "$TOP/tests/check/symbols.sh" build/objects build/lwip.a >build/report 2>&1 && { echo "selftest: symbols.sh is content with nothing"; wrong=$((wrong + 1)); }

if [ $wrong != 0 ]; then
    echo "selftest: $wrong of ${#cases[@]} cases wrong"
    exit 1
fi
echo "selftest: ${#cases[@]} cases, each as it should be"
