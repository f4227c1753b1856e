#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# roots.sh PEM-FILE...: the certificates as C: one array of DER bytes each, and the table `roots` of all.

set -euo pipefail
export LC_ALL=C

[ $# -gt 0 ] || { echo "roots.sh: no certificates: \`make deps-run\` gets them" >&2; exit 1; }
n=0
for file in "$@"; do
    echo "/* ${file##*/} */"
    echo "static const uint8_t root_${n}[] = {"
    sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END/{/^-----/!p}' "$file" | base64 -d | od -An -v -tx1 |
        sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g' | grep . || { echo "roots.sh: $file holds no certificate" >&2; exit 1; }
    echo '};'
    n=$((n + 1))
done
echo 'static const struct iot_bytes roots[] = {'
for ((i = 0; i < n; i++)); do echo "    {root_$i, sizeof root_$i},"; done
echo '};'
