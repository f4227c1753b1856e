#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# bench.sh: count instructions on the hot paths with valgrind's callgrind and print them beside the budget and beside
# lwIP's own client. The counts are the same on each run; they change with the code and the compiler only. A budget
# that is missed is printed as MISS, and people judge it; the script fails if a row could not be measured.
#
#   DEPS   where the third-party parts are        LWIP       an lwIP source tree
#   MAKE   the make to build with                 MBEDTLS    an mbedTLS source tree
#   VALGRIND   the valgrind to count with
#
# A span's profile is kept: callgrind_annotate build/bench/VARIANT/profile.N, with N from build/bench/VARIANT/counts.

set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
: "${DEPS:=build/deps}" "${MAKE:=make}"
: "${LWIP:=$DEPS/lwip}" "${MBEDTLS:=$DEPS/mbedtls}"
if [ -z "${VALGRIND:-}" ]; then
    VALGRIND=$DEPS/bin/valgrind
    [ -x "$VALGRIND" ] || VALGRIND=$(command -v valgrind) || VALGRIND=
fi
out=build/bench
variants='default ring2k subs100 packets20 lwip'

die() { echo "bench: $*" >&2; exit 1; }

[ "$(uname -m)" = x86_64 ] || die "the budgets are in instructions of x86-64; this machine is $(uname -m)"
[ -x "$VALGRIND" ] || die "no valgrind: \`make deps-bench\` gets it, or set VALGRIND to its path"
[ -e "$LWIP/src/apps/mqtt/mqtt.c" ] || die "no lwIP source tree at '$LWIP': \`make deps-bench\` gets it, or set LWIP"

# One at a time: two runs would share the builds and the profiles.
mkdir -p "$out"
exec 8>"$out/.lock"
flock 8

"$MAKE" -s --no-print-directory -f tests/bench/bench.mk LWIP="$LWIP" MBEDTLS="$MBEDTLS" 8>&-

# ---- count: one profile for each name that the program prints, in the same order

for v in $variants; do
    dir=$out/$v
    rm -f "$dir"/profile* "$dir/counts"
    "$VALGRIND" --tool=callgrind --callgrind-out-file="$dir/profile" --zero-before=mark_begin --dump-before=mark_end \
        "$dir/bench" >"$dir/names" 2>"$dir/log" 8>&- || { cat "$dir/log" >&2; die "$dir/bench failed"; }
    n=0
    while IFS= read -r name; do
        n=$((n + 1))
        total=$(sed -n 's/^totals: //p' "$dir/profile.$n" 2>/dev/null) || :
        [ -n "$total" ] || die "no count for $v/$name ($dir/profile.$n)"
        echo "$v/$name $total $n" >>"$dir/counts"
    done <"$dir/names"
    [ ! -e "$dir/profile.$((n + 1))" ] || die "more counts than names in $dir/names"
done

# ---- the table

cat "$out"/*/counts | awk -v compiler="$(gcc -dumpfullversion)" '
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
    function thousands(n,    s) {
        if (n !~ /^[0-9]+$/) return n
        s = sprintf("%d", n)
        return length(s) > 3 ? substr(s, 1, length(s) - 3) "," substr(s, length(s) - 2) : s
    }
    function head(text) { print ""; print text }
    function row(text, ours, budget, theirs, whole,    over) {
        over = budget != "" && ours + 0 > budget + 0
        printf "  %-52s %8s %8s %-7s %9s %11s\n", text, thousands(ours), thousands(budget),
            lost ? "NO DATA" : budget == "" ? "" : over ? "MISS" : "ok", thousands(theirs), thousands(whole)
        rows++
        missed += over
        lost = 0
    }
    function publish(text, variant, key, budget, theirs) {
        row(text, span(variant "/publish/" key), budget, theirs, span(variant "/publish/" key "/tick"))
    }
    END {
        print "Instructions (x86-64, gcc " compiler " -O2, no assertions; memcpy and its like a word at a time)."
        printf "  %-52s %8s %8s %-7s %9s %11s\n", "", "lwlink", "budget", "", "lwIP app", "whole tick"

        head("Publish, QoS 0, topic of 25 bytes: iot_mqtt_publish and the iot_poll behind it, until the stub stream " \
             "has been\noffered the last byte. Whole tick: until that iot_poll returns, IOT_EV_DONE included. " \
             "lwIP: mqtt_publish until\ntcp_write; it always copies and never checks the topic.")
        publish("by reference, 64 B, prepared topic", "default", "reference/prepared/64", 400, "-")
        publish("by reference, 1 KiB, prepared topic", "default", "reference/prepared/1024", 400, "-")
        publish("by reference, 64 B, raw topic", "default", "reference/raw/64", 600, "-")
        publish("by reference, 1 KiB, raw topic", "default", "reference/raw/1024", 600, "-")
        publish("by copy, 64 B, prepared topic (rings of 2 KiB)", "ring2k", "copy/prepared/64", "", "-")
        publish("by copy, 1 KiB, prepared topic (rings of 2 KiB)", "ring2k", "copy/prepared/1024", "", "-")
        publish("by copy, 64 B, raw topic (rings of 2 KiB)", "ring2k", "copy/raw/64", "", span("lwip/publish/64"))
        publish("by copy, 1 KiB, raw topic (rings of 2 KiB)", "ring2k", "copy/raw/1024", "", span("lwip/publish/1024"))

        head("Receive one PUBLISH, QoS 0, 64 B, one matching subscription: the iot_poll that reads it and calls the " \
             "handler,\nless an iot_poll that is woken for nothing. Of all names in the table the dearest. Whole " \
             "tick: nothing taken off.\nlwIP: its recv callback, real pbufs; it has no table, its one callback gets " \
             "every message unmatched, its name\nand its UTF-8 unchecked.")
        n = split("1 10 100", subs, " ")
        limit["1"] = 900; limit["10"] = 1100; limit["100"] = 1300
        for (i = 1; i <= n; i++) {
            s = subs[i]
            v = s == "100" ? "subs100" : "default"
            raw = dearest(v "/dispatch/" s)
            least[s] = cheapest(v "/dispatch/" s) - span(v "/nothing/" s)
            most[s] = raw - span(v "/nothing/" s)
            row(s (s == "1" ? " subscription" : " subscriptions" (s == "100" ? " (IOT_MQTT_SUBS_MAX 100)" : "")),
                most[s], limit[s], s == "1" ? span("lwip/receive/1") : "-", raw)
        }
        row("each subscription more, from 10 to 100", sprintf("%.1f", (most["100"] - most["10"]) / 90), 5, "-", "")
        for (i = 2; i <= n; i++)
            row(subs[i] " subscriptions, cheapest name", least[subs[i]], "", "-", "")

        head("20 such packets in one read of 1,860 B, 10 subscriptions, per packet. Budget: what one by itself costs " \
             "(the\nsame name). Whole tick: all ticks it takes. The window is 1 KiB, so that the bytes come in two " \
             "goes.")
        one = span("packets20/dispatch/10/0") - span("packets20/nothing/10")
        t = last_number("packets20/burst/10")
        all = span("packets20/burst/10/" t)
        row("in " t (t == 1 ? " tick" : " ticks") " (IOT_POLL_PACKETS 20)",
            sprintf("%.0f", (all - span("packets20/nothing/10")) / 20), one,
            sprintf("%.0f", span("lwip/receive/20") / 20), all)
        t = last_number("default/burst/10")
        all = span("default/burst/10/" t)
        row("in " t " ticks (IOT_POLL_PACKETS 8, the default)",
            sprintf("%.0f", (all - span("default/nothing/10")) / 20), one, "-", all)

        head("iot_poll with nothing to do.")
        row("idle, 1 subscription", span("default/idle/1"), 100, "-", span("default/idle/1"))
        row("idle, 100 subscriptions (IOT_MQTT_SUBS_MAX 100)", span("subs100/idle/100"), 100, "-",
            span("subs100/idle/100"))
        row("woken, nothing received, 1 subscription", span("default/nothing/1"), "", "-", span("default/nothing/1"))
        row("woken, nothing received, 100 subscriptions", span("subs100/nothing/100"), "", "-",
            span("subs100/nothing/100"))

        print ""
        printf "bench: %d rows, %d over budget\n", rows, missed
        if (failed) exit 1
    }'
