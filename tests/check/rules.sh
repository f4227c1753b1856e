#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# rules.sh LIST...: a list of a standard's rules, as tests/mqtt311.md, names tests that exist. Each row of its tables names
# one at least, or says "no test:" or "does not apply:" and why. A name is `unit/test_x.c: function`, or begins with interop/ or scenario/.

set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
bad=0

complain() {
    echo "$list:$1: $2"
    bad=1
}

for list in "$@"; do
    named=0
    while IFS=: read -r line row; do
        rest=$row found=0
        while [[ $rest =~ \`((unit|interop|scenario)/test_[a-z0-9_]+\.c):\ ([a-z0-9_]+)\`(.*) ]]; do
            file=tests/${BASH_REMATCH[1]} name=${BASH_REMATCH[3]} rest=${BASH_REMATCH[4]}
            found=$((found + 1))
            if [ ! -e "$file" ]; then
                complain "$line" "there is no $file"
            elif ! grep -q "^static void $name(" "$file"; then
                complain "$line" "$file has no test $name"
            fi
        done
        # What looks like a name and is written otherwise would not be looked at.
        [ "$(grep -o '\.c: ' <<<"$row" | wc -l)" = $found ] || complain "$line" "a name that this script cannot read"
        case $row in
            *'no test: '[a-z]* | *'does not apply: '[a-z]*) ;;
            *) [ $found != 0 ] || complain "$line" "names no test, and not why" ;;
        esac
        named=$((named + found))
    done < <(grep -nE '^\|' "$list" | grep -vE '^[0-9]+:\|( statement | rule |---)')
    [ $named -ge 50 ] || complain 1 "only $named tests are named"
done
exit $bad
