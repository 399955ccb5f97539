# noiseutils: `make` builds into build/ (programs in build/bin). `make help` lists targets and variables.

VERSION := 0.1.0
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
PROGRAM_PREFIX ?=
# BLAS=openblas|none, FFT=fftw|eigen; unset: what is found
# EIGEN= CLI11= JSON= STB= RANDOM123= DOCTEST=: folders of headers, where pkg-config does not know them

PROGRAMS := noise denoise sample train-linear score metric tensor

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
.PHONY: all test unit test-long lint format sanitize fuzz bench demo install uninstall dist clean help FORCE
.DELETE_ON_ERROR:
.SUFFIXES:

all: $(BINARIES)

# Everything depends on the command line that built it: another compiler, flag or library rebuilds.
FLAGS_STAMP := $(BUILD)/obj/flags
FLAGS_TEXT := $(CXX) $(ALL_CPPFLAGS) $(ALL_CXXFLAGS) $(ALL_LDFLAGS) $(LIBS) $(ISAS)
$(FLAGS_STAMP): FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(FLAGS_TEXT)' | cmp -s - $@ || printf '%s\n' '$(FLAGS_TEXT)' > $@

$(BUILD)/obj/%.o: %.cpp $(FLAGS_STAMP)
	@mkdir -p $(@D)
	$(CXX) $(ALL_CPPFLAGS) $(ALL_CXXFLAGS) -MMD -MP -c $< -o $@

# Hot kernels: one object an instruction set, chosen at run time. -O3, and no contraction to FMA: all give the same bits.
define ISA_RULE
$(BUILD)/obj/%.$(1).o: %.isa.cpp $(FLAGS_STAMP)
	@mkdir -p $$(@D)
	$(CXX) $(ALL_CPPFLAGS) -DNOISEUTILS_ISA=$(1) $(ALL_CXXFLAGS) -O3 $(ISA_FLAGS_$(1)) -MMD -MP -c $$< -o $$@
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

unit: $(BUILD)/unit-tests
	$(BUILD)/unit-tests

test: all $(BUILD)/unit-tests
	$(BUILD)/unit-tests
	bats tests

clean:
	rm -rf $(BUILD)

-include $(LIB_OBJECTS:.o=.d) $(UNIT_OBJECTS:.o=.d) $(BINARIES:$(BUILD)/bin/%=$(BUILD)/obj/tools/%.d)
