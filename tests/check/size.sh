#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# size.sh: what `make size` prints. Flash and static memory of each room of src/ on a Cortex-M3 (-Os, without
# assertions, our objects only: no libc, no lwIP; all of each file, before a linker drops what nobody calls), beside the
# budget; then the bytes of one struct iot_device, member by member, and of one on this machine. Judges nothing, exits 0.

set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
tools=${DEPS:-build/deps}/bin/arm-none-eabi
objects=build/m3/obj

# name | build | rooms | budget in bytes of flash | others, measured earlier; error texts (IOT_FEATURE_ERR_TEXTS) off in all
budgets='MQTT client with table, queue, reconnect, session, DNS, TCP glue, no TLS|m3-plain|core net mqtt device|9500|Alibaba 9611, coreMQTT 6894, lwIP 2989
the same that only reports: each IOT_FEATURE_ is 0|m3-off-ALL|core net mqtt device|9500|coreMQTT 6894
+ TLS glue, signed login|m3-login|core net mqtt device crypto tls link|-|
+ JSON, alink, thing model, tags, time, configuration, reset, logs, TSL, notices|m3-thing|core net mqtt device crypto tls link json|22000|Alibaba 39153
+ shadow, raw data, registration, parts of a device|m3-notexts|core net mqtt device crypto tls link json|-|
HTTP parser and client, fetch, image; beside all that|m3-notexts|http ota|6500|llhttp 19545 (parser alone)
updates by the messages of the platform|m3-notexts|link-upgrade|-|
registration, login, bootstrap, data by HTTPS|m3-notexts|link-web|3500|
CoAP client with blocks, observe; UDP and DTLS glue; beside all that|m3-notexts|coap coap-glue|9000|libcoap 37339
+ CoAP server, DTLS for it, CBOR, the channel of the platform|m3-notexts|coap-server link-uplink cbor|5000|'
device_budget=3584

# per_room FOLDER-OF-OBJECTS: "room text data bss" of each source file. Of link what stands on HTTP is counted by itself, of
# net, tls and device what is below CoAP.
per_room() {
    find src -name 'iot_*.c' | sort | while IFS= read -r source; do
        room=${source#src/}
        room=${room%%/*}
        case $source in
            */iot_link_web*) room=link-web ;;
            */iot_coap_serve*|*/iot_coap_secure.c|*/iot_coap_links.c|*/iot_coap_listen.c|*/iot_net_socket.c|*/iot_tls_cookie.c|*/iot_tls_dgram_server.c|*/iot_device_serve.c) room=coap-server ;;
            */iot_link_uplink*|*/iot_crypto_aes.c) room=link-uplink ;;
            */iot_net_udp.c|*/iot_net_datagram.c|*/iot_tls_dgram.c|*/iot_tls_kept.c|*/iot_device_coap.c) room=coap-glue ;;
            */iot_link_upgrade.c|*/iot_link_job.c|*/iot_link_file.c) room=link-upgrade ;;
        esac
        "$tools-size" "$1/${source%.c}.o" | awk -v room="$room" 'NR == 2 { print room, $1, $2, $3 }'
    done
}

echo "Flash and static memory, bytes ($("$tools-gcc" -dumpversion | sed 's/^/gcc /'), Cortex-M3, -Os)"
echo
{ per_room $objects; for v in m3-notexts m3-thing m3-login m3-plain m3-off-ALL; do echo "build $v"; per_room build/$v/obj; done; } | awk -v budgets="$budgets" '
    $1 == "build" { bare = $2; next }
    bare        { less[bare, $1] += $2 + $3; next }
    { if (!($1 in text)) order[++n] = $1; text[$1] += $2; data[$1] += $3; bss[$1] += $4 }
    END {
        printf "  %-12s %8s %8s %8s\n", "room", "text", "data", "bss"
        for (i = 1; i <= n; i++) {
            r = order[i]
            printf "  %-12s %8d %8d %8d\n", r, text[r], data[r], bss[r]
            t += text[r]; d += data[r]; b += bss[r]
        }
        printf "  %-12s %8d %8d %8d\n\n", "all", t, d, b
        m = split(budgets, line, "\n")
        printf "  %-80s %8s %8s  %-14s %s\n", "profile, without error texts", "flash", "budget", "", "other clients, quoted"
        for (i = 1; i <= m; i++) {
            split(line[i], f, "|")
            k = split(f[3], rooms, " "); sum = 0
            for (j = 1; j <= k; j++) sum += less[f[2], rooms[j]]
            if (f[4] == "-") {
                printf "  %-80s %8d\n    (%s)\n", f[1], sum, f[3]
                continue
            }
            verdict = sum > f[4] ? sprintf("over by %d", sum - f[4]) : sprintf("%d left", f[4] - sum)
            printf "  %-80s %8d %8d  %-14s %s\n", f[1], sum, f[4], verdict, f[5]
            printf "    (%s)\n", f[3]
        }
    }'

echo
echo 'Switches of include/iot/iot_config.h: flash of the whole library without one, and what that saves, bytes'
echo
# shellcheck disable=SC2046 # words
bash tests/check/switches.sh --table $(sed -n 's/^#define IOT_FEATURE_\([A-Z0-9_]*\) \(1\|IOT_[A-Z_]*\)$/\1/p' include/iot/iot_config.h)

members=$objects/tests/check/size_members.o
if [ -e "$members" ]; then
    echo
    echo "Memory of one device, bytes"
    echo
    "$tools-nm" -S "$members" >build/m3/members.nm
    sed -n 's/^MEMBER(\([a-z0-9_]*\),.*/\1/p' tests/check/size_members.h | while IFS= read -r name; do
        size=$(awk -v want="size_of_$name" '$4 == want { print $2 }' build/m3/members.nm)
        printf '  %-40s %8d' "${name//__/.}" "0x$size"
        if [ "$name" = device_and_thing ]; then printf ' %8d  budget' "$device_budget"; fi
        echo
    done
fi

# As tests/scenario/test_crowd.c says it, too.
host=build/lib/obj/tests/check/size_members.o
if [ -e "$host" ]; then
    size=$(nm -S "$host" | awk '$4 == "size_of_iot_device" { print $2 }')
    printf '  %-40s %8d\n' 'one device on this machine' "0x$size"
fi
