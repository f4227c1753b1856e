#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# size_firmware.sh: whose the bytes of the linked product are: flash and memory of
# build/firmware/an385/firmware_superloop.elf, after the linker has dropped what nobody calls, libc and its like
# included. Read from the linker's map. Fails if it does not understand that: an owner it does not know, or rows that do
# not sum up to the image.
#
#   DEPS   where the compiler is

set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
tools=${DEPS:-build/deps}/bin/arm-none-eabi
folder=build/firmware/an385
image=$folder/firmware_superloop

# Each of these prints lines of "what name bytes ...".

# Files of the library are unique by name, rooms are folders.
rooms() { find src -name 'iot_*.c' | sed 's,^src/\([a-z0-9]*\)/\(.*\)\.c$,room \2.o \1,'; }

sections() { "$tools-size" -A "$image.elf" | awk '$1 ~ /^\./ && NF == 3 { print "section", $1, $2 }'; }

# The variables that deserve a row of their own, and what the linker script makes of the stack.
symbols() {
    "$tools-nm" -S "$image.elf" | while read -r value size _ name; do
        case $name in
            arena|product|web_arena|web|ota|platform) echo "size $name $((0x$size))" ;;
        esac
    done
    "$tools-nm" "$image.elf" | while read -r value _ name; do
        case $name in
            _guard_begin|_stack_begin|_stack_end|_fault_stack_end) echo "at $name $((0x$value))" ;;
        esac
    done
}

# "piece OUTPUT-SECTION BYTES FILE" of what went into flash and memory. A section whose name is long has a line of its
# own for it. Gaps (*fill*) come from nobody.
pieces() {
    awk '
        /^Linker script and memory map/ { on = 1 }
        !on { next }
        /^\.[a-zA-Z]/ { output = $1 }
        output !~ /^\.(text|ARM\.exidx|noinit|data|bss)$/ { next }
        { sub(/^ [.A-Z][^ ]*/, ""); sub(/^ +/, "") }
        match($0, /^0x[0-9a-f]+ +0x[0-9a-f]+ +[^ ]/) { print output, $2, substr($0, RLENGTH) }
        ' "$image.map" | while read -r output bytes from; do echo "piece $output $((bytes)) $from"; done
}

echo "The product (examples/firmware_superloop) as linked for a Cortex-M3, bytes ($("$tools-gcc" -dumpversion |
    sed 's/^/gcc /'), -Os)"
echo
{ rooms; sections; symbols; pieces; } | awk -v folder=$folder/obj/ '
    function owner(from,    member) {
        member = from
        if (sub(/^.*\/liblwlink\.a\(/, "", member)) { sub(/\)$/, "", member); return "src/" room[member] }
        if (from ~ /\/liblwip\.a\(/) return "lwIP"
        if (from ~ /\/libmbedtls\.a\(/) return "mbedTLS"
        if (from ~ /\/lib(c|gcc)\.a\(/) return "libc"
        if (index(from, folder "port/") == 1) return "port"
        if (index(from, folder "examples/") == 1) return "application"
        if (!(from in asked)) print "size_firmware: whose is " from "?" >"/dev/stderr"
        asked[from] = bad = 1
        return ""
    }
    # "-" where there is nothing: readme.sh counts words.
    function row(text, flash, ram) { printf "  %-52s %8s %8s\n", "product" text, flash, ram }
    function both(text, who) { row(text, flash[who] + 0, ram[who] + 0) }

    $1 == "room"    { room[$2] = $3 }
    $1 == "section" { section[$2] = $3 }
    $1 == "size"    { size[$2] = $3 }
    $1 == "at"      { at[$2] = $3 }
    $1 == "piece" {
        from = $0 # its name may hold blanks
        sub(/^piece [^ ]+ [^ ]+ /, "", from)
        who = owner(from)
        in_flash = $2 ~ /^\.(text|ARM\.exidx|data)$/ ? $3 : 0
        in_ram = $2 ~ /^\.(noinit|data|bss)$/ ? $3 : 0
        flash[who] += in_flash; flash_left -= in_flash
        ram[who] += in_ram; ram_left -= in_ram
        if (who ~ /^src\//) { flash["lwlink"] += in_flash; ram["lwlink"] += in_ram }
    }
    END {
        all_flash = section[".text"] + section[".ARM.exidx"] + section[".data"]
        all_ram = section[".stack"] + section[".noinit"] + section[".data"] + section[".bss"]
        flash_left += all_flash
        ram_left += all_ram - section[".stack"]
        stack = at["_stack_end"] - at["_stack_begin"]
        # They lie in a file of the application.
        parts = size["web"] + size["ota"] + size["platform"]
        ram["application"] -= size["product"] + size["arena"] + parts + size["web_arena"]
        ram["lwlink"] += size["product"] + parts

        printf "  %-52s %8s %8s\n", "", "flash", "RAM"
        row("", all_flash, all_ram)
        both(": lwlink", "lwlink")
        n = split("core crypto json net tls mqtt coap http ota link device compat", rooms, " ")
        for (i = 1; i <= n; i++)
            if (("src/" rooms[i]) in flash) {
                both(": lwlink, src/" rooms[i], "src/" rooms[i])
                in_rooms += flash["src/" rooms[i]]
            }
        row(": lwlink, struct iot_device", "-", size["product"])
        row(": lwlink, iot_http, iot_ota and iot_upgrade", "-", parts)
        row(": TLS arena", "-", size["arena"])
        row(": TLS arena of HTTP", "-", size["web_arena"])
        both(": mbedTLS", "mbedTLS")
        both(": lwIP", "lwIP")
        both(": port (board, kv, hooks of lwIP)", "port")
        both(": application", "application")
        both(": libc, libgcc", "libc")
        row(": stack", "-", stack)
        row(": guard of the stack, stack for fault reports", "-", section[".stack"] - stack)
        # Below 0: of equal texts, which the linker merges, the map counts some twice.
        row(": alignment, merged texts", flash_left, ram_left)

        if (in_rooms != flash["lwlink"] || !size["product"] || !size["arena"] || !size["web"] || !size["ota"] ||
            !size["platform"] || !size["web_arena"] || stack <= 0 ||
            flash_left < -all_flash / 1000 || flash_left > all_flash / 100 || ram_left < 0 || ram_left > all_ram / 100) {
            print "size_firmware: the rows do not sum up to the image" >"/dev/stderr"
            bad = 1
        }
        exit bad
    }'
