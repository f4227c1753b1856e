#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test_switches.sh SWITCHES...: build and run the unit tests without each of them (A+B: without both; ALL: without any),
# a line each. Tests that need what is off are left out by name: tests/check/switches.txt. The log of one that fails is
# printed. Goes on to the end and fails if one failed. Called by the Makefile (MAKE, BUILD).

set -uo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." || exit 1
: "${MAKE:=make}" "${BUILD:=--no-print-directory INNER=1}"
mkdir -p build/log
# Most programs know nothing of most switches: those that come out the same as without another one have been run there.
PASSED=$(mktemp -d build/log/passed.XXXXXX) || exit 1
export PASSED
trap 'rm -rf "$PASSED"' EXIT
failed=()
for s in "$@"; do
    log=build/log/off-$s.log
    SECONDS=0
    # shellcheck disable=SC2086 # BUILD is a list of words
    if $MAKE $BUILD VARIANT="off-$s" unit >"$log" 2>&1 </dev/null &&
        VARIANT=off-$s bash tests/check/run_tests.sh unit >>"$log" 2>&1; then
        printf '  ok      without %-28s %s, %d left out, %d of %d programs known  [%d s]\n' "$s" "$(tail -n 1 "$log")" \
            "$(cat "build/off-$s"/log/test_*.log | grep -c '^left out: ')" "$(grep -c ' the same as in off-' "$log")" \
            "$(grep -c '^test_.* passed, ' "$log")" $SECONDS
    else
        printf '  FAILED  without %s  [%d s]\n' "$s" $SECONDS
        grep -vE '^  (CC|AR|LD|LWIP|TLS) | 0 failed' "$log" | tail -n 100 | sed 's/^/    /'
        failed+=("$s")
    fi
done
if [ ${#failed[@]} != 0 ]; then
    echo "failed without: ${failed[*]}"
    exit 1
fi
