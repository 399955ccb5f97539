# noiseutils: `make` builds into build/ (programs in build/bin) and never installs anything. `make help` lists targets.

VERSION := 0.1.0
BUILD   ?= build
# BLAS=openblas|none, FFT=fftw|none; unset: what is found. MPI=1: train-linear and metric run under mpirun
# EIGEN= CLI11= JSON= STB= RANDOM123= DOCTEST=: folders of headers, where pkg-config does not know them

# What makes sure that packages are there before `test`, `demo`: DEPS=: where they come from elsewhere (conda, Spack).
DEPS ?= scripts/install-deps
FUZZ_SECONDS ?= 60

include scripts/config.mk

LIB_SOURCES := $(sort $(filter-out %.isa.cpp,$(wildcard lib/*/*.cpp)))
ISA_SOURCES := $(sort $(wildcard lib/*/*.isa.cpp))
UNIT_SOURCES := $(sort $(wildcard tests/unit/*.cpp))
TOOLS := $(patsubst tools/%.cpp,%,$(sort $(wildcard tools/*.cpp)))

LIB_OBJECTS := $(LIB_SOURCES:%.cpp=$(BUILD)/obj/%.o) \
  $(foreach isa,$(ISAS),$(ISA_SOURCES:%.isa.cpp=$(BUILD)/obj/%.$(isa).o))
UNIT_OBJECTS := $(UNIT_SOURCES:%.cpp=$(BUILD)/obj/%.o)
LIBRARY := $(BUILD)/libnoiseutils.a
BINARIES := $(TOOLS:%=$(BUILD)/bin/%)

.DEFAULT_GOAL := all
.PHONY: all objects unit test test-long lint tidy format sanitize fuzz fuzzers bench bench-denoise bench-sample demo install uninstall dist clean help \
  FORCE
.DELETE_ON_ERROR:
.SUFFIXES:
# Kept though implied rules made them; .SECONDARY would let a library miss an object whose source is older than itself.
.PRECIOUS: $(BUILD)/obj/%.o

all: $(LIBRARY) $(BINARIES) ## build the library and the programs (the default)

# Everything depends on the command line that built it: another compiler, flag or library rebuilds.
FLAGS_STAMP := $(BUILD)/obj/flags
FLAGS_TEXT := $(CXX) $(ALL_CPPFLAGS) $(ALL_CXXFLAGS) $(ALL_LDFLAGS) $(LIBS) $(ISAS)
$(FLAGS_STAMP): FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(FLAGS_TEXT)' | cmp -s - $@ || printf '%s\n' '$(FLAGS_TEXT)' > $@

$(BUILD)/obj/%.o: %.cpp $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(CXX) $(ALL_CPPFLAGS) $(ALL_CXXFLAGS) -MMD -MP -c $< -o $@

# Of MPI one object knows; and of the programs those with ranks are linked with it. The others stay as they are.
MPI_STAMP := $(BUILD)/obj/mpi
$(MPI_STAMP): FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(MPI_FLAGS) $(MPI_LIBS)' | cmp -s - $@ || printf '%s\n' '$(MPI_FLAGS) $(MPI_LIBS)' > $@
$(BUILD)/obj/lib/base/rank_session.o: $(MPI_STAMP)
$(BUILD)/obj/lib/base/rank_session.o: ALL_CPPFLAGS += $(MPI_FLAGS)
$(BUILD)/bin/train-linear $(BUILD)/bin/metric: LIBS += $(MPI_LIBS)

# Hot kernels: one object an instruction set, chosen at run time. -O3, and no contraction to FMA: all give the same bits.
# g++ vectorises sqrt and selections only where errno and floating-point traps do not matter; values do not change.
define ISA_RULE
$(BUILD)/obj/%.$(1).o: %.isa.cpp $(FLAGS_STAMP)
	@mkdir -p $$(@D)
	$(CXX) $(ALL_CPPFLAGS) -DNOISEUTILS_ISA=$(1) $(ALL_CXXFLAGS) -O3 -fno-math-errno -fno-trapping-math $(ISA_FLAGS_$(1)) -MMD -MP -c $$< -o $$@
endef
$(foreach isa,$(ISAS),$(eval $(call ISA_RULE,$(isa))))

$(LIBRARY): $(LIB_OBJECTS)
	@rm -f $@
	$(AR) rcsD $@ $^

$(BUILD)/bin/%: $(BUILD)/obj/tools/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CXX) $(ALL_CXXFLAGS) $< $(LIBRARY) $(ALL_LDFLAGS) $(LIBS) -o $@

$(BUILD)/unit-tests: $(UNIT_OBJECTS) $(LIBRARY)
	$(CXX) $(ALL_CXXFLAGS) $(UNIT_OBJECTS) $(LIBRARY) $(ALL_LDFLAGS) $(LIBS) -o $@

unit: $(BUILD)/unit-tests ## build and run the unit tests alone
	$(BUILD)/unit-tests -tse=long

# The targets below build in a make of their own: packages may have come since this one looked for libraries. It uses
# every processor unless -j said otherwise.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

test: ## unit tests and tests/*.bats; first installs what is missing (DEPS=: does not)
	@$(DEPS) --test
	@$(MAKE) --no-print-directory $(JOBS) all $(BUILD)/unit-tests
	@BUILD=$(BUILD) scripts/run-tests

test-long: ## statistical, kill, build and fuzz tests: the suite "long" and tests/long/*.bats
	@$(DEPS) --test
	@$(MAKE) --no-print-directory $(JOBS) all $(BUILD)/unit-tests
	@BUILD=$(BUILD) scripts/run-tests --long

SOURCES = $(shell git ls-files '*.cpp' '*.hpp' 2>/dev/null)
TIDY := $(patsubst %.cpp,$(BUILD)/tidy/%.ok,$(LIB_SOURCES) $(ISA_SOURCES) $(TOOLS:%=tools/%.cpp) $(UNIT_SOURCES))

lint: ## format, floors of the layout, compiler warnings of clang, shell scripts, man pages
	@$(MAKE) --no-print-directory $(JOBS) objects
	@BUILD=$(BUILD) scripts/lint

objects: $(LIB_OBJECTS) $(UNIT_OBJECTS) $(TOOLS:%=$(BUILD)/obj/tools/%.o)

# A file is checked again when its object is built again: when it or one of its headers changes.
tidy: $(TIDY) ## clang-tidy over all sources: minutes, not part of lint
define TIDY_RULE
	@mkdir -p $(@D)
	$(CLANG_TIDY) --quiet $< -- $(ALL_CPPFLAGS) -DNOISEUTILS_ISA=baseline $(filter-out -Wno-restrict,$(ALL_CXXFLAGS)) 2>/dev/null
	@touch $@
endef
$(BUILD)/tidy/%.isa.ok: %.isa.cpp $(BUILD)/obj/%.baseline.o .clang-tidy
	$(TIDY_RULE)
$(BUILD)/tidy/%.ok: %.cpp $(BUILD)/obj/%.o .clang-tidy
	$(TIDY_RULE)

format: ## let clang-format rewrite the sources
	$(CLANG_FORMAT) -i $(SOURCES)

SANITIZERS := -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
sanitize: ## build with address and undefined-behaviour sanitizers into build-sanitize, and run the tests
	@$(DEPS) --test
	@$(MAKE) --no-print-directory $(JOBS) BUILD=build-sanitize CXXFLAGS='$(SANITIZERS)' all build-sanitize/unit-tests
	@BUILD=build-sanitize ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 scripts/run-tests

FUZZERS := $(patsubst tests/fuzz/%.cpp,$(BUILD)/fuzz/%,$(sort $(wildcard tests/fuzz/*.cpp)))
fuzzers: $(FUZZERS)
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CXX) $(ALL_CXXFLAGS) -fsanitize=fuzzer $< $(LIBRARY) $(ALL_LDFLAGS) $(LIBS) -o $@

FUZZ_FLAGS := $(SANITIZERS) -fsanitize=fuzzer-no-link -Wno-pass-failed
# The floors that the fuzzers stand on; all of lib/ would be compiled in vain.
FUZZ_FLOORS := $(addprefix lib/,$(addsuffix /%,base tensor random linalg noise model metric train))
FUZZ_SOURCES := $(filter $(FUZZ_FLOORS),$(LIB_SOURCES))
fuzz: ## fuzz every reader for FUZZ_SECONDS (60) with clang's libFuzzer, in build-fuzz
	@$(MAKE) --no-print-directory $(JOBS) all
	@$(MAKE) --no-print-directory $(JOBS) BUILD=build-fuzz CXX=$(CLANG) CXXFLAGS='$(FUZZ_FLAGS)' \
	  LIB_SOURCES='$(FUZZ_SOURCES)' ISA_SOURCES='$(filter $(FUZZ_FLOORS),$(ISA_SOURCES))' fuzzers
	@BUILD=build-fuzz PROGRAMS=$(BUILD) FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run

$(BUILD)/bench/bench_sample: scripts/bench/bench_sample.cpp $(LIBRARY)
	@mkdir -p $(@D)
	$(CXX) $(ALL_CPPFLAGS) $(ALL_CXXFLAGS) $< $(LIBRARY) $(ALL_LDFLAGS) $(LIBS) -o $@

bench: ## measure against the machine's limits and other programs: ratios in one run
	@$(MAKE) --no-print-directory $(JOBS) all
	@for runner in scripts/bench/*; do [ ! -x "$$runner" ] || BUILD=$(BUILD) "$$runner" || exit; done

bench-denoise: ## the tables of denoising: Set12, Noise2Score's noises, microscopy; by the programs alone
	@$(MAKE) --no-print-directory $(JOBS) all
	@for runner in scripts/bench/denoise-*; do BUILD=$(BUILD) "$$runner" || exit; done

bench-sample: ## samplers: order and error at 10 and 20 calls on three laws, and speed as ratios
	@$(MAKE) --no-print-directory $(JOBS) all
	@for runner in scripts/bench/sample-*; do BUILD=$(BUILD) "$$runner" || exit; done

demo: ## the main job on real photographs; first installs what is missing (DEPS=: does not)
	@$(DEPS)
	@$(MAKE) --no-print-directory $(JOBS) all
	@BUILD=$(BUILD) scripts/demo

include scripts/install.mk

DIST := noiseutils-$(VERSION)
dist: ## the committed sources as a tarball, the same bytes each time
	@mkdir -p $(BUILD)
	git archive --format=tar --prefix=$(DIST)/ HEAD | gzip -9n > $(BUILD)/$(DIST).tar.gz.partial
	mv $(BUILD)/$(DIST).tar.gz.partial $(BUILD)/$(DIST).tar.gz

clean: ## remove what was built
	rm -rf $(BUILD) build-sanitize build-fuzz

help: ## this list
	@echo "Targets:"
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | sort | expand -t 18
	@echo "Variables: BUILD PREFIX DESTDIR PROGRAM_PREFIX CXX CXXFLAGS CPPFLAGS LDFLAGS BLAS=openblas|none FFT=fftw|none MPI=1"
	@echo "  EIGEN CLI11 JSON STB RANDOM123 DOCTEST (folders of headers where pkg-config does not know them) DEPS FUZZ_SECONDS"

-include $(LIB_OBJECTS:.o=.d) $(UNIT_OBJECTS:.o=.d) $(TOOLS:%=$(BUILD)/obj/tools/%.d) \
  $(FUZZERS:$(BUILD)/fuzz/%=$(BUILD)/obj/tests/fuzz/%.d)
