# What the Makefile needs to know about this application: llhttp, and what page.c holds.
LLHTTP := $(call tool,tools/llhttp)
CFLAGS += -Wa,-I$(app_folder) -DLLHTTP_STRICT_MODE=1 -isystem $(LLHTTP) -ffile-prefix-map=$(LLHTTP)=llhttp
$(A)/page.c.o: $(app_folder)/page.html $(app_folder)/debug.html
# As a process of the host it sees files that are not meant for it.
ifeq ($(ARCH),host)
CFLAGS += -DFILES_OF_HOST
endif
