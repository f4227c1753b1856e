#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run_bench.sh: what `make bench` runs once build/bench/ is compiled: tests/bench/run.sh with the names of the programs if
# that script is there, else each program by itself. VALGRIND names valgrind, for what counts instructions.

set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

programs=()
for source in tests/bench/bench_*.c; do
    [ -e "$source" ] || continue
    name=${source##*/}
    programs+=("build/bench/${name%.c}")
done
if [ -e tests/bench/run.sh ]; then
    exec bash tests/bench/run.sh ${programs[@]+"${programs[@]}"}
fi
[ ${#programs[@]} -gt 0 ] || { echo "bench: tests/bench has no bench_*.c"; exit 0; }
for program in "${programs[@]}"; do
    "$program"
done
