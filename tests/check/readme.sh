#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# readme.sh: README tells the truth. Its whole program is examples/mqtt_minimal.c, and its numbers are measured ones.
#
#   readme.sh [--fix] KIND=FILE...      complain about numbers that differ; with --fix write them
#
# KIND is size, bench or ticks; FILE holds rows "  NAME  NUMBER NUMBER ...", as `make size` and `make bench` print them.
# A row of README's tables ends in a remark that says where its numbers come from:
#
#   | text | number | <!-- size: NAME -->
#   | text | number | number | <!-- bench: NAME [1 4] -->       the first and the fourth behind NAME
#
# Rows of a kind that is not given are left alone. How far a number may be off: memory of ours nothing, flash 3 %
# (compilers differ a little), instructions 1 %, worst ticks 5 % and two (they hang on keys and chance). Instructions are one
# compiler's: README names it in a line with <!-- bench: compiler -->, and with another one they are not compared.

set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
fix=0
if [ "${1-}" = --fix ]; then fix=1; shift; fi
[ $# -gt 0 ] || { echo "usage: readme.sh [--fix] KIND=FILE..." >&2; exit 2; }
bad=0

# The program starts at its first #include; what stands above says what it is.
if [ $fix = 0 ] && ! diff -u <(sed -n '/^#include/,$p' examples/mqtt_minimal.c) \
        <(sed -n '/^```c$/,/^```$/p' README.md | sed '1d;$d'); then
    echo "README.md: the program differs from examples/mqtt_minimal.c"
    bad=1
fi

fixed=$(mktemp)
trap 'rm -f "$fixed"' EXIT
for given in "$@"; do
    case $given in size=?*|bench=?*|ticks=?*) ;; *) echo "readme.sh: what is '$given'?" >&2; exit 2 ;; esac
    echo "${given%%=*}" # an empty file has been given, too
    sed "s/^/${given%%=*} /" "${given#*=}"
done | awk -v fix=$fix -v fixed="$fixed" '
    function complain(text) { print "README.md: " text; bad = 1 }
    function thousands(n,    whole, rest) {
        if (n !~ /^[0-9.]+$/) return n
        whole = n; sub(/\..*/, "", whole); rest = substr(n, length(whole) + 1)
        while (match(whole, /[0-9][0-9][0-9][0-9](,|$)/))
            whole = substr(whole, 1, RSTART) "," substr(whole, RSTART + 1)
        return whole rest
    }
    # Of how much a number may differ.
    function slack(kind, name, real) {
        if (kind == "bench") return real / 100
        if (kind == "ticks") return real / 20 + 2
        if (name ~ /^(iot_device|mqtt\.|tcp)/ || name ~ /^product: (lwlink, struct|TLS arena|stack|guard of)/) return 0
        return real * 3 / 100
    }
    # The word at a place behind a name: "  NAME  word word ...".
    function measured(kind, name, place,    i, rest, words) {
        for (i = 1; i <= count[kind]; i++)
            if (index(said[kind, i], "  " name "  ") == 1) {
                rest = substr(said[kind, i], length(name) + 3)
                gsub(/,/, "", rest)
                split(rest, words, " ")
                return words[place]
            }
        return ""
    }
    function compiler_in(text) { return match(text, /gcc [0-9.]+ -O[s0-9]/) ? substr(text, RSTART, RLENGTH) : "" }

    function check_compiler(line,    own, other) {
        named = 1
        own = compiler_in(line); other = made["bench"]
        if (own == "" || other == "") complain("no compiler is named for the instructions")
        if (own == other) return line
        if (fix) {
            sub(/gcc [0-9.]+ -O[s0-9]/, other, line)
        } else {
            print "note: README has the instructions of " own ", and they are not compared with those of " other
            foreign = 1
        }
        return line
    }

    function check_row(line, kind, name,    cells, n, i, places, many, real, told, far, out) {
        rows[kind]++
        many = 1; places[1] = 1
        if (match(name, / \[[0-9 ]+\]$/)) {
            many = split(substr(name, RSTART + 2, RLENGTH - 3), places, " ")
            name = substr(name, 1, RSTART - 1)
        }
        n = split(line, cells, "|")
        if (n < many + 3) { complain("a row with too few numbers: " name); return line }
        for (i = 1; i <= many; i++) {
            real = measured(kind, name, places[i])
            if (real == "") {
                complain("\"" name "\" is not among what was measured (" kind ")")
                return line
            }
            told = cells[i + 2]
            gsub(/[ ,]/, "", told)
            if (fix) { cells[i + 2] = " " thousands(real) " "; continue }
            far = told != real
            if (real ~ /^[0-9.]+$/ && told ~ /^[0-9.]+$/)
                far = told - real > slack(kind, name, real) || real - told > slack(kind, name, real)
            if (far) complain("\"" name "\" is " thousands(real) ", not " told " (" kind "); `make readme` writes it")
        }
        out = cells[1]
        for (i = 2; i <= n; i++) out = out "|" cells[i]
        return out
    }

    FILENAME == "-" {
        kind = $1
        text = substr($0, length(kind) + 2)
        given[kind] = 1
        said[kind, ++count[kind]] = text
        if (!(kind in made) && compiler_in(text) != "") made[kind] = compiler_in(text)
        next
    }
    {
        if (match($0, /<!-- (size|bench|ticks): [^>]* -->$/)) {
            remark = substr($0, RSTART + 5, RLENGTH - 9)
            kind = remark; sub(/:.*/, "", kind)
            name = substr(remark, length(kind) + 3)
            if (!(kind in given)) ;
            else if (name == "compiler") $0 = check_compiler($0)
            else if (kind != "bench" || !foreign) $0 = check_row($0, kind, name)
            else rows[kind]++
        }
        print >fixed
    }
    END {
        for (kind in given)
            if (rows[kind] < (kind == "size" ? 10 : 3)) complain("the table of " kind " has lost its rows")
        if ("bench" in given && !named) complain("no line with <!-- bench: compiler -->")
        exit bad
    }' - README.md || bad=1
if [ $fix = 1 ] && [ $bad = 0 ]; then
    cmp -s "$fixed" README.md || cat "$fixed" >README.md
fi
exit $bad
