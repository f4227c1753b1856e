# SPDX-License-Identifier: Apache-2.0
#
# bench.mk: the programs of `make bench`, called by bench.sh from the top of the clone. Each variant is the library
# built with other sizes, with bench_*.c and lwIP's own client in the same program: build/bench/TARGET/VARIANT/bench.
#
#   TARGET   host, or m3: firmware for the Cortex-M3 board on port/mps2_an385
#
# The compiler and its flags are part of the numbers: no assertions on either side; -O2 on the host, -Os on the board.

MAKEFLAGS += -rR
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

TARGET  ?= host
DEPS    ?= build/deps
LWIP    ?= $(DEPS)/lwip
MBEDTLS ?= $(DEPS)/mbedtls
JSMN    ?= $(DEPS)/jsmn
OUT  := build/bench/$(TARGET)
HERE := tests/bench

# What is measured with which sizes; the default ones of iot_config.h where nothing is said.
VARIANTS        := default ring2k subs100 packets20
FLAGS_default   :=
FLAGS_ring2k    := -DIOT_MQTT_TX_BYTES=2048
FLAGS_subs100   := -DIOT_MQTT_SUBS_MAX=100
FLAGS_packets20 := -DIOT_POLL_PACKETS=20

# The rooms that MQTT over a stream needs. src/net is not among them: the stream is a stub.
LIB_SRC   := $(sort $(wildcard $(addsuffix /*.c,$(addprefix src/,core crypto cbor json tls mqtt coap http ota link device))))
BENCH_SRC := $(wildcard $(HERE)/bench_*.c)
# The packets of lwIP's client come in real pbufs; its ring holds what ours does.
LWIP_SRC   := $(addprefix $(LWIP)/src/,apps/mqtt/mqtt.c core/pbuf.c core/memp.c core/mem.c core/def.c)
LWIP_WORDS := -DLWIP_NOASSERT -DMQTT_OUTPUT_RINGBUF_SIZE=2048 -DPBUF_POOL_FREE_OOSEQ=0 -DMEMP_MEM_INIT=0 \
              -Iport/lwip -I$(LWIP)/src/include
WARN := -Wall -Wextra -Wundef -Wconversion -Wshadow

ifeq ($(TARGET),host)
CC   := gcc
OPT  := -O2 -g
LINK := -Wl,-z,now
LIBS :=
MARK_SRC := $(HERE)/mark.c $(HERE)/mem.c
else ifeq ($(TARGET),m3)
CC   := $(DEPS)/bin/arm-none-eabi-gcc
OPT  := -Os -mcpu=cortex-m3 -mthumb -ffunction-sections -fdata-sections
SCRIPT := port/mps2_an385/iot_mps2.ld
LINK := $(OPT) -nostartfiles -nostdlib -T $(SCRIPT) -Wl,--gc-sections
LIBS := -lc -lgcc
MARK_SRC := $(HERE)/board_mark.c $(wildcard port/mps2_an385/iot_mps2_*.c)
else
$(error unknown TARGET '$(TARGET)')
endif
# Made by the Makefile before it calls us.
MBEDTLS_LIB := build/mbedtls/$(TARGET)/libmbedtls.a

all: $(VARIANTS:%=$(OUT)/%/bench)

# Objects are made again when their flags change.
define words_file
$1: FORCE
	@mkdir -p $$(@D); new='$2'; [ -e $$@ ] && [ "$$$$new" = "$$$$(cat $$@)" ] || printf '%s\n' "$$$$new" >$$@
endef
$(eval $(call words_file,$(OUT)/flags,$(CC) $(OPT) $(WARN) $(LWIP_WORDS)))

# ---- the same for all variants

$(OUT)/lwip/%.o: $(LWIP)/src/%.c $(OUT)/flags
	@mkdir -p $(@D)
	@$(CC) -std=c99 $(OPT) -w $(LWIP_WORDS) -MD -MP -c $< -o $@

$(OUT)/obj/$(HERE)/lwip_mqtt.o: $(HERE)/lwip_mqtt.c $(OUT)/flags
	@mkdir -p $(@D)
	@$(CC) -std=c99 $(OPT) -w $(LWIP_WORDS) -MD -MP -c $< -o $@

$(OUT)/obj/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	@$(CC) -std=c99 $(OPT) $(WARN) $(WITH) -Iinclude -Iport -MMD -MP -c $< -o $@

# The compiler must not see that a loop in memcpy is a memcpy.
$(OUT)/obj/$(HERE)/mem.o: WITH := -fno-builtin -fno-tree-loop-distribute-patterns
$(OUT)/obj/port/%.o: WITH := -Iport/lwip -isystem $(LWIP)/src/include

COMMON_OBJ := $(LWIP_SRC:$(LWIP)/src/%.c=$(OUT)/lwip/%.o) $(patsubst %.c,$(OUT)/obj/%.o,$(HERE)/lwip_mqtt.c $(MARK_SRC))
-include $(COMMON_OBJ:.o=.d)

# ---- the variants

define variant
$(eval $(call words_file,$(OUT)/$1/flags,$(CC) $(OPT) $(WARN) $(FLAGS_$1)))

$(OUT)/$1/obj/%.o: %.c $(OUT)/$1/flags
	@mkdir -p $$(@D)
	@$(CC) -std=c99 $(OPT) $(WARN) $(FLAGS_$1) -Iinclude -Isrc $$(WITH) -MMD -MP -c $$< -o $$@

$(OUT)/$1/obj/src/crypto/%.o $(OUT)/$1/obj/src/tls/%.o $(OUT)/$1/obj/$(HERE)/bench_ota.o: WITH := -Iport/mbedtls -isystem $(MBEDTLS)/include \
    -DMBEDTLS_CONFIG_FILE=\"iot_mbedtls_config.h\"

$(OUT)/$1/obj/src/json/%.o: WITH := -isystem $(JSMN)

OBJ_$1 := $(patsubst %.c,$(OUT)/$1/obj/%.o,$(LIB_SRC) $(BENCH_SRC))
$(OUT)/$1/bench: $$(OBJ_$1) $(COMMON_OBJ) $(MBEDTLS_LIB) $(SCRIPT)
	@echo '  LD     $$@'
	@$(CC) $(LINK) -o $$@ -Wl,--start-group $$(filter %.o %.a,$$^) $(LIBS) -Wl,--end-group

-include $$(OBJ_$1:.o=.d)
endef
$(foreach v,$(VARIANTS),$(eval $(call variant,$v)))

FORCE:
.PHONY: all FORCE
