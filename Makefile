# SPDX-License-Identifier: Apache-2.0
#
# lwlink: `make` builds, `make test` tests, `make run` shows a device at work, `make help` lists the rest.
#
# The file has two halves. The outer one is what people call: it gets the third-party parts (port/deps/fetch.sh),
# takes a lock on build/ so that two calls in one clone do not disturb each other, and calls make again for
# the inner half, which compiles one VARIANT into build/VARIANT/. The lock is not held while a program
# or a test runs. All paths are relative, so the clone's own path may hold blanks.
#
#   V=1          show the commands          T=name      only the tests whose name contains this
#   DEPS=        where the parts are        LWIP_DIR= MBEDTLS_DIR= JSMN_DIR=   source trees of your own
#   IP=          dual, v4 or v6: which of IPv4 and IPv6 lwIP is built with
#   TLS13=1      TLS 1.3 beside 1.2: more flash, a larger arena
#   VARIANT=     for `make test`: san (with sanitizers, the default) or sim (as the programs are built)
#   DEFINES=     settings of include/iot/iot_config.h, as '-DIOT_FEATURE_ERR_TEXTS=0 -DIOT_MQTT_RX_BYTES=2048'

MAKEFLAGS += -rR
.SUFFIXES:
.DELETE_ON_ERROR:
SHELL := /bin/bash

DEPS        ?= build/deps
LWIP_DIR    ?=
MBEDTLS_DIR ?=
JSMN_DIR    ?=
IP          ?= dual
TLS13       ?=
T           ?=
DEFINES     ?=

# make splits names at blanks; relative names keep the clone's own path out of this.
ifneq ($(words $(DEPS)),1)
$(error DEPS may not hold a blank or be empty: give a relative path or a symbolic link)
endif
ifneq ($(words x$(LWIP_DIR)),1)
$(error LWIP_DIR may not hold a blank: give a relative path or a symbolic link)
endif
ifneq ($(words x$(MBEDTLS_DIR)),1)
$(error MBEDTLS_DIR may not hold a blank: give a relative path or a symbolic link)
endif
ifneq ($(words x$(JSMN_DIR)),1)
$(error JSMN_DIR may not hold a blank: give a relative path or a symbolic link)
endif
ifneq ($(filter-out 0 1,$(TLS13)),)
$(error TLS13 is '$(TLS13)'; it can be 1 or 0)
endif
# What is not the usual build goes into folders of its own: build/sim-v4-tls13.
SUFFIX := $(if $(filter-out dual,$(IP)),-$(IP))$(if $(filter 1,$(TLS13)),-tls13)

# The switches of iot_config.h that are on.
SWITCHES := $(shell sed -n 's/^.define IOT_FEATURE_\([A-Z0-9_]*\) \(1\|IOT_[A-Z_]*\)$$/\1/p' include/iot/iot_config.h)
# Those of the platform's vocabulary, of which MQTT knows nothing.
LINK_SWITCHES := JSON ALINK THING RAW CLOUD SHADOW REGISTER HTTP OTA WEB CBOR UPLINK
SWITCH_PAIRS := TLS+LINK TLS_RSA+TLS_PLATFORM LINK+DNS QOS2+SESSION_KEEP QOS2+RECEIVE QOS2+BY_REF SESSION_KEEP+UNSUBSCRIBE WRITER+STREAMED \
                BY_REF+STREAMED QUEUE_DROP+STREAMED QUEUE_DROP+WRITER PARTS+DECLINE SUBS_INDEX+UNSUBSCRIBE STATS+RECEIVE STATS+TLS

ifndef INNER
# ==================================================================================== outer: what people call

.NOTPARALLEL:
.DEFAULT_GOAL := all

FETCH = DEPS='$(DEPS)' LWIP_DIR='$(LWIP_DIR)' MBEDTLS_DIR='$(MBEDTLS_DIR)' JSMN_DIR='$(JSMN_DIR)' bash port/deps/fetch.sh
LOCK  = mkdir -p build && flock build/.lock
# Two jobs unless the caller said otherwise; in a recipe MAKEFLAGS tells.
JOBS  = $(if $(findstring -j,$(MAKEFLAGS)),,-j2)
BUILD = $(JOBS) --no-print-directory INNER=1
TESTS_VARIANT = $(or $(VARIANT),san)
# TLS 1.3 is a variant of its own: of it, only the program that tests it is built and run beside the others.
TLS13_LIST = $(if $(filter 1,$(TLS13)),,build/$(TESTS_VARIANT)$(if $(filter-out dual,$(IP)),-$(IP))-tls13/tests/tls13.list)
BUILD_TLS13 = $(if $(TLS13_LIST),$(LOCK) $(MAKE) $(BUILD) VARIANT=$(TESTS_VARIANT) TLS13=1 tls13)
# The world in virtual time has an lwIP of its own (see the inner half): plain TCP over IPv4, whatever IP= and TLS13= say.
WORLD_VARIANT = $(if $(filter san,$(TESTS_VARIANT)),world-san,world)
WORLD_LIST    = build/$(WORLD_VARIANT)/tests/scenario.list
BUILD_WORLD   = $(MAKE) $(BUILD) IP=dual TLS13=
RUN_TESTS = $(PEERS) VARIANT='$(TESTS_VARIANT)' IP='$(IP)' TLS13='$(TLS13)' T='$(T)' bash tests/check/run_tests.sh
# Where the programs are.
SIM = $(if $(SUFFIX),build/sim$(SUFFIX),build)

# Other machines and other lwIPs, VARIANT:GOAL, see the inner half; IP= and TLS13= do not reach them. SAME: the world goes
# the same way on all of these. MORE: what takes minutes, and repeats elsewhere or in real time what the others have seen.
PORTABLE       = ppc:unit s390x:unit m32-san:unit world-m32-san:scenario locking:locking san-lwip21:tcp
PORTABLE_SAME  = world:sim world-m32-san:sim world-ppc:sim world-s390x:sim
PORTABLE_MORE  = world-ppc:scenario world-s390x:scenario world-san-lwip21:scenario san-lwip21:interop
colon          = $(word $1,$(subst :, ,$2))
portable_build = $(foreach p,$1,$(MAKE) $(BUILD) IP=dual TLS13= VARIANT=$(call colon,1,$p) $(call colon,2,$p) &&) :
portable_lists = $(foreach p,$1,build/$(call colon,1,$p)/tests/$(call colon,2,$p).list)

# What the test programs and the simulation find in their environment.
PEERS = MOSQUITTO='$(DEPS)/bin/mosquitto' MOSQUITTO_PUB='$(DEPS)/bin/mosquitto_pub' \
        MOSQUITTO_SUB='$(DEPS)/bin/mosquitto_sub' OPENSSL='$(DEPS)/bin/openssl' NGINX='$(DEPS)/bin/nginx' \
        COAP_SERVER='$(DEPS)/bin/coap-server' COAP_CLIENT='$(DEPS)/bin/coap-client' \
        QEMU='$(DEPS)/bin/qemu-system-arm'

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "  %-15s %s\n", $$1, $$2 }' Makefile
	@sed -n 's/^#   \([A-Z]\)/  \1/p' Makefile

all: ## the library and the programs (the default)
	@$(FETCH) run
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=lib library
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=sim programs examples
	@$(LOCK) $(BUILD_WORLD) VARIANT=world worlds

lib: ## the library alone: build/liblwlink.a
	@$(FETCH) run
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=lib library

# The arguments go through the environment as they are: `$` in a password is not make's.
RUN_WORDS := FOR BROKER USER_NAME PASSWORD PK DN DS PS REGION CA LOG BOARD LOGIN FLASH SIZE MODE FORMAT LISTEN
$(foreach w,$(RUN_WORDS),$(if $(filter command line,$(origin $w)),$(eval override $w := $$(value $w))$(eval export $w)))

run: ## a simulated device at an emulated platform: FOR=seconds PK= DN= DS= [REGION=] CA= LOG=, or BROKER=host[:port] USER_NAME= PASSWORD=
	@$(FETCH) run
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=sim programs
	@$(PEERS) $(SIM)/$$([ -n "$$BROKER$$REGION" ] && echo device || echo lamp)

run-ota: ## a simulated device updates itself over the air, through cuts of link and power: FOR=seconds SIZE=KiB PK= DN= DS=
	@$(FETCH) run
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=sim programs
	@$(PEERS) $(SIM)/updater

run-coap: ## a simulated lamp that reports to the emulated platform by CoAP, and can be asked: FOR=seconds MODE=psk|cert|symmetric FORMAT=json|cbor LISTEN=port PK= DN= DS=
	@$(FETCH) run
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=sim programs
	@$(PEERS) $(SIM)/reporter

test: ## all tests: unit, interop and scenario
	@$(FETCH) test
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=$(TESTS_VARIANT) unit interop
	+@$(BUILD_TLS13)
	@$(LOCK) $(BUILD_WORLD) VARIANT=$(WORLD_VARIANT) scenario
	@$(RUN_TESTS) unit interop $(TLS13_LIST) $(WORLD_LIST)

test-unit: ## the tests of single files, without lwIP
	@$(FETCH) test
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=$(TESTS_VARIANT) unit
	@$(RUN_TESTS) unit

test-interop: ## the tests against real peers, over lwIP
	@$(FETCH) test
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=$(TESTS_VARIANT) interop
	+@$(BUILD_TLS13)
	@$(RUN_TESTS) interop $(TLS13_LIST)

test-scenario: ## the tests in virtual time: devices, wire and broker in one process
	@$(FETCH) test
	@$(LOCK) $(BUILD_WORLD) VARIANT=$(WORLD_VARIANT) scenario
	@$(RUN_TESTS) $(WORLD_LIST)

run-firmware: ## a board in QEMU at an emulated platform: FOR=seconds BOARD=an385|an386|an500 LOGIN=ecdsa|psk|x509 FLASH=file
	@$(FETCH) board
	+@$(MAKE) --no-print-directory firmware BOARD='$(or $(BOARD),an385)'
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=sim programs
	@$(PEERS) $(SIM)/board

run-firmware-ota: ## a board in QEMU fetches a new firmware over HTTPS, and its bootloader starts it
	@$(FETCH) board
	+@$(MAKE) --no-print-directory firmware BOARD=an385
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=sim programs
	@$(PEERS) $(SIM)/reflash

test-firmware: ## the tests of the firmware, on boards in QEMU
	@$(FETCH) test board
	+@$(MAKE) --no-print-directory firmware
	@$(LOCK) $(MAKE) $(BUILD) IP=v4 TLS13= VARIANT=fw-an385 ticks
	@$(LOCK) $(MAKE) $(BUILD) IP=v4 TLS13= VARIANT=fw-an385-16k updates
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=$(TESTS_VARIANT) boards
	@$(RUN_TESTS) firmware
	@$(if $(T),,$(TICKS) && bash tests/check/readme.sh ticks=build/log/ticks.txt)

# What its test of ticks counted, as a table.
TICKS = mkdir -p build/log && bash tests/check/ticks.sh build/$(TESTS_VARIANT)/log/test_firmware_ticks.log >build/log/ticks.txt

ticks: ## the dearest ticks, arena and stack per kind of TLS, on a Cortex-M3
	+@$(MAKE) --no-print-directory test-firmware T=test_firmware_ticks
	@$(TICKS) && cat build/log/ticks.txt

test-switches: ## the unit tests without each switch of iot_config.h, one after the other, and without any
	@$(FETCH) test
	+@$(LOCK) env MAKE='$(MAKE)' BUILD='$(BUILD)' bash tests/check/test_switches.sh $(SWITCHES) ALL

test-switch-pairs: ## ... and without two that know each other
	@$(FETCH) test
	+@$(LOCK) env MAKE='$(MAKE)' BUILD='$(BUILD)' bash tests/check/test_switches.sh $(SWITCH_PAIRS)

test-portable: ## big-endian machines (qemu-user), 32 bit with sanitizers, lwIP under an RTOS's lock, lwIP 2.1
	@$(FETCH) portable
	+@$(LOCK) bash -c '$(call portable_build,$(PORTABLE) $(PORTABLE_SAME))'
	@bash tests/check/same_run.sh 7 steady $(call portable_lists,$(PORTABLE_SAME))
	@$(RUN_TESTS) $(call portable_lists,$(PORTABLE))

test-portable-more: ## ... and the slow ones: what repeats there what was seen elsewhere
	@$(FETCH) portable
	+@$(LOCK) bash -c '$(call portable_build,$(PORTABLE_MORE))'
	@$(RUN_TESTS) $(call portable_lists,$(PORTABLE_MORE))

test-all: test test-switches test-switch-pairs test-portable test-portable-more test-firmware ## every test there is

# SEED, PACE, HOURS: see unix_sim/world/main_sim.c.
sim: ## one run of the world in virtual time, with its trace: SEED=n [PACE=busy|steady|lonely [HOURS=]]
	@$(FETCH) run
	@$(LOCK) $(BUILD_WORLD) VARIANT=world worlds
	@build/world/sim '$(or $(SEED),1)' $(or $(PACE),$(if $(HOURS),busy)) $(HOURS)

# From five minutes on every field of the matrix has to be filled: fewer may miss one on a slow machine.
sim-campaign: MINUTES ?= 10
sim-campaign: ## many such runs with fresh seeds on all processors: MINUTES=10 [SEED= the first]; a seed that fails is printed
	@case '$(MINUTES)' in ''|*[!0-9]*|0*) echo 'MINUTES is a whole number from 1 on' >&2; exit 2;; esac
	@$(FETCH) run
	@$(LOCK) $(BUILD_WORLD) VARIANT=world worlds
	@WHOLE=$(if $(filter-out 1 2 3 4,$(MINUTES)),1) build/world/campaign $$(( $(MINUTES) * 60 )) $(SEED)

sim-ota: MINUTES ?= 1
sim-ota: ## updates in virtual time, network and power cut at random in pairs and more: MINUTES=1 [SEED= the first]; a seed that fails is printed
	@case '$(MINUTES)' in ''|*[!0-9]*|0*) echo 'MINUTES is a whole number from 1 on' >&2; exit 2;; esac
	@$(FETCH) run
	@$(LOCK) $(BUILD_WORLD) VARIANT=world worlds
	@build/world/ota $$(( $(MINUTES) * 60 )) $(SEED)

# Not of CI: how long it takes is the caller's to say.
soak-ota: ## firmware updates of build/probe with random pairs of cuts, power and network: FOR=minutes [SEED= the first]; a seed that fails is printed
	@case '$(or $(FOR),10)' in ''|*[!0-9]*|0*) echo 'FOR is a whole number of minutes from 1 on' >&2; exit 2;; esac
	@$(FETCH) test
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=sim IP=dual TLS13= build/probe build/sim/tests/test_probe_ota_cut
	@$(PEERS) SOAK_S=$$(( $(or $(FOR),10) * 60 )) SEED='$(SEED)' build/sim/tests/test_probe_ota_cut

check: ## house rules, format, warnings as errors (gcc, clang, 32 bit, Cortex-M3, IPv4, IPv6), cppcheck
	@$(FETCH) check board
	+@$(LOCK) env MAKE='$(MAKE)' BUILD='$(BUILD)' DEPS='$(DEPS)' LWIP_DIR='$(LWIP_DIR)' MBEDTLS_DIR='$(MBEDTLS_DIR)' JSMN_DIR='$(JSMN_DIR)' \
	    bash tests/check/check.sh

thing: ## tables of a thing model that the platform's console exported: MODEL=file.json [OUT=folder] makes NAME.h and NAME.c
	@[ -n '$(MODEL)' ] || { echo 'which model? MODEL=file.json' >&2; exit 2; }
	@$(FETCH) thing
	@JQ='$(DEPS)/bin/jq' bash port/thing/thing.sh '$(MODEL)' $(if $(OUT),'$(OUT)')

firmware: ## the firmware for the boards that QEMU has, build/firmware/BOARD/firmware_superloop.elf, its bootloader and images: BOARD=an385 (Cortex-M3; and a sensor, and a lamp that reports by CoAP), an386 (M4), an500 (M7); all
	@$(FETCH) run firmware
	@case '$(BOARD)' in ''|an385|an386|an500) ;; *) echo 'BOARD is an385, an386 or an500' >&2; exit 2;; esac
	@for b in $(or $(BOARD),an385 an386 an500); do \
	    $(LOCK) $(MAKE) $(BUILD) IP=v4 TLS13= VARIANT=fw-$$b firmware || exit; done
	@$(if $(filter-out an385,$(BOARD)),:,$(LOCK) $(MAKE) $(BUILD) IP=v4 TLS13= VARIANT=fw-an385-sensor sensor)
	@$(if $(filter-out an385,$(BOARD)),:,$(LOCK) $(MAKE) $(BUILD) IP=v4 TLS13= VARIANT=fw-an385-report report)

size: ## flash and memory on a Cortex-M3, beside the budget, and of the linked product
	@$(FETCH) run firmware
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=m3 library sizes
	@for v in m3-notexts m3-thing m3-login; do $(LOCK) $(MAKE) $(BUILD) VARIANT=$$v library || exit; done
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=m3-plain library
	@for s in $(SWITCHES) ALL; do $(LOCK) $(MAKE) -s $(BUILD) VARIANT=m3-off-$$s library sizes || exit; done
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=lib sizes
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=fw-an385 IP=v4 TLS13= firmware
	@DEPS='$(DEPS)' bash tests/check/size.sh
	@echo
	@DEPS='$(DEPS)' bash tests/check/size_firmware.sh

BENCH = MAKE='$(MAKE)' DEPS='$(DEPS)' LWIP='$(or $(LWIP_DIR),$(DEPS)/lwip)' \
        MBEDTLS='$(or $(MBEDTLS_DIR),$(DEPS)/mbedtls)' JSMN='$(or $(JSMN_DIR),$(DEPS)/jsmn)' bash tests/bench/bench.sh

bench: ## instructions on the hot paths, on a Cortex-M3 and on the host, beside the budget and lwIP's own client
	@$(FETCH) bench board
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=m3 TLS13= DEFINES= mbedtls
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=lib TLS13= DEFINES= mbedtls
	@$(BENCH) m3 host
	@echo
	+@$(MAKE) --no-print-directory ticks

readme: ## write what is measured into README's tables; `make check` fails when they lie
	@$(FETCH) board
	@mkdir -p build/log
	+@$(MAKE) --no-print-directory size >build/log/sizes.txt
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=m3 TLS13= DEFINES= mbedtls
	@$(BENCH) m3 >build/log/bench.txt
	+@$(MAKE) --no-print-directory ticks >build/log/ticks.log
	@bash tests/check/readme.sh --fix size=build/log/sizes.txt bench=build/log/bench.txt ticks=build/log/ticks.txt

format: ## lay out all sources with clang-format
	@$(FETCH) check
	@DEPS='$(DEPS)' bash tests/check/format.sh --fix

deps: ## get the third-party parts that building and testing need
	@$(FETCH) run test

deps-run: ## ... only those that building and running need
	@$(FETCH) run

deps-test: ## ... and those of the tests
	@$(FETCH) test

deps-bench: ## ... and those of the benchmarks
	@$(FETCH) bench

deps-check: ## ... and those of `make check` on the host
	@$(FETCH) check

deps-firmware: ## ... and those of the firmware and its tests: the compiler for bare-metal Arm (large), QEMU
	@$(FETCH) test board

deps-portable: ## ... and those of `make test-portable` (large)
	@$(FETCH) portable

clean: ## remove what was built; the third-party parts stay
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -path '$(patsubst ./%,%,$(DEPS))' ! -name deps ! -name .lock -exec rm -rf {} +

distclean: ## remove everything that is not source
	@rm -rf build

# A single file, as `make build/probe`.
build/%: FORCE
	@$(FETCH) run
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=sim $@

build/world/%: FORCE
	@$(FETCH) run
	@$(LOCK) $(BUILD_WORLD) VARIANT=world $@

FORCE:
.PHONY: help all lib run run-ota run-coap thing test test-unit test-interop test-scenario test-switches test-switch-pairs test-portable \
        test-portable-more test-all run-firmware run-firmware-ota test-firmware ticks sim sim-campaign check firmware size bench readme format deps \
        deps-run deps-test deps-bench deps-check deps-firmware deps-portable clean distclean sim-ota soak-ota FORCE

else
# ==================================================================================== inner: one variant

ifndef VARIANT
$(error VARIANT is not set)
endif
-include $(DEPS)/env/slirp.mk
-include $(DEPS)/env/cmocka.mk
-include $(DEPS)/env/mosquitto-dev.mk
-include $(DEPS)/env/microhttpd.mk
-include $(DEPS)/env/coap-dev.mk
-include $(DEPS)/env/m32.mk
-include $(DEPS)/env/m32-san.mk

Q    := $(if $(V),,@)
step  = $(if $(V),,@printf '  %-6s %s\n' '$1' '$2')

# ---- what a variant is

# How to turn some of the switches off.
words_of  = $(if $(filter ALL,$1),$(SWITCHES),$(subst +, ,$1))
switched_off = $(foreach s,$(call words_of,$1),-DIOT_FEATURE_$s=0)

CC      := gcc
AR      := ar
OPT     := -O2 -g
EXTRA   :=
LINK    :=
ABI     := host
# What all code for the machine is compiled with, foreign code too; and what starts a program of it.
MACHINE :=
RUN     :=
# What is run on the host checks itself and has all of the log.
ASSERTS := -DIOT_ASSERTS=1 -DIOT_LOG_LEVEL=5
OUT     := build/$(VARIANT)$(SUFFIX)
BIN     := $(OUT)
# Settings of include/iot/iot_config.h that mbedTLS is built with, too; KIND is their part of its folder's name.
KIND    := $(if $(filter 1,$(TLS13)),-tls13)
TLS_SET := $(if $(filter 1,$(TLS13)),-DIOT_FEATURE_TLS_13=1)

ifeq ($(VARIANT),lib)                # as a product would build it
  ASSERTS :=
  ARCHIVE := $(if $(SUFFIX),$(OUT),build)/liblwlink.a
else ifeq ($(VARIANT),sim)           # the programs and examples
  BIN     := $(if $(SUFFIX),$(OUT),build)
  # The world's servers send records as large as they like.
  ifeq ($(findstring IOT_TLS_RX_BYTES,$(DEFINES)),)
    TLS_SET += -DIOT_TLS_RX_BYTES=16384
  endif
  KIND    := -sim$(KIND)
else ifneq ($(filter san san-lwip21,$(VARIANT)),)     # the tests; the same over the oldest lwIP that is supported
  OPT     := -O1 -g -fno-omit-frame-pointer
  EXTRA   := -fsanitize=address,undefined -fno-sanitize-recover=all
  LINK    := $(EXTRA)
else ifneq ($(filter world world-san world-san-lwip21,$(VARIANT)),)    # virtual time: fast, and for its tests with sanitizers
  OUT     := build/$(VARIANT)
  WORLD   := 1
  ifneq ($(VARIANT),world)
    OPT   := -O1 -g -fno-omit-frame-pointer
    EXTRA := -fsanitize=address,undefined -fno-sanitize-recover=all
    LINK  := $(EXTRA)
  endif
else ifneq ($(filter m32-san world-m32-san,$(VARIANT)),)   # both again on a 32-bit machine
  OPT     := -O1 -g -fno-omit-frame-pointer
  MACHINE := $(or $(M32_SAN_CFLAGS),$(error this machine's gcc has no -m32, which $(VARIANT) wants: apt-get install gcc-multilib))
  EXTRA   := -fsanitize=address,undefined -fno-sanitize-recover=all $(MACHINE)
  LINK    := -fsanitize=address,undefined $(M32_SAN_LDFLAGS)
  ABI     := m32-san
  RUN     := $(M32_SAN_RUN)
  WORLD   := $(filter world-%,$(VARIANT))
else ifneq ($(filter ppc s390x world-ppc world-s390x,$(VARIANT)),) # big-endian machines of 32 and 64 bit, char unsigned
  ABI     := $(patsubst world-%,%,$(VARIANT))
  CC      := $(DEPS)/bin/$(subst ppc,powerpc,$(ABI))-linux-gnu-gcc
  AR      := $(DEPS)/bin/$(subst ppc,powerpc,$(ABI))-linux-gnu-ar
  LINK    := -static
  RUN     := $(DEPS)/bin/qemu-$(ABI)
  WORLD   := $(filter world-%,$(VARIANT))
else ifeq ($(VARIANT),locking)       # lwIP with its own thread and the core lock; here races are looked for, in lwIP too
  OPT     := -O1 -g -fno-omit-frame-pointer
  EXTRA   := -fsanitize=thread
  LINK    := $(EXTRA) -pthread
  LOCKING := 1
else ifeq ($(VARIANT),gcc)           # the others are for `make check`
  EXTRA   := -Werror
else ifeq ($(VARIANT),gcc-release)
  ASSERTS :=
  EXTRA   := -Werror
else ifeq ($(VARIANT),gcc-notls)
  ASSERTS :=
  EXTRA   := -Werror -DIOT_FEATURE_TLS=0
else ifeq ($(VARIANT),gcc-nolink)
  ASSERTS :=
  EXTRA   := -Werror -DIOT_FEATURE_LINK=0
else ifeq ($(VARIANT),clang)
  CC      := $(DEPS)/bin/clang
  EXTRA   := -Werror -Wno-string-conversion          # IOT_ASSERT(!"why")
else ifeq ($(VARIANT),m32)
  MACHINE := $(M32_CFLAGS)
  EXTRA   := -Werror $(MACHINE)
  LINK    := $(M32_LDFLAGS)
  ABI     := m32
else ifneq ($(filter off-%,$(VARIANT)),)     # without IOT_FEATURE_..., several with + between; ALL: all of them
  OPT     := -O1
  EXTRA   := -Werror $(call switched_off,$(VARIANT:off-%=%))
  ifneq ($(filter ERR_NAMES,$(call words_of,$(VARIANT:off-%=%))),) # which the log needs
    ASSERTS := -DIOT_ASSERTS=1
  endif
  ifneq ($(filter TLS_% DTLS DTLS_SERVER COAP COAP_SERVER,$(subst +, ,$(VARIANT:off-%=%))),) # what mbedTLS itself is built without
    KIND  := -$(VARIANT)
    TLS_SET += $(call switched_off,$(VARIANT:off-%=%))
  endif
else ifeq ($(VARIANT),pedantic)
  EXTRA   := -Werror -pedantic
else ifneq ($(filter clang-m3 clang-riscv,$(VARIANT)),)       # with the headers of Arm's newlib: they serve both
  NEWLIB  := $(firstword $(wildcard $(DEPS)/arm/usr/include/newlib /usr/include/newlib))
  CC      := $(DEPS)/bin/clang
  MACHINE := $(if $(filter clang-m3,$(VARIANT)),--target=thumbv7m-none-eabi -mcpu=cortex-m3, \
             --target=riscv32-unknown-elf -march=rv32imac -mabi=ilp32) -nostdlibinc \
             -isystem $(or $(NEWLIB),$(error clang for boards wants newlib: apt-get install libnewlib-dev))
  OPT     := -Os
  ASSERTS :=
  EXTRA   := -Werror $(MACHINE)
  ABI     := $(VARIANT)
else ifneq ($(filter m3 m3-notexts m3-thing m3-login m3-plain m3-asserts m3-off-%,$(VARIANT)),)     # also what `make size` measures
  CC      := $(DEPS)/bin/arm-none-eabi-gcc
  AR      := $(DEPS)/bin/arm-none-eabi-ar
  OPT     := -Os -mcpu=cortex-m3 -mthumb -ffunction-sections -fdata-sections
  ASSERTS := $(if $(filter m3-asserts,$(VARIANT)),$(ASSERTS))
  EXTRA   := -Werror $(if $(filter m3-notexts m3-thing m3-login m3-plain,$(VARIANT)),-DIOT_FEATURE_ERR_TEXTS=0) \
             $(if $(filter m3-thing,$(VARIANT)),$(call switched_off,SHADOW+RAW+REGISTER+HTTP+OTA+WEB+COAP)) \
             $(if $(filter m3-login m3-plain,$(VARIANT)),-DIOT_FEATURE_JSON=0 -DIOT_FEATURE_HTTP=0 -DIOT_FEATURE_COAP=0) \
             $(if $(filter m3-plain,$(VARIANT)),-DIOT_FEATURE_TLS=0 -DIOT_FEATURE_LINK=0) \
             $(if $(filter m3-off-%,$(VARIANT)),$(call switched_off,$(VARIANT:m3-off-%=%)))
  ABI     := m3
else ifneq ($(filter fw-an385 fw-an386 fw-an500 fw-an385-16k fw-an385-sensor fw-an385-report,$(VARIANT)),) # firmware, for boards as QEMU has them; -...: see there
  CC      := $(DEPS)/bin/arm-none-eabi-gcc
  AR      := $(DEPS)/bin/arm-none-eabi-ar
  BOARD   := $(firstword $(subst -, ,$(VARIANT:fw-%=%)))
  ABI     := $(if $(filter an385,$(BOARD)),m3,$(if $(filter an386,$(BOARD)),m4,m7))
  OPT     := -Os -mcpu=cortex-$(ABI) -mthumb -ffunction-sections -fdata-sections
  ASSERTS :=
  EXTRA   := -DIOT_MPS2_BOARD=$(BOARD:an%=%) -DIOT_FEATURE_ERR_TEXTS=0
  # See port/lwip/lwipopts.h.
  LWIP_SET := -DLWIP_NOASSERT
  OUT     := build/firmware/$(VARIANT:fw-%=%)
  ifeq ($(filter %-sensor %-report,$(VARIANT)),) # what runs there does no CoAP, and so leaves it out: mbedTLS alone has 5 KB more with DTLS
    TLS_SET += $(call switched_off,COAP)
    KIND    := -nocoap
  endif
  ifneq ($(filter %-16k,$(VARIANT)),) # what TLS takes with records as large as servers may send: more memory than ours
    TLS_SET += -DIOT_TLS_RX_BYTES=16384
    KIND    := -16k$(KIND)
    LINK    := -Wl,--defsym=RAM_BYTES=0x1c000
  endif
  ifneq ($(filter %-sensor,$(VARIANT)),) # as small as who only posts short messages may have it; little memory, to show that
    TLS_SET += -DIOT_COAP_BYTES=256 -DIOT_COAP_REQUESTS=1 -DIOT_COAP_SEEN=2 -DIOT_TLS_RX_BYTES=512 -DIOT_TLS_TX_BYTES=512 \
               -DIOT_RX_PBUFS_MAX=2 -DIOT_MQTT_RX_BYTES=128 -DIOT_MQTT_TX_BYTES=128 -DIOT_MQTT_OUT_MAX=1 -DIOT_MQTT_SUBS_MAX=1 \
               $(call switched_off,COAP_SERVER+TLS_RSA+TLS_PLATFORM+LINK+JSON+HTTP+RECEIVE+QOS2+SESSION_KEEP+QUEUE_DROP+WRITER+STREAMED+BY_REF)
    KIND    := -sensor
    SMALL_IP := -DTCP_MSS=536 -DTCP_WND=1072 -DPBUF_POOL_SIZE=4 -DMEM_SIZE=2048
    LINK    := -Wl,--defsym=RAM_BYTES=0x6000
  endif
  ifneq ($(filter %-report,$(VARIANT)),) # the platform's CoAP and a server; MQTT as small as may be, for nobody calls it
    TLS_SET += -DIOT_COAP_REQUESTS=1 -DIOT_TLS_RX_BYTES=1024 -DIOT_TLS_TX_BYTES=1024 \
               -DIOT_RX_PBUFS_MAX=2 -DIOT_MQTT_RX_BYTES=128 -DIOT_MQTT_TX_BYTES=128 -DIOT_MQTT_OUT_MAX=1 -DIOT_MQTT_SUBS_MAX=1 \
               $(call switched_off,TLS_RSA+DTLS_SERVER+HTTP+OTA+WEB+SHADOW+RAW+REGISTER+CLOUD+QOS2+SESSION_KEEP+QUEUE_DROP+STREAMED+BY_REF)
    KIND    := -report
    SMALL_IP := -DTCP_MSS=536 -DTCP_WND=1072 -DPBUF_POOL_SIZE=6 -DMEM_SIZE=4096
    LINK    := -Wl,--defsym=RAM_BYTES=0x9000
  endif
  ifdef STRICT                       # for `make check`
    EXTRA += -Werror
    OUT   := build/firmware-strict/$(VARIANT:fw-%=%)
  endif
else
  $(error unknown VARIANT '$(VARIANT)')
endif
ARCHIVE ?= $(OUT)/liblwlink.a

IP_dual :=
IP_v4   := -DLWIP_IPV4=1 -DLWIP_IPV6=0
IP_v6   := -DLWIP_IPV4=0 -DLWIP_IPV6=1
ifeq ($(filter $(IP),dual v4 v6),)
$(error IP is '$(IP)'; it can be dual, v4 or v6)
endif
IP_FLAGS := $(IP_$(IP)) $(SMALL_IP)
# The simulation gives names addresses in lwIP's own list of hosts, and has servers.
SIM_LWIP := -DDNS_LOCAL_HOSTLIST=1 -DIOT_LWIP_SOCKETS=2
# The world's lwIP serves all devices and the broker: its pools are for everybody, and shortage is made by hand. What a
# device feels of it is as in a product: windows, queues, out-of-order segments, DNS. No link layer. What the pools give
# out is counted, to see that it comes back.
WORLD_LWIP := $(IP_v4) -DLWIP_ARP=0 -DLWIP_DHCP=0 -DLWIP_IGMP=1 -DMEMP_NUM_TCP_PCB=4096 -DMEMP_NUM_TCP_PCB_LISTEN=8 \
              -DMEMP_NUM_TCP_SEG=32768 -DMEM_SIZE=16777216 -DPBUF_POOL_SIZE=2048 -DMEMP_NUM_PBUF=8192 \
              -DMEMP_NUM_UDP_PCB=32 -DTCP_OOSEQ_MAX_PBUFS=4 \
              -DLWIP_STATS=1 -DMEMP_STATS=1 -DMEM_STATS=1
ifneq ($(WORLD),)
IP_FLAGS := $(WORLD_LWIP)
endif
ifneq ($(WORLD)$(filter m3 m4 m7,$(ABI)),)
SIM_LWIP :=
endif

# ---- sources

LIB_SRC     := $(wildcard src/*/*.c)
NOR_SRC     := $(wildcard port/nor/*.c)
HOST_SRC    := $(wildcard unix_sim/host/*.c port/unix/*.c port/lwip/*.c port/mbedtls/*.c) $(NOR_SRC)
SIM_SRC     := $(wildcard unix_sim/*.c)
# The cloud: its parts, pure, serve the programs, the tests and a plugin of mosquitto.
CLOUD_SRC   := $(wildcard unix_sim/cloud/cloud_*.c)
FRONT_SRC   := $(wildcard unix_sim/cloud/front_mosquitto.c unix_sim/cloud/front_ota.c unix_sim/cloud/front_clerks.c)
# ... and programs that are its HTTP and its CoAP.
WEB_SRC     := unix_sim/cloud/front_https.c
COAP_SRC    := unix_sim/cloud/front_coap.c
# The world: unix_sim/world/main_NAME.c is a program, the others are what all of them stand on.
WORLD_MAIN  := $(wildcard unix_sim/world/main_*.c)
WORLD_SRC   := $(filter-out $(WORLD_MAIN),$(wildcard unix_sim/world/*.c))
SCENARIO_SRC := $(wildcard tests/scenario/test_*.c)
SCENE_SRC   := $(filter-out $(SCENARIO_SRC),$(wildcard tests/scenario/*.c)) # what the scenarios share
# Who judges the simulated world: pure, and tested without it.
JUDGE_SRC   := $(patsubst %,unix_sim/world/world_%.c,serial packet flight lint shelf ledger)
# unix_sim/NAME.c is a program; unix_sim/NAME_*.c are its further parts.
PROGRAM_SRC := $(foreach s,$(SIM_SRC),$(if $(findstring _,$(notdir $s)),,$s))
EXAMPLE_SRC := $(wildcard examples/*.c)
# The model of a lamp, as `make thing` makes it of unix_sim/cloud/lamp.json.
LAMP_SRC    := examples/lamp_model/lamp.c
# What examples/coap_sensor.c and examples/firmware_sensor have in common.
SENSOR_SRC  := examples/coap_sensor/sensor.c
# ... and coap_report.c, firmware_report and build/reporter.
REPORT_SRC  := examples/coap_report/report.c
DTLS_SRC    := $(wildcard tests/support/dtls_*.c)               # a DTLS peer on an mbedTLS of its own: one object, see DTLS_PEER
DGRAM_SRC   := tests/support/tls_dgram_world.c                  # what the tests of DTLS stand on, with that peer
SUPPORT_SRC := $(filter-out $(DTLS_SRC) $(DGRAM_SRC),$(wildcard tests/support/*.c))
UNIT_SRC    := $(wildcard tests/unit/test_*.c)
# Without a switch: what knows nothing of it is not built again, nor what has no test left. Most are of the MQTT client,
# some of the platform's vocabulary.
ifneq ($(filter off-%,$(VARIANT)),)
UNIT_SRC    := $(filter-out tests/unit/test_cloud_% tests/unit/test_world_% \
                 $(patsubst %,tests/unit/%.c,$(shell bash tests/check/left_out.sh $(VARIANT:off-%=%))),$(UNIT_SRC))
SUPPORT_SRC := $(filter-out $(if $(filter TLS,$(call words_of,$(VARIANT:off-%=%))),tests/support/tls_%),$(SUPPORT_SRC))
OFF_WORDS   := $(call words_of,$(VARIANT:off-%=%))
UNIT_SRC    := $(if $(filter TLS% LINK ERR_%,$(OFF_WORDS)),$(UNIT_SRC), \
                 $(filter tests/unit/test_device% $(if $(filter-out $(LINK_SWITCHES),$(OFF_WORDS)),tests/unit/test_mqtt_%) \
                          $(if $(filter COAP DTLS COAP_SERVER DTLS_SERVER CBOR UPLINK,$(OFF_WORDS)),tests/unit/test_coap_%) \
                          $(if $(filter CBOR,$(OFF_WORDS)),tests/unit/test_link_uplink%) \
                          $(if $(filter $(LINK_SWITCHES),$(OFF_WORDS)),tests/unit/test_link_%),$(UNIT_SRC)))
endif
INTEROP_SRC := $(filter-out $(if $(filter 1,$(TLS13)),,%/test_tls13.c),$(wildcard tests/interop/test_*.c))
PEER_SRC    := $(wildcard tests/interop/peer_*.c)
BOARD_SRC   := $(wildcard tests/firmware/test_*.c)              # tests on boards
RIG_SRC     := $(wildcard tests/firmware/rig_*.c)               # what they share
LOCKING_SRC := $(wildcard tests/locking/*.c)                    # one program
BENCH_SRC   := $(wildcard tests/bench/bench_*.c)                # linked by tests/bench/bench.mk; here only checked
PORT_SRC    := $(wildcard port/template/*.c port/lwip/*.c port/mbedtls/*.c) $(NOR_SRC) # for every board: has to compile for a board

# Firmware: NAME.elf of the sources named here, on the board's port, and on lwIP and mbedTLS as they are for boards.
MPS2_SRC     := $(wildcard port/mps2_an385/*.c port/nor/*.c port/lwip/*.c port/mbedtls/*.c)
PRODUCT      := examples/firmware_superloop
FIRMWARES    := firmware_superloop firmware_lamp firmware_boot firmware_sensor firmware_report ticks
FIRMWARE_firmware_superloop := $(wildcard $(PRODUCT)/*.c)
# The same product, but for what it does.
FIRMWARE_firmware_lamp := examples/firmware_lamp/product.c $(LAMP_SRC) $(filter-out %/product.c,$(FIRMWARE_firmware_superloop))
# A sensor, which borrows its network and the UART.
FIRMWARE_firmware_sensor := examples/firmware_sensor/main.c $(SENSOR_SRC) $(patsubst %,$(PRODUCT)/%.c,network number say)
# A lamp that reports by CoAP.
FIRMWARE_firmware_report := examples/firmware_report/main.c $(REPORT_SRC) $(LAMP_SRC) $(patsubst %,$(PRODUCT)/%.c,network number say)
# The bootloader, and images that it starts: NAME-VERSION of a firmware, linked for where it copies them (iot_mps2_flash.h).
FIRMWARE_firmware_boot := examples/firmware_boot/main.c
LINK_firmware_boot := -Wl,--defsym=FLASH_BYTES=0x10000
IMAGES := firmware_superloop-1.0.0 firmware_superloop-2.0.0
FIRMWARE_ticks := tests/bench/board_ticks.c $(filter-out %/main.c %/say.c,$(FIRMWARE_firmware_superloop))

# Names are unique over all kinds: two share a folder, and all the runner's log.
TWICE := $(strip $(foreach f,$(UNIT_SRC),$(filter tests/interop/$(notdir $f),$(INTEROP_SRC))) \
                 $(foreach f,$(SCENARIO_SRC) $(BOARD_SRC),$(filter-out $f,$(filter %/$(notdir $f),$(UNIT_SRC) $(INTEROP_SRC) $(SCENARIO_SRC)))))
ifneq ($(TWICE),)
$(error test name used twice: $(TWICE))
endif

LWIP_PART := $(if $(filter %-lwip21,$(VARIANT)),lwip21,lwip)
LWIP      := $(or $(if $(filter lwip,$(LWIP_PART)),$(LWIP_DIR)),$(DEPS)/$(LWIP_PART))
LWIP_SRC  := $(wildcard $(LWIP)/src/core/*.c $(LWIP)/src/core/ipv4/*.c $(LWIP)/src/core/ipv6/*.c) \
             $(LWIP)/src/netif/ethernet.c
# lwIP is compiled once for each machine type and IP choice, and for the world; the variants share it.
LWIP_OUT  := build/lwip/$(ABI)-$(if $(WORLD),world,$(IP))$(if $(LOCKING),-locking)$(patsubst lwip%,-lwip%,$(filter-out lwip,$(LWIP_PART)))$(if $(LWIP_SET),-noassert)$(if $(SMALL_IP),-small)
LWIP_UNIX := $(LWIP)/contrib/ports/unix/port
LWIP_SRC  += $(if $(LOCKING),$(LWIP)/src/api/tcpip.c)
# Fetched anew: compile anew. A tree of the user's own is the user's to clean.
LWIP_MARK := $(if $(LWIP_DIR),,$(wildcard $(DEPS)/stamp/$(LWIP_PART)))

MBEDTLS      := $(or $(MBEDTLS_DIR),$(DEPS)/mbedtls)
MBEDTLS_SRC  := $(wildcard $(MBEDTLS)/library/*.c)
MBEDTLS_OUT  := build/mbedtls/$(ABI)$(KIND)
MBEDTLS_MARK := $(if $(MBEDTLS_DIR),,$(wildcard $(DEPS)/stamp/mbedtls))
MBEDTLS_LIB  := $(MBEDTLS_OUT)/libmbedtls.a

# The same sources as a server for tests, with settings that have nothing to do with ours.
SERVER_TLS_OUT := build/mbedtls/$(ABI)-server
SERVER_TLS_LIB := $(SERVER_TLS_OUT)/libmbedtls.a
# Both are linked into one program, so nothing of the second may be seen. The compiler knows where its tools are; a private
# one's want its libraries.
DTLS_PEER      := $(OUT)/dtls_peer.o
OBJCOPY         = $(if $(filter ppc s390x,$(ABI)),LD_LIBRARY_PATH='$(firstword $(dir $(wildcard $(DEPS)/gcc-$(ABI:ppc=powerpc)/usr/lib/*/libbfd*)))') \
                  "$$($(CC) -print-prog-name=objcopy)"

# One header, the same for every machine.
JSMN      := $(or $(JSMN_DIR),$(DEPS)/jsmn)
JSMN_MARK := $(if $(JSMN_DIR),,$(wildcard $(DEPS)/stamp/jsmn))

# The emulated platform's JSON. Also part of a plugin: hence -fPIC. Its hash function asks for no byte order.
JANSSON_OUT  := build/jansson/$(ABI)
JANSSON_LIB  := $(JANSSON_OUT)/libjansson.a
JANSSON_SRC  := $(wildcard $(DEPS)/jansson/src/*.c)
WITH_JSON    := -isystem $(DEPS)/jansson/src -isystem $(DEPS)/jansson/android

# Where nobody packages cmocka it is compiled. It has no configuration but these.
ifneq ($(filter ppc s390x m32-san,$(ABI)),)
CMOCKA_OUT    := build/cmocka/$(ABI)
CMOCKA_LIB    := $(CMOCKA_OUT)/libcmocka.a
CMOCKA_CFLAGS := -isystem $(DEPS)/cmocka-source/include
CMOCKA_LIBS   := $(CMOCKA_LIB)
CMOCKA_DIRS   :=
CMOCKA_HAS    := $(patsubst %,-DHAVE_%,INTTYPES_H MALLOC_H SIGNAL_H STRINGS_H GCC_THREAD_LOCAL_STORAGE CLOCK_REALTIME \
                 SIGLONGJMP STRSIGNAL STRUCT_TIMESPEC SNPRINTF VSNPRINTF)
endif

obj = $(patsubst %.c,$(OUT)/obj/%.o,$1)
LIB_OBJ     := $(call obj,$(LIB_SRC))
HOST_OBJ    := $(call obj,$(HOST_SRC) $(CLOUD_SRC))
CLOUD_OBJ   := $(call obj,$(CLOUD_SRC))
JUDGE_OBJ   := $(call obj,$(JUDGE_SRC))
PIC_OBJ     := $(patsubst %.c,$(OUT)/pic/%.o,$(if $(FRONT_SRC),$(FRONT_SRC) $(CLOUD_SRC)))
SUPPORT_OBJ := $(call obj,$(SUPPORT_SRC))
PEER_OBJ    := $(call obj,$(PEER_SRC))
RIG_OBJ     := $(call obj,$(RIG_SRC) $(patsubst %,tests/interop/peer_%.c,certs run readings))
WORLD_OBJ   := $(call obj,$(WORLD_SRC) $(LAMP_SRC))
SCENE_OBJ   := $(call obj,$(SCENE_SRC))
LOCKING_OBJ := $(call obj,$(LOCKING_SRC))
# What it borrows: lwIP's hooks, the cloud, the form of DNS messages, flash. Of port/unix the chip alone, and no clock.
BORROWED_OBJ := $(CLOUD_OBJ) $(call obj,$(wildcard port/lwip/*.c port/mbedtls/*.c) unix_sim/host/host_question.c \
                $(NOR_SRC) port/unix/iot_nor_unix.c)
LWIP_OBJ    := $(patsubst $(LWIP)/%.c,$(LWIP_OUT)/%.o,$(LWIP_SRC))
MBEDTLS_OBJ := $(patsubst $(MBEDTLS)/%.c,$(MBEDTLS_OUT)/%.o,$(MBEDTLS_SRC))
SERVER_TLS_OBJ := $(patsubst $(MBEDTLS)/%.c,$(SERVER_TLS_OUT)/%.o,$(MBEDTLS_SRC))
DTLS_OBJ    := $(call obj,$(DTLS_SRC))
ALL_OBJ     := $(LIB_OBJ) $(HOST_OBJ) $(SUPPORT_OBJ) $(DTLS_OBJ) $(call obj,$(DGRAM_SRC)) $(PEER_OBJ) $(PIC_OBJ) \
               $(WORLD_OBJ) $(SCENE_OBJ) $(LOCKING_OBJ) $(call obj,$(WORLD_MAIN) $(SCENARIO_SRC)) \
               $(RIG_OBJ) $(call obj,$(BOARD_SRC)) \
               $(call obj,$(WEB_SRC) $(COAP_SRC)) \
               $(call obj,$(SIM_SRC) $(EXAMPLE_SRC) $(LAMP_SRC) $(SENSOR_SRC) $(REPORT_SRC) $(UNIT_SRC) $(INTEROP_SRC) $(BENCH_SRC) $(PORT_SRC))

PLUGIN   := $(if $(FRONT_SRC),$(BIN)/cloud_plugin.so)
WEB      := $(BIN)/cloud_https
COAP     := $(BIN)/cloud_coap
PROGRAMS := $(patsubst unix_sim/%.c,$(BIN)/%,$(PROGRAM_SRC))
EXAMPLES := $(patsubst examples/%.c,$(BIN)/examples/%,$(EXAMPLE_SRC))
UNITS    := $(patsubst tests/unit/%.c,$(OUT)/tests/%,$(UNIT_SRC))
INTEROPS := $(patsubst tests/interop/%.c,$(OUT)/tests/%,$(INTEROP_SRC))
LOCKINGS := $(if $(LOCKING_SRC),$(OUT)/tests/test_locking)
SCENARIOS := $(patsubst tests/scenario/%.c,$(OUT)/tests/%,$(SCENARIO_SRC))
BOARDS   := $(patsubst tests/firmware/%.c,$(OUT)/tests/%,$(BOARD_SRC))
WORLDS   := $(patsubst unix_sim/world/main_%.c,$(OUT)/%,$(WORLD_MAIN))
wanted    = $(if $(T),$(foreach t,$1,$(if $(findstring $(T),$(notdir $t)),$t)),$1)

# ---- flags

WARN      := -Wall -Wextra -Wundef -Wconversion -Wshadow
BASE      := -Iinclude -Isrc $(ASSERTS) $(DEFINES) $(TLS_SET) $(OPT) $(WARN) $(EXTRA)
C99       := -std=c99
POSIX     := -std=gnu11 -D_GNU_SOURCE
# lwIP in its own thread: options that come before ours, and its port to threads.
WITH_LOCK := -Itests/locking -isystem $(LWIP_UNIX)/include
# lwIP's own headers are not ours to warn about; our lwipopts.h and arch/cc.h are.
WITH_LWIP := $(if $(LOCKING),$(WITH_LOCK)) $(IP_FLAGS) $(SIM_LWIP) -Iport/lwip -isystem $(LWIP)/src/include -Iport/unix
WITH_HOST := $(WITH_LWIP) -Iport -Iunix_sim
WITH_MPS2 := $(IP_FLAGS) -Iport/lwip -isystem $(LWIP)/src/include -Iport
# As the world's lwIP is, in every variant: so all of them can compile it.
WITH_WORLD := $(WORLD_LWIP) -Iport/lwip -isystem $(LWIP)/src/include -Iport -Iunix_sim -Iexamples
# Ahead of /usr/include, where another mbedTLS may be.
WITH_TLS  := -Iport/mbedtls -isystem $(MBEDTLS)/include -DMBEDTLS_CONFIG_FILE=\"iot_mbedtls_config.h\"
WITH_SERVER_TLS := -Itests/support -isystem $(MBEDTLS)/include -isystem $(MBEDTLS)/library \
                   -DMBEDTLS_CONFIG_FILE=\"dtls_server_config.h\"
WITH_TEST := -Itests -Itests/support $(CMOCKA_CFLAGS)

# Which folder sees what. A folder not named here sees include/ and src/ only: no lwIP, no mbedTLS. That is a rule of
# the house, not thrift: codecs, sessions and their tests must build where there is neither.
$(OUT)/obj/%.o:               FLAGS = $(BASE) $(C99)
$(OUT)/obj/src/net/%.o:       FLAGS = $(BASE) $(C99) $(WITH_LWIP)
$(OUT)/obj/src/crypto/%.o:    FLAGS = $(BASE) $(C99) $(WITH_TLS)
$(OUT)/obj/src/json/%.o:      FLAGS = $(BASE) $(C99) -isystem $(JSMN)
$(OUT)/obj/src/tls/%.o:       FLAGS = $(BASE) $(C99) $(WITH_TLS)
$(OUT)/obj/port/%.o:          FLAGS = $(BASE) $(C99) $(WITH_LWIP)
$(OUT)/obj/port/mbedtls/%.o:  FLAGS = $(BASE) $(C99) $(WITH_TLS)
$(OUT)/obj/port/unix/%.o:     FLAGS = $(BASE) $(C99) -D_GNU_SOURCE $(WITH_LWIP) -Iport
$(OUT)/obj/port/nor/%.o:      FLAGS = $(BASE) $(C99)
$(OUT)/obj/port/mps2_an385/%.o: FLAGS = $(BASE) $(C99) $(WITH_MPS2)
$(OUT)/obj/examples/firmware_boot/%.o: FLAGS = $(BASE) $(C99) $(WITH_MPS2)
$(OUT)/obj/examples/firmware_superloop/%.o: FLAGS = $(BASE) $(C99) $(WITH_MPS2)
$(OUT)/obj/examples/firmware_lamp/%.o: FLAGS = $(BASE) $(C99) $(WITH_MPS2) -I$(PRODUCT) -Iexamples
$(OUT)/obj/examples/lamp_model/%.o: FLAGS = $(BASE) $(C99)
$(OUT)/obj/examples/coap_sensor/%.o: FLAGS = $(BASE) $(C99)
$(OUT)/obj/examples/coap_report/%.o: FLAGS = $(BASE) $(C99) -Iexamples
$(OUT)/obj/examples/firmware_report/%.o: FLAGS = $(BASE) $(C99) $(WITH_MPS2) -I$(PRODUCT) -Iexamples
$(OUT)/obj/examples/firmware_sensor/%.o: FLAGS = $(BASE) $(C99) $(WITH_MPS2) -I$(PRODUCT) -Iexamples
$(OUT)/obj/unix_sim/%.o:      FLAGS = $(BASE) $(POSIX) $(WITH_HOST) $(WITH_JSON) -I$(OUT)/gen -Iexamples $(SLIRP_CFLAGS)
$(OUT)/obj/unix_sim/cloud/%.o: FLAGS = $(BASE) $(POSIX) -Iunix_sim $(WITH_JSON)
$(OUT)/obj/unix_sim/cloud/front_https.o: FLAGS = $(BASE) $(POSIX) -Iunix_sim $(WITH_JSON) $(MICROHTTPD_CFLAGS)
$(OUT)/obj/unix_sim/cloud/front_coap.o: FLAGS = $(BASE) $(POSIX) -Iunix_sim $(WITH_JSON) $(COAP_CFLAGS)
$(OUT)/obj/unix_sim/world/%.o: FLAGS = $(BASE) $(POSIX) $(WITH_WORLD)
# The broker that loads them knows no sanitizer.
$(OUT)/pic/unix_sim/%.o:      FLAGS = $(filter-out -fsanitize=% -fno-sanitize%,$(BASE)) -fPIC $(POSIX) -Iunix_sim $(WITH_JSON) $(MOSQUITTO_CFLAGS)
$(OUT)/obj/examples/%.o:      FLAGS = $(BASE) $(C99) -D_GNU_SOURCE $(WITH_HOST) -Iexamples
$(OUT)/obj/tests/support/%.o: FLAGS = $(BASE) $(POSIX) $(WITH_TEST)
$(OUT)/obj/tests/support/tls_%.o: FLAGS = $(BASE) $(POSIX) $(WITH_TEST) $(WITH_TLS)
$(OUT)/obj/tests/support/dtls_%.o: FLAGS = $(BASE) $(POSIX) $(WITH_SERVER_TLS)
$(OUT)/obj/tests/unit/%.o:    FLAGS = $(BASE) $(POSIX) $(WITH_TEST)
$(OUT)/obj/tests/unit/test_sensor.o: FLAGS = $(BASE) $(POSIX) $(WITH_TEST) -Iexamples
$(OUT)/obj/tests/unit/test_crypto_%.o: FLAGS = $(BASE) $(POSIX) $(WITH_TEST) $(WITH_TLS)
$(OUT)/obj/tests/unit/test_tls_%.o: FLAGS = $(BASE) $(POSIX) $(WITH_TEST) $(WITH_TLS)
$(OUT)/obj/tests/unit/test_nor_%.o: FLAGS = $(BASE) $(POSIX) $(WITH_TEST) -Iport
$(OUT)/obj/tests/unit/test_ota_%.o: FLAGS = $(BASE) $(POSIX) $(WITH_TEST) -Iport
$(OUT)/obj/tests/unit/test_cloud_%.o: FLAGS = $(BASE) $(POSIX) $(WITH_TEST) -Iunix_sim $(WITH_JSON)
$(OUT)/obj/tests/unit/test_world_%.o: FLAGS = $(BASE) $(POSIX) $(WITH_TEST) -Iunix_sim
$(OUT)/obj/tests/bench/board_%.o: FLAGS = $(BASE) $(C99) $(WITH_MPS2) -I$(PRODUCT)
$(OUT)/obj/tests/bench/%.o:   FLAGS = $(BASE) $(POSIX) $(WITH_TEST)
$(OUT)/obj/tests/bench/bench_ota.o: FLAGS = $(BASE) $(POSIX) $(WITH_TEST) $(WITH_TLS)
$(OUT)/obj/tests/interop/%.o: FLAGS = $(BASE) $(POSIX) $(WITH_HOST) $(WITH_TEST) $(WITH_TLS) $(SLIRP_CFLAGS)
$(OUT)/obj/tests/firmware/%.o: FLAGS = $(BASE) $(POSIX) -Iport -Iunix_sim $(WITH_TEST)
$(OUT)/obj/tests/scenario/%.o: FLAGS = $(BASE) $(POSIX) $(WITH_WORLD) $(WITH_TEST)
# As the locked lwIP is, in every variant, like the world's: with IPv4 and IPv6.
$(OUT)/obj/tests/locking/%.o: FLAGS = $(BASE) $(POSIX) $(WITH_LOCK) $(filter-out $(IP_FLAGS),$(WITH_HOST)) $(WITH_TEST)
# IOT_ASSERTS is set for lwIP in any case, should lwipopts.h look at it: it is only linked where that is so.
LWIP_FLAGS := $(C99) $(OPT) $(MACHINE) -w -DIOT_ASSERTS=1 $(LWIP_SET) $(DEFINES) $(IP_FLAGS) $(SIM_LWIP) \
              -Iinclude -Isrc $(if $(LOCKING),$(EXTRA) $(WITH_LOCK)) -Iport/lwip -I$(LWIP)/src/include -Iport/unix
# See src/crypto/iot_crypto_rsa.c.
RSA_BOUND     := -Dmbedtls_mpi_exp_mod_unsafe=iot_mpi_exp_mod_public
MBEDTLS_FLAGS := $(C99) $(OPT) $(MACHINE) -w $(DEFINES) $(TLS_SET) -Iinclude $(WITH_TLS) \
                 -I$(MBEDTLS)/library
SERVER_TLS_FLAGS := -std=gnu11 -O2 -fno-common $(MACHINE) -w $(WITH_SERVER_TLS)
# Where a handshake spends its time: 2 KB of flash buy an eighth of it.
MBEDTLS_FAST  := %/bignum_core.o %/ecp_curves.o
ifeq ($(ABI),host)
# shared by the variants: so not any one's optimisation
LWIP_FLAGS := $(subst $(OPT),-O2 -g,$(LWIP_FLAGS))
MBEDTLS_FLAGS := $(subst $(OPT),-O2 -g,$(MBEDTLS_FLAGS))
endif

# Private libraries are found relative to the binary, so the clone may be moved. The old tag (DT_RPATH) also
# serves the libraries' own libraries. The shell works the way out, as blanks are nothing to it.
rpath = -Wl,--disable-new-dtags $(foreach d,$1,-Wl,-rpath,'$$ORIGIN/'"$$(realpath -m --relative-to='$(@D)' '$(DEPS)/$d')")
WRAP  := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
# See unix_sim/world/world_famine.h and world_tap.h.
WORLD_WRAP := -Wl,--wrap=memp_malloc,--wrap=mem_malloc,--wrap=tcp_new_ip_type,--wrap=tcp_connect,--wrap=tcp_write,--wrap=tcp_arg,--wrap=tcp_recv,--wrap=tcp_sent,--wrap=tcp_err,--wrap=dns_gethostbyname_addrtype

# ---- what can be asked for

library:  $(ARCHIVE)
programs: $(PROGRAMS) $(PLUGIN) $(WEB) $(COAP)
examples: $(EXAMPLES)
unit:     $(call wanted,$(UNITS)) $(OUT)/tests/unit.list
interop:  $(call wanted,$(INTEROPS)) $(PROGRAMS) $(PLUGIN) $(WEB) $(COAP) $(EXAMPLES) $(OUT)/tests/interop.list
boards:   $(call wanted,$(BOARDS)) $(PROGRAMS) $(PLUGIN) $(WEB) $(COAP) $(OUT)/tests/firmware.list
# The variants world and world-san alone.
scenario: $(call wanted,$(SCENARIOS)) $(OUT)/tests/scenario.list
sim:      $(OUT)/sim $(OUT)/tests/sim.list
# Of the interop tests those that are about lwIP.
TCPS     := $(patsubst %,$(OUT)/tests/test_%,callbacks mosquitto trouble udp_socket net_socket)
tcp:      $(call wanted,$(TCPS)) $(OUT)/tests/tcp.list
# The variant locking alone.
locking:  $(call wanted,$(LOCKINGS)) $(OUT)/tests/locking.list
worlds:   $(WORLDS)
tls13:    $(call wanted,$(OUT)/tests/test_tls13) $(OUT)/tests/tls13.list
mbedtls:  $(MBEDTLS_LIB)
lwip:     $(LWIP_OUT)/liblwip.a
sizes:    $(if $(wildcard include/iot/iot_static.h),$(OUT)/obj/tests/check/size_members.o)
objects:  $(ALL_OBJ)                 # everything compiled, nothing linked
portable: $(LIB_OBJ) $(call obj,$(PORT_SRC) $(if $(filter m3,$(ABI)),tests/bench/board_mark.c))
firmware: $(patsubst %,$(OUT)/%.elf,firmware_superloop firmware_lamp firmware_boot) $(patsubst %,$(OUT)/%.bin,$(IMAGES)) # this and the next: the variants fw-... alone
ticks:    $(OUT)/ticks.elf
sensor:   $(OUT)/firmware_sensor.elf # the variant fw-an385-sensor
report:   $(OUT)/firmware_report.elf # the variant fw-an385-report
updates:  $(OUT)/firmware_boot.elf $(patsubst %,$(OUT)/%.bin,$(IMAGES))
ports:    $(LIB_OBJ) $(call obj,$(filter-out port/mps2_an385/%,$(wildcard port/*/*.c)))
library programs examples unit interop boards scenario sim tcp locking worlds tls13 mbedtls lwip sizes objects portable ports firmware ticks sensor report updates: ; @:
.PHONY: library programs examples unit interop boards scenario sim tcp locking worlds tls13 mbedtls lwip sizes objects portable ports firmware ticks sensor report updates FORCE
FORCE:

# The runner's lists, a command each: a binary whose source is gone is not run again.
list = @mkdir -p $(@D) && printf '%s\n' $(foreach t,$1,'$(strip $(RUN) $t)') >$@
$(OUT)/tests/unit.list: FORCE
	$(call list,$(UNITS))
$(OUT)/tests/interop.list: FORCE
	$(call list,$(INTEROPS))
$(OUT)/tests/firmware.list: FORCE
	$(call list,$(BOARDS))
$(OUT)/tests/scenario.list: FORCE
	$(call list,$(SCENARIOS))
$(OUT)/tests/sim.list: FORCE
	$(call list,$(OUT)/sim)
$(OUT)/tests/tcp.list: FORCE
	$(call list,$(TCPS))
$(OUT)/tests/locking.list: FORCE
	$(call list,$(LOCKINGS))
$(OUT)/tests/tls13.list: FORCE
	$(call list,$(OUT)/tests/test_tls13)

# ---- rules

# A file that changes when the words do: objects are made again when their flags change, archives also when
# a source has gone.
define words_file
$1: FORCE
	@mkdir -p $$(@D); new='$2'; [ -e $$@ ] && [ "$$$$new" = "$$$$(cat $$@)" ] || printf '%s\n' "$$$$new" >$$@
endef
$(eval $(call words_file,$(OUT)/flags,$(CC) $(BASE) $(WITH_HOST) $(WORLD_LWIP) $(WITH_TLS) $(WITH_SERVER_TLS) -isystem $(JSMN) $(WITH_JSON) $(SLIRP_CFLAGS) $(CMOCKA_CFLAGS) \
    $(MOSQUITTO_CFLAGS) $(MICROHTTPD_CFLAGS) $(COAP_CFLAGS)))
$(eval $(call words_file,$(OUT)/members,$(LIB_OBJ) $(HOST_OBJ) $(SIM_SRC) $(SUPPORT_OBJ) $(DTLS_OBJ) $(PEER_OBJ) $(PIC_OBJ) \
    $(WORLD_OBJ) $(SCENE_OBJ) $(WORLD_WRAP)))
$(eval $(call words_file,$(LWIP_OUT)/flags,$(CC) $(LWIP_FLAGS)))
$(eval $(call words_file,$(LWIP_OUT)/members,$(LWIP_OBJ)))
$(eval $(call words_file,$(MBEDTLS_OUT)/flags,$(CC) $(MBEDTLS_FLAGS) $(RSA_BOUND)))
$(eval $(call words_file,$(MBEDTLS_OUT)/members,$(MBEDTLS_OBJ)))
$(eval $(call words_file,$(SERVER_TLS_OUT)/flags,$(CC) $(SERVER_TLS_FLAGS)))
$(eval $(call words_file,$(SERVER_TLS_OUT)/members,$(SERVER_TLS_OBJ)))

$(OUT)/obj/%.o: %.c $(OUT)/flags $(LWIP_MARK) $(MBEDTLS_MARK) $(JSMN_MARK)
	$(call step,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS) -MMD -MP -c $< -o $@

$(OUT)/pic/%.o: %.c $(OUT)/flags
	$(call step,CC,$< (plugin))
	@mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS) -MMD -MP -c $< -o $@

# The certificates that the simulation trusts, as C. Whoever may include it waits for it.
$(OUT)/gen/roots.inc: unix_sim/roots.sh $(wildcard $(DEPS)/roots/*.crt)
	@mkdir -p $(@D)
	$(Q)bash $< $(filter %.crt,$^) >$@
$(call obj,$(SIM_SRC) $(filter unix_sim/%,$(HOST_SRC))): | $(OUT)/gen/roots.inc

$(LWIP_OUT)/%.o: $(LWIP)/%.c $(LWIP_OUT)/flags $(LWIP_MARK)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LWIP_FLAGS) -MD -MP -c $< -o $@

$(MBEDTLS_OUT)/%.o: $(MBEDTLS)/%.c $(MBEDTLS_OUT)/flags $(MBEDTLS_MARK)
	@mkdir -p $(@D)
	$(Q)$(CC) $(MBEDTLS_FLAGS) $(if $(filter $(MBEDTLS_FAST),$@),-O2) $(if $(filter %/rsa.o,$@),$(RSA_BOUND)) -MD -MP -c $< -o $@

$(SERVER_TLS_OUT)/%.o: $(MBEDTLS)/%.c $(SERVER_TLS_OUT)/flags $(MBEDTLS_MARK)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SERVER_TLS_FLAGS) -MD -MP -c $< -o $@

$(JANSSON_LIB): $(JANSSON_SRC) $(wildcard $(DEPS)/stamp/jansson)
	$(call step,JSON,$@)
	@mkdir -p $(@D) && rm -f $@ $(JANSSON_OUT)/*.o
	@echo '#define HAVE_STDINT_H 1' >$(JANSSON_OUT)/jansson_private_config.h
	$(Q)for f in $(JANSSON_SRC); do \
	    $(CC) -std=gnu99 -O2 -g -fPIC $(MACHINE) -w -DHAVE_CONFIG_H=1 -I$(JANSSON_OUT) $(WITH_JSON) -c $$f -o $(JANSSON_OUT)/$$(basename $$f .c).o || exit; done
	$(Q)$(AR) rcs $@ $(JANSSON_OUT)/*.o

ifdef CMOCKA_LIB
$(CMOCKA_LIB): $(DEPS)/cmocka-source/src/cmocka.c $(wildcard $(DEPS)/stamp/cmocka-source)
	$(call step,CMOCKA,$@)
	@mkdir -p $(@D) && rm -f $@
	$(Q)$(CC) -std=gnu99 -D_GNU_SOURCE -O2 -g $(MACHINE) -w $(CMOCKA_CFLAGS) $(CMOCKA_HAS) -c $< -o $(CMOCKA_OUT)/cmocka.o
	$(Q)$(AR) rcs $@ $(CMOCKA_OUT)/cmocka.o
endif

$(ARCHIVE): $(LIB_OBJ) $(OUT)/members
	$(call step,AR,$@)
	@mkdir -p $(@D) && rm -f $@
	$(Q)$(AR) rcs $@ $(LIB_OBJ)

$(OUT)/libsim.a: $(HOST_OBJ) $(OUT)/members
	$(call step,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(HOST_OBJ)

$(LWIP_OUT)/liblwip.a: $(LWIP_OBJ) $(LWIP_OUT)/members
	$(call step,LWIP,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(LWIP_OBJ)

$(MBEDTLS_LIB): $(MBEDTLS_OBJ) $(MBEDTLS_OUT)/members
	$(call step,TLS,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(MBEDTLS_OBJ)

$(SERVER_TLS_LIB): $(SERVER_TLS_OBJ) $(SERVER_TLS_OUT)/members
	$(call step,TLS,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(SERVER_TLS_OBJ)

# What two files of it share by a section's name would be thrown away beside one of ours that is called so, too: no groups.
$(DTLS_PEER): $(DTLS_OBJ) $(SERVER_TLS_LIB) $(OUT)/members
	$(call step,LD,$@)
	$(Q)$(CC) $(MACHINE) -r -nostdlib -Wl,--force-group-allocation -o $@.all $(DTLS_OBJ) $(SERVER_TLS_LIB)
	$(Q)$(OBJCOPY) -w -G 'dtls_server_*' -G 'dtls_client_*' $@.all $@ && rm -f $@.all

# They know each other: lwIP calls the port's clock, the port calls lwIP, mbedTLS calls our arena.
STACK      := $(OUT)/libsim.a $(ARCHIVE) $(LWIP_OUT)/liblwip.a $(MBEDTLS_LIB) $(JANSSON_LIB)
LINK_STACK := -Wl,--start-group $(STACK) -Wl,--end-group $(SLIRP_LIBS)

# program NAME
define program
$(BIN)/$1: $(call obj,unix_sim/$1.c $(filter unix_sim/$1_%,$(SIM_SRC)))
endef
$(foreach p,$(notdir $(PROGRAMS)),$(eval $(call program,$p)))

# They have their timeline from build/device, and where the lamp lives is where that lives.
$(BIN)/board $(BIN)/updater $(BIN)/reflash: $(call obj,unix_sim/device_say.c)
$(BIN)/reporter: $(call obj,unix_sim/device_say.c $(REPORT_SRC) $(LAMP_SRC))
$(BIN)/lamp: $(call obj,unix_sim/device_say.c unix_sim/device_place.c $(LAMP_SRC))

$(PROGRAMS): $(STACK) $(OUT)/members
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) -o $@ $(filter %.o,$^) $(LINK_STACK) $(call rpath,$(SLIRP_DIRS))

# mosquitto's own functions come from the process that loads it.
$(PLUGIN): $(PIC_OBJ) $(JANSSON_LIB) $(OUT)/members
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -shared $(filter-out -fsanitize=% -fno-sanitize%,$(LINK)) -o $@ $(PIC_OBJ) $(JANSSON_LIB) -Wl,--exclude-libs,ALL

$(WEB): $(call obj,$(WEB_SRC)) $(STACK) $(OUT)/members
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) -o $@ $(filter %.o,$^) $(LINK_STACK) $(MICROHTTPD_LIBS) -pthread $(call rpath,$(SLIRP_DIRS) $(MICROHTTPD_DIRS))

$(COAP): $(call obj,$(COAP_SRC)) $(STACK) $(OUT)/members
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) -o $@ $(filter %.o,$^) $(LINK_STACK) $(COAP_LIBS) $(call rpath,$(SLIRP_DIRS) $(COAP_DIRS))

# The programs that start a broker with it.
$(filter $(patsubst %,$(BIN)/%,cloud device lamp board updater reflash reporter),$(PROGRAMS)): | $(PLUGIN) $(WEB) $(COAP)

$(filter $(BIN)/examples/thing_%,$(EXAMPLES)): $(call obj,$(LAMP_SRC))
$(filter $(BIN)/examples/coap_sensor,$(EXAMPLES)): $(call obj,$(SENSOR_SRC))
$(filter $(BIN)/examples/coap_report,$(EXAMPLES)): $(call obj,$(REPORT_SRC) $(LAMP_SRC))
$(EXAMPLES): $(BIN)/examples/%: $(OUT)/obj/examples/%.o $(STACK)
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) -o $@ $(filter %.o,$^) $(LINK_STACK) $(call rpath,$(SLIRP_DIRS))

# No start files and no system calls: what wants a heap or a file does not link.
BOARD_SCRIPT := port/mps2_an385/iot_mps2.ld
define firmware
$(OUT)/$1.elf: $(call obj,$(FIRMWARE_$1) $(MPS2_SRC)) $(ARCHIVE) $(LWIP_OUT)/liblwip.a $(MBEDTLS_LIB) $(BOARD_SCRIPT)
endef
$(foreach f,$(FIRMWARES),$(eval $(call firmware,$f)))
# image NAME-VERSION: a version is three numbers up to 255.
define image
FIRMWARE_$1 := $$(FIRMWARE_$(firstword $(subst -, ,$1)))
LINK_$1 := -Wl,--defsym=FLASH_AT=0x10000 -Wl,--defsym=PRODUCT_VERSION=$$(shell printf '0x%02x%02x%02x' $(subst ., ,$(lastword $(subst -, ,$1))))
endef
$(foreach i,$(IMAGES),$(eval $(call image,$i)) $(eval $(call firmware,$i)))
$(OUT)/%.elf:
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OPT) -nostartfiles -nostdlib -T $(BOARD_SCRIPT) $(LINK) $(LINK_$*) -Wl,--gc-sections -Wl,-Map=$(@:.elf=.map) -o $@ $(filter %.o,$^) \
	    -Wl,--start-group $(filter %.a,$^) -lc -lgcc -Wl,--end-group
$(OUT)/%.bin: $(OUT)/%.elf
	$(call step,IMAGE,$@)
	$(Q)$(CC:%gcc=%objcopy) -O binary $< $@

# Without lwIP. Of mbedTLS comes what is asked for: nothing, mostly. So it is with the support: what a test has nothing to do with
# does not change it (see tests/check/test_switches.sh).
SUPPORT_LIB := $(OUT)/libsupport.a
SUPPORT_ALL := $(SUPPORT_OBJ) $(call obj,$(wildcard port/mbedtls/*.c))
$(SUPPORT_LIB): $(SUPPORT_ALL) $(OUT)/members
	$(call step,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(SUPPORT_ALL)

$(UNITS): $(OUT)/tests/%: $(OUT)/obj/tests/unit/%.o $(SUPPORT_LIB) $(ARCHIVE) $(MBEDTLS_LIB) $(JANSSON_LIB) $(CMOCKA_LIB)
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) $(WRAP) -o $@ $(filter %.o,$^) -Wl,--start-group $(SUPPORT_LIB) $(ARCHIVE) $(MBEDTLS_LIB) $(JANSSON_LIB) $(CMOCKA_LIBS) -Wl,--end-group $(call rpath,$(CMOCKA_DIRS))

$(filter $(OUT)/tests/test_cloud_%,$(UNITS)): $(CLOUD_OBJ)
$(filter $(OUT)/tests/test_nor_% $(OUT)/tests/test_ota_%,$(UNITS)): $(call obj,$(NOR_SRC) port/unix/iot_nor_unix.c)
$(filter $(OUT)/tests/test_dtls_% $(OUT)/tests/test_tls_dgram%,$(UNITS)): $(DTLS_PEER)
$(filter $(OUT)/tests/test_tls_dgram%,$(UNITS)): $(call obj,$(DGRAM_SRC))
# What of the world's brokers knows no lwIP.
BROKER_OBJ := $(call obj,$(patsubst %,unix_sim/world/world_%.c,mqtt session post broker rude rude_rows cloud))
$(patsubst %,$(OUT)/tests/test_world_%,mqtt post broker rude cloud): $(BROKER_OBJ) $(CLOUD_OBJ)
# Nor do its judges.
$(patsubst %,$(OUT)/tests/test_world_%,lint ledger): $(JUDGE_OBJ)

$(INTEROPS): $(OUT)/tests/%: $(OUT)/obj/tests/interop/%.o $(SUPPORT_OBJ) $(PEER_OBJ) $(DTLS_PEER) $(STACK)
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) $(WRAP) -o $@ $< $(SUPPORT_OBJ) $(PEER_OBJ) $(DTLS_PEER) $(LINK_STACK) $(CMOCKA_LIBS) \
	    $(call rpath,$(CMOCKA_DIRS) $(SLIRP_DIRS))

# The library is on the board; what is linked of it here names its errors.
$(BOARDS): $(OUT)/tests/%: $(OUT)/obj/tests/firmware/%.o $(SUPPORT_OBJ) $(RIG_OBJ) $(DTLS_PEER) $(STACK)
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) $(WRAP) -o $@ $< $(SUPPORT_OBJ) $(RIG_OBJ) $(DTLS_PEER) $(LINK_STACK) $(CMOCKA_LIBS) \
	    $(call rpath,$(CMOCKA_DIRS) $(SLIRP_DIRS))

# lwIP's port to threads is no archive's member: it brings a clock along, as port/unix would.
LOCKING_PORT := $(patsubst $(LWIP)/%.c,$(LWIP_OUT)/%.o,$(LWIP_UNIX)/sys_arch.c)

$(LOCKINGS): $(LOCKING_OBJ) $(LOCKING_PORT) $(SUPPORT_OBJ) $(STACK)
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) $(WRAP) -o $@ $(LOCKING_OBJ) $(LOCKING_PORT) $(SUPPORT_OBJ) $(LINK_STACK) $(CMOCKA_LIBS) \
	    $(call rpath,$(CMOCKA_DIRS) $(SLIRP_DIRS))

# The world: nothing of real time is linked, and calls of lwIP lead through its own functions.
$(OUT)/libworld.a: $(WORLD_OBJ) $(BORROWED_OBJ) $(OUT)/members
	$(call step,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(WORLD_OBJ) $(BORROWED_OBJ)

WORLD_STACK := $(OUT)/libworld.a $(ARCHIVE) $(LWIP_OUT)/liblwip.a $(MBEDTLS_LIB) $(JANSSON_LIB)
LINK_WORLD  := $(WORLD_WRAP) -Wl,--start-group $(WORLD_STACK) -Wl,--end-group

$(WORLDS): $(OUT)/%: $(OUT)/obj/unix_sim/world/main_%.o $(WORLD_STACK)
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) -o $@ $< $(LINK_WORLD)

$(SCENARIOS): $(OUT)/tests/%: $(OUT)/obj/tests/scenario/%.o $(SCENE_OBJ) $(SUPPORT_OBJ) $(WORLD_STACK) $(CMOCKA_LIB)
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) $(WRAP) -o $@ $< $(SCENE_OBJ) $(SUPPORT_OBJ) $(LINK_WORLD) $(CMOCKA_LIBS) $(call rpath,$(CMOCKA_DIRS))

-include $(ALL_OBJ:.o=.d) $(patsubst %.c,$(OUT)/obj/%.d,$(MPS2_SRC) $(foreach f,$(FIRMWARES),$(FIRMWARE_$f))) $(LWIP_OBJ:.o=.d) $(MBEDTLS_OBJ:.o=.d) $(SERVER_TLS_OBJ:.o=.d) $(OUT)/obj/tests/check/size_members.d

endif
