#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run_tests.sh KIND...: run the test programs of build/VARIANT (unit, interop), a line each. A KIND with a slash is a
# file with more of them: programs of another variant, as the scenarios are, perhaps behind the words that start
# a program of another machine. The full log of each is kept in its variant's log/; that of a failed one is printed.
# Goes on to the end, then fails if one failed.
# The last line, "N passed, N failed", counts test cases over all programs.
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
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

export CMOCKA_MESSAGE_OUTPUT=stdout
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

# Absolute names: a test may change its folder.
for v in MOSQUITTO MOSQUITTO_PUB MOSQUITTO_SUB OPENSSL QEMU; do
    case ${!v-} in ''|/*) ;; *) export "$v=$PWD/${!v}" ;; esac
done

programs=()
for kind in "$@"; do
    case $kind in */*) list=$kind ;; *) list=$out/tests/$kind.list ;; esac
    grep -q . "$list" || { echo "no tests in $list"; exit 1; }
    while IFS= read -r command; do
        [ -n "$command" ] || continue
        case ${command##*/} in *"${T:-}"*) programs+=("$command") ;; esac
    done <"$list"
done
if [ ${#programs[@]} = 0 ]; then
    echo "no test matches${T:+ T=$T}"
    echo "0 passed, 0 failed"
    exit 1
fi

passed=0 failed=0 skipped=0 bad=()
for line in "${programs[@]}"; do
    read -r -a command <<<"$line"
    program=${command[-1]}
    name=${program##*/} home=${program%/tests/*}
    log=$work/$name.log
    mkdir -p "$home/log"
    SECONDS=0
    rc=0
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
    why=
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
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    shown=$name
    [ "$home" = "$out" ] || shown=${home#build/}/$name
    printf '%-32s %4d passed, %d failed%s%s%s\n' "$shown" "$p" "$f" \
        "$([ "$s" = 0 ] || echo ", $s skipped")" "$why" "$([ $SECONDS -lt 2 ] || echo "  [$SECONDS s]")"
    # What a test measured is shown, too.
    sed -n 's/^figure: /    /p' "$log" | sort -u
    mv -f "$log" "$home/log/$name.log"
    if [ "$f" != 0 ]; then
        bad+=("$shown")
        sed 's/^/    /' "$home/log/$name.log" | tail -n 200
        echo "    (whole log: $home/log/$name.log)"
    fi
done

[ ${#bad[@]} = 0 ] || echo "failed: ${bad[*]}"
[ "$skipped" = 0 ] || echo "skipped: $skipped"
echo "$passed passed, $failed failed"
[ ${#bad[@]} = 0 ]
