#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ticks.sh LOG: what test_firmware_ticks counted, as a table; a row per kind of TLS. The test itself fails when a budget is
# missed.

set -euo pipefail
export LC_ALL=C

awk '
    function thousands(n,    s) {
        s = n ""
        while (match(s, /[0-9][0-9][0-9][0-9](,|$)/)) s = substr(s, 1, RSTART) "," substr(s, RSTART + 1)
        return s
    }
    function cell(key) { return thousands(value[kind, key]) }
    $1 == "figure:" && match($2, /^OTA-[0-9]+-/) {
        records = substr($2, 5, RLENGTH - 5)
        whose = substr($2, RLENGTH + 1)
        if (!(records in both)) sizes[++m] = records
        both[records] += $3
        arena[records, whose] = $3
        next
    }
    $1 == "figure:" && match($2, /-(handshake|steady|arena|stack)-[a-z]+$/) {
        kind = substr($2, 1, RSTART - 1)
        key = substr($2, RSTART + 1)
        if (!(kind in seen)) { seen[kind]; order[++n] = kind }
        value[kind, key] = $3
        budget[kind, key] = $5
    }
    END {
        if (n == 0) { print "ticks: nothing was counted" >"/dev/stderr"; exit 1 }
        print "TLS on a Cortex-M3, counted in QEMU: instructions of the dearest iot_poll in a handshake (budget behind it), of the"
        print "whole handshake, how many ticks compute; of the dearest iot_poll while connected (a record of 1,000 bytes); bytes of"
        print "the arena at most (budget) and while connected (records of 4096 and 2048 bytes); bytes of stack, all that is called"
        print "included."
        printf "  %-20s %11s %11s %12s %6s %9s %8s %8s %10s %7s\n", "", "dearest", "budget", "handshake", "ticks", "connected",
            "arena", "budget", "connected", "stack"
        for (i = 1; i <= n; i++) {
            kind = order[i]
            printf "  %-20s %11s %11s %12s %6s %9s %8s %8s %10s %7s\n", kind, cell("handshake-worst"),
                thousands(budget[kind, "handshake-worst"]), cell("handshake-total"), cell("handshake-steps"),
                cell("steady-worst"), cell("arena-peak"), thousands(budget[kind, "arena-peak"]), cell("arena-steady"),
                cell("stack-used")
        }
        if (m > 0) {
            print ""
            print "An update over HTTPS beside MQTT over TLS, both ECDHE-ECDSA: bytes of both arenas at most, by the largest record"
            print "that is taken."
            printf "  %-28s %8s %8s %8s\n", "", "MQTT", "HTTP", "both"
            for (i = 1; i <= m; i++)
                printf "  %-28s %8s %8s %8s\n", "MQTT + OTA, records of " sizes[i], thousands(arena[sizes[i], "MQTT"]),
                    thousands(arena[sizes[i], "HTTP"]), thousands(both[sizes[i]])
        }
    }' "$1"
