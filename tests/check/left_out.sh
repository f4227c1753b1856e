#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# left_out.sh SWITCHES [PROGRAM]: what tests/check/switches.txt leaves out when these are off (A+B, or ALL): whole
# programs, or the tests of one program, in a line with blanks around.

set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
awk -v off="+$1+" -v program="${2:-}" '
    /^#/ || NF == 0 { next }
    NF != 3 { print "switches.txt:" FNR ": not SWITCH PROGRAM TEST" >"/dev/stderr"; exit 2 }
    { # a row for A+B counts when both are off
        n = split($1, wanted, "+"); all = 1
        for (i = 1; i <= n; i++) if (off != "+ALL+" && !index(off, "+" wanted[i] "+")) all = 0
        if (!all) next
    }
    program == "" && $3 == "*" { names = names " " $2 }
    program != "" && $2 == program && $3 != "*" && !($3 in seen) { seen[$3]; names = names " " $3 }
    END { print names != "" ? names " " : "" }' tests/check/switches.txt
