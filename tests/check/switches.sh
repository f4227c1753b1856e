#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# switches.sh [--table] SWITCH...: what each IOT_FEATURE_ of iot_config.h costs, from builds for the Cortex-M3 that are
# there: build/m3 with all of them, build/m3-off-SWITCH without one, build/m3-off-ALL without any.
#
# Without --table it judges: what is off costs nothing. The files that a switch is for (whose first #if asks for it, and
# whose last line ends that) have no byte then, flash is less, and a device no larger; iot_config.h says of each what
# it saves, within a tenth or 32 bytes.

set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
tools=${DEPS:-build/deps}/bin/arm-none-eabi
table=
if [ "${1:-}" = --table ]; then
    table=1
    shift
fi
bad=0
complain() {
    echo "switches: $*"
    bad=1
}

# flash VARIANT: of the library; ram VARIANT: of one device
flash() { find "build/$1/obj/src" -name '*.o' -exec "$tools-size" {} + | awk 'NR > 1 { n += $1 + $2 } END { print n }'; }
ram() { echo $((0x$("$tools-nm" -S "build/$1/obj/tests/check/size_members.o" | awk '$4 == "size_of_iot_device" { print $2 }'))); }

# files SWITCH: those that are nothing without it
files() {
    local f
    for f in src/*/*.c; do
        awk -v want="IOT_FEATURE_$1" '
            /^#if/ && first == "" { first = $0 }
            NF { last = $0 }
            END { exit !(last == "#endif" && first !~ /\|\|/ && (" " first " ") ~ "[ (]" want "[ )]") }' "$f" && echo "$f"
    done
}

# saves SWITCH: what iot_config.h says, "FLASH RAM"
saves() {
    awk -v name="IOT_FEATURE_$1" '
        /^\/\*\*/ { text = "" }
        { text = text " " $0 }
        $1 == "#ifndef" && $2 == name {
            gsub(/[ *]+/, " ", text); gsub(/,/, "", text)
            if (match(text, /Saves [0-9]+/)) { flash = substr(text, RSTART + 6, RLENGTH - 6) }
            if (match(text, /Saves [0-9]+ bytes( of flash)? and [0-9]+/)) { ram = substr(text, RSTART, RLENGTH); sub(/.* /, "", ram) }
            print flash + 0, ram + 0
        }' include/iot/iot_config.h
}

all=$(flash m3) device=$(ram m3)
[ -z "$table" ] || printf '  %-40s %8s %8s %8s\n' 'switch' 'flash' 'saved' 'RAM saved' 'all on' "$all" '' ''
for s in "$@" ALL; do
    left=$(flash "m3-off-$s") small=$(ram "m3-off-$s")
    if [ -n "$table" ]; then
        name="IOT_FEATURE_$s 0"
        [ "$s" != ALL ] || name='all of them 0'
        printf '  %-40s %8d %8d %8d\n' "$name" "$left" $((all - left)) $((device - small))
        continue
    fi
    [ "$left" -lt "$all" ] || complain "$s: flash is not less without it: $left, $all with it"
    [ "$small" -le "$device" ] || complain "$s: a device is larger without it"
    [ "$s" != ALL ] || continue
    n=0
    for f in $(files "$s"); do
        n=$((n + 1))
        bytes=$("$tools-size" "build/m3-off-$s/obj/${f%.c}.o" | awk 'NR == 2 { print $1 + $2 + $3 }')
        [ "$bytes" = 0 ] || complain "$f has $bytes bytes without IOT_FEATURE_$s"
    done
    case $n:$s in 0:ERR_TEXTS | 0:TLS_PLATFORM) ;; # rows of tables; the latter is mbedTLS's, mostly
        0:*) complain "no file is nothing without IOT_FEATURE_$s" ;;
    esac
    read -r said_flash said_ram < <(saves "$s")
    [ "$said_flash" != 0 ] || continue # says nothing
    off=$((all - left - said_flash)) slack=$(((all - left) / 10 > 32 ? (all - left) / 10 : 32))
    [ ${off#-} -le $slack ] || complain "iot_config.h says that without $s $said_flash bytes of flash are saved; it is $((all - left))"
    [ "$said_ram" = $((device - small)) ] || [ "$s" = BY_REF ] || # which says it per message
        complain "iot_config.h says that without $s $said_ram bytes of RAM are saved; it is $((device - small))"
done
exit $bad
