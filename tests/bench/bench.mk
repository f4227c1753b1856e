# SPDX-License-Identifier: Apache-2.0
#
# bench.mk: the programs of `make bench`, called by bench.sh from the top of the clone. Each variant is the library
# and bench_device.c built with other sizes, in build/bench/VARIANT/; `lwip` is lwIP's own client.
#
# The compiler and its flags are part of the numbers: -O2, without assertions on either side.

MAKEFLAGS += -rR
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

LWIP    ?= build/deps/lwip
MBEDTLS ?= build/deps/mbedtls
CC   := gcc
OUT  := build/bench
HERE := tests/bench

# What is measured with which sizes; the default ones of iot_config.h where nothing is said.
VARIANTS       := default ring2k subs100 packets20
FLAGS_default   :=
FLAGS_ring2k    := -DIOT_MQTT_TX_BYTES=2048
FLAGS_subs100   := -DIOT_MQTT_SUBS_MAX=100
FLAGS_packets20 := -DIOT_POLL_PACKETS=20

# The rooms that MQTT over a stream needs. src/net is not among them: the stream is a stub.
LIB_SRC  := $(wildcard $(addsuffix /*.c,$(addprefix src/,core crypto json tls mqtt link device)))
# Made by the Makefile before it calls us.
MBEDTLS_LIB := build/mbedtls/host/libmbedtls.a
# The packets come in real pbufs. No assertions; the ring holds what ours does.
LWIP_SRC := $(addprefix $(LWIP)/src/,apps/mqtt/mqtt.c core/pbuf.c core/memp.c core/mem.c core/def.c)
LWIP_FLAGS := -std=c99 -w -DLWIP_NOASSERT -DMQTT_OUTPUT_RINGBUF_SIZE=2048 -DPBUF_POOL_FREE_OOSEQ=0 -DMEMP_MEM_INIT=0 \
              -Iport/lwip -I$(LWIP)/src/include

OPT  := -O2 -g
WARN := -Wall -Wextra -Wundef -Wconversion -Wshadow

all: $(VARIANTS:%=$(OUT)/%/bench) $(OUT)/lwip/bench

# Objects are made again when their flags change.
define words_file
$1: FORCE
	@mkdir -p $$(@D); new='$2'; [ -e $$@ ] && [ "$$$$new" = "$$$$(cat $$@)" ] || printf '%s\n' "$$$$new" >$$@
endef

define variant
$(eval $(call words_file,$(OUT)/$1/flags,$(CC) $(OPT) $(WARN) $(FLAGS_$1)))

$(OUT)/$1/obj/%.o: %.c $(OUT)/$1/flags
	@mkdir -p $$(@D)
	@$(CC) -std=c99 $(OPT) $(WARN) $(FLAGS_$1) -Iinclude -Isrc $$(WITH) -MMD -MP -c $$< -o $$@

$(OUT)/$1/obj/src/crypto/%.o $(OUT)/$1/obj/src/tls/%.o: WITH := -Iport/mbedtls -isystem $(MBEDTLS)/include \
    -DMBEDTLS_CONFIG_FILE=\"iot_mbedtls_config.h\"

OBJ_$1 := $$(LIB_SRC:%.c=$(OUT)/$1/obj/%.o) $(OUT)/$1/obj/$(HERE)/bench_device.o
$(OUT)/$1/bench: $$(OBJ_$1) $(OUT)/mark.o $(OUT)/mem.o $(MBEDTLS_LIB)
	@echo '  LD     $$@'
	@$(CC) -Wl,-z,now -o $$@ -Wl,--start-group $$^ -Wl,--end-group

-include $$(OBJ_$1:.o=.d)
endef
$(foreach v,$(VARIANTS),$(eval $(call variant,$v)))

$(eval $(call words_file,$(OUT)/lwip/flags,$(CC) $(OPT) $(LWIP_FLAGS)))

$(OUT)/lwip/obj/%.o: $(LWIP)/src/%.c $(OUT)/lwip/flags
	@mkdir -p $(@D)
	@$(CC) $(OPT) $(LWIP_FLAGS) -MD -MP -c $< -o $@

$(OUT)/lwip/lwip_mqtt.o: $(HERE)/lwip_mqtt.c $(OUT)/lwip/flags
	@mkdir -p $(@D)
	@$(CC) $(OPT) $(LWIP_FLAGS) -MD -MP -c $< -o $@

OBJ_lwip := $(LWIP_SRC:$(LWIP)/src/%.c=$(OUT)/lwip/obj/%.o) $(OUT)/lwip/lwip_mqtt.o
$(OUT)/lwip/bench: $(OBJ_lwip) $(OUT)/mark.o $(OUT)/mem.o
	@echo '  LD     $@'
	@$(CC) -Wl,-z,now -o $@ $^
-include $(OBJ_lwip:.o=.d)

$(OUT)/mark.o: $(HERE)/mark.c $(HERE)/mark.h
	@mkdir -p $(@D)
	@$(CC) -std=c99 $(OPT) $(WARN) -c $< -o $@

# The compiler must not see that a loop in memcpy is a memcpy.
$(OUT)/mem.o: $(HERE)/mem.c
	@mkdir -p $(@D)
	@$(CC) -std=c99 $(OPT) $(WARN) -fno-builtin -fno-tree-loop-distribute-patterns -c $< -o $@

FORCE:
.PHONY: all FORCE
