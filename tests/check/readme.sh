#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# readme.sh: README tells the truth. Its whole program is examples/mqtt_minimal.c, and its table of sizes is what
# `make size` measured: flash within 3 % (compilers differ a little), memory exactly.
#
#   readme.sh SIZES     SIZES: a file with the output of `make size`

set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
sizes=$1
bad=0

complain() {
    echo "README.md: $*"
    bad=1
}

# The program starts at its first #include; what stands above says what it is.
if ! diff -u <(sed -n '/^#include/,$p' examples/mqtt_minimal.c) \
        <(sed -n '/^```c$/,/^```$/p' README.md | sed '1d;$d'); then
    complain "the program differs from examples/mqtt_minimal.c"
fi

# The number behind a name in the output of `make size`; the column is counted from the name.
measured() {
    awk -v name="$1" -v column="$2" 'index($0, "  " name " ") == 1 { $0 = substr($0, length(name) + 3); print $column; exit }' "$sizes"
}

# Rows of README: | text | number | ... with the name that `make size` gives it in a remark behind the row.
rows=0
while IFS="|" read -r _ text number remark; do
    name=$(sed -n 's/.*<!-- size: \(.*\) -->.*/\1/p' <<<"$remark")
    [ -n "$name" ] || continue
    rows=$((rows + 1))
    number=$(tr -dc 0-9 <<<"$number")
    real=$(measured "$name" 1)
    if [ -z "$real" ]; then
        complain "'$name' is not in the output of make size"
        continue
    fi
    slack=0
    case $name in
    iot_device* | mqtt.* | tcp*) ;;
    *) slack=$((real * 3 / 100)) ;;
    esac
    if [ $((number > real ? number - real : real - number)) -gt "$slack" ]; then
        complain "'${text// /}' says $number, make size says $real"
    fi
done < <(grep '<!-- size: ' README.md)
[ "$rows" -ge 5 ] || complain "the table of sizes has lost its rows"
exit $bad
