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
#   DEPS=        where the parts are        LWIP_DIR=   an lwIP source tree of your own
#   IP=          dual, v4 or v6: which of IPv4 and IPv6 lwIP is built with
#   VARIANT=     for `make test`: san (with sanitizers, the default) or sim (as the programs are built)
#   DEFINES=     settings of include/iot/iot_config.h, as '-DIOT_ERR_TEXTS=0 -DIOT_MQTT_RX_BYTES=2048'

MAKEFLAGS += -rR
.SUFFIXES:
.DELETE_ON_ERROR:
SHELL := /bin/bash

DEPS     ?= build/deps
LWIP_DIR ?=
IP       ?= dual
T        ?=
DEFINES  ?=

# make splits names at blanks; relative names keep the clone's own path out of this.
ifneq ($(words $(DEPS)),1)
$(error DEPS may not hold a blank or be empty: give a relative path or a symbolic link)
endif
ifneq ($(words x$(LWIP_DIR)),1)
$(error LWIP_DIR may not hold a blank: give a relative path or a symbolic link)
endif

ifndef INNER
# ==================================================================================== outer: what people call

.NOTPARALLEL:
.DEFAULT_GOAL := all

FETCH = DEPS='$(DEPS)' LWIP_DIR='$(LWIP_DIR)' bash port/deps/fetch.sh
LOCK  = mkdir -p build && flock build/.lock
# Two jobs unless the caller said otherwise; in a recipe MAKEFLAGS tells.
JOBS  = $(if $(findstring -j,$(MAKEFLAGS)),,-j2)
BUILD = $(JOBS) --no-print-directory INNER=1
TESTS_VARIANT = $(or $(VARIANT),san)

# What the test programs and the simulation find in their environment.
PEERS = MOSQUITTO='$(DEPS)/bin/mosquitto' MOSQUITTO_PUB='$(DEPS)/bin/mosquitto_pub' \
        MOSQUITTO_SUB='$(DEPS)/bin/mosquitto_sub'

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "  %-15s %s\n", $$1, $$2 }' Makefile
	@sed -n 's/^#   \([A-Z]\)/  \1/p' Makefile

all: ## the library and the programs (the default)
	@$(FETCH) run
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=lib library
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=sim programs examples

lib: ## the library alone: build/liblwlink.a
	@$(FETCH) run
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=lib library

# The arguments go through the environment as they are: `$` in a password is not make's.
RUN_WORDS := FOR BROKER USER_NAME PASSWORD
$(foreach w,$(RUN_WORDS),$(if $(filter command line,$(origin $w)),$(eval override $w := $$(value $w))$(eval export $w)))

run: ## a simulated device against a broker: FOR=seconds BROKER=host[:port] USER_NAME= PASSWORD=
	@$(FETCH) run
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=sim build/device
	@$(PEERS) build/device

test: ## all tests: unit and interop
	@$(FETCH) test
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=$(TESTS_VARIANT) unit interop
	@$(PEERS) VARIANT='$(TESTS_VARIANT)' IP='$(IP)' T='$(T)' bash tests/check/run_tests.sh unit interop

test-unit: ## the tests of single files, without lwIP
	@$(FETCH) test
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=$(TESTS_VARIANT) unit
	@$(PEERS) VARIANT='$(TESTS_VARIANT)' IP='$(IP)' T='$(T)' bash tests/check/run_tests.sh unit

test-interop: ## the tests against real peers, over lwIP
	@$(FETCH) test
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=$(TESTS_VARIANT) interop
	@$(PEERS) VARIANT='$(TESTS_VARIANT)' IP='$(IP)' T='$(T)' bash tests/check/run_tests.sh interop

check: ## house rules, format, warnings as errors (gcc, clang, 32 bit, Cortex-M3, IPv4, IPv6), cppcheck
	@$(FETCH) check firmware
	+@$(LOCK) env MAKE='$(MAKE)' BUILD='$(BUILD)' DEPS='$(DEPS)' LWIP_DIR='$(LWIP_DIR)' bash tests/check/check.sh

size: ## flash and memory on a Cortex-M3, beside the budget
	@$(FETCH) run firmware
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=m3 library sizes
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=m3-notexts library
	@DEPS='$(DEPS)' bash tests/check/size.sh

bench: ## instructions on the hot paths, beside the budget and lwIP's own client
	@$(FETCH) bench
	@MAKE='$(MAKE)' DEPS='$(DEPS)' LWIP='$(or $(LWIP_DIR),$(DEPS)/lwip)' bash tests/bench/bench.sh

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

deps-firmware: ## ... and the compiler for bare-metal Arm (large)
	@$(FETCH) firmware

clean: ## remove what was built; the third-party parts stay
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -path '$(patsubst ./%,%,$(DEPS))' ! -name deps ! -name .lock -exec rm -rf {} +

distclean: ## remove everything that is not source
	@rm -rf build

# A single file, as `make build/probe`.
build/%: FORCE
	@$(FETCH) run
	@$(LOCK) $(MAKE) $(BUILD) VARIANT=sim $@

FORCE:
.PHONY: help all lib run test test-unit test-interop check size bench format deps deps-run deps-test deps-bench \
        deps-check deps-firmware clean distclean FORCE

else
# ==================================================================================== inner: one variant

ifndef VARIANT
$(error VARIANT is not set)
endif
-include $(DEPS)/env/slirp.mk
-include $(DEPS)/env/cmocka.mk
-include $(DEPS)/env/m32.mk

Q    := $(if $(V),,@)
step  = $(if $(V),,@printf '  %-6s %s\n' '$1' '$2')

# ---- what a variant is

CC      := gcc
AR      := ar
OPT     := -O2 -g
EXTRA   :=
LINK    :=
ABI     := host
ASSERTS := -DIOT_ASSERTS=1
OUT     := build/$(VARIANT)$(if $(filter-out dual,$(IP)),-$(IP))
BIN     := $(OUT)

ifeq ($(VARIANT),lib)                # as a product would build it
  ASSERTS :=
  ARCHIVE := $(if $(filter dual,$(IP)),build,$(OUT))/liblwlink.a
else ifeq ($(VARIANT),sim)           # the programs and examples
  BIN     := $(if $(filter dual,$(IP)),build,$(OUT))
else ifeq ($(VARIANT),san)           # the tests
  OPT     := -O1 -g -fno-omit-frame-pointer
  EXTRA   := -fsanitize=address,undefined -fno-sanitize-recover=all
  LINK    := $(EXTRA)
else ifeq ($(VARIANT),gcc)           # the others are for `make check`
  EXTRA   := -Werror
else ifeq ($(VARIANT),gcc-release)
  ASSERTS :=
  EXTRA   := -Werror
else ifeq ($(VARIANT),clang)
  CC      := $(DEPS)/bin/clang
  EXTRA   := -Werror -Wno-string-conversion          # IOT_ASSERT(!"why")
else ifeq ($(VARIANT),m32)
  EXTRA   := -Werror $(M32_CFLAGS)
  LINK    := $(M32_LDFLAGS)
  ABI     := m32
else ifneq ($(filter m3 m3-notexts,$(VARIANT)),)     # also what `make size` measures
  CC      := $(DEPS)/bin/arm-none-eabi-gcc
  AR      := $(DEPS)/bin/arm-none-eabi-ar
  OPT     := -Os -mcpu=cortex-m3 -mthumb -ffunction-sections -fdata-sections
  ASSERTS :=
  EXTRA   := -Werror $(if $(filter m3-notexts,$(VARIANT)),-DIOT_ERR_TEXTS=0)
  ABI     := m3
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
IP_FLAGS := $(IP_$(IP))

# ---- sources

LIB_SRC     := $(wildcard src/*/*.c)
HOST_SRC    := $(wildcard unix_sim/host/*.c port/unix/*.c port/lwip/*.c)
SIM_SRC     := $(wildcard unix_sim/*.c)
# unix_sim/NAME.c is a program; unix_sim/NAME_*.c are its further parts.
PROGRAM_SRC := $(foreach s,$(SIM_SRC),$(if $(findstring _,$(notdir $s)),,$s))
EXAMPLE_SRC := $(wildcard examples/*.c)
SUPPORT_SRC := $(wildcard tests/support/*.c)
UNIT_SRC    := $(wildcard tests/unit/test_*.c)
INTEROP_SRC := $(wildcard tests/interop/test_*.c)
PEER_SRC    := $(wildcard tests/interop/peer_*.c)
BENCH_SRC   := $(wildcard tests/bench/bench_*.c)                # linked by tests/bench/bench.mk; here only checked
PORT_SRC    := $(wildcard port/template/*.c port/lwip/*.c)      # for every board: has to compile for a board

# Names are unique over both kinds: they share a folder.
TWICE := $(strip $(foreach f,$(UNIT_SRC),$(filter tests/interop/$(notdir $f),$(INTEROP_SRC))))
ifneq ($(TWICE),)
$(error test name used twice: $(TWICE))
endif

LWIP      := $(or $(LWIP_DIR),$(DEPS)/lwip)
LWIP_SRC  := $(wildcard $(LWIP)/src/core/*.c $(LWIP)/src/core/ipv4/*.c $(LWIP)/src/core/ipv6/*.c) \
             $(LWIP)/src/netif/ethernet.c
# lwIP is compiled once for each machine type and IP choice; the variants share it.
LWIP_OUT  := build/lwip/$(ABI)-$(IP)
# Fetched anew: compile anew. A tree of the user's own is the user's to clean.
LWIP_MARK := $(if $(LWIP_DIR),,$(wildcard $(DEPS)/stamp/lwip))

obj = $(patsubst %.c,$(OUT)/obj/%.o,$1)
LIB_OBJ     := $(call obj,$(LIB_SRC))
HOST_OBJ    := $(call obj,$(HOST_SRC))
SUPPORT_OBJ := $(call obj,$(SUPPORT_SRC))
PEER_OBJ    := $(call obj,$(PEER_SRC))
LWIP_OBJ    := $(patsubst $(LWIP)/%.c,$(LWIP_OUT)/%.o,$(LWIP_SRC))
ALL_OBJ     := $(LIB_OBJ) $(HOST_OBJ) $(SUPPORT_OBJ) $(PEER_OBJ) \
               $(call obj,$(SIM_SRC) $(EXAMPLE_SRC) $(UNIT_SRC) $(INTEROP_SRC) $(BENCH_SRC) $(PORT_SRC))

PROGRAMS := $(patsubst unix_sim/%.c,$(BIN)/%,$(PROGRAM_SRC))
EXAMPLES := $(patsubst examples/%.c,$(BIN)/examples/%,$(EXAMPLE_SRC))
UNITS    := $(patsubst tests/unit/%.c,$(OUT)/tests/%,$(UNIT_SRC))
INTEROPS := $(patsubst tests/interop/%.c,$(OUT)/tests/%,$(INTEROP_SRC))
wanted    = $(if $(T),$(foreach t,$1,$(if $(findstring $(T),$(notdir $t)),$t)),$1)

# ---- flags

WARN      := -Wall -Wextra -Wundef -Wconversion -Wshadow
BASE      := -Iinclude -Isrc $(ASSERTS) $(DEFINES) $(OPT) $(WARN) $(EXTRA)
C99       := -std=c99
POSIX     := -std=gnu11 -D_GNU_SOURCE
# The simulation gives names addresses in lwIP's own list of hosts.
SIM_LWIP  := -DDNS_LOCAL_HOSTLIST=1
# lwIP's own headers are not ours to warn about; our lwipopts.h and arch/cc.h are.
WITH_LWIP := $(IP_FLAGS) $(SIM_LWIP) -Iport/lwip -isystem $(LWIP)/src/include -Iport/unix
WITH_HOST := $(WITH_LWIP) -Iport -Iunix_sim
WITH_TEST := -Itests -Itests/support $(CMOCKA_CFLAGS)

# Which folder sees what. A folder not named here sees include/ and src/ only: no lwIP. That is a rule of the house,
# not thrift: codecs, sessions and their tests must build where there is no lwIP at all.
$(OUT)/obj/%.o:               FLAGS = $(BASE) $(C99)
$(OUT)/obj/src/net/%.o:       FLAGS = $(BASE) $(C99) $(WITH_LWIP)
$(OUT)/obj/port/%.o:          FLAGS = $(BASE) $(C99) $(WITH_LWIP)
$(OUT)/obj/port/unix/%.o:     FLAGS = $(BASE) $(C99) -D_GNU_SOURCE $(WITH_LWIP)
$(OUT)/obj/unix_sim/%.o:      FLAGS = $(BASE) $(POSIX) $(WITH_HOST) $(SLIRP_CFLAGS)
$(OUT)/obj/examples/%.o:      FLAGS = $(BASE) $(C99) -D_GNU_SOURCE $(WITH_HOST)
$(OUT)/obj/tests/support/%.o: FLAGS = $(BASE) $(POSIX) $(WITH_TEST)
$(OUT)/obj/tests/unit/%.o:    FLAGS = $(BASE) $(POSIX) $(WITH_TEST)
$(OUT)/obj/tests/bench/%.o:   FLAGS = $(BASE) $(POSIX) $(WITH_TEST)
$(OUT)/obj/tests/interop/%.o: FLAGS = $(BASE) $(POSIX) $(WITH_HOST) $(WITH_TEST) $(SLIRP_CFLAGS)
# IOT_ASSERTS is set for lwIP in any case, should lwipopts.h look at it: it is only linked where that is so.
LWIP_FLAGS := $(C99) $(OPT) $(if $(filter m32,$(VARIANT)),$(M32_CFLAGS)) -w -DIOT_ASSERTS=1 $(DEFINES) $(IP_FLAGS) $(SIM_LWIP) \
              -Iinclude -Isrc -Iport/lwip -I$(LWIP)/src/include -Iport/unix
ifeq ($(ABI),host)
# shared by the variants: so not any one's optimisation
LWIP_FLAGS := $(subst $(OPT),-O2 -g,$(LWIP_FLAGS))
endif

# Private libraries are found relative to the binary, so the clone may be moved. The old tag (DT_RPATH) also
# serves the libraries' own libraries. The shell works the way out, as blanks are nothing to it.
rpath = -Wl,--disable-new-dtags $(foreach d,$1,-Wl,-rpath,'$$ORIGIN/'"$$(realpath -m --relative-to='$(@D)' '$(DEPS)/$d')")
WRAP  := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free

# ---- what can be asked for

library:  $(ARCHIVE)
programs: $(PROGRAMS)
examples: $(EXAMPLES)
unit:     $(call wanted,$(UNITS)) $(OUT)/tests/unit.list
interop:  $(call wanted,$(INTEROPS)) $(PROGRAMS) $(EXAMPLES) $(OUT)/tests/interop.list
sizes:    $(if $(wildcard include/iot/iot_static.h),$(OUT)/obj/tests/check/size_members.o)
objects:  $(ALL_OBJ)                 # everything compiled, nothing linked
portable: $(LIB_OBJ) $(call obj,$(PORT_SRC))
library programs examples unit interop sizes objects portable: ; @:
.PHONY: library programs examples unit interop sizes objects portable FORCE
FORCE:

# The runner's lists: a binary whose source is gone is not run again.
$(OUT)/tests/unit.list: FORCE
	@mkdir -p $(@D) && printf '%s\n' $(UNITS) >$@
$(OUT)/tests/interop.list: FORCE
	@mkdir -p $(@D) && printf '%s\n' $(INTEROPS) >$@

# ---- rules

# A file that changes when the words do: objects are made again when their flags change, archives also when
# a source has gone.
define words_file
$1: FORCE
	@mkdir -p $$(@D); new='$2'; [ -e $$@ ] && [ "$$$$new" = "$$$$(cat $$@)" ] || printf '%s\n' "$$$$new" >$$@
endef
$(eval $(call words_file,$(OUT)/flags,$(CC) $(BASE) $(WITH_HOST) $(SLIRP_CFLAGS) $(CMOCKA_CFLAGS)))
$(eval $(call words_file,$(OUT)/members,$(LIB_OBJ) $(HOST_OBJ) $(SIM_SRC) $(SUPPORT_OBJ) $(PEER_OBJ)))
$(eval $(call words_file,$(LWIP_OUT)/flags,$(CC) $(LWIP_FLAGS)))
$(eval $(call words_file,$(LWIP_OUT)/members,$(LWIP_OBJ)))

$(OUT)/obj/%.o: %.c $(OUT)/flags $(LWIP_MARK)
	$(call step,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS) -MMD -MP -c $< -o $@

$(LWIP_OUT)/%.o: $(LWIP)/%.c $(LWIP_OUT)/flags $(LWIP_MARK)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LWIP_FLAGS) -MD -MP -c $< -o $@

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

# The three know each other: lwIP calls the port's clock, the port calls lwIP.
STACK      := $(OUT)/libsim.a $(ARCHIVE) $(LWIP_OUT)/liblwip.a
LINK_STACK := -Wl,--start-group $(STACK) -Wl,--end-group $(SLIRP_LIBS)

# program NAME
define program
$(BIN)/$1: $(call obj,unix_sim/$1.c $(filter unix_sim/$1_%,$(SIM_SRC)))
endef
$(foreach p,$(notdir $(PROGRAMS)),$(eval $(call program,$p)))

$(PROGRAMS): $(STACK) $(OUT)/members
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) -o $@ $(filter %.o,$^) $(LINK_STACK) $(call rpath,$(SLIRP_DIRS))

$(EXAMPLES): $(BIN)/examples/%: $(OUT)/obj/examples/%.o $(STACK)
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) -o $@ $< $(LINK_STACK) $(call rpath,$(SLIRP_DIRS))

$(UNITS): $(OUT)/tests/%: $(OUT)/obj/tests/unit/%.o $(SUPPORT_OBJ) $(ARCHIVE)
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) $(WRAP) -o $@ $< $(SUPPORT_OBJ) $(ARCHIVE) $(CMOCKA_LIBS) $(call rpath,$(CMOCKA_DIRS))

$(INTEROPS): $(OUT)/tests/%: $(OUT)/obj/tests/interop/%.o $(SUPPORT_OBJ) $(PEER_OBJ) $(STACK)
	$(call step,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LINK) $(WRAP) -o $@ $< $(SUPPORT_OBJ) $(PEER_OBJ) $(LINK_STACK) $(CMOCKA_LIBS) \
	    $(call rpath,$(CMOCKA_DIRS) $(SLIRP_DIRS))

-include $(ALL_OBJ:.o=.d) $(LWIP_OBJ:.o=.d) $(OUT)/obj/tests/check/size_members.d

endif
