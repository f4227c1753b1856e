#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# profile.sh: where the instructions of one span go on the Cortex-M3, function by function. `make bench` comes first: it
# builds the programs and measures the spans.
#
#   profile.sh VARIANT/NAME     as in build/bench/m3/VARIANT/counts: default/dispatch/10/0
#
# QEMU writes down each instruction that it executes. A function's own instructions are counted, those of the marks
# included.
#
#   DEPS   where the third-party parts are        QEMU   the emulator

set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
qemu=${QEMU:-${DEPS:-build/deps}/bin/qemu-system-arm}
[ -x "$qemu" ] || qemu=$(command -v qemu-system-arm)

span=${1-}
dir=build/bench/m3/${span%%/*}
number=$(awk -v name="$span" '$1 == name { print NR }' "$dir/counts" 2>/dev/null) || number=
[ -n "$number" ] || { echo "profile: which span? \`make bench\` writes them into build/bench/m3/*/counts" >&2; exit 2; }

# One instruction at a time; QEMU 8.1 changed the option's name.
one_by_one=-singlestep
if "$qemu" --help | grep one-insn-per-tb >/dev/null; then one_by_one='-accel tcg,one-insn-per-tb=on'; fi

# Lines end in the function's name.
trap 'rm -f "$dir/trace"' EXIT
# shellcheck disable=SC2086 # an option and its argument
timeout 60 "$qemu" -M mps2-an385 -display none -monitor none -serial null -no-reboot -nic none \
    -semihosting-config enable=on,target=native $one_by_one -d exec,nochain -D "$dir/trace" \
    -kernel "$dir/bench" </dev/null >/dev/null 2>&1
awk -v number="$number" '
    $NF == "mark_begin" && !on { on = 1; n++ }
    $NF == "mark_end" { on = 0 }
    on && n == number { count[$NF]++; all++ }
    END { for (name in count) print count[name], name; print all, "all" }' "$dir/trace" |
    sort -k 1,1nr -k 2 | awk '{ printf "  %8d  %s\n", $1, $2 }'
