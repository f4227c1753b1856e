#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# thing.sh MODEL.json [FOLDER] - make NAME.h and NAME.c of a thing model that the platform's console exported, as
# iot_thing.h wants it. NAME is the file's name, in small letters. FOLDER: where they go, default the model's own.
# JQ names the program jq.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
die() { echo "thing: $*" >&2; exit 1; }

[ $# -ge 1 ] && [ $# -le 2 ] && [ -n "$1" ] || die "which model? give the file that the console exported"
model=$1 folder=${2:-$(dirname -- "$1")}
[ -r "$model" ] || die "cannot read $model"
name=$(basename -- "$model")
name=$(printf '%s' "${name%.*}" | tr 'A-Z' 'a-z' | tr -c 'a-z0-9_' '_')
case $name in [0-9]*) name=x$name ;; '') die "$model: a name, please" ;; esac
mkdir -p -- "$folder"
work=$(mktemp -d "$folder/.thing.XXXXXX")
trap 'rm -rf "$work"' EXIT

for part in h c; do
    if ! "${JQ:-jq}" -j --arg name "$name" --arg part "$part" -f "$here/thing.jq" -- "$model" >"$work/$part" 2>"$work/why"; then
        sed -e 's/^jq: error ([^)]*): *//' -e "s|^|thing: $model: |" "$work/why" >&2
        exit 1
    fi
done
mv -- "$work/h" "$folder/$name.h"
mv -- "$work/c" "$folder/$name.c"
echo "$folder/$name.h, $folder/$name.c"
