#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# thing.sh - does `make thing` make what it should? What is committed has to be what it makes; a model with every type and with
# names that C does not like has to compile without a warning; and a wrong model has to be refused by place and reason.
# JQ names the program jq, CC the compiler.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." || exit
export JQ=${JQ:-jq}
CC=${CC:-gcc}
mkdir -p build
work=$(mktemp -d build/thing.XXXXXX)
trap 'rm -rf "$work"' EXIT
bad=0
fail() { echo "thing: $*" >&2; bad=1; }

make_of() { bash port/thing/thing.sh "$1" "$work" >"$work/said" 2>&1; }

# ---- what is committed

for pair in unix_sim/cloud/lamp.json=examples/lamp_model tests/interop/peer_every.json=tests/interop; do
    model=${pair%=*} folder=${pair#*=}
    make_of "$model" || fail "$(cat "$work/said")"
    for f in "$(basename "${model%.json}")".{h,c}; do
        cmp -s "$work/$f" "$folder/$f" ||
            fail "$folder/$f is not what the model says: make thing MODEL=$model OUT=$folder"
    done
done

# ---- a model that is hard to write in C

cat >"$work/Odd-2.json" <<'JSON'
{"schema": "x", "profile": {"productKey": "a1*/key"}, "properties": [
 {"identifier": "int", "accessMode": "rw", "dataType": {"type": "int", "specs": {"min": "-2147483648", "max": "2147483647"}}},
 {"identifier": "2nd", "accessMode": "w", "dataType": {"type": "int", "specs": {}}},
 {"identifier": "module:Speed", "accessMode": "rw", "dataType": {"type": "double", "specs": {"min": "-1e3"}}},
 {"identifier": "HTTPServerURL", "name": "a */ comment", "accessMode": "r", "dataType": {"type": "text", "specs": {"length": "1"}}},
 {"identifier": "Deep", "accessMode": "rw", "dataType": {"type": "struct", "specs": [
   {"identifier": "List", "dataType": {"type": "array", "specs": {"size": "512", "item": {"type": "struct", "specs": [
     {"identifier": "default", "dataType": {"type": "date", "specs": {}}},
     {"identifier": "B", "dataType": {"type": "bool", "specs": {"0": "off", "1": "on"}}}]}}}}]}},
 {"identifier": "Texts", "accessMode": "rw", "dataType": {"type": "array", "specs": {"size": "2", "item": {"type": "text", "specs": {"length": "8"}}}}}],
 "events": [{"identifier": "Empty", "type": "info", "outputData": []}],
 "services": [{"identifier": "delete", "callType": "sync", "inputData": [{"identifier": "E", "dataType": {"type": "enum", "specs": {"-1": "x", "7": "y"}}}], "outputData": []}]}
JSON
if make_of "$work/Odd-2.json"; then
    "$CC" -std=c99 -pedantic -Wall -Wextra -Wundef -Wconversion -Wshadow -Werror -Iinclude -c "$work/odd_2.c" -o "$work/odd.o" ||
        fail "what it makes of an odd model does not compile"
    for word in 'int32_t int_;' 'int32_t x2nd;' 'double module_speed;' 'char http_server_url\[1 + 1\];' \
                'struct odd_2_deep_list_item item\[512\];' 'char item\[2\]\[8 + 1\];' 'int64_t default_;' 'odd_2_on_delete_('; do
        grep -q "$word" "$work/odd_2.h" || fail "odd_2.h has no '$word'"
    done
else
    fail "$(cat "$work/said")"
fi

# ---- models that are right, and too large: the compiler says so

does_not_compile() { # WORDS FLAGS MODEL
    printf '%s' "$3" >"$work/large.json"
    make_of "$work/large.json" || fail "$(cat "$work/said")"
    # shellcheck disable=SC2086 # flags
    "$CC" -std=c99 -Iinclude $2 -c "$work/large.c" -o "$work/large.o" >"$work/said" 2>&1 && fail "compiles: $1"
    grep -qF -- "$1" "$work/said" || fail "expected '$1', the compiler says: $(head -n 3 "$work/said")"
}
two='{"properties":[{"identifier":"A","accessMode":"r","dataType":{"type":"text","specs":{"length":"40000"}}},
                    {"identifier":"B","accessMode":"r","dataType":{"type":"text","specs":{"length":"40000"}}}]}'
does_not_compile 'large_values_fit' '' "$two"
does_not_compile 'this model has 2 properties; raise it' -DIOT_PROPERTIES_MAX=1 "$two"

# ---- wrong models: the words that have to be said, and the model

refused() {
    printf '%s' "$2" >"$work/wrong.json"
    rm -f "$work/wrong.h" "$work/wrong.c"
    if make_of "$work/wrong.json"; then
        fail "took a model that is wrong: $1"
    elif ! grep -qF -- "$1" "$work/said" || ! grep -q "^thing: .*wrong.json: " "$work/said"; then
        fail "expected '$1', it says: $(cat "$work/said")"
    fi
    [ ! -e "$work/wrong.h" ] && [ ! -e "$work/wrong.c" ] || fail "left something of a wrong model: $1"
}
property() { printf '{"properties":[{"identifier":"A","accessMode":"rw","dataType":%s}]}' "$1"; }

refused 'the file: is no JSON object' '[]'
refused 'parse error' '{"properties":'
refused 'the model: has no properties, events or services' '{}'
refused 'properties: is no list' '{"properties":{}}'
refused 'properties[0].identifier: an identifier has' '{"properties":[{"identifier":"a b","accessMode":"r","dataType":{"type":"int"}}]}'
refused 'properties[0].accessMode: r, w or rw' '{"properties":[{"identifier":"A","dataType":{"type":"int"}}]}'
refused 'properties: more than one identifier becomes a_b' \
    '{"properties":[{"identifier":"AB","accessMode":"r","dataType":{"type":"int"}},{"identifier":"aB","accessMode":"r","dataType":{"type":"int"}},{"identifier":"a_b","accessMode":"r","dataType":{"type":"int"}}]}'
refused 'properties[0].dataType: is missing' "$(property 7)"
refused 'properties[0].dataType.type: "int64" is no type' "$(property '{"type":"int64"}')"
refused 'properties[0].dataType.specs.min: 2147483648 is no number of 32 bits' "$(property '{"type":"int","specs":{"min":"2147483648"}}')"
refused 'properties[0].dataType.specs.max: "x" is no number' "$(property '{"type":"float","specs":{"max":"x"}}')"
refused 'properties[0].dataType.specs: an enum has values' "$(property '{"type":"enum","specs":{}}')"
refused 'properties[0].dataType.specs.length: 1 to 65534' "$(property '{"type":"text","specs":{"length":"0"}}')"
refused 'properties[0].dataType.specs.size: 1 to 65535' "$(property '{"type":"array","specs":{"size":"65536","item":{"type":"int"}}}')"
refused 'properties[0].dataType.specs.item: is missing' "$(property '{"type":"array","specs":{"size":"2"}}')"
refused 'properties[0].dataType.specs: a struct has members' "$(property '{"type":"struct","specs":[]}')"
refused 'are nested too deeply' "$(property '{"type":"array","specs":{"size":"1","item":{"type":"array","specs":{"size":"1","item":{"type":"array","specs":{"size":"1","item":{"type":"array","specs":{"size":"1","item":{"type":"int"}}}}}}}}}')"
refused 'events E: type: info, alert or error' '{"events":[{"identifier":"E","type":"loud"}]}'
refused 'services S: inputData[0].dataType: is missing' '{"services":[{"identifier":"S","inputData":[{"identifier":"I"}]}]}'
refused 'a property has the name of' '{"properties":[{"identifier":"s_in","accessMode":"r","dataType":{"type":"int"}}],"services":[{"identifier":"S"}]}'
# names that are taken in C: by the tables themselves, or by another name with the word behind it that a table has
named_as() { printf '{"properties":[{"identifier":"%s","accessMode":"r","dataType":%s}],"events":[{"identifier":"E"}],"services":[{"identifier":"S"}]}' "$1" "$2"; }
struct='{"type":"struct","specs":[{"identifier":"M","dataType":{"type":"int"}}]}'
array='{"type":"array","specs":{"size":"2","item":{"type":"int"}}}'
refused 'properties[0]: struct wrong_values in C is taken' "$(named_as Values "$struct")"
refused 'properties[0]: struct wrong_property in C is taken' "$(named_as Property "$array")"
refused 'properties[0]: struct wrong_event in C is taken' "$(named_as event "$struct")"
refused 'properties[0]: WRONG_PROPERTIES in C is taken' "$(named_as Properties '{"type":"int"}')"
refused 'properties[0]: WRONG_EVENTS in C is taken' "$(named_as Events '{"type":"bool"}')"
refused 'properties[0]: WRONG_H in C is taken' "$(named_as h '{"type":"date"}')"
refused 'events E: WRONG_EVENT_E in C is taken' "$(named_as EventE '{"type":"bool"}')"
refused 'services a_range: wrong_on_a_range in C is taken' \
    '{"properties":[{"identifier":"OnA","accessMode":"r","dataType":{"type":"int"}}],"services":[{"identifier":"a_range"}]}'
refused 'properties[1]: struct wrong_a_b in C is taken' \
    '{"properties":[{"identifier":"A","accessMode":"r","dataType":{"type":"struct","specs":[{"identifier":"B","dataType":'"$array"'}]}},{"identifier":"A_B","accessMode":"r","dataType":'"$struct"'}]}'

# ... and the same names where nothing is in their way
for free in '{"properties":[{"identifier":"Events","accessMode":"r","dataType":{"type":"int"}}]}' \
            "$(named_as Values '{"type":"int"}')" "$(named_as Property '{"type":"enum","specs":{"1":"x"}}')"; do
    printf '%s' "$free" >"$work/free.json"
    make_of "$work/free.json" || fail "$(cat "$work/said")"
    "$CC" -std=c99 -Wall -Wextra -Werror -Iinclude -c "$work/free.c" -o "$work/free.o" || fail "does not compile: $free"
done
bash port/thing/thing.sh "$work/none.json" "$work" >"$work/said" 2>&1 && fail "took a model that is not there"
exit $bad
