#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# symbols.sh OBJECTS ARCHIVE...: what the library leaves to a linker. OBJECTS is a folder of object files as the Makefile
# makes it, build/VARIANT/obj: all below src/ and port/ in there may need each other, what the archives define (lwIP,
# mbedTLS, the compiler's own helpers), and of libc the five functions below, which every firmware has. Anything else
# is printed as file:line: and its name.

set -euo pipefail
export LC_ALL=C
NM=${NM:-nm}
objects=$1
shift
libc='memcpy memmove memset memcmp strlen'

work=$(mktemp -d build/symbols.XXXXXX)
trap 'rm -rf "$work"' EXIT

# One whose source is gone is of before.
find "$objects/src" "$objects/port" -name '*.o' 2>/dev/null | sort | while IFS= read -r o; do
    source=${o#"$objects"/} source=${source%.o}.c
    if [ -e "$source" ]; then echo "$o"; fi
done >"$work/objects"
[ -s "$work/objects" ] || { echo "symbols: no object files in $objects"; exit 1; }
[ $# -gt 0 ] || { echo "symbols: no archives named"; exit 1; }

{
    printf '%s\n' $libc
    xargs "$NM" -P --defined-only <"$work/objects" | awk 'NF > 1 && $2 ~ /^[A-Z]$/ { print $1 }'
    for archive in "$@"; do
        "$NM" -P --defined-only "$archive" | awk 'NF > 1 && $2 ~ /^[A-Z]$/ { print $1 }'
    done
} | sort -u >"$work/there"

found=0
while IFS= read -r o; do
    source=${o#"$objects"/} source=${source%.o}.c
    "$NM" -P -u "$o" | awk 'NF > 1 { print $1 }' | sort -u | comm -23 - "$work/there" >"$work/open"
    while IFS= read -r name; do
        line=$(grep -nwm1 -- "$name" "$source" | cut -d: -f1 || :)
        echo "$source:${line:-1}: needs $name: of libc the library uses $libc only"
        found=1
    done <"$work/open"
done <"$work/objects"
exit $found
