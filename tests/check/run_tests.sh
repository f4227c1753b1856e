#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run_tests.sh KIND...: run the test programs of build/VARIANT (unit, interop), a line each. A KIND with a slash is a
# file with more of them: programs of another variant, as the scenarios are, perhaps behind the words that start
# a program of another machine. The full log of each is kept in its variant's log/; that of a failed one is printed.
# Goes on to the end, then fails if one failed.
# The last line, "N passed, N failed", counts test cases over all programs. Programs that wait for real peers run beside those
# that compute; otherwise one runs at a time.
#
#   VARIANT, IP, TLS13   which build  T    only programs whose name contains this
#   TEST_TIMEOUT   seconds one program may take (default 300)

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
            */interop.list | */tls13.list | */tcp.list | */firmware.list) waiting+=("$command") ;;
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
    local lane=$1 line=$2 command program name home log rc=0 p f s why='' shown
    read -r -a command <<<"$line"
    program=${command[-1]}
    name=${program##*/} home=${program%/tests/*}
    log=$work/$lane.log
    mkdir -p "$home/log"
    SECONDS=0
    case ${VARIANT:-} in off-*) TEST_LEFT_OUT=$(bash tests/check/left_out.sh "${VARIANT#off-}" "$name") && export TEST_LEFT_OUT ;; esac
    case ${VARIANT:-} in off-ALL | off-*+*) export TEST_LEFT_OUT_OF_MORE=1 ;; esac
    timeout -k 10 "${TEST_TIMEOUT:-300}" "${command[@]}" >"$log" 2>&1 </dev/null || rc=$?

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
    echo "$p $f $s $shown" >>"$work/counts"
    if [ "$f" != 0 ]; then
        sed 's/^/    /' "$home/log/$name.log" | tail -n 200
        echo "    (whole log: $home/log/$name.log)"
    fi
}

# run_lane NAME COMMANDS...: one after the other; what each has to say is said in one piece.
run_lane() {
    local lane=$1 line
    shift
    for line in "$@"; do
        [ ! -e "$work/over" ] || break
        run_program "$lane" "$line" >"$work/$lane.said"
        flock "$work/counts" cat "$work/$lane.said"
    done
}

: >"$work/counts"
run_lane waiting "${waiting[@]}" &
run_lane computing "${computing[@]}"
wait
read -r passed failed skipped < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$work/counts")
bad=$(awk '$2 != 0 { printf "%s%s", sep, $4; sep = " " }' "$work/counts")

[ -z "$bad" ] || echo "failed: $bad"
[ "$skipped" = 0 ] || echo "skipped: $skipped"
echo "$passed passed, $failed failed"
[ -z "$bad" ]
