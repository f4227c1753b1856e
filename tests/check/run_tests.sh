#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run_tests.sh KIND...: run the test programs of build/VARIANT (unit, interop), a line each. A KIND with a slash is a
# file with more of them: programs of another variant, as the scenarios are, perhaps behind the words that start
# a program of another machine. The full log of each is kept in its variant's log/; that of a failed one is printed.
# Goes on to the end, then fails if one failed.
# The last line, "N passed, N failed", counts test cases over all programs. Programs that wait for real peers sleep nine tenths of
# their time: six of them run at a time, and beside them one that computes. When they are done as many run as there are processors:
# of those that compute, and of those with boards, which QEMU computes.
#
#   VARIANT, IP, TLS13   which build  T    only programs whose name contains this
#   TEST_TIMEOUT   seconds one program may take (default 300)
#   PASSED         a folder that remembers programs: one with the same bytes that has passed is not run again, but counts

set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." || exit 1

out=build/${VARIANT:-san}
[ "${IP:-dual}" = dual ] || out+=-$IP
[ "${TLS13:-}" != 1 ] || out+=-tls13
log_dir=$out/log
mkdir -p "$log_dir"
work=$(mktemp -d "$log_dir/run.XXXXXX") || exit 1
trap 'touch "$work/over"; wait; rm -rf "$work"' EXIT # whichever lane is left ends after its program
trap 'exit 130' INT
trap 'exit 143' TERM

export CMOCKA_MESSAGE_OUTPUT=stdout
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

# Absolute names: a test may change its folder.
for v in MOSQUITTO MOSQUITTO_PUB MOSQUITTO_SUB OPENSSL NGINX COAP_SERVER COAP_CLIENT QEMU; do
    case ${!v-} in ''|/*) ;; *) export "$v=$PWD/${!v}" ;; esac
done

waiting=() computing=()
for kind in "$@"; do
    case $kind in */*) list=$kind ;; *) list=$out/tests/$kind.list ;; esac
    grep -q . "$list" || { echo "no tests in $list"; exit 1; }
    while IFS= read -r command; do
        [ -n "$command" ] || continue
        case ${command##*/} in *"${T:-}"*) ;; *) continue ;; esac
        case $list in
            */interop.list | */tls13.list | */tcp.list) waiting+=("$command") ;;
            *) computing+=("$command") ;;
        esac
    done <"$list"
done
if [ $((${#waiting[@]} + ${#computing[@]})) = 0 ]; then
    echo "no test matches${T:+ T=$T}"
    echo "0 passed, 0 failed"
    exit 1
fi

# run_program LANE COMMAND: what there is to say goes to $work/LANE.said, "PASSED FAILED SKIPPED NAME" to $work/counts.
run_program() {
    local lane=$1 line=$2 command program name home log rc=0 p f s why='' shown known=''
    read -r -a command <<<"$line"
    program=${command[-1]}
    name=${program##*/} home=${program%/tests/*}
    log=$work/$lane.log
    mkdir -p "$home/log"
    SECONDS=0
    case ${VARIANT:-} in off-*) TEST_LEFT_OUT=$(bash tests/check/left_out.sh "${VARIANT#off-}" "$name") && export TEST_LEFT_OUT ;; esac
    case ${VARIANT:-} in off-ALL | off-*+*) export TEST_LEFT_OUT_OF_MORE=1 ;; esac
    if [ -n "${PASSED:-}" ]; then
        known=$PASSED/$name-$({ cat "$program"; echo "${TEST_LEFT_OUT-} ${TEST_LEFT_OUT_OF_MORE-}"; } | sha256sum | cut -c 1-64)
        if [ -e "$known" ]; then
            cp "$known" "$home/log/$name.log"
            read -r p s why < <(tail -n 1 "$known")
            printf '%-32s %4d passed, 0 failed, the same as %s\n' "$name" "$p" "$why"
            echo "$p 0 $s $name" >>"$work/counts"
            return
        fi
    fi
    CLOUD_HERE=$name timeout -k 10 "${TEST_TIMEOUT:-300}" "${command[@]}" >"$log" 2>&1 </dev/null || rc=$?

    # cmocka closes each group with "[  PASSED  ] N test(s)." and, if so, the same for FAILED and SKIPPED.
    read -r p f s < <(awk '
        /^\[  PASSED  \] [0-9]+ test\(s\)/  { p += $4 }
        /^\[  FAILED  \] [0-9]+ test\(s\)/  { f += $4 }
        /^\[  SKIPPED \] [0-9]+ test\(s\)/  { s += $4 }
        /^\[  ERROR   \] [0-9]+ test\(s\)/  { f += $4 }
        END { print p + 0, f + 0, s + 0 }' "$log")
    if [ $rc != 0 ] && [ "$f" = 0 ]; then
        # It died (signal, sanitizer, time) outside of a counted case: that is one failure at least.
        f=1
        case $rc in
            124|137) why=" (out of time after ${TEST_TIMEOUT:-300} s)" ;;
            *)       if [ $rc -gt 128 ]; then why=" (signal $((rc - 128)))"; else why=" (exit $rc)"; fi ;;
        esac
    elif [ $rc = 0 ] && [ $((p + f + s)) = 0 ]; then
        f=1 why=" (it ran no test)"
    fi
    shown=$name
    [ "$home" = "$out" ] || shown=${home#build/}/$name
    printf '%-32s %4d passed, %d failed%s%s%s\n' "$shown" "$p" "$f" \
        "$([ "$s" = 0 ] || echo ", $s skipped")" "$why" "$([ $SECONDS -lt 2 ] || echo "  [$SECONDS s]")"
    # What a test measured is shown, too.
    sed -n 's/^figure: /    /p' "$log" | sort -u
    mv -f "$log" "$home/log/$name.log"
    if [ -n "$known" ] && [ $rc = 0 ] && [ "$f" = 0 ]; then
        { cat "$home/log/$name.log"; echo "$p $s in ${home#build/}"; } >"$work/$lane.known" && mv "$work/$lane.known" "$known"
    fi
    echo "$p $f $s $shown" >>"$work/counts"
    if [ "$f" != 0 ]; then
        sed 's/^/    /' "$home/log/$name.log" | tail -n 200
        echo "    (whole log: $home/log/$name.log)"
    fi
}

# run_lane KIND NUMBER COMMANDS...: lanes of a kind share its commands: whoever is free takes the next. What each has to say is
# said in one piece.
run_lane() {
    local kind=$1 lane=$1$2 i
    shift 2
    while [ ! -e "$work/over" ]; do
        i=$({ flock 9 && read -r i <"$work/$kind.next" && echo $((i + 1)) >"$work/$kind.next" && echo "$i"; } 9>"$work/$kind.lock") || return
        [ "$i" -le $# ] || break
        run_program "$lane" "${!i}" >"$work/$lane.said"
        flock "$work/counts" cat "$work/$lane.said"
    done
}

: >"$work/counts"
echo 1 | tee "$work/waiting.next" >"$work/computing.next"
processors=$(nproc 2>/dev/null || echo 1)
lanes=()
for i in 1 2 3 4 5 6; do run_lane waiting $i "${waiting[@]}" & lanes+=($!); done
run_lane computing 1 "${computing[@]}" &
wait "${lanes[@]}" # what they left of the machine is for those that compute
for ((i = 2; i <= processors; i++)); do run_lane computing "$i" "${computing[@]}" & done
wait
read -r passed failed skipped < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$work/counts")
bad=$(awk '$2 != 0 { printf "%s%s", sep, $4; sep = " " }' "$work/counts")

[ -z "$bad" ] || echo "failed: $bad"
[ "$skipped" = 0 ] || echo "skipped: $skipped"
lost=$((${#waiting[@]} + ${#computing[@]} - $(wc -l <"$work/counts")))
[ $lost = 0 ] || bad=yes
[ $lost = 0 ] || echo "not run: $lost programs"
echo "$passed passed, $failed failed"
[ -z "$bad" ]
