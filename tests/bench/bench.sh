#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# bench.sh: count instructions on the hot paths and print them beside the budget and beside lwIP's own client, which is
# measured in the same program. The counts change with the code and the compiler only. A budget that is missed is
# printed as MISS, and people judge it; the script fails if a row could not be measured.
#
#   bench.sh [m3] [host]    what to count on, in this order; both if nothing is said. Each table is also in
#                           build/bench/TARGET/table.
#
# m3: firmware for the Cortex-M3, built as products are (-Os); the budgets are meant for it. QEMU lets the same time
# pass with each instruction, and a counter of the board is read where a span begins and ends. Each program runs twice,
# and must say the same: 1 % is allowed. tests/bench/profile.sh shows where a span's instructions go.
#
# host: callgrind counts. A span's profile is kept: callgrind_annotate build/bench/host/VARIANT/profile.N, with N from
# build/bench/host/VARIANT/counts.
#
#   DEPS   where the third-party parts are        LWIP       an lwIP source tree
#   MAKE   the make to build with                 MBEDTLS    an mbedTLS source tree
#   QEMU   what to count with on the board        VALGRIND   and on the host
#   JSMN   where jsmn.h is

set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
: "${DEPS:=build/deps}" "${MAKE:=make}"
: "${LWIP:=$DEPS/lwip}" "${MBEDTLS:=$DEPS/mbedtls}" "${JSMN:=$DEPS/jsmn}"
variants='default ring2k subs100 packets20'
[ $# -gt 0 ] || set -- m3 host

die() { echo "bench: $*" >&2; exit 1; }

# tool NAME CHOICE: the caller's choice, the one in DEPS, or the system's.
tool() {
    if [ -n "$2" ]; then echo "$2"
    elif [ -x "$DEPS/bin/$1" ]; then echo "$DEPS/bin/$1"
    else command -v "$1" || die "no $1: \`make bench\` gets it"
    fi
}

[ -e "$LWIP/src/apps/mqtt/mqtt.c" ] || die "no lwIP source tree at '$LWIP': \`make deps-bench\` gets it, or set LWIP"

# One at a time: two runs would share the builds and the profiles.
mkdir -p build/bench
exec 8>build/bench/.lock
flock 8

# ---- count: "VARIANT/NAME instructions ..." for each span, in build/bench/TARGET/VARIANT/counts

# 2^10 ns for each instruction: 25.6 cycles of the board's 25 MHz, so that each instruction is seen.
icount_shift=10

run_board() { # ELF TO
    timeout 60 "$qemu" -M mps2-an385 -display none -monitor none -serial stdio -no-reboot -nic none \
        -semihosting-config enable=on,target=native -icount shift=$icount_shift -kernel "$1" \
        </dev/null >"$2" 2>"$2.log" 8>&- || { cat "$2.log" "$2" >&2; die "$1 failed"; }
}

count_m3() {
    local qemu v dir run
    qemu=$(tool qemu-system-arm "${QEMU:-}")
    for v in $variants; do
        dir=build/bench/m3/$v
        for run in 1 2; do
            run_board "$dir/bench" "$dir/said.$run"
            awk -v variant="$v" -v ns=$((1 << icount_shift)) '
                NF != 2 || $2 !~ /^[0-9]+$/ { print "bench: the board said: " $0 >"/dev/stderr"; exit 1 }
                {
                    real = $2 * 40 / ns
                    whole = int(real + 0.5)
                    if (real - whole > 0.1 || whole - real > 0.1) {
                        printf "bench: %s: %s ticks are no whole number of instructions\n", $1, $2 >"/dev/stderr"
                        exit 1
                    }
                    print variant "/" $1, whole
                }' "$dir/said.$run" >"$dir/counts.$run"
        done
        paste -d ' ' "$dir/counts.1" "$dir/counts.2" | awk '
            $1 != $3 || $2 - $4 > $2 / 100 || $4 - $2 > $2 / 100 {
                printf "bench: two runs differ: %s\n", $0 >"/dev/stderr"
                bad = 1
            }
            END { exit bad }'
        mv "$dir/counts.1" "$dir/counts"
    done
}

# One profile for each name that the program prints, in the same order.
count_host() {
    local valgrind v dir n name total
    valgrind=$(tool valgrind "${VALGRIND:-}")
    for v in $variants; do
        dir=build/bench/host/$v
        rm -f "$dir"/profile* "$dir/counts"
        "$valgrind" --tool=callgrind --callgrind-out-file="$dir/profile" --zero-before=mark_begin \
            --dump-before=mark_end "$dir/bench" >"$dir/names" 2>"$dir/log" 8>&- ||
            { cat "$dir/log" >&2; die "$dir/bench failed"; }
        n=0
        while IFS= read -r name; do
            n=$((n + 1))
            total=$(sed -n 's/^totals: //p' "$dir/profile.$n" 2>/dev/null) || :
            [ -n "$total" ] || die "no count for $v/$name ($dir/profile.$n)"
            echo "$v/$name $total $n" >>"$dir/counts"
        done <"$dir/names"
        [ ! -e "$dir/profile.$((n + 1))" ] || die "more counts than names in $dir/names"
    done
}

# ---- the table

table() {
    cat build/bench/"$1"/*/counts | awk -v target="$1" -v compiler="$2" '
    { count[$1] = $2 }

    # A span without what its two marks cost.
    function span(key,    marks) {
        marks = key
        sub(/\/.*/, "/marks", marks)
        if (!(key in count) || !(marks in count)) {
            printf "bench: not measured: %s\n", key >"/dev/stderr"
            failed = lost = 1
            return 0
        }
        return count[key] - count[marks]
    }
    # The dearest name of all that a table was asked for; its number is left in `which`.
    function dearest(prefix,    key, most) {
        which = most = ""
        for (key in count)
            if (index(key, prefix "/") == 1 && (most == "" || span(key) > most)) {
                most = span(key)
                which = key
            }
        return which == "" ? span(prefix "/...") : most
    }
    function cheapest(prefix,    key, least) {
        least = ""
        for (key in count)
            if (index(key, prefix "/") == 1 && (least == "" || span(key) < least)) least = span(key)
        return least
    }
    # The number in the last part of the one key with this prefix.
    function last_number(prefix,    key) {
        for (key in count)
            if (index(key, prefix "/") == 1) return substr(key, length(prefix) + 2)
    }
    function lwip(key) { return span("default/lwip/" key) }
    function thousands(n,    s) {
        if (n !~ /^[0-9]+$/) return n
        s = sprintf("%d", n)
        return length(s) > 3 ? substr(s, 1, length(s) - 3) "," substr(s, length(s) - 2) : s
    }
    function head(text) { print ""; print text }
    function line(text, ours, budget, verdict, theirs, whole, quoted) {
        printf "  %-52s %8s %8s %-7s %9s %11s", text, ours, budget, verdict, theirs, whole
        if (target == "m3") printf " %8s", quoted
        print ""
    }
    # "-" where there is nothing: readme.sh counts words.
    function row(text, ours, budget, theirs, whole, quoted,    over) {
        over = budget != "-" && ours + 0 > budget + 0
        line(text, thousands(ours), thousands(budget), lost ? "NO-DATA" : budget == "-" ? "-" : over ? "MISS" : "ok",
            thousands(theirs), thousands(whole), quoted == "" ? "-" : thousands(quoted))
        rows++
        missed += over
        lost = 0
    }
    function publish(text, variant, key, budget, theirs, quoted) {
        row(text, span(variant "/publish/" key), budget, theirs, span(variant "/publish/" key "/tick"), quoted)
    }
    # Per KiB, and by how many per cent that is above the floor.
    function update(text, key,    each) {
        each = span("default/ota/" key "/" n) / n
        row(text, sprintf("%.0f", each), "-", "-", "-")
        row(text ", % above the floor", sprintf("%.1f", (each - least_of_all) * 100 / least_of_all), 15, "-", "-")
    }
    END {
        if (target == "m3") {
            print "Instructions on a Cortex-M3 (" compiler " -Os, no assertions), counted in QEMU; lwIP app: " \
                  "in the same image.\nQuoted: the best other client, counted earlier, not in this run (publish: " \
                  "coreMQTT, which checks nothing and queues nothing)."
        } else {
            print "Instructions on x86-64 (" compiler " -O2, no assertions; memcpy and its like a word at a time); " \
                  "the budgets\nare those of the Cortex-M3."
        }
        line("", "lwlink", "budget", "", "lwIP app", "whole tick", "quoted")

        head("Publish, QoS 0, topic of 25 bytes: iot_mqtt_publish and the iot_poll behind it, until the stub stream " \
             "has been\noffered the last byte. Whole tick: until that iot_poll returns, IOT_EV_DONE included. " \
             "lwIP: mqtt_publish until\ntcp_write; it always copies and never checks the topic.")
        publish("by reference, 64 B, prepared topic", "default", "reference/prepared/64", 400, "-", 275)
        publish("by reference, 1 KiB, prepared topic", "default", "reference/prepared/1024", 400, "-", 275)
        publish("by reference, 64 B, raw topic", "default", "reference/raw/64", 600, "-")
        publish("by reference, 1 KiB, raw topic", "default", "reference/raw/1024", 600, "-")
        publish("by copy, 64 B, prepared topic (rings of 2 KiB)", "ring2k", "copy/prepared/64", "-", "-")
        publish("by copy, 1 KiB, prepared topic (rings of 2 KiB)", "ring2k", "copy/prepared/1024", "-", "-")
        publish("by copy, 64 B, raw topic (rings of 2 KiB)", "ring2k", "copy/raw/64", "-", lwip("publish/64"))
        publish("by copy, 1 KiB, raw topic (rings of 2 KiB)", "ring2k", "copy/raw/1024", "-", lwip("publish/1024"))

        head("Receive one PUBLISH, QoS 0, 64 B, one matching subscription: the iot_poll that reads it and calls the " \
             "handler,\nless an iot_poll that is woken for nothing. Of all names in the table the dearest. Whole " \
             "tick: nothing taken off.\nlwIP: its recv callback, real pbufs; it has no table, its one callback gets " \
             "every message unmatched, its name\nand its UTF-8 unchecked.")
        n = split("1 10 100", subs, " ")
        limit["1"] = 900; limit["10"] = 1100; limit["100"] = 1300
        other["10"] = 8121; other["100"] = 79468
        for (i = 1; i <= n; i++) {
            s = subs[i]
            v = s == "100" ? "subs100" : "default"
            raw = dearest(v "/dispatch/" s)
            least[s] = cheapest(v "/dispatch/" s) - span(v "/nothing/" s)
            most[s] = raw - span(v "/nothing/" s)
            row(s (s == "1" ? " subscription" : " subscriptions" (s == "100" ? " (IOT_MQTT_SUBS_MAX 100)" : "")),
                most[s], limit[s], s == "1" ? lwip("receive/1") : "-", raw, other[s])
        }
        row("each subscription more, from 10 to 100", sprintf("%.1f", (most["100"] - most["10"]) / 90), 5, "-", "-")
        for (i = 2; i <= n; i++)
            row(subs[i] " subscriptions, cheapest name", least[subs[i]], "-", "-", "-")

        head("20 such packets in one read of 1,860 B, 10 subscriptions, per packet. Budget: what one by itself costs " \
             "(the\nsame name). Whole tick: all ticks it takes. The window is 1 KiB, so that the bytes come in two " \
             "goes.")
        one = span("packets20/dispatch/10/0") - span("packets20/nothing/10")
        t = last_number("packets20/burst/10")
        all = span("packets20/burst/10/" t)
        row("in " t (t == 1 ? " tick" : " ticks") " (IOT_POLL_PACKETS 20)",
            sprintf("%.0f", (all - span("packets20/nothing/10")) / 20), one,
            sprintf("%.0f", lwip("receive/20") / 20), all)
        t = last_number("default/burst/10")
        all = span("default/burst/10/" t)
        row("in " t " ticks (IOT_POLL_PACKETS 8, the default)",
            sprintf("%.0f", (all - span("default/nothing/10")) / 20), one, "-", all)

        head("iot_poll with nothing to do.")
        row("idle, 1 subscription", span("default/idle/1"), 100, "-", span("default/idle/1"))
        row("idle, 100 subscriptions (IOT_MQTT_SUBS_MAX 100)", span("subs100/idle/100"), 100, "-",
            span("subs100/idle/100"))
        row("woken, nothing received, 1 subscription", span("default/nothing/1"), "-", "-", span("default/nothing/1"))
        row("woken, nothing received, 100 subscriptions", span("subs100/nothing/100"), "-", "-",
            span("subs100/nothing/100"))

        head("The platform: client id, user name and password (HMAC-SHA256), once for each attempt to connect.")
        row("login", span("default/sign/login"), "-", "-", "-")

        head("JSON, a property set of 143 bytes with 5 members: iot_json_check, iot_json_get of `params`, a walk through " \
             "it, each\nvalue with its type. Per byte. Quoted: jsmn by itself, which takes much that is no JSON.")
        n = last_number("default/json/set")
        row("check, walk, 5 values", sprintf("%.1f", span("default/json/set/" n) / n), 50, "-",
            span("default/json/set/" n))
        row("check alone", sprintf("%.1f", span("default/json/check/" n) / n), "-", "-", span("default/json/check/" n), 34.7)
        n = last_number("default/json/halfway")
        row("a number halfway between two doubles, " n " bytes", sprintf("%.1f", span("default/json/halfway/" n) / n), 166,
            "-", span("default/json/halfway/" n))
        n = last_number("default/json/small")
        row("three numbers halfway but for a digit, " n " bytes", sprintf("%.1f", span("default/json/small/" n) / n), "-",
            "-", span("default/json/small/" n))

        head("A thing of 5 properties, over a line that takes everything: the same set, from the message to the end of its " \
             "answer\n(checked whole, then stored), and a post of all five.")
        n = last_number("default/thing/set")
        row("set, " n " bytes, answer included", span("default/thing/set/" n), "-", "-", "-")
        n = last_number("default/thing/post")
        row("post, " n " bytes", span("default/thing/post/" n), "-", "-", "-")

        head("HTTP, a 206 of nginx with 9 lines: its head, per byte; and chunks of 256 bytes, each. Quoted: the best other parser.")
        n = last_number("default/http/head")
        row("head, " n " bytes", sprintf("%.1f", span("default/http/head/" n) / n), 18, "-", span("default/http/head/" n), 18)
        n = last_number("default/http/chunks")
        row("a chunk of 256 bytes", sprintf("%.0f", span("default/http/chunks/" n) / n), 200, "-",
            span("default/http/chunks/" n), 210)

        head("CoAP, a POST of 64 bytes with a token, 2 segments, a format, 36 bytes of payload: written from its parts; read, all " \
             "of it\nchecked; its options looked at, one by one. The budgets are for x86. Quoted: the best other codec, there.")
        row("encode", span("default/coap/encode/64"), target == "m3" ? "-" : 800, "-", "-", 2149)
        row("encode, with a query of 6 bytes", span("default/coap/query/71"), "-", "-", "-")
        row("decode", span("default/coap/decode/64"), target == "m3" ? "-" : 400, "-", "-", 222)
        row("its 3 options", span("default/coap/options/64"), "-", "-", "-")

        n = last_number("default/ota/floor")
        least_of_all = span("default/ota/floor/" n) / n
        head("An update of " n " KiB, per KiB: from iot_ota_start until the slot has the last byte, the stream a stub that " \
             "decrypts as\nTLS does (AES-128-GCM, records of 4 KiB). The floor: the records decrypted, one SHA-256, one copy " \
             "into the slot. The\nsecond digest, of what the slot gives back, comes behind it and is no part of that budget.")
        row("decrypt, digest, copy: the floor", sprintf("%.0f", least_of_all), "-", "-", "-")
        update("fetched in one response", "fetch/" n * 1024)
        update("fetched in ranges of 3.5 KiB", "fetch/3584")
        row("second digest, and the end of the update", sprintf("%.0f", span("default/ota/check/" n * 1024 "/" n) / n), "-", "-",
            "-")

        print ""
        printf "bench: %d rows, %d over budget\n", rows, missed
        if (failed) exit 1
    }'
}

for target in "$@"; do
    case $target in
        m3)
            compiler=$("$DEPS/bin/arm-none-eabi-gcc" -dumpfullversion) ||
                die "no arm-none-eabi-gcc: \`make bench\` gets it" ;;
        host)
            if [ "$(uname -m)" != x86_64 ]; then
                echo "bench: left out: this host is $(uname -m), and the table is one of x86-64"
                continue
            fi
            compiler=$(gcc -dumpfullversion) ;;
        *)
            die "unknown target '$target'; there are: m3 host" ;;
    esac
    "$MAKE" -s --no-print-directory -f tests/bench/bench.mk TARGET="$target" DEPS="$DEPS" LWIP="$LWIP" \
        MBEDTLS="$MBEDTLS" JSMN="$JSMN" 8>&-
    "count_$target"
    table "$target" "gcc $compiler" >"build/bench/$target/table" || { cat "build/bench/$target/table"; exit 1; }
    [ "$target" = "$1" ] || echo
    cat "build/bench/$target/table"
done
