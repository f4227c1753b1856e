#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# same_run.sh SEED PACE LIST...: is a run of the world in virtual time the same on all machines? Each LIST names the
# world's program of one machine, with what starts it. Every packet of MQTT, every event and its millisecond is
# compared with the first one's, by the text of the trace; only the hash at its end is not: it takes in TCP headers,
# whose sequence numbers are drawn from bytes in memory.

set -uo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." || exit 1
seed=$1 pace=$2
shift 2
work=$(mktemp -d build/same.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT

first=
for list in "$@"; do
    read -r -a command <"$list"
    name=${list%/tests/*} name=${name#build/}
    if ! timeout 300 "${command[@]}" "$seed" "$pace" 2>&1 </dev/null | sed 's/, hash [0-9a-f]*$//' >"$work/$name"; then
        echo "same_run: $name: seed $seed, $pace fails:"
        tail -n 5 "$work/$name"
        exit 1
    fi
    if [ -z "$first" ]; then
        first=$name
        tail -n 1 "$work/$name" | grep -q '^seed .* 0 violations' || { echo "same_run: $name made no run"; exit 1; }
    elif ! cmp -s "$work/$first" "$work/$name"; then
        echo "same_run: seed $seed, $pace goes another way on $name than on $first:"
        diff "$work/$first" "$work/$name" | head -n 10
        exit 1
    fi
    echo "$name: $(tail -n 1 "$work/$name")"
done
