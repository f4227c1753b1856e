#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# includes.sh [ROOT [ARCHIVE]]: the rules of the house that a compiler does not know. Each violation is printed as
# file:line: and the rule in words. Which rooms a room of src/ may include is the table below.
#
# ROOT is the tree to look at (default: this one), ARCHIVE the library built from it (default
# ROOT/build/liblwlink.a; the rules about symbols are left out, and that is said, if it is not there).
# selftest.sh breaks each rule in a copy and looks whether it is noticed here.

set -euo pipefail
export LC_ALL=C
unset CDPATH

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
cd -- "${1:-$here/../..}"
archive=${2:-build/liblwlink.a}
case $archive in /*) ;; *) archive=$PWD/$archive ;; esac
NM=${NM:-nm}
mkdir -p build
work=$(mktemp -d build/includes.XXXXXX)
trap 'rm -rf "$work"' EXIT

# room: the rooms below it that it may include. Its own files and include/iot are always allowed.
cat >"$work/rooms" <<'TABLE'
core
crypto  core
json    core
cbor    core
net     core
tls     net crypto core
mqtt    tls net crypto json core
coap    tls net crypto json core
http    tls net crypto json core
ota     mqtt coap http tls net crypto json core
link    ota mqtt coap http tls net crypto json core
device  link ota mqtt coap http tls net crypto json core
compat  device link ota mqtt coap http tls net crypto json core
TABLE

# Mutable statics that are allowed, because a foreign library keeps process-wide state: each is listed in README.
ALLOWED_STATICS='^current(\.[0-9]+)?$' # the arena and the generator that mbedTLS works with

report() { cat >>"$work/found"; }
: >"$work/found"

# Every file of ours; what was built or fetched is not.
find . \( -path ./build -o -path ./.git \) -prune -o -type f -print | sed 's|^\./||' | sort >"$work/files"

# ---- the code as "file:line:text", without comments and without what is inside of strings

grep -E '^(src|include|port|unix_sim|examples|tests)/.*\.[ch]$' "$work/files" >"$work/sources" || :
cat >"$work/strip.pl" <<'PERL'
use strict; use warnings;
while (my $file = <STDIN>) {
    chomp $file;
    open(my $in, '<', $file) or die "$file: $!";
    local $/; my $text = <$in>; close $in; $/ = "\n";
    next unless defined $text;
    # the name of an include is no string
    $text =~ s/^(\s*#\s*include\s*)"([^"\n]*)"/$1<$2>/mg;
    $text =~ s{("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(/\*.*?\*/)|(//[^\n]*)}
              { defined $1 ? '""' : defined $2 ? ' ' . ("\n" x ($2 =~ tr/\n//)) : '' }gesx;
    my $n = 0;
    for my $line (split /\n/, $text, -1) { $n++; print "$file:$n:$line\n" if $line =~ /\S/; }
}
PERL
perl "$work/strip.pl" <"$work/sources" >"$work/code"

# ---- (a) (b) (c): who may include whom

awk -v rooms="$work/rooms" '
    BEGIN {
        while ((getline line < rooms) > 0) {
            n = split(line, w, " ")
            room[w[1]] = 1
            for (i = 2; i <= n; i++) below[w[1], w[i]] = 1
        }
    }
    function bad(rule) { print where ": includes " inc ": " rule }
    function starts(s, p) { return substr(s, 1, length(p)) == p }
    {
        match($0, /^[^:]*:[0-9]+:/)
        where = substr($0, 1, RLENGTH - 1)
        code = substr($0, RLENGTH + 1)
        if (code !~ /^[ \t]*#[ \t]*include[ \t]*</) next
        file = where; sub(/:[0-9]+$/, "", file)
        inc = code; sub(/^[^<]*</, "", inc); sub(/>.*/, "", inc)
        n = split(file, path, "/")
        base = path[n]
        split(inc, part, "/")
        to = (part[1] in room) ? part[1] : ""

        if (path[1] == "src" && n > 2) {
            from = path[2]
            if (!(from in room))
                bad("room src/" from " is not in the table of tests/check/includes.sh")
            else if (to != "" && to != from && !((from, to) in below)) {
                if (from == "core" || from == "crypto" || from == "json" || from == "cbor" || from == "net")
                    bad("src/" from " includes src/core only")
                else
                    bad("includes in src/ go strictly downward, and rooms side by side do not know each other: " \
                        from " may not include " to)
            }
            # Plain names reach across rooms unseen when the project is flattened.
            if (to == "" && inc ~ /^iot_/)
                bad("a header of src/ is included as \"room/name.h\", a public one as \"iot/name.h\"")
            # A protocol is three rooms: codec (pure), session (no I/O), client.
            if (base ~ /^iot_[a-z]+_(codec|topic|parser)\.[ch]$/ && to != "" && to != "core") {
                own = base; sub(/\.[ch]$/, ".h", own)
                if (inc != from "/" own) bad("a codec, topic or parser includes src/core and iot/ only")
            }
            if (base ~ /^iot_[a-z]+_(session|exchange)\.[ch]$/) {
                if (to != "" && to != "core" && to != from || inc ~ /_(client|endpoint)\.h$/)
                    bad("a session or exchange includes src/core, iot/ and its own room without the client only")
            }
        }
        # What the files of src/tls share of mbedTLS is for them alone.
        if (inc == "tls/iot_tls_mbedtls.h" && !(file ~ /^src\/tls\/.*\.c$/ || file ~ /^tests\//))
            bad("tls/iot_tls_mbedtls.h is included by the .c files of src/tls and by tests only")
        # iot_static.h is for the one file that owns the storage.
        if (path[1] == "include" && to != "" && file != "include/iot/iot_static.h")
            bad("a public header includes no header of src/")

        if (starts(inc, "lwip/") || starts(inc, "netif/") || inc == "lwipopts.h" || inc == "arch/cc.h") {
            if (!(file ~ /^(src\/net|port|unix_sim|examples|tests\/interop|tests\/scenario|tests\/locking|tests\/bench)\//))
                bad("lwIP is known to src/net, port, unix_sim, examples, tests/interop, tests/scenario, tests/locking and tests/bench only")
        }
        # Of real time the world knows nothing; a DNS message is the same in both, and the chip that is none.
        if (file ~ /^(unix_sim\/world|tests\/scenario)\// &&
            (starts(inc, "host/") && inc != "host/host_question.h" || inc ~ /_unix\.h$/ && inc != "unix/iot_nor_unix.h"))
            bad("the world is virtual: nothing of unix_sim/host and port/unix")
        if (inc == "jsmn.h" && !(file ~ /^src\/json\/.*\.c$/)) bad("jsmn is known to src/json only")
        if (starts(inc, "mbedtls/") || starts(inc, "psa/")) {
            if (!(file ~ /^(src\/crypto|src\/tls|port|tests\/interop)\// || file ~ /^tests\/unit\/test_(crypto|tls)_/ ||
                  file ~ /^tests\/support\/dtls_/ || file == "tests/bench/bench_ota.c"))
                bad("mbedTLS is known to src/crypto, src/tls, their unit tests, tests/interop, tests/support/dtls_*, bench_ota.c and port only")
            else if (file ~ /^src\/.*\.h$/ && file !~ /^src\/tls\/iot_tls_mbedtls\.h$/)
                bad("a header of src/ includes no mbedTLS: the storage of a device is declared without it")
        }
    }' "$work/code" | report

# ---- (d) no heap, no sleep, no clock, no stdio, no threads

# A call through a struct (port->random(...)) is the port's business and allowed.
calls='malloc|calloc|realloc|free|strdup|alloca|sleep|usleep|nanosleep|time|gettimeofday|clock|clock_gettime'
calls+='|rand|srand|printf|fprintf|vprintf|vfprintf|sprintf|vsprintf|puts|putchar'
grep -E '^(src|include)/' "$work/code" >"$work/ours" || :
grep -P "^[^:]*:[0-9]+:(.*(?<![\\w.>]))?($calls)\\s*\\(" "$work/ours" |
    sed -E 's/^([^:]*:[0-9]+):[ \t]*(.*)/\1: the library calls no heap, no sleep, no clock, no libc chance and no stdio: \2/' |
    report || :
grep -iP '^[^:]*:[0-9]+:.*(pthread|mutex|<threads\.h>)' "$work/ours" |
    sed -E 's/^([^:]*:[0-9]+):[ \t]*(.*)/\1: the library knows no threads and no locks: \2/' | report || :

# The world has one clock and one source of chance, or a seed does not bring a run back. Its programs may look at the
# machine's clock: how long a campaign runs is no part of a run.
grep -E '^(unix_sim/world|tests/scenario)/' "$work/code" | grep -v '^unix_sim/world/main_' >"$work/world" || :
calls='sleep|usleep|nanosleep|time|gettimeofday|clock|clock_gettime|rand|srand|random|getrandom'
grep -P "^[^:]*:[0-9]+:(.*(?<![\\w.>]))?($calls)\\s*\\(" "$work/world" |
    sed -E 's/^([^:]*:[0-9]+):[ \t]*(.*)/\1: the world calls no clock, no sleep and no chance but its own: \2/' | report || :

# ---- (e) licence

# What `make thing` made of a model is its owner's.
while IFS= read -r f; do
    case $f in
        *.c|*.h|*.sh|*Makefile|*.mk|.ci/run)
            # shellcheck disable=SC2016 # the quotes are what it says
            head -n 1 "$f" | grep -q '^/\* Made from the thing model of product .* by `make thing`' ||
                head -n 5 "$f" | grep -q 'SPDX-License-Identifier: Apache-2\.0' ||
                echo "$f:1: the first lines say SPDX-License-Identifier: Apache-2.0" ;;
    esac
done <"$work/files" | report

# ---- (f) names: Keil, IAR and CubeMX put all objects into one folder

grep '^src/' "$work/files" | grep -vE '^src/[a-z0-9]+/iot_[a-z0-9_]+\.[ch]$' |
    sed 's/$/:1: a file of the library is src\/ROOM\/iot_NAME.c or .h/' | report || :
grep -E '^(src|include)/.*\.[ch]$' "$work/files" | awk -F/ '
    $NF in first { print $0 ":1: base names are unique in src/ and include/, this is also " first[$NF]; next }
    { first[$NF] = $0 }' | report || :

# ---- (g) symbols

# place MEMBER SYMBOL: where that is in the sources.
place() {
    local file line name=${2%%.*}
    file=$(grep -m1 "/${1%.o}\.c$" "$work/sources" || echo "$1")
    line=$(grep -nwm1 -- "$name" "$file" 2>/dev/null | cut -d: -f1 || :)
    echo "$file:${line:-1}"
}

if [ -e "$archive" ]; then
    # name|value|class|type|size|line|section after "archive:member:" ... of each symbol that is defined
    "$NM" -A -f sysv --defined-only "$archive" 2>/dev/null |
        sed -E 's/^.*[:[]([^:[]*\.o)\]?:/\1|/; s/[ \t]*\|[ \t]*/|/g' >"$work/symbols"
    while IFS='|' read -r member name _ class type _ _ section; do
        [ -n "$name" ] || continue
        case $class in
            [A-Z])
                case $name in
                    iot_*) ;;
                    *) echo "$(place "$member" "$name"): external symbol $name: every one starts with iot_" ;;
                esac ;;
        esac
        # const tables of pointers are in .data.rel.ro when compiled for a PIE: not mutable.
        case $section in
            .data.rel.ro*) ;;
            .data*|.bss*|.tdata*|.tbss*|'*COM*'|COMMON)
                case $type in SECTION) continue ;; esac
                if ! grep -qE -- "$ALLOWED_STATICS" <<<"$name"; then
                    echo "$(place "$member" "$name"): mutable static $name: all state is in the caller's struct"
                fi ;;
        esac
    done <"$work/symbols" | report
else
    echo "includes: no ${archive#"$PWD"/}: symbols are not looked at"
fi

if [ -s "$work/found" ]; then
    sort -u "$work/found"
    exit 1
fi
