#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fetch.sh TIER... - get the third-party parts that lwlink builds and tests with.
#
#   run       lwIP, mbedTLS and jansson sources, jsmn (one header), libslirp, mosquitto with its clients and its plugin
#             headers, libmicrohttpd, libcoap, the openssl tool, the root certificates of the platform
#   test      run + cmocka + nginx + libcoap's servers and clients
#   thing     jq, which makes tables of a thing model
#   bench     run + valgrind
#   check     test + thing + clang, clang-format, cppcheck and what `gcc -m32` needs
#   firmware  gcc and newlib for bare-metal Arm
#   board     run + firmware + QEMU, which plays the board
#   portable  test + other machines: compilers for big-endian PowerPC and S/390 with qemu-user, the sanitizers of
#             `gcc -m32`, cmocka as source, and lwIP 2.1
#
# What the system has and what fits is used. The rest is downloaded by apt's own client with
# lists and caches of its own, checked by apt's signatures, and unpacked (no maintainer script runs,
# no daemon starts) under $DEPS. Works as root and as an ordinary user, changes nothing on the system
# and writes nothing outside $DEPS. A second run asks no network and takes no time.
#
# Environment:
#   DEPS                where the parts go; default build/deps, relative to the top of the repository
#   LWIP_DIR            an lwIP source tree of your own (it holds src/include/lwip): nothing is fetched for it
#   MBEDTLS_DIR         the same for mbedTLS (it holds include/mbedtls and library)
#   JSMN_DIR            a folder of yours with jsmn.h: neither the system's nor a fetched one is used
#   DEBIAN_MIRROR       a Debian mirror to take sources from, instead of one named by the system's apt
#   DEPS_IGNORE_SYSTEM  1: download everything, even what the system has (to try how a bare machine fares)
#
# What is made there:
#   $DEPS/PART/         one unpacked part; it appears whole or not at all
#   $DEPS/bin/NAME      starts a tool: the private one with its own libraries, or the system's
#   $DEPS/env/PART.mk   compiler and linker flags for the Makefile
#   $DEPS/stamp/PART    what was wanted (first line), what was got, what of the system it relies on
#   $DEPS/log/PART.log  everything that the long steps said

set -euo pipefail
umask 022
export LC_ALL=C
unset CDPATH

die() { echo "deps: $*" >&2; exit 1; }
say() { echo "deps: $*"; }

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
TOP=$PWD
DEPS=${DEPS:-build/deps}
case $DEPS in /*) ;; *) DEPS=$TOP/$DEPS ;; esac
LWIP_DIR=${LWIP_DIR:-}
MBEDTLS_DIR=${MBEDTLS_DIR:-}
JSMN_DIR=${JSMN_DIR:-}
DEPS_IGNORE_SYSTEM=${DEPS_IGNORE_SYSTEM:-0}

# ---------------------------------------------------------------- what is wanted

# Raise a part's number when the way it is made changes: then old copies are made again.
declare -A RECIPE=([lwip]=1 [mbedtls]=1 [jsmn]=1 [jansson]=1 [jq]=1 [slirp]=1 [mosquitto]=1 [mosquitto-dev]=1 [microhttpd]=1 [openssl]=1 [roots]=1 [cmocka]=1 [nginx]=1 [coap]=1 [coap-dev]=1
                   [valgrind]=1 [clang]=1 [cppcheck]=1 [m32]=1 [arm]=1 [qemu]=1
                   [cmocka-source]=1 [lwip21]=1 [m32-san]=1 [gcc-powerpc]=1 [gcc-s390x]=1 [qemu-user]=1)

# Sources: Debian's source packages, each from a stable suite: it stays in its series, only fixes come.
declare -A SOURCE_PACKAGE=([lwip]=lwip [mbedtls]=mbedtls [jansson]=jansson [lwip21]=lwip [cmocka-source]=cmocka)
declare -A SOURCE_SUITE=([lwip]=trixie [mbedtls]=trixie [jansson]=trixie [lwip21]=bookworm [cmocka-source]=bookworm)
declare -A SOURCE_NAME=([lwip]=lwIP [mbedtls]=mbedTLS [jansson]=jansson [lwip21]=lwIP [cmocka-source]=cmocka)
declare -A SOURCE_SERIES=([lwip]=2.2 [mbedtls]=3.6 [jansson]=2 [lwip21]=2.1 [cmocka-source]=1.1)  # the API we are written for
# What was tested; later ones of the series are taken, and said.
declare -A SOURCE_KNOWN=([lwip]=2.2.1 [mbedtls]=3.6.6 [jansson]=2.14 [lwip21]=2.1.3 [cmocka-source]=1.1.5)
declare -A SOURCE_NEEDS=(                               # what an unpacked tree has
    [lwip]='src/core/tcp.c src/include/lwip/init.h'
    [mbedtls]='library/ssl_tls.c library/error.c include/mbedtls/ssl.h'
    [jansson]='src/load.c src/jansson.h android/jansson_config.h'
    [lwip21]='src/core/tcp.c src/include/lwip/init.h'
    [cmocka-source]='src/cmocka.c include/cmocka.h')
declare -A SOURCE_KEEP=(                                # nothing named: all of it
    [lwip]='' [mbedtls]='library include 3rdparty LICENSE' [jansson]='src android LICENSE' [lwip21]='src COPYING' [cmocka-source]='src include COPYING')
declare -A SOURCE_TREE=([lwip]=LWIP_DIR [mbedtls]=MBEDTLS_DIR [jsmn]=JSMN_DIR)  # who names a tree of the user's own
# Upstream tarballs that were looked at. Debian's revisions come and go, these stay.
declare -A SOURCE_SHA256=(
    [lwip_2.2.1+dfsg1.orig.tar.xz]=83729c274c499d3348e9fbbe043a3113f3fa8953e7efddc7c21c7fcbb1f2b7b1
    [lwip_2.1.3+dfsg1.orig.tar.xz]=0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24
    [jansson_2.14.orig.tar.gz]=c739578bf6b764aa0752db9a2fdadcfe921c78f1228c7ec0bb47fa804c55d17b
    [cmocka_1.1.5.orig.tar.xz]=f0ccd8242d55e2fd74b16ba518359151f6f8383ff8aef4976e48393f77bba8b6
    [mbedtls_3.6.6.orig.tar.bz2]=8fb65fae8dcae5840f793c0a334860a411f884cc537ea290ce1c52bb64ca007a
)

parts_of_tier() {
    local run='lwip mbedtls jsmn jansson slirp mosquitto mosquitto-dev microhttpd coap coap-dev openssl roots'
    case $1 in
        run)      echo "$run" ;;
        test)     echo "$run cmocka nginx coap" ;;
        thing)    echo jq ;;
        bench)    echo "$run valgrind" ;;
        check)    echo "$run cmocka clang cppcheck m32 jq" ;;
        firmware) echo arm ;;
        board)    echo "$run arm qemu" ;;
        portable) echo "$run cmocka nginx coap cmocka-source lwip21 m32-san gcc-powerpc gcc-s390x qemu-user" ;;
        *)        die "unknown tier '$1'; there are: run test thing bench check firmware board portable" ;;
    esac
}

[ $# -gt 0 ] || die "usage: fetch.sh TIER...   (run test thing bench check firmware board portable)"
PARTS=()
for tier in "$@"; do
    list=$(parts_of_tier "$tier")
    for part in $list; do
        case " ${PARTS[*]-} " in *" $part "*) ;; *) PARTS+=("$part") ;; esac
    done
done

# The machine: part of each wish, so that a copied or upgraded machine gets its parts anew.
OS_ID=unknown OS_CODENAME=unknown
if [ -r /etc/os-release ]; then
    while IFS='=' read -r key value; do
        value=${value%\"} value=${value#\"}
        case $key in
            ID)               OS_ID=$value ;;
            VERSION_CODENAME) OS_CODENAME=$value ;;
        esac
    done </etc/os-release
fi
ARCH=$(uname -m)

wish_of() {
    local wish="$1 recipe=${RECIPE[$1]}"
    if [ -n "${SOURCE_NAME[$1]-}" ]; then
        wish+=" suite=${SOURCE_SUITE[$1]} series=${SOURCE_SERIES[$1]}"
    else
        wish+=" for=$OS_ID/$OS_CODENAME/$ARCH"
    fi
    [ "$DEPS_IGNORE_SYSTEM" = 1 ] && wish+=" ignore-system"
    echo "$wish"
}

# Is the part there as wanted? Reads one small file, starts no process but the shell's own.
ready() {
    local line first=1 wish
    wish=$(wish_of "$1")
    [ -r "$DEPS/stamp/$1" ] || return 1
    while IFS= read -r line; do
        if [ $first = 1 ]; then
            [ "$line" = "$wish" ] || return 1
            first=0
        fi
        case $line in
            "uses "*) [ -e "${line#uses }" ] || return 1 ;;          # the system's; may have gone
            "has "*)  [ -e "$DEPS/${line#has }" ] || return 1 ;;     # ours; may have been deleted
        esac
    done <"$DEPS/stamp/$1"
    [ $first = 0 ]
}

# LWIP_DIR, MBEDTLS_DIR, JSMN_DIR: use that tree, fetch nothing, keep no stamp (the user owns it).
# own_tree PART VARIABLE HEADER
own_tree() {
    local part kept=()
    [ -n "${!2}" ] || return 0
    [ -r "${!2}/$3" ] || die "$2='${!2}' has no $3: name the top of a source tree of ${SOURCE_NAME[$1]-$1}"
    for part in "${PARTS[@]}"; do [ "$part" = "$1" ] || kept+=("$part"); done
    PARTS=("${kept[@]}")
}
own_tree lwip LWIP_DIR src/include/lwip/init.h
own_tree mbedtls MBEDTLS_DIR include/mbedtls/ssl.h
own_tree jsmn JSMN_DIR jsmn.h

missing=()
for part in "${PARTS[@]}"; do ready "$part" || missing+=("$part"); done
[ ${#missing[@]} -gt 0 ] || exit 0

# ---------------------------------------------------------------- one at a time

mkdir -p "$DEPS" "$DEPS/bin" "$DEPS/env" "$DEPS/log" "$DEPS/stamp"
exec 9>"$DEPS/.lock"
if command -v flock >/dev/null; then
    flock -n 9 || { say "another run is fetching into the same place; waiting for it"; flock 9; }
fi

# Only the holder of the lock works in here, so leftovers are those of an interrupted run.
TMP=$DEPS/tmp
APT=$DEPS/apt
rm -rf "$TMP"
mkdir -p "$TMP"
# shellcheck disable=SC2329 # called by the trap
cleanup() { rm -rf "$TMP"; }
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# ---------------------------------------------------------------- apt, privately

# Reads apt's own source files (deb822 and one-line) and writes, below $APT:
#   parts/            Debian's entries, word for word: where binary packages come from
#   mirrors           "RANK URI" for each entry with a main Debian suite: where sources come from
# Entries signed by another vendor's key are left out, whatever their suite is called; those that do not
# say whose they are count only if none says that it is Debian's.
read_apt_sources() {
    local list dir f
    eval "$(apt-config shell list Dir::Etc::sourcelist/f dir Dir::Etc::sourceparts/d)"
    rm -rf "$APT/parts" "$APT/parts1" "$APT/parts2"
    mkdir -p "$APT/parts1" "$APT/parts2"
    : >"$APT/mirrors"
    for f in "${list:-}" "${dir:-/nonexistent}"/*.list; do
        if [ ! -r "$f" ] || [ ! -f "$f" ]; then continue; fi
        awk -v codename="$OS_CODENAME" -v apt="$APT" -v name="${f##*/}" "$AWK_COMMON"'
            /cdrom:/ { next }
            /^[ \t]*deb(-src)?[ \t]/ {
                line = $0; sub(/[ \t]*#.*$/, "", line)
                options = ""
                if (match(line, /\[[^]]*\]/)) {
                    options = substr(line, RSTART + 1, RLENGTH - 2)
                    rest = substr(line, RSTART + RLENGTH)
                } else {
                    rest = line; sub(/^[ \t]*deb(-src)?[ \t]+/, "", rest)
                }
                key = ""
                n = split(options, o, /[ \t]+/)
                for (i = 1; i <= n; i++) if (tolower(o[i]) ~ /^signed-by=/) key = substr(o[i], 11)
                n = split(rest, w, /[ \t]+/); first = 1
                while (first <= n && w[first] == "") first++
                parts = ""
                for (i = first + 2; i <= n; i++) parts = parts " " w[i]
                r = judge(w[first], w[first + 1], parts, key)
                if (r && line ~ /^[ \t]*deb[ \t]/) print line >> (apt "/parts" r "/" name)
            }' "$f"
    done
    for f in "${dir:-/nonexistent}"/*.sources; do
        if [ ! -r "$f" ] || [ ! -f "$f" ]; then continue; fi
        awk -v codename="$OS_CODENAME" -v apt="$APT" -v name="${f##*/}" "$AWK_COMMON"'
            function flush_stanza(    r) {
                if (text != "" && tolower(f["enabled"]) !~ /^(no|false|0)$/) {
                    r = judge(f["uris"], f["suites"], f["components"], f["signed-by"])
                    if (r && (" " f["types"] " ") ~ / deb /) print text >> (apt "/parts" r "/" name)
                }
                text = ""; split("", f); field = ""
            }
            /^#/        { next }
            /^[ \t]*$/  { flush_stanza(); next }
            /^[ \t]/    { text = text $0 "\n"; f[field] = f[field] " " $0; next }
            {
                text = text $0 "\n"
                colon = index($0, ":")
                field = tolower(substr($0, 1, colon - 1))
                value = substr($0, colon + 1)
                gsub(/^[ \t]+|[ \t\r]+$/, "", value)
                f[field] = value
            }
            END { flush_stanza() }' "$f"
    done
    if [ -n "$(ls -A "$APT/parts1")" ]; then mv "$APT/parts1" "$APT/parts"; else mv "$APT/parts2" "$APT/parts"; fi
    awk '!seen[$2]++' < <(sort -s -n -k1,1 "$APT/mirrors") >"$APT/mirrors.sorted"
    mv "$APT/mirrors.sorted" "$APT/mirrors"
}

# judge(): 0 is not Debian's. Notes each mirror with a main suite: rank 1 if key or address say Debian,
# rank 2 if the entry has no key of its own and looks like a mirror under another name.
# shellcheck disable=SC2016 # awk's dollars
AWK_COMMON='
    function judge(uris, suites, components, key,    s, u, n, m, i, j, r, main) {
        if ((" " components " ") !~ /[ \t]main[ \t]/) return 0
        if (key ~ /BEGIN PGP/) key = ""
        if (key != "" && tolower(key) !~ /debian/) return 0
        n = split(suites, s, /[ \t]+/); r = 0; main = 0
        for (i = 1; i <= n; i++) {
            b = s[i]; sub(/(-updates|-security|-backports|-proposed-updates|\/updates)$/, "", b)
            if (b != codename && b !~ /^(oldoldstable|oldstable|stable|testing|unstable|sid|bullseye|bookworm|trixie|forky|duke)$/)
                continue
            r = 2
            if (b == s[i]) main = 1
        }
        if (!r) return 0
        m = split(uris, u, /[ \t]+/)
        for (j = 1; j <= m; j++) {
            if (u[j] == "" || u[j] ~ /^cdrom:/) continue
            sub(/\/+$/, "", u[j])
            if (key != "" || tolower(u[j]) ~ /debian/) r = 1
            if (main) print r, u[j] >> (apt "/mirrors")
        }
        return r
    }'

debian_keyring() {
    local k
    for k in "$APT/keyring/usr/share/keyrings/debian-archive-keyring".{gpg,pgp} \
             /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
        [ -r "$k" ] && { echo "$k"; return; }
    done
    return 1
}

# A configuration of our own: the machine's way to reach its mirror (proxies, time-outs), our places,
# and none of its hooks. $1: bin or src.
write_apt_conf() {
    local d=$APT/$1 q
    mkdir -p "$d/lists/partial" "$d/cache/archives/partial" "$d/log"
    [ -e "$d/status" ] || : >"$d/status"
    q=${d//\"/}
    (
        umask 077                                         # a proxy line may hold a password
        {
            apt-config dump | grep -E '^Acquire::(http|https|tor|ftp|ForceIP|Check-|Max-|Min-)' || :
            cat <<EOF
Dir::State::lists "$q/lists";
Dir::State::status "$q/status";
Dir::State::extended_states "$q/extended_states";
Dir::Cache "$q/cache";
Dir::Log "$q/log";
Dir::Etc::parts "/dev/null";
Dir::Etc::main "/dev/null";
Debug::NoLocking "1";
APT::Sandbox::User "";
APT::Install-Recommends "0";
APT::Install-Suggests "0";
APT::Get::Assume-Yes "1";
APT::Update::Error-Mode "any";
APT::Color "0";
Acquire::Languages "none";
Acquire::Retries "0";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Dpkg::Use-Pty "0";
EOF
            if [ "$1" = src ]; then
                echo "Dir::Etc::sourcelist \"$q/sources.list\";"
                echo 'Dir::Etc::sourceparts "/dev/null";'
            elif [ -n "$(ls -A "$APT/parts")" ]; then
                echo 'Dir::Etc::sourcelist "/dev/null";'
                echo "Dir::Etc::sourceparts \"${APT//\"/}/parts\";"
            fi                                            # else: not a Debian; its own sources as they are
        } >"$d/apt.conf"
    )
}

apt_bin() { APT_CONFIG=$APT/bin/apt.conf "$@"; }
apt_src() { APT_CONFIG=$APT/src/apt.conf "$@"; }

# What apt is to believe is installed: the truth, or with DEPS_IGNORE_SYSTEM=1 only what any machine has
# that can build C (and what these need), so that everything else is downloaded.
write_status() {
    if [ "$DEPS_IGNORE_SYSTEM" != 1 ]; then
        # Cross compilers and gcc-multilib exclude each other, for a link in /usr/include. Unpacked they do not.
        awk -v RS= -v ORS='\n\n' '!/^Package: (gcc|g\+\+)-multilib\n/' /var/lib/dpkg/status >"$APT/bin/status"
        return
    fi
    local essential
    essential=$(awk '/^Package: /{p=$2} /^(Essential: yes|Priority: required)/{print p}' /var/lib/dpkg/status | sort -u)
    # shellcheck disable=SC2086 # a list of words
    apt-cache depends --recurse --installed --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances $essential apt bash gcc make libc6-dev util-linux |
        sed -n 's/^\([a-z0-9][^: ]*\).*/\1/p' | sort -u >"$TMP/keep"
    awk -v RS= -v ORS='\n\n' -v keep="$TMP/keep" '
        BEGIN { while ((getline p < keep) > 0) { split(p, w, "\n"); for (i in w) k[w[i]] = 1 } }
        { split($0, l, "\n"); sub(/^Package: /, "", l[1]); if (l[1] in k) print }' \
        /var/lib/dpkg/status >"$APT/bin/status"
}

apt_ready=                                          # set once apt's private folders are made
last_try=
bin_lists=''                                        # set while the lists are fresh; emptied before a retry
src_lists=''                                        # likewise: the suite whose sources they list
prepare_apt() {
    [ -z "$apt_ready" ] || return 0
    local tool
    for tool in apt-get apt-config apt-cache dpkg-deb; do
        command -v $tool >/dev/null ||
            { echo "E: $tool is missing: this script downloads with apt's own client only"; return 1; }
    done
    mkdir -p "$APT"
    read_apt_sources
    write_apt_conf bin
    write_status
    apt_ready=1
}

refresh_bin() {
    prepare_apt || return
    [ -z "$bin_lists" ] || return 0
    # One entry that does not answer must not spoil it all: the last try goes on with what came.
    apt_bin apt-get update || [ "$last_try" = 1 ] || return
    bin_lists=1
}

# refresh_src SUITE: fresh lists of it, from the first mirror that serves it under Debian's signature.
refresh_src() {
    prepare_apt || return
    [ "$src_lists" != "$1" ] || return 0
    local suite=$1 uri mirrors=() keyring
    if [ -n "${DEBIAN_MIRROR:-}" ]; then
        mirrors=("$DEBIAN_MIRROR")
    else
        while read -r _ uri; do mirrors+=("$uri"); done <"$APT/mirrors"
    fi
    [ ${#mirrors[@]} -gt 0 ] ||
        { echo "E: apt's sources name no Debian mirror with component main"; return 1; }
    for uri in "${mirrors[@]}"; do
        if keyring=$(debian_keyring) && update_src "$suite" "$uri" "$keyring"; then src_lists=$suite; return 0; fi
        # The keyring is absent, or older than the suite's keys: the machine's own suite has a newer one,
        # and the machine's own keys vouch for it.
        if [ ! -d "$APT/keyring" ] && { [ -z "${keyring:-}" ] || grep -qE 'NO_PUBKEY|not signed' "$APT/src/update.log"; }; then
            echo "I: Debian's keyring is absent or too old; taking the current one from the machine's own suite"
            if fetch_keyring && keyring=$(debian_keyring) && update_src "$suite" "$uri" "$keyring"; then src_lists=$suite; return 0; fi
        fi
    done
    return 1
}

# update_src SUITE MIRROR KEYRING
update_src() {
    write_apt_conf src
    echo "deb-src [signed-by=$3] $2 $1 main" >"$APT/src/sources.list"
    # A key's path may not hold a blank in a one-line entry.
    case $3 in *' '*) printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
        "$2" "$1" "$3" >"$APT/src/sources.sources" ;; esac
    apt_src apt-get update 2>&1 | tee "$APT/src/update.log"
    return "${PIPESTATUS[0]}"
}

fetch_keyring() {
    refresh_bin || return
    rm -rf "$TMP/key"; mkdir -p "$TMP/key"
    (cd "$TMP/key" && apt_bin apt-get download debian-archive-keyring) || return
    mkdir -p "$APT/keyring" && dpkg-deb -x "$TMP"/key/*.deb "$APT/keyring"
}

# get_debs PART PACKAGE...: download the packages and what the system lacks of their dependencies, and
# unpack all into $TMP/PART. The named ones are taken even if installed: a half from here and a half
# from there (a -dev package's link to a library elsewhere) does not work.
# With NO_DEPENDS=1 only the named ones.
get_debs() {
    local part=$1 p deb archives
    shift
    refresh_bin || return
    archives=$APT/bin/cache/$part
    mkdir -p "$archives/partial"
    if [ "${NO_DEPENDS:-0}" != 1 ]; then
        apt_bin apt-get -o "Dir::Cache::archives=$archives" --download-only --no-remove install "$@" || return
    fi
    for p in "$@"; do
        for deb in "$archives/${p}"_*.deb; do
            [ -e "$deb" ] || (cd "$archives" && apt_bin apt-get download "$p") || return
        done
    done
    rm -rf "${TMP:?}/$part"
    mkdir -p "$TMP/$part"
    : >"$TMP/$part.got"
    for deb in "$archives"/*.deb; do
        p=${deb##*/}
        # A second C library under the system's own loader would crash everything; its debug
        # information is found in the system's folder only.
        case $p in libc6_*|libc-bin_*|libc6-dev_*|libc6-dbg_*) continue ;; esac
        echo "unpacking $p"
        dpkg-deb -x "$deb" "$TMP/$part" || return
        p=${p%.deb}
        echo "got ${p//%3a/:}" >>"$TMP/$part.got"
    done
    # Maintainer scripts, documentation and translations are of no use here.
    rm -rf "$TMP/$part/usr/share/doc" "$TMP/$part/usr/share/man" "$TMP/$part/usr/share/locale"
}

# ---------------------------------------------------------------- the system's own

# tool NAME...: the first that PATH (and the sbin folders, which users' PATHs often lack) has.
tool() {
    local name dir found
    [ "$DEPS_IGNORE_SYSTEM" = 1 ] && return 1
    for name in "$@"; do
        local IFS=:
        for dir in $PATH:/usr/local/sbin:/usr/sbin:/sbin; do
            found=$dir/$name
            case $dir in ''|.*|"$DEPS"/*) continue ;; esac
            [ -f "$found" ] && [ -x "$found" ] && { echo "$found"; return 0; }
        done
    done
    return 1
}

# Debian's name of the machine type, as in /usr/lib/NAME. A gcc from elsewhere may print nothing.
triplet() {
    local t
    t=$(gcc -print-multiarch 2>/dev/null) || t=
    echo "${t:-$ARCH-linux-gnu}"
}

# lib_dirs PART: the folders of its private tree that hold shared libraries, relative to the tree.
lib_dirs() {
    local dir t
    t=$(triplet)
    for dir in "usr/lib/$t" "lib/$t" usr/lib lib; do
        if compgen -G "$TMP/$1/$dir/*.so*" >/dev/null; then echo "$dir"; fi
    done
}

# compiles SOURCE FLAG...: does this program build? It is run, too, unless its name says cross.
compiles() {
    local source=$1
    shift
    printf '%s\n' "$source" >"$TMP/probe.c"
    "${CC_PROBE:-gcc}" "$TMP/probe.c" -o "$TMP/probe.out" "$@"
}

# ---------------------------------------------------------------- results

# Everything of a part is made in $TMP and moved in place in one go; the stamp comes last.
wrappers() { mkdir -p "$TMP/$1.bin"; }

# wrap_system PART NAME PATH
wrap_system() {
    wrappers "$1"
    cat >"$TMP/$1.bin/$2" <<EOF
#!/bin/sh
# Made by port/deps/fetch.sh: the system's $2.
exec '${3//\'/\'\\\'\'}' "\$@"
EOF
    chmod 755 "$TMP/$1.bin/$2"
    echo "uses $3" >>"$TMP/$1.got"
}

# wrap_private PART NAME PATH-IN-PART [SHELL-LINES] [ARGUMENTS]: a starter that finds its tree relative to itself (the clone
# may be moved, its path may hold blanks). It execs, so that its process id is the program's.
wrap_private() {
    local dir dirs=''
    wrappers "$1"
    for dir in $(lib_dirs "$1"); do dirs+="\$root/$dir:"; done
    {
        cat <<EOF
#!/bin/sh
# Made by port/deps/fetch.sh: starts the privately unpacked $2 with its own libraries.
self=\$0
case \$self in */*) ;; *) self=\$(command -v -- "\$self") ;; esac
[ ! -L "\$self" ] || self=\$(readlink -f -- "\$self")
root=\$(CDPATH='' cd -- "\${self%/*}/../$1" && pwd -P) || exit 127
EOF
        [ -z "$dirs" ] || cat <<EOF
LD_LIBRARY_PATH=$dirs\${LD_LIBRARY_PATH-}
LD_LIBRARY_PATH=\${LD_LIBRARY_PATH%:}
export LD_LIBRARY_PATH
EOF
        [ -z "${4:-}" ] || printf '%s\n' "$4"
        echo "exec \"\$root/$3\"${5:+ $5} \"\$@\""
    } >"$TMP/$1.bin/$2"
    chmod 755 "$TMP/$1.bin/$2"
    echo "has bin/$2" >>"$TMP/$1.got"
}

# try_wrapped PART NAME ARG...: run a starter where it will live, before the part is declared good. The unpacked
# tree is still in $TMP/PART and the starter in $TMP/PART.bin: give it that neighbourhood.
try_wrapped() {
    local part=$1 name=$2
    shift 2
    rm -rf "$TMP/try"
    mkdir -p "$TMP/try/bin"
    [ ! -d "$TMP/$part" ] || ln -s "../$part" "$TMP/try/$part"
    cp "$TMP/$part.bin/$name" "$TMP/try/bin/$name"
    "$TMP/try/bin/$name" "$@"
}

# finish PART: move in place. Until the stamp is there the part does not count.
finish() {
    local part=$1 f
    rm -f "$DEPS/stamp/$part"
    rm -rf "${DEPS:?}/$part.old"
    [ ! -e "$DEPS/$part" ] || mv "$DEPS/$part" "$DEPS/$part.old"
    [ ! -d "$TMP/$part" ] || mv "$TMP/$part" "$DEPS/$part"
    rm -rf "${DEPS:?}/$part.old"
    if [ -d "$TMP/$part.bin" ]; then
        for f in "$TMP/$part.bin"/*; do mv -f "$f" "$DEPS/bin/"; done
    fi
    rm -f "$DEPS/env/$part.mk"
    [ ! -e "$TMP/$part.mk" ] || mv "$TMP/$part.mk" "$DEPS/env/$part.mk"
    {
        wish_of "$part"
        [ ! -e "$TMP/$part.got" ] || cat "$TMP/$part.got"
        [ ! -d "$DEPS/$part" ] || echo "has $part"
        [ ! -e "$DEPS/env/$part.mk" ] || echo "has env/$part.mk"
    } >"$TMP/stamp"
    mv "$TMP/stamp" "$DEPS/stamp/$part"
}

# ---------------------------------------------------------------- the parts
#
# probe_PART: use the system's and return 0, or return 1. Quiet and quick.
# get_PART:   download, unpack, try. Runs with its output in the log; returns non-zero on any failure.
# PACKAGES[PART]: what to install by hand instead, for the advice when a download fails.

declare -A PACKAGES=(
    [jsmn]='libjsmn-dev' [slirp]='libslirp-dev' [mosquitto]='mosquitto mosquitto-clients' [mosquitto-dev]='mosquitto-dev libmosquitto-dev'
    [microhttpd]='libmicrohttpd-dev' [openssl]='openssl' [nginx]='nginx' [coap]='libcoap3-bin' [coap-dev]='libcoap3-dev' [jq]='jq' [roots]='ca-certificates' [cmocka]='libcmocka-dev'
    [valgrind]='valgrind' [clang]='clang clang-format' [cppcheck]='cppcheck'
    [m32]='gcc-multilib' [arm]='gcc-arm-none-eabi libnewlib-arm-none-eabi' [qemu]='qemu-system-arm'
    [m32-san]='gcc-multilib'
    [gcc-powerpc]='gcc-powerpc-linux-gnu libc6-dev-powerpc-cross' [gcc-s390x]='gcc-s390x-linux-gnu libc6-dev-s390x-cross'
    [qemu-user]='qemu-user')

# --- lwIP and mbedTLS: Debian's source packages, with Debian's patches (some are security fixes)

probe_lwip() { return 1; }
get_lwip() { get_source lwip; }

probe_mbedtls() { return 1; }
get_mbedtls() { get_source mbedtls; }

# The JSON of the emulated platform; compiled by us, for it runs on every machine that the tests run on.
probe_jansson() { return 1; }
get_jansson() { get_source jansson; }

# The oldest lwIP that we promise to work with.
probe_lwip21() { return 1; }
get_lwip21() { get_source lwip21; }

# For machines whose libcmocka nobody packages.
probe_cmocka-source() { return 1; }
get_cmocka-source() { get_source cmocka-source; }

# get_source PART: the current revision of the wanted series, checked, patched, unpacked into $TMP/PART.
get_source() {
    local part=$1 dsc version upstream orig sum tree file keep
    local name=${SOURCE_NAME[$1]} series=${SOURCE_SERIES[$1]} known=${SOURCE_KNOWN[$1]}
    refresh_src "${SOURCE_SUITE[$part]}" || return
    rm -rf "$TMP/$part.src"
    mkdir -p "$TMP/$part.src"
    cd "$TMP/$part.src" || return
    apt_src apt-get source --download-only "${SOURCE_PACKAGE[$part]}" || return
    dsc=$(ls ./*.dsc) || return
    version=$(sed -n 's/^Version: //p' "$dsc")
    upstream=${version%-*} upstream=${upstream#*:} upstream=${upstream%%+*}
    case $upstream in
        "$series".*) ;;
        *) echo "E: ${SOURCE_SUITE[$part]} has $name $version, wanted is $series.x"; return 1 ;;
    esac
    for orig in *.orig.tar.*; do                        # there may be an .asc beside it
        case $orig in *.asc) ;; *) break ;; esac
    done
    sum=$(sha256sum "$orig") sum=${sum%% *}
    if [ -n "${SOURCE_SHA256[$orig]-}" ]; then
        [ "$sum" = "${SOURCE_SHA256[$orig]}" ] ||
            { echo "E: $orig has SHA-256 $sum, known is ${SOURCE_SHA256[$orig]}"; return 1; }
    elif [ "$upstream" = "$known" ]; then
        note "$name $version comes in a tarball not seen before ($orig); Debian's signature vouches for it"
    else
        note "$name $version is newer than the tested $known; Debian's signature vouches for it"
    fi
    # tar and dpkg-source call it; a machine with a compiler but without dpkg-dev may lack it.
    case $orig in *.bz2) command -v bunzip2 >/dev/null ||
        { echo "E: bunzip2 is missing: $orig cannot be unpacked"; return 1; } ;; esac
    if command -v dpkg-source >/dev/null; then
        dpkg-source --no-check -x "$dsc" tree || return
    else
        # dpkg-source comes with dpkg-dev, which not every machine has; it is two tarballs and a list of patches.
        mkdir tree && tar -C tree --strip-components=1 -xf "$orig" || return
        tar -C tree -xf ./*.debian.tar.* || return
        [ ! -e tree/debian/patches/series ] || while read -r patch _; do
            case $patch in ''|'#'*) continue ;; esac
            if command -v patch >/dev/null; then
                patch -d tree -p1 -s -f <"tree/debian/patches/$patch" || return
            else
                # Outside of any work tree, or git would skip what it takes for ignored files.
                (cd tree && GIT_CEILING_DIRECTORIES=$TMP/$part.src git apply -p1 "debian/patches/$patch") || return
            fi
        done <tree/debian/patches/series
    fi
    for file in ${SOURCE_NEEDS[$part]}; do
        [ -r "tree/$file" ] || { echo "E: the unpacked source has no $file"; return 1; }
    done
    rm -rf tree/.pc "${TMP:?}/$part"
    cd "$TOP" || return
    tree=$TMP/$part.src/tree
    if [ -n "${SOURCE_KEEP[$part]}" ]; then
        mkdir "$TMP/$part" || return
        for keep in ${SOURCE_KEEP[$part]}; do mv "$tree/$keep" "$TMP/$part/" || return; done
    else
        mv "$tree" "$TMP/$part" || return
    fi
    rm -rf "$TMP/$part.src"
    {
        echo "got $name $version"
        echo "got $orig sha256 $sum"
    } >"$TMP/$part.got"
}

# --- jsmn: the tokens of JSON, a header. A copy even of the system's: compilers for boards may not see /usr/include.

# pick_jsmn HEADER: copies it into $TMP/jsmn if it has what src/json uses.
pick_jsmn() {
    compiles '#define JSMN_STATIC
#define JSMN_STRICT
#include <jsmn.h>
int main(void)
{
    jsmn_parser p;
    jsmn_init(&p);
    p.pos = 1;
    return jsmn_parse_string(&p, "[\"a\",12]", 8, NULL, 0) != 0 || p.pos++ != 3 || p.pos++ != 4 ||
           jsmn_parse_primitive(&p, "[\"a\",12]", 8, NULL, 0) != 0 || p.pos != 6;
}' -I "${1%/*}" && "$TMP/probe.out" || return 1
    mkdir "$TMP/jsmn.pick" && cp "$1" "$TMP/jsmn.pick/jsmn.h" || return 1
    rm -rf "$TMP/jsmn"
    mv "$TMP/jsmn.pick" "$TMP/jsmn"
}

probe_jsmn() {
    [ "$DEPS_IGNORE_SYSTEM" != 1 ] || return 1
    pick_jsmn /usr/include/jsmn.h
}

get_jsmn() {
    NO_DEPENDS=1 get_debs jsmn libjsmn-dev && pick_jsmn "$TMP/jsmn/usr/include/jsmn.h"
}

# --- libslirp: the network of the simulation

# shellcheck disable=SC2016
SLIRP_PROBE='#include <slirp/libslirp.h>
int main(void) { return slirp_version_string() ? 0 : 1; }'

probe_slirp() {
    [ "$DEPS_IGNORE_SYSTEM" != 1 ] || return 1
    local cflags='' libs='-lslirp'
    if command -v pkg-config >/dev/null && pkg-config --atleast-version=4.1 slirp; then
        libs=$(pkg-config --libs slirp)
        cflags=$(pkg-config --cflags-only-I slirp)
    fi
    # shellcheck disable=SC2086
    compiles "$SLIRP_PROBE" $cflags $libs && "$TMP/probe.out" || return 1
    {
        echo "# the system's libslirp"
        echo "SLIRP_CFLAGS := $cflags"
        echo "SLIRP_LIBS := $libs"
        echo "SLIRP_DIRS :="
    } >"$TMP/slirp.mk"
    echo "uses $(header_of "$SLIRP_PROBE" slirp/libslirp.h "$cflags")" >"$TMP/slirp.got"
}

# header_of SOURCE NAME CFLAGS: the full path of a header that SOURCE includes.
header_of() {
    # shellcheck disable=SC2086
    printf '%s\n' "$1" | gcc -xc -M $3 - | tr ' ' '\n' | grep -m1 -F "/$2"
}

# private_flags PART VAR HEADER-DIRS LIBS: flags for a library in a private tree, in terms of $(DEPS). VAR_DIRS are its library folders
# below $(DEPS): the Makefile turns them into an rpath relative to the binary.
private_flags() {
    local dir cflags='' ldirs='' dirs='' rlink=''
    for dir in $3; do cflags+=" -isystem \$(DEPS)/$1/$dir"; done
    for dir in $(lib_dirs "$1"); do
        ldirs+=" -L\$(DEPS)/$1/$dir"
        rlink+=" -Wl,-rpath-link,\$(DEPS)/$1/$dir"
        dirs+=" $1/$dir"
    done
    {
        echo "# private copy"
        echo "$2_CFLAGS :=$cflags"
        echo "$2_LIBS :=$ldirs$rlink $4"
        echo "$2_DIRS :=$dirs"
    } >"$TMP/$1.mk"
}

# try_library PART SOURCE LIBS: build and run a program against the private tree.
try_library() {
    local dir flags=(-isystem "$TMP/$1/usr/include") path=''
    for dir in $(lib_dirs "$1"); do
        flags+=("-L$TMP/$1/$dir" "-Wl,-rpath-link,$TMP/$1/$dir")
        path+=$TMP/$1/$dir:
    done
    compiles "$2" "${flags[@]}" "$3" && LD_LIBRARY_PATH=$path "$TMP/probe.out"
}

get_slirp() {
    get_debs slirp libslirp-dev libslirp0 || return
    try_library slirp "$SLIRP_PROBE" -lslirp || return
    private_flags slirp SLIRP 'usr/include usr/include/slirp' -lslirp
}

# --- cmocka: the unit tests

CMOCKA_PROBE='#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
static void nothing(void **state) { (void)state; }
int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(nothing) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}'

probe_cmocka() {
    [ "$DEPS_IGNORE_SYSTEM" != 1 ] || return 1
    compiles "$CMOCKA_PROBE" -lcmocka && "$TMP/probe.out" || return 1
    {
        echo "# the system's cmocka"
        echo "CMOCKA_CFLAGS :="
        echo "CMOCKA_LIBS := -lcmocka"
        echo "CMOCKA_DIRS :="
    } >"$TMP/cmocka.mk"
    echo "uses $(header_of "$CMOCKA_PROBE" cmocka.h '')" >"$TMP/cmocka.got"
}

get_cmocka() {
    get_debs cmocka libcmocka-dev libcmocka0 || return
    try_library cmocka "$CMOCKA_PROBE" -lcmocka || return
    private_flags cmocka CMOCKA usr/include -lcmocka
}

# --- mosquitto: the broker, and the clients people know

MOSQUITTO_TOOLS='mosquitto mosquitto_pub mosquitto_sub'

# says PATTERN COMMAND...: does it print that? Whatever it exits with: mosquitto -h ends with 3.
says() {
    local out pattern=$1
    shift
    out=$("$@" 2>&1) || :
    printf '%s\n' "$out" | head -n 3
    grep -qE -- "$pattern" <<<"$out"
}

# Version 2 changed the configuration: older brokers do not understand ours.
MOSQUITTO_FITS='^mosquitto version ([2-9]|[1-9][0-9])\.'

probe_mosquitto() {
    local name found
    for name in $MOSQUITTO_TOOLS; do
        found=$(tool "$name") || return 1
        case $name in
            mosquitto) says "$MOSQUITTO_FITS" "$found" -h || return 1 ;;
            *)         says "^$name version" "$found" --help || return 1 ;;
        esac
        wrap_system mosquitto "$name" "$found"
    done
}

get_mosquitto() {
    local name dir
    get_debs mosquitto mosquitto mosquitto-clients libmosquitto1 || return
    for name in $MOSQUITTO_TOOLS; do
        dir=usr/bin
        [ -x "$TMP/mosquitto/usr/sbin/$name" ] && dir=usr/sbin
        wrap_private mosquitto "$name" "$dir/$name"
    done
    says "$MOSQUITTO_FITS" try_wrapped mosquitto mosquitto -h || return
    says '^mosquitto_pub version' try_wrapped mosquitto mosquitto_pub --help || return
    says '^mosquitto_sub version' try_wrapped mosquitto mosquitto_sub --help
}

# --- mosquitto-dev: what a plugin of the broker is compiled with (nothing is linked: its symbols are the broker's)

MOSQUITTO_DEV_PROBE='#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <stdio.h>
int main(void)
{
    printf("mosquitto version %d.%d.\n", LIBMOSQUITTO_MAJOR, LIBMOSQUITTO_MINOR);
    return MOSQ_PLUGIN_VERSION < 5 || MOSQ_EVT_BASIC_AUTH == 0;
}'

# plugin_fits CFLAGS: do these headers describe the broker that bin/mosquitto starts?
plugin_fits() {
    local series
    # shellcheck disable=SC2086
    compiles "$MOSQUITTO_DEV_PROBE" $1 && series=$("$TMP/probe.out") || return 1
    says "^${series//./\\.}" "$DEPS/bin/mosquitto" -h
}

probe_mosquitto-dev() {
    [ "$DEPS_IGNORE_SYSTEM" != 1 ] || return 1
    plugin_fits '' || return 1
    printf '%s\n' "# the system's mosquitto-dev" 'MOSQUITTO_CFLAGS :=' >"$TMP/mosquitto-dev.mk"
    echo "uses $(header_of "$MOSQUITTO_DEV_PROBE" mosquitto_plugin.h '')" >"$TMP/mosquitto-dev.got"
}

get_mosquitto-dev() {
    NO_DEPENDS=1 get_debs mosquitto-dev mosquitto-dev libmosquitto-dev || return
    rm -rf "$TMP/mosquitto-dev/usr/lib"                 # a link to a library that is elsewhere
    # The compiler's word list would be cut at a blank in the path.
    (cd "$TMP" && plugin_fits '-isystem mosquitto-dev/usr/include') || return
    printf '%s\n' '# private copy' 'MOSQUITTO_CFLAGS := -isystem $(DEPS)/mosquitto-dev/usr/include' >"$TMP/mosquitto-dev.mk"
}

# --- libmicrohttpd: the HTTP of the emulated platform, with TLS

MICROHTTPD_PROBE='#include <microhttpd.h>
int main(void) { return MHD_is_feature_supported(MHD_FEATURE_TLS) == MHD_YES ? 0 : 1; }'

probe_microhttpd() {
    [ "$DEPS_IGNORE_SYSTEM" != 1 ] || return 1
    compiles "$MICROHTTPD_PROBE" -lmicrohttpd && "$TMP/probe.out" || return 1
    {
        echo "# the system's libmicrohttpd"
        echo "MICROHTTPD_CFLAGS :="
        echo "MICROHTTPD_LIBS := -lmicrohttpd"
        echo "MICROHTTPD_DIRS :="
    } >"$TMP/microhttpd.mk"
    echo "uses $(header_of "$MICROHTTPD_PROBE" microhttpd.h '')" >"$TMP/microhttpd.got"
}

# The library's package has another name in each suite: it is what the headers depend on. It is named, as a machine may have
# it without the headers, and then it would not come with them.
get_microhttpd() {
    local library
    refresh_bin || return
    library=$(apt_bin apt-cache depends libmicrohttpd-dev | awk '$1 == "Depends:" && $2 ~ /^libmicrohttpd[0-9]/ { print $2; exit }')
    [ -n "$library" ] || { echo "E: libmicrohttpd-dev names no library"; return 1; }
    get_debs microhttpd libmicrohttpd-dev "$library" || return
    try_library microhttpd "$MICROHTTPD_PROBE" -lmicrohttpd || return
    private_flags microhttpd MICROHTTPD usr/include -lmicrohttpd
}

# --- libcoap as a library, over OpenSSL: the CoAP of the emulated platform

COAP_PROBE='#include <coap3/coap.h>
int main(void)
{
    coap_startup();
    return coap_get_tls_library_version()->type == COAP_TLS_LIBRARY_OPENSSL ? 0 : 1;
}'

probe_coap-dev() {
    [ "$DEPS_IGNORE_SYSTEM" != 1 ] || return 1
    compiles "$COAP_PROBE" -lcoap-3-openssl && "$TMP/probe.out" || return 1
    {
        echo "# the system's libcoap"
        echo "COAP_CFLAGS :="
        echo "COAP_LIBS := -lcoap-3-openssl"
        echo "COAP_DIRS :="
    } >"$TMP/coap-dev.mk"
    echo "uses $(header_of "$COAP_PROBE" coap3/coap.h '')" >"$TMP/coap-dev.got"
}

get_coap-dev() {
    get_debs coap-dev libcoap3-dev libcoap3 || return
    try_library coap-dev "$COAP_PROBE" -lcoap-3-openssl || return
    private_flags coap-dev COAP usr/include -lcoap-3-openssl
}

# --- openssl: the tool makes throw-away certificates, its s_server is a peer of the tests

# What `make run` asks of it.
OPENSSL_PROBE='req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=probe
               -addext subjectAltName=DNS:probe -keyout /dev/null -out /dev/null'

probe_openssl() {
    local found
    found=$(tool openssl) || return 1
    # shellcheck disable=SC2086
    says '^OpenSSL ' "$found" version && "$found" $OPENSSL_PROBE || return 1
    wrap_system openssl openssl "$found"
}

get_openssl() {
    get_debs openssl openssl || return
    wrap_private openssl openssl usr/bin/openssl ': "${OPENSSL_CONF:=$root/etc/ssl/openssl.cnf}"
export OPENSSL_CONF'
    says '^OpenSSL ' try_wrapped openssl openssl version || return
    # shellcheck disable=SC2086
    try_wrapped openssl openssl $OPENSSL_PROBE
}

# --- nginx: a web server that is not ours. It writes its version to the standard error, and needs no configuration for that

NGINX_FITS='^nginx version: .*/1\.([2-9][0-9]|19)\.'    # -e, for a log of its own from the start

probe_nginx() {
    local found
    found=$(tool nginx) || return 1
    says "$NGINX_FITS" "$found" -v && says 'http_ssl_module' "$found" -V || return 1
    wrap_system nginx nginx "$found"
}

get_nginx() {
    get_debs nginx nginx || return
    wrap_private nginx nginx usr/sbin/nginx
    says "$NGINX_FITS" try_wrapped nginx nginx -v
}

# --- libcoap: CoAP servers and clients that are not ours, over three kinds of DTLS. Asked for help they say who they are, and
# that this is no way to start them.

COAP_TOOLS='coap-server-openssl coap-server-gnutls coap-server-notls coap-client-openssl coap-client-gnutls coap-client-notls'
COAP_FITS='^coap-(server|client)-[a-z]+ v4\.([3-9]|[1-9][0-9])\.'

probe_coap() {
    local name found
    for name in $COAP_TOOLS; do
        found=$(tool "$name") || return 1
        says "$COAP_FITS" "$found" "-?" || return 1
        wrap_system coap "$name" "$found"
    done
}

get_coap() {
    local name
    get_debs coap libcoap3-bin || return
    for name in $COAP_TOOLS; do
        wrap_private coap "$name" "usr/bin/$name"
        says "$COAP_FITS" try_wrapped coap "$name" "-?" || return
    done
}

# --- roots: the certificates that the platform's servers stand on, for the simulation

# pick_roots FOLDER: copies GlobalSign's into $TMP/roots.
pick_roots() {
    local f
    rm -rf "$TMP/roots.pick"
    mkdir "$TMP/roots.pick"
    for f in "$1"/GlobalSign*.crt; do
        grep -q '^-----BEGIN CERTIFICATE-----' "$f" && cp "$f" "$TMP/roots.pick/" || return 1
    done
    rm -rf "$TMP/roots"
    mv "$TMP/roots.pick" "$TMP/roots"
}

probe_roots() {
    [ "$DEPS_IGNORE_SYSTEM" != 1 ] || return 1
    pick_roots /usr/share/ca-certificates/mozilla
}

get_roots() {
    NO_DEPENDS=1 get_debs roots ca-certificates && pick_roots "$TMP/roots/usr/share/ca-certificates/mozilla"
}

# --- jq: reads thing models

JQ_PROBE='{"a":[1,2]}'

probe_jq() {
    local found
    found=$(tool jq) || return 1
    says '^3$' "$found" -n "$JQ_PROBE | .a | add" || return 1
    wrap_system jq jq "$found"
}

get_jq() {
    get_debs jq jq || return
    wrap_private jq jq usr/bin/jq
    says '^3$' try_wrapped jq jq -n "$JQ_PROBE | .a | add"
}

# --- valgrind: instruction counts

probe_valgrind() {
    local found
    found=$(tool valgrind) || return 1
    "$found" --version >/dev/null || return 1
    wrap_system valgrind valgrind "$found"
}

get_valgrind() {
    local bin=valgrind lib
    get_debs valgrind valgrind || return
    [ -x "$TMP/valgrind/usr/bin/valgrind.bin" ] && bin=valgrind.bin      # Debian's valgrind is a script with paths in it
    for lib in usr/libexec/valgrind "usr/lib/$(triplet)/valgrind" usr/lib/valgrind; do
        [ -d "$TMP/valgrind/$lib" ] && break
    done
    # It hands the folder to the loader in a list that blanks divide; a relative name mostly has none.
    # (memcheck also wants the C library's debug information, which only an installed libc6-dbg gives; what counts
    # instructions does not.)
    wrap_private valgrind valgrind "usr/bin/$bin" "VALGRIND_LIB=\$root/$lib
case \$root in *' '*) VALGRIND_LIB=\$(realpath --relative-to=. -- \"\$VALGRIND_LIB\") ;; esac
export VALGRIND_LIB"
    try_wrapped valgrind valgrind --version || return
    compiles 'int main(void) { return 0; }' || return
    try_wrapped valgrind valgrind --tool=callgrind --callgrind-out-file=/dev/null "$TMP/probe.out"
}

# --- clang and clang-format: a second compiler's opinion; one way to lay out code

CLANG_VERSIONS='22 21 20 19 18 17 16 15 14 13'

probe_clang() {
    local clang format v names
    names=clang
    for v in $CLANG_VERSIONS; do names+=" clang-$v"; done
    # shellcheck disable=SC2086
    clang=$(tool $names) || return 1
    names='clang-format-14 clang-format'        # its output differs between versions; 14 is the one we format with
    for v in $CLANG_VERSIONS; do names+=" clang-format-$v"; done
    # shellcheck disable=SC2086
    format=$(tool $names) || return 1
    CC_PROBE=$clang compiles 'int main(void) { return 0; }' || return 1
    "$format" --version >/dev/null || return 1
    wrap_system clang clang "$clang"
    wrap_system clang clang-format "$format"
}

get_clang() {
    get_debs clang clang clang-format || return
    wrap_private clang clang usr/bin/clang
    wrap_private clang clang-format usr/bin/clang-format
    try_wrapped clang clang-format --version || return
    printf '#include <stddef.h>\n#include <stdio.h>\nint main(void) { return puts("x") < 0; }\n' >"$TMP/probe.c"
    try_wrapped clang clang "$TMP/probe.c" -o "$TMP/probe.out" && "$TMP/probe.out" || return
}

# --- cppcheck

probe_cppcheck() {
    local found
    found=$(tool cppcheck) || return 1
    "$found" --version >/dev/null || return 1
    wrap_system cppcheck cppcheck "$found"
}

get_cppcheck() {
    get_debs cppcheck cppcheck || return
    # It looks for its tables beside itself, or where Debian put them.
    [ -e "$TMP/cppcheck/usr/bin/cfg" ] || ln -s ../share/cppcheck/cfg "$TMP/cppcheck/usr/bin/cfg" || return
    [ -e "$TMP/cppcheck/usr/bin/addons" ] || ln -s ../share/cppcheck/addons "$TMP/cppcheck/usr/bin/addons" || return
    [ -e "$TMP/cppcheck/usr/bin/platforms" ] || ln -s ../share/cppcheck/platforms "$TMP/cppcheck/usr/bin/platforms" || return
    wrap_private cppcheck cppcheck usr/bin/cppcheck
    echo 'int main(void) { return 0; }' >"$TMP/probe.c"
    try_wrapped cppcheck cppcheck --library=posix --error-exitcode=1 "$TMP/probe.c" || return
}

# --- 32 bit: headers and libraries for `gcc -m32`

M32_PROBE='#include <stdio.h>
#include <stdint.h>
#include <errno.h>
#include <sys/socket.h>
int main(void) { int64_t n = errno; return (int)(n / 3) + (printf("%d\n", (int)sizeof(void *)) < 0); }'

# The multilib of gcc is named after its major version; it has to be the one in use.
gcc_major() { gcc -dumpversion | sed 's/\..*//'; }

m32_possible() { case $(triplet) in x86_64-linux-gnu) return 0 ;; *) return 1 ;; esac; }

probe_m32() {
    if ! m32_possible; then
        echo "# this machine's gcc ($(triplet)) has no -m32" >"$TMP/m32.mk"
        : >"$TMP/m32.got"
        return 0
    fi
    [ "$DEPS_IGNORE_SYSTEM" != 1 ] || return 1
    local sys=''
    compiles "$M32_PROBE" -m32 -static || {
        # With cross compilers installed gcc-multilib cannot be, and this folder is missing from the path.
        sys="-isystem /usr/include/$(triplet)"
        # shellcheck disable=SC2086
        compiles "$M32_PROBE" -m32 -static $sys || return 1
    }
    {
        echo "# the system's multilib"
        echo "M32_CFLAGS := -m32${sys:+ $sys}"
        echo "M32_LDFLAGS := -m32 -static"
    } >"$TMP/m32.mk"
    echo "uses $(gcc -m32 -print-libgcc-file-name)" >"$TMP/m32.got"
}

get_m32() {
    local major lib root=$TMP/m32 cflags ldflags inc
    major=$(gcc_major)
    lib=usr/lib/gcc/$(triplet)/$major/32
    NO_DEPENDS=1 get_debs m32 libc6-dev-i386 libc6-i386 "lib32gcc-$major-dev" lib32gcc-s1 || return
    # -isystem: /usr/include/i386-linux-gnu is not there, the 64-bit folder's headers serve both once stubs-32.h is.
    inc=usr/include
    cflags=(-m32 -isystem "$root/$inc" -isystem "$root/$inc/$(triplet)" -isystem "/usr/include/$(triplet)")
    ldflags=(-static "-B$root/$lib/" "-B$root/usr/lib32/" "-L$root/$lib" "-L$root/usr/lib32")
    compiles "$M32_PROBE" "${cflags[@]}" "${ldflags[@]}" || return
    {
        echo "# private copy"
        echo "M32_CFLAGS := -m32 -isystem \$(DEPS)/m32/$inc -isystem \$(DEPS)/m32/$inc/$(triplet) -isystem /usr/include/$(triplet)"
        echo "M32_LDFLAGS := -m32 -static -B\$(DEPS)/m32/$lib/ -B\$(DEPS)/m32/usr/lib32/ -L\$(DEPS)/m32/$lib -L\$(DEPS)/m32/usr/lib32"
    } >"$TMP/m32.mk"
}

# --- 32 bit with sanitizers: these are shared libraries only, so the programs are linked dynamically

M32_SAN_FLAGS='-fsanitize=address,undefined'

probe_m32-san() {
    if ! m32_possible; then
        echo "# this machine's gcc ($(triplet)) has no -m32" >"$TMP/m32-san.mk"
        : >"$TMP/m32-san.got"
        return 0
    fi
    [ "$DEPS_IGNORE_SYSTEM" != 1 ] || return 1
    local sys=''
    # shellcheck disable=SC2086
    compiles "$M32_PROBE" -m32 $M32_SAN_FLAGS || {
        sys="-isystem /usr/include/$(triplet)"
        compiles "$M32_PROBE" -m32 $M32_SAN_FLAGS $sys || return 1
    }
    "$TMP/probe.out" || return 1
    {
        echo "# the system's multilib"
        echo "M32_SAN_CFLAGS := -m32${sys:+ $sys}"
        echo "M32_SAN_LDFLAGS := -m32"
        echo "M32_SAN_RUN :="
    } >"$TMP/m32-san.mk"
    echo "uses $(gcc -m32 -print-file-name=libasan.so)" >"$TMP/m32-san.got"
}

get_m32-san() {
    local major root=$TMP/m32-san at dir inc=usr/include loader dirs lib flags
    major=$(gcc_major)
    # By name what the system may have half of: all of it comes from one place.
    get_debs m32-san libc6-dev-i386 libc6-i386 "lib32gcc-$major-dev" lib32gcc-s1 lib32stdc++6 || return
    lib=usr/lib/gcc/$(triplet)/$major/32
    rm -rf "$root/libx32" "$root/usr/libx32" "$root/${lib%32}x32"
    loader=lib32/ld-linux.so.2 dirs='lib32 usr/lib32'
    [ -e "$root/$loader" ] || loader=usr/lib32/ld-linux.so.2
    # The linker's script for the C library names its halves by absolute paths.
    sed -i 's|/[^ ()]*/\(lib[^ ()/]*\)|\1|g; s|/[^ ()]*/\(ld-[^ ()/]*\)|\1|g' "$root/usr/lib32/libc.so" || return
    for at in "$root" '$(DEPS)/m32-san'; do
        flags=("-B$at/$lib/" "-B$at/usr/lib32/" "-L$at/$lib")
        for dir in $dirs; do flags+=("-L$at/$dir" "-Wl,-rpath-link,$at/$dir"); done
        if [ "$at" = "$root" ]; then
            # shellcheck disable=SC2086
            compiles "$M32_PROBE" -m32 $M32_SAN_FLAGS -isystem "$root/$inc" -isystem "$root/$inc/$(triplet)" \
                -isystem "/usr/include/$(triplet)" "${flags[@]}" || return
            "$root/$loader" --library-path "$root/lib32:$root/usr/lib32" "$TMP/probe.out" || return
        fi
    done
    {
        echo "# private copy"
        echo "M32_SAN_CFLAGS := -m32 -isystem \$(DEPS)/m32-san/$inc -isystem \$(DEPS)/m32-san/$inc/$(triplet) -isystem /usr/include/$(triplet)"
        echo "M32_SAN_LDFLAGS := -m32 ${flags[*]}"
        echo "# How they are started: with the private loader and its libraries."
        echo "M32_SAN_RUN := \$(DEPS)/m32-san/$loader --library-path \$(DEPS)/m32-san/lib32:\$(DEPS)/m32-san/usr/lib32"
    } >"$TMP/m32-san.mk"
}

# --- bare-metal Arm

ARM_TOOLS='gcc ar as ld nm objcopy objdump ranlib readelf size strip gdb'
ARM_PROBE='#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <stdio.h>
void _exit(int n);
void _exit(int n) { (void)n; for (;;) { } }
int main(int argc, char **argv) { return (int)strlen(argv[argc - 1]) / argc; }'
ARM_FLAGS='-mcpu=cortex-m3 -mthumb -Os'

# Everything but the system calls of newlib: linked without them, as our firmware is.
probe_arm() {
    local gcc name found
    gcc=$(tool arm-none-eabi-gcc) || return 1
    # shellcheck disable=SC2086
    CC_PROBE=$gcc compiles "$ARM_PROBE" $ARM_FLAGS --specs=nosys.specs || return 1
    for name in $ARM_TOOLS; do
        found=$(tool "arm-none-eabi-$name") || continue
        wrap_system arm "arm-none-eabi-$name" "$found"
    done
}

get_arm() {
    local name newlib
    get_debs arm gcc-arm-none-eabi binutils-arm-none-eabi libnewlib-arm-none-eabi libnewlib-dev || return
    # Half of its 800 MB are libraries for processors that run Linux or an engine: not for microcontrollers.
    find "$TMP/arm/usr/lib" -depth -type d \( -path '*/arm-none-eabi/*/arm' -o -path '*/thumb/v7-a*' -o -path '*/thumb/v7ve*' \
        -o -path '*/thumb/v8-a*' -o -path '*/thumb/v7-r*' -o -path '*/thumb/v7+fp' \) -exec rm -rf {} + || return
    for newlib in usr/lib/arm-none-eabi/newlib usr/lib/arm-none-eabi/lib; do
        [ -d "$TMP/arm/$newlib" ] && break
    done
    for name in $ARM_TOOLS; do
        [ -x "$TMP/arm/usr/bin/arm-none-eabi-$name" ] || continue
        case $name in
            # gcc finds its own parts relative to itself, but newlib by absolute paths. After -B it looks for
            # newlib's specs, start files and libraries, each with the folder of the chosen processor.
            gcc) wrap_private arm "arm-none-eabi-$name" "usr/bin/arm-none-eabi-$name" '' \
                    "-B\"\$root/$newlib/\" -idirafter \"\$root/usr/include/newlib\"" ;;
            *)   wrap_private arm "arm-none-eabi-$name" "usr/bin/arm-none-eabi-$name" ;;
        esac
    done
    printf '%s\n' "$ARM_PROBE" >"$TMP/probe.c"
    # shellcheck disable=SC2086
    try_wrapped arm arm-none-eabi-gcc $ARM_FLAGS --specs=nosys.specs "$TMP/probe.c" -o "$TMP/probe.out" || return
    try_wrapped arm arm-none-eabi-size "$TMP/probe.out" || return
}

# --- QEMU: the boards that the firmware runs on

# qemu_fits COMMAND...: has it the boards, and takes it a network as a socket that we opened (7.2)?
qemu_fits() {
    says '^QEMU emulator version (7\.[2-9]|[89]\.|[1-9][0-9])' "$@" --version &&
        "$@" -M help | grep -q '^mps2-an385 ' && "$@" -M help | grep -q '^mps2-an500 '
}

probe_qemu() {
    local found
    found=$(tool qemu-system-arm) || return 1
    qemu_fits "$found" || return 1
    wrap_system qemu qemu-system-arm "$found"
}

get_qemu() {
    get_debs qemu qemu-system-arm qemu-system-common || return
    # Screens, sound and disks on the network are plug-ins of the programs; a board has a UART and a cable.
    wrap_private qemu qemu-system-arm usr/bin/qemu-system-arm '' '-L "$root/usr/share/qemu"'
    qemu_fits try_wrapped qemu qemu-system-arm || return
    # It starts with what it needs for a board.
    says '"return"' qemu_greets
}

# shellcheck disable=SC2329 # called by says
qemu_greets() {
    printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"quit"}' |
        try_wrapped qemu qemu-system-arm -M mps2-an385 -S -display none -serial none -monitor none -nic none -qmp stdio
}

# --- big-endian machines: a compiler with a C library to link statically, and what runs the result

CROSS_TOOLS='gcc ar nm'
CROSS_PROBE='#include <stdio.h>
#include <stdint.h>
int main(void)
{
    const union { uint32_t word; uint8_t bytes[4]; } u = {1};
    return printf("%d\n", (int)sizeof(void *)) < 0 || u.bytes[3] != 1;
}'

# probe_cross PART TRIPLET
probe_cross() {
    local gcc name found
    gcc=$(tool "$2-gcc") || return 1
    CC_PROBE=$gcc compiles "$CROSS_PROBE" -static || return 1
    for name in $CROSS_TOOLS; do
        found=$(tool "$2-$name") || return 1
        wrap_system "$1" "$2-$name" "$found"
    done
}

# get_cross PART TRIPLET DEBIAN'S-NAME-OF-THE-MACHINE
get_cross() {
    local name bin
    get_debs "$1" "gcc-$2" "binutils-$2" "libc6-dev-$3-cross" "libc6-$3-cross" "linux-libc-dev-$3-cross" || return
    # Not wanted: link-time optimisation, sanitizers, what only dynamic programs load.
    rm -rf "$TMP/$1/usr/lib/gcc-cross/$2"/*/lto1 || return
    find "$TMP/$1/usr/$2" "$TMP/$1/usr/lib/gcc-cross" \( -name 'lib[altu]*san*' -o -name '*.so.*' \) -exec rm -rf {} + || return
    for name in $CROSS_TOOLS; do
        bin=usr/bin/$2-$name
        [ -x "$TMP/$1/$bin" ] || return
        wrap_private "$1" "$2-$name" "$bin"
    done
    printf '%s\n' "$CROSS_PROBE" >"$TMP/probe.c"
    try_wrapped "$1" "$2-gcc" -static "$TMP/probe.c" -o "$TMP/probe.out"
}

probe_gcc-powerpc() { probe_cross gcc-powerpc powerpc-linux-gnu; }
get_gcc-powerpc() { get_cross gcc-powerpc powerpc-linux-gnu powerpc; }
probe_gcc-s390x() { probe_cross gcc-s390x s390x-linux-gnu; }
get_gcc-s390x() { get_cross gcc-s390x s390x-linux-gnu s390x; }

QEMU_MACHINES='ppc s390x'

probe_qemu-user() {
    local m found
    for m in $QEMU_MACHINES; do
        found=$(tool "qemu-$m" "qemu-$m-static") || return 1
        "$found" --version || return 1
        wrap_system qemu-user "qemu-$m" "$found"
    done
}

get_qemu-user() {
    local m
    get_debs qemu-user qemu-user || return
    for m in $QEMU_MACHINES; do wrap_private qemu-user "qemu-$m" "usr/bin/qemu-$m"; done
    # The other thirty machines.
    find "$TMP/qemu-user/usr/bin" -type f ! -name qemu-ppc ! -name qemu-s390x -delete || return
    for m in $QEMU_MACHINES; do try_wrapped qemu-user "qemu-$m" --version || return; done
}

# ---------------------------------------------------------------- the work

# note: a word for the user from inside a step whose output goes to the log.
note() { echo "note: $*"; echo "$*" >>"$TMP/notes"; }

TRIES=3                     # for one part; once one has failed for good, the others get one try each

explain() {
    local part=$1 log=$DEPS/log/$1.log name known
    {
        echo
        echo "deps: $part could not be had. The last words were:"
        { grep -aE '^(E|W|Err|note|.*[Ee]rror|.*fatal)[: ]' "$log" || tail -n 4 "$log"; } | tail -n 6 | sed 's/^/    /'
        echo "  (everything is in ${log#"$TOP"/})"
        if grep -qaE '404 +Not Found' "$log"; then
            echo "  The mirror's index names a file that the mirror does not have: it is being updated."
            echo "  Wait some minutes and run the same command again."
        elif grep -qaE 'Could not resolve|Temporary failure|Could not connect|Unable to connect|timed out|Connection refused|Network is unreachable' "$log"; then
            echo "  The package mirror of this machine's apt configuration does not answer. Is there a network, is a proxy"
            echo "  needed (apt's own Acquire::http::Proxy is respected)? Then run the same command again."
        elif grep -qaE 'NO_PUBKEY|not signed|EXPKEYSIG|KEYEXPIRED' "$log"; then
            echo "  The mirror's signature cannot be checked. Update the package debian-archive-keyring, then run again."
        elif grep -qaE 'No space left' "$log"; then
            echo "  The disk is full."
        elif grep -qaE 'apt-get is missing|apt-config is missing|names no Debian mirror' "$log"; then
            echo "  This is no Debian-like machine, or its apt names no Debian mirror; DEBIAN_MIRROR=URL names one."
        elif grep -qaE 'bunzip2 is missing' "$log"; then
            echo "  Its sources are packed with bzip2. Install that, as root:  apt-get install bzip2"
        fi
        if [ -n "${SOURCE_NAME[$part]-}" ]; then
            name=${SOURCE_NAME[$part]} known=${SOURCE_KNOWN[$part]}
            if [ -n "${SOURCE_TREE[$part]-}" ]; then
                echo "  Or unpack $name $known anywhere and say:  make ${SOURCE_TREE[$part]}=/path/to/$part-$known ..."
            else
                echo "  It is the source package ${SOURCE_PACKAGE[$part]} of Debian ${SOURCE_SUITE[$part]}; DEBIAN_MIRROR=URL names a mirror that has it."
            fi
        else
            echo "  Or install by hand, as root:  apt-get install ${PACKAGES[$part]}"
            [ -z "${SOURCE_TREE[$part]-}" ] || echo "  Or say where you have it:  make ${SOURCE_TREE[$part]}=/path/to/$part ..."
        fi
        echo "  Or copy the folder ${DEPS#"$TOP"/} from a clone on a like machine where this has worked."
    } >&2
}

build_part() {
    local part=$1 log=$DEPS/log/$1.log try rc
    : >"$log"
    rm -rf "${TMP:?}/$part" "$TMP/$part.bin" "$TMP/$part.mk" "$TMP/$part.got"
    if "probe_$part" >>"$log" 2>&1; then
        finish "$part"
        case $(head -n1 "$DEPS/env/$part.mk" 2>/dev/null || :) in
            *'has no -m32') say "$part: left out, this machine's compiler has no -m32" ;;
            *)              say "$part: the system's" ;;
        esac
        return 0
    fi
    case $part in
        arm)   say "$part: fetching (100 MB)" ;;
        gcc-*) say "$part: fetching (35 MB)" ;;
        *)     say "$part: fetching" ;;
    esac
    rm -rf "$APT/bin/cache/$part"
    for ((try = 1; try <= TRIES; try++)); do
        rm -rf "${TMP:?}/$part" "$TMP/$part.bin" "$TMP/$part.mk" "$TMP/$part.got" "$TMP/notes"
        echo "=== try $try" >>"$log"
        last_try=$((try == TRIES))
        rc=0
        "get_$part" >>"$log" 2>&1 || rc=$?
        cd "$TOP"
        if [ $rc = 0 ]; then
            finish "$part"
            [ ! -e "$TMP/notes" ] || sed "s/^/deps: $part: /" "$TMP/notes"
            say "$part: $(describe "$part")"
            return 0
        fi
        if ((try < TRIES)); then
            say "$part: failed, trying again ($((try + 1)) of $TRIES)"
            sleep $((try * 3))
            bin_lists='' src_lists=''               # the next try reads the lists anew
        fi
    done
    explain "$part"
    TRIES=1
    return 1
}

describe() {
    awk -v source="${SOURCE_NAME[$1]-}" '
        /^got / { n++; sub(/^got /, ""); if (n == 1) first = $0 }
        END { if (source) { sub(/^[^ ]* /, "", first); print first } else print n " packages unpacked" }' \
        "$DEPS/stamp/$1"
}

for t in gcc awk sed tar; do
    command -v $t >/dev/null || die "$t is missing; install a C compiler and make (Debian: apt-get install build-essential)"
done

failed=()
for part in "${missing[@]}"; do
    ready "$part" && continue                       # somebody else did it while we waited for the lock
    build_part "$part" || failed+=("$part")
done

if [ ${#failed[@]} -gt 0 ]; then
    die "not complete: ${failed[*]}"
fi
rm -rf "$APT"                                       # lists age; the next download reads fresh ones
