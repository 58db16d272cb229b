# SPDX-License-Identifier: GPL-2.0
# A build of real sources that a test runs twice: this program's own logic, compiled, archived and
# disassembled; it ends with a checksum of all that it made. OUT is the folder.
SOURCES := $(wildcard user/output/text_*.c user/base/*.c user/report/reclaim.c)
OBJECTS := $(patsubst user/%.c,$(OUT)/%.o,$(SOURCES))

sums: $(OUT)/tree.a
	@objdump -d $< | grep -v 'file format' | cksum
	@cat $(OBJECTS) | cksum
	@rm -rf $(OUT)

$(OUT)/tree.a: $(OBJECTS)
	@ar rcD $@ $^

$(OUT)/%.o: user/%.c
	@mkdir -p $(@D)
	@gcc -O1 -std=gnu11 -D_GNU_SOURCE -iquote user -iquote . -c -o $@ $<
