#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# check.sh: everything that `make check` looks at, a line each: what builds, one step after the other; beside that, what only
# reads, also one after the other, and its lines come last. The log of a step that fails
# is printed. Goes on to the end and fails if one step failed. Called by the Makefile, which says how to call
# make (MAKE, BUILD), where the parts are (DEPS), and that it holds the lock on build/.

set -uo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." || exit 1
: "${MAKE:=make}" "${BUILD:=--no-print-directory INNER=1}" "${DEPS:=build/deps}"
export DEPS
log_dir=build/log
mkdir -p "$log_dir"
work=$(mktemp -d "$log_dir/check.XXXXXX") || exit 1
aside=
trap '[ -z "$aside" ] || kill "$aside" 2>/dev/null; wait; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
: >"$work/failed"
: >"$work/steps"

step() {
    local name=$1 log=$log_dir/check-$2.log
    shift 2
    echo "$name" >>"$work/steps"
    SECONDS=0
    if "$@" >"$log" 2>&1 </dev/null; then
        printf '  ok      %s  [%d s]\n' "$name" $SECONDS
        sed -n 's/^note: /          /p' "$log"
    else
        printf '  FAILED  %s  [%d s]\n' "$name" $SECONDS
        grep -vE '^  (CC|AR|LD|LWIP|TLS) ' "$log" | tail -n 100 | sed 's/^/    /'
        echo "    (whole log: $log)"
        echo "$name" >>"$work/failed"
    fi
}

build() {
    local variant=$1 ip=$2
    shift 2
    # shellcheck disable=SC2086 # BUILD is a list of words
    $MAKE -k $BUILD VARIANT="$variant" IP="$ip" "$@"
}
everything='objects library programs examples unit interop'
linked='library programs examples interop' # what knows of IP and TLS versions

m32() {
    build m32 dual objects || return
    # a whole program, to see that headers and libraries fit together
    build m32 dual library
}

# It reads each file in one configuration, ours; without sight of foreign headers it could not tell that they fit.
# An #error makes it give the file up. mbedTLS's check of its configuration has one for it, who does not see <limits.h>:
# that check is left out, and mbedTLS's headers are not hushed, or nobody would notice the next.
cppcheck() {
    local lwip=${LWIP_DIR:-$DEPS/lwip} mbedtls=${MBEDTLS_DIR:-$DEPS/mbedtls} jsmn=${JSMN_DIR:-$DEPS/jsmn}
    "$DEPS/bin/cppcheck" --std=c99 --platform=unix32 --quiet --error-exitcode=1 --inline-suppr \
        --enable=warning,performance,portability --suppress="*:$lwip/*" --suppress="*:$jsmn/*" \
        -DIOT_ASSERTS=1 '-DMBEDTLS_CONFIG_FILE="iot_mbedtls_config.h"' -DMBEDTLS_CHECK_CONFIG_H \
        -Iinclude -Isrc -Iport/lwip "-I$lwip/src/include" -Iport/mbedtls "-I$mbedtls/include" "-I$jsmn" -Iport/unix -Iport \
        src port
}

# Each header by itself, as the first thing that a file includes: it includes what it needs. lwipopts.h too:
# lwIP reads it before anything else, so a macro of <stdint.h> that it only tests would be 0 there and not elsewhere.
# No header of ours needs mbedTLS, and those of crypto, tls and link no lwIP either: the storage of a device is declared
# where neither is known.
headers() {
    local lwip=${LWIP_DIR:-$DEPS/lwip} mbedtls=${MBEDTLS_DIR:-$DEPS/mbedtls} h bad=0
    for h in include/iot/*.h src/*/*.h port/lwip/lwipopts.h port/lwip/arch/cc.h port/mbedtls/*.h \
             port/nor/*.h port/unix/*.h port/template/*.h; do
        [ -e "$h" ] || continue
        local flags=(-Iinclude -Isrc)
        case $h in
            src/tls/iot_tls_mbedtls.h)
                flags+=(-Iport/mbedtls -isystem "$mbedtls/include" '-DMBEDTLS_CONFIG_FILE="iot_mbedtls_config.h"') ;;
            port/mbedtls/*) flags+=(-DMBEDTLS_VERSION_NUMBER=0x03060000) ;;
            port/nor/*) ;;
            port/unix/*) flags+=(-Iport -Iport/lwip -isystem "$lwip/src/include") ;;
            src/net/*|port/*) flags+=(-Iport/lwip -isystem "$lwip/src/include" -Iport/unix) ;;
        esac
        printf '#include "%s"\ntypedef int iot_not_empty;\n' "$PWD/$h" |
            gcc -std=c99 -Wall -Wextra -Wundef -Wconversion -Wshadow -Werror -DIOT_ASSERTS=1 "${flags[@]}" \
                -fsyntax-only -x c - || bad=1
    done
    # An application may be C++; a machine that has a compiler for it looks, all of them in one file.
    if command -v g++ >/dev/null; then
        {
            printf '#include "%s"\n' include/iot/*.h
            echo 'iot_err post(struct iot_thing *t) { return iot_thing_post(t, IOT_PROPERTIES(1), 0, 0, NULL); }'
        } | g++ -std=c++98 -Wall -Wextra -Wundef -Wconversion -Werror -I. -Iinclude -Isrc -fsyntax-only -x c++ - || bad=1
    fi
    return $bad
}

# What is linked has neither heap nor stdio, and nobody asks where a heap would be. Names of others may hold these words,
# as mbedtls_aes_free does, so they are looked for as whole ones.
firmware() {
    local board what bad=0
    for board in an385 an386 an500 an385-sensor an385-report; do
        case $board in *-sensor) what=sensor ;; *-report) what=report ;; *) what='firmware ticks' ;; esac
        # shellcheck disable=SC2086 # a list of words
        build "fw-$board" v4 STRICT=1 $what || return
        "$DEPS/bin/arm-none-eabi-nm" build/firmware-strict/"$board"/firmware_*.elf |
            grep -E ' _*(malloc|calloc|realloc|free|(_?sbrk)|end|[a-z]*printf|puts)(_r)?$' && bad=1
    done
    return $bad
}

# The switches that are on.
switches=$(sed -n 's/^#define IOT_FEATURE_\([A-Z0-9_]*\) \(1\|IOT_[A-Z_]*\)$/\1/p' include/iot/iot_config.h)

hash_of() {
    printf '#include "iot/iot_config.h"\nunsigned hash = IOT_CONFIG_HASH;\n' |
        gcc -std=c99 -Iinclude "$@" -S -o - -x c - | awk '$1 == ".long" { print $2 }'
}

# Settings that contradict each other are refused by name, and each switch tells an application from a library.
settings() {
    local said s plain
    for s in '-DIOT_FEATURE_TLS=0 -DIOT_FEATURE_TLS_13=1' '-DIOT_FEATURE_RECEIVE=0 -DIOT_FEATURE_PARTS=1' \
             '-DIOT_LOG_LEVEL=1 -DIOT_FEATURE_ERR_NAMES=0' -DIOT_JSON_DEPTH_MAX=32; do
        # shellcheck disable=SC2086 # two words
        said=$(printf '#include "iot/iot_config.h"\n' | gcc -std=c99 -Iinclude $s -fsyntax-only -x c - 2>&1) && return 1
        grep -q '#error "IOT_' <<<"$said" || return 1
    done
    plain=$(hash_of)
    [ -n "$plain" ] || return 1
    for s in $switches; do
        [ "$(hash_of -DIOT_FEATURE_"$s"=0)" != "$plain" ] || { echo "IOT_CONFIG_HASH does not know IOT_FEATURE_$s"; return 1; }
    done
}

# What is left out costs nothing.
without_each() {
    local s
    for s in $switches ALL; do build "m3-off-$s" dual library sizes || return; done
}
switches() {
    build m3 dual library sizes && without_each || return
    # shellcheck disable=SC2086 # a list of words
    bash tests/check/switches.sh $switches
}

# On a board the linker has little more than lwIP, mbedTLS and the compiler's helpers.
symbols() {
    local tool=$DEPS/bin/arm-none-eabi helpers lwip=build/lwip/m3-dual/liblwip.a mbedtls=build/mbedtls/m3
    build m3 dual portable mbedtls lwip && build m3-asserts dual portable && build m3 dual TLS13=1 portable mbedtls || return
    helpers=$("$tool-gcc" -mcpu=cortex-m3 -mthumb -print-libgcc-file-name) || return
    export NM=$tool-nm
    bash tests/check/symbols.sh build/m3/obj $lwip "$mbedtls/libmbedtls.a" "$helpers" &&
        bash tests/check/symbols.sh build/m3-asserts/obj $lwip "$mbedtls/libmbedtls.a" "$helpers" &&
        bash tests/check/symbols.sh build/m3-tls13/obj $lwip "$mbedtls-tls13/libmbedtls.a" "$helpers"
}

# README's program, its tables of sizes, and its instructions: counting on the board takes a second.
readme() {
    build m3 dual library sizes mbedtls && build m3-notexts dual library && build m3-thing dual library && build m3-login dual library && build m3-plain dual library &&
        build fw-an385 v4 firmware && without_each || return
    { bash tests/check/size.sh && bash tests/check/size_firmware.sh; } >build/log/sizes.txt || return
    LWIP=${LWIP_DIR:-$DEPS/lwip} MBEDTLS=${MBEDTLS_DIR:-$DEPS/mbedtls} JSMN=${JSMN_DIR:-$DEPS/jsmn} bash tests/bench/bench.sh m3 >build/log/bench.txt || return
    bash tests/check/readme.sh size=build/log/sizes.txt bench=build/log/bench.txt
}

# Counting on the host is `make bench`; here it is enough that they build.
benchmarks() {
    build lib dual mbedtls || return
    $MAKE -s --no-print-directory -f tests/bench/bench.mk LWIP="${LWIP_DIR:-$DEPS/lwip}" MBEDTLS="${MBEDTLS_DIR:-$DEPS/mbedtls}" \
        JSMN="${JSMN_DIR:-$DEPS/jsmn}"
}

shell_scripts() {
    local f files=()
    for f in .ci/run port/deps/*.sh port/thing/*.sh unix_sim/*.sh tests/check/*.sh tests/bench/*.sh; do
        [ -e "$f" ] || continue
        bash -n "$f" || return
        files+=("$f")
    done
    # A machine that has shellcheck uses it; it is not fetched for this.
    if command -v shellcheck >/dev/null; then shellcheck -S warning "${files[@]}"; fi
}

# One lane of those that write nothing that others read, and read nothing that is built, but for the library.
reads() {
    step 'rules of the house'                      includes  bash tests/check/includes.sh
    step 'and each is noticed when broken'         selftest  bash tests/check/selftest.sh
    step 'headers stand alone'                     headers   headers
    step 'wrong settings are refused'              settings  settings
    step 'layout (clang-format)'                   format    bash tests/check/format.sh
    step 'thing models become C, or are refused'   thing     env JQ="$DEPS/bin/jq" bash tests/check/thing.sh
    step 'cppcheck'                                cppcheck  cppcheck
    step 'rules of standards name real tests'      rules     bash tests/check/rules.sh tests/mqtt311.md tests/coap.md
    step 'shell scripts'                           shell     shell_scripts
}
step 'library builds, without assertions'      lib       build lib dual library
reads >"$work/aside" &
aside=$!
# shellcheck disable=SC2086 # lists of words, here and below
{
step 'gcc, all warnings, IPv4 and IPv6'        gcc       build gcc dual $everything
step 'gcc, IPv4 only'                          gcc-v4    build gcc v4 $linked
step 'gcc, IPv6 only'                          gcc-v6    build gcc v6 $linked
step 'gcc, library without assertions'         release   build gcc-release dual portable
step 'the world, in virtual time'              world     build world dual scenario worlds
step 'gcc, TLS 1.3'                            tls13     build gcc dual TLS13=1 $linked
step 'gcc, library without TLS'                notls     build gcc-notls dual portable
step 'gcc, library without the platform'       nolink    build gcc-nolink dual portable
step 'gcc, -std=c99 -pedantic'                 pedantic  build pedantic dual ports
step 'clang'                                   clang     build clang dual $everything
step 'clang, Cortex-M3'                        clang-m3  build clang-m3 dual portable
step 'clang, RISC-V of 32 bit'                 riscv     build clang-riscv dual portable
}
if grep -qs 'has no -m32' "$DEPS/env/m32.mk"; then
    echo "  left out  32 bit: this machine's gcc has no -m32"
else
    step 'gcc, 32 bit'                         m32       m32
fi
step 'Cortex-M3, IPv4 and IPv6'                m3        build m3 dual library portable sizes mbedtls
step 'Cortex-M3, TLS 1.3'                      m3-tls13  build m3 dual TLS13=1 portable mbedtls
step 'Cortex-M3, IPv4 only'                    m3-v4     build m3 v4 portable
step 'Cortex-M3, IPv6 only'                    m3-v6     build m3 v6 portable
step 'firmware, without heap and stdio'         firmware  firmware
step 'what is left out costs nothing'       switches  switches
step 'of libc five functions, no more'         symbols   symbols
step 'benchmarks build'                        bench     benchmarks
if [ -e tests/check/readme.sh ]; then
    step 'README tells the truth'              readme    readme
fi
wait "$aside" || echo 'the steps that only read did not come to their end' >>"$work/failed"
aside=
cat "$work/aside"

if [ -s "$work/failed" ]; then
    printf 'check: %d of %d steps failed:\n' "$(wc -l <"$work/failed")" "$(wc -l <"$work/steps")"
    sed 's/^/  /' "$work/failed"
    exit 1
fi
echo "check: $(wc -l <"$work/steps") steps, all well"
