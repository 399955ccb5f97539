# install and uninstall; included by the Makefile. PROGRAM_PREFIX=nu- renames programs, their man pages and completions.

PREFIX  ?= /usr/local
DESTDIR ?=
PROGRAM_PREFIX ?=
bindir     ?= $(PREFIX)/bin
includedir ?= $(PREFIX)/include
libdir     ?= $(PREFIX)/lib
mandir     ?= $(PREFIX)/share/man
docdir     ?= $(PREFIX)/share/doc/noiseutils
completionsdir ?= $(PREFIX)/share/bash-completion/completions

HEADERS := $(sort $(wildcard lib/*/*.hpp))
PAGES_1 := $(wildcard $(TOOLS:%=man/%.1))
PAGES_5 := $(sort $(wildcard man/*.5))
PAGES_7 := $(sort $(wildcard man/*.7))
EXAMPLES := scripts/evaluate $(sort $(wildcard scripts/examples/*.py scripts/slurm/*))

INSTALLED := $(TOOLS:%=$(bindir)/$(PROGRAM_PREFIX)%) $(TOOLS:%=$(completionsdir)/$(PROGRAM_PREFIX)%) \
  $(PAGES_1:man/%=$(mandir)/man1/$(PROGRAM_PREFIX)%) $(PAGES_5:man/%=$(mandir)/man5/%) \
  $(PAGES_7:man/%=$(mandir)/man7/%) $(HEADERS:lib/%=$(includedir)/noiseutils/%) \
  $(libdir)/libnoiseutils.a $(libdir)/pkgconfig/noiseutils.pc \
  $(addprefix $(docdir)/,README.md LICENSE) $(addprefix $(docdir)/examples/,$(notdir $(EXAMPLES)))
# Folders that are ours alone, deepest first.
OWN_FOLDERS := $(addprefix $(includedir)/noiseutils/,$(sort $(notdir $(patsubst %/,%,$(dir $(HEADERS)))))) \
  $(includedir)/noiseutils $(docdir)/examples $(docdir)

define PKG_CONFIG_FILE
prefix=$(PREFIX)
includedir=$(includedir)/noiseutils
libdir=$(libdir)

Name: noiseutils
Description: noise, denoising and score-based sampling of images and other tensors
Version: $(VERSION)
Cflags: -I$${includedir} -fopenmp
Libs: -L$${libdir} -lnoiseutils -fopenmp $(LIBS)
endef

install: all ## programs, man pages, completions, headers, library, .pc file, examples into DESTDIR PREFIX
	@mkdir -p $(addprefix $(DESTDIR),$(sort $(dir $(INSTALLED))))
	@set -e; for tool in $(TOOLS); do \
	  install -m 755 $(BUILD)/bin/$$tool "$(DESTDIR)$(bindir)/$(PROGRAM_PREFIX)$$tool"; \
	  "$(DESTDIR)$(bindir)/$(PROGRAM_PREFIX)$$tool" --completion \
	    > "$(DESTDIR)$(completionsdir)/$(PROGRAM_PREFIX)$$tool"; \
	done
	@set -e; for page in $(PAGES_1); do \
	  install -m 644 $$page "$(DESTDIR)$(mandir)/man1/$(PROGRAM_PREFIX)$${page#man/}"; done
	@set -e; for page in $(PAGES_5); do install -m 644 $$page "$(DESTDIR)$(mandir)/man5/"; done
	@set -e; for page in $(PAGES_7); do install -m 644 $$page "$(DESTDIR)$(mandir)/man7/"; done
	@set -e; for header in $(HEADERS:lib/%=%); do \
	  install -m 644 lib/$$header "$(DESTDIR)$(includedir)/noiseutils/$$header"; done
	@install -m 644 $(LIBRARY) "$(DESTDIR)$(libdir)/libnoiseutils.a"
	@install -m 644 README.md LICENSE "$(DESTDIR)$(docdir)/"
	@install -m 755 $(EXAMPLES) "$(DESTDIR)$(docdir)/examples/"
	$(file >$(BUILD)/noiseutils.pc,$(PKG_CONFIG_FILE))
	@install -m 644 $(BUILD)/noiseutils.pc "$(DESTDIR)$(libdir)/pkgconfig/noiseutils.pc"
	@echo "installed $(words $(INSTALLED)) files under $(DESTDIR)$(PREFIX)"

uninstall: ## remove what install put there
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	@for folder in $(addprefix $(DESTDIR),$(OWN_FOLDERS)); do \
	  [ ! -d "$$folder" ] || rmdir --ignore-fail-on-non-empty "$$folder"; done
