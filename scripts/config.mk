# What this machine offers: compiler flags and libraries. Included by the Makefile; nothing here is a target.

CXX ?= g++
ifeq ($(origin CXX),default)
CXX := g++
endif
AR ?= ar
PKG_CONFIG ?= pkg-config
# The tools of lint and fuzz, by version: each formats and warns in its own way.
CLANG ?= clang++-14
CLANG_TIDY ?= clang-tidy-14
CLANG_FORMAT ?= clang-format-14
export CLANG_FORMAT

MACHINE := $(shell $(CXX) -dumpmachine 2>/dev/null | cut -d- -f1)
found = $(shell $(PKG_CONFIG) --exists $(1) 2>/dev/null && echo yes)
cflags_of = $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null))

# Headers: a folder named on the command line, else pkg-config, else the compiler's own path.
EIGEN_FLAGS := $(if $(EIGEN),-isystem $(EIGEN),$(call cflags_of,eigen3))
HEADER_FLAGS := $(EIGEN_FLAGS) \
  $(if $(CLI11),-isystem $(CLI11),$(call cflags_of,CLI11)) \
  $(if $(JSON),-isystem $(JSON),$(call cflags_of,nlohmann_json)) \
  $(if $(STB),-isystem $(STB),$(call cflags_of,stb)) \
  $(if $(RANDOM123),-isystem $(RANDOM123)) $(if $(DOCTEST),-isystem $(DOCTEST))

ifndef BLAS
BLAS := $(if $(call found,openblas),openblas,none)
endif
ifndef FFT
FFT := $(if $(and $(call found,fftw3),$(call found,fftw3f)),fftw,none)
endif

LIBS := $(shell $(PKG_CONFIG) --libs libtiff-4 2>/dev/null || echo -ltiff) \
        $(shell $(PKG_CONFIG) --libs libpng 2>/dev/null || echo -lpng)
FEATURES :=
ifeq ($(BLAS),openblas)
FEATURES += -DNOISEUTILS_OPENBLAS
LIBS += $(shell $(PKG_CONFIG) --libs openblas 2>/dev/null || echo -lopenblas)
else ifneq ($(BLAS),none)
$(error BLAS=$(BLAS) is not openblas or none)
endif
ifeq ($(FFT),fftw)
FEATURES += -DNOISEUTILS_FFTW
LIBS += $(shell $(PKG_CONFIG) --libs fftw3 fftw3f 2>/dev/null || echo -lfftw3 -lfftw3f)
else ifneq ($(FFT),none)
$(error FFT=$(FFT) is not fftw or none)
endif

# Open MPI or MPICH, by pkg-config or else by their compiler, which prints its flags. Not the C++ interface of old.
MPI ?= 0
MPI_FLAGS :=
MPI_LIBS :=
ifeq ($(MPI),1)
MPI_PACKAGE := $(firstword $(foreach package,ompi-c mpich mpi-c,$(if $(call found,$(package)),$(package))))
MPICXX ?= mpicxx
mpicxx = $(or $(shell $(MPICXX) -showme:$(1) 2>/dev/null),$(filter -I% -L% -l% -Wl%,$(shell $(MPICXX) $(2) 2>/dev/null)))
MPI_FLAGS := $(if $(MPI_PACKAGE),$(call cflags_of,$(MPI_PACKAGE)),$(patsubst -I%,-isystem %,$(call mpicxx,compile,-compile_info)))
MPI_LIBS := $(if $(MPI_PACKAGE),$(shell $(PKG_CONFIG) --libs $(MPI_PACKAGE)),$(call mpicxx,link,-link_info))
ifeq ($(strip $(MPI_LIBS)),)
$(error MPI=1 finds neither Open MPI nor MPICH by pkg-config, nor the compiler mpicxx (MPICXX=))
endif
MPI_FLAGS += -DNOISEUTILS_MPI -DOMPI_SKIP_MPICXX -DMPICH_SKIP_MPICXX
else ifneq ($(MPI),0)
$(error MPI=$(MPI) is not 1 or 0)
endif

ifeq ($(MACHINE),x86_64)
ARCH_FLAGS := -march=x86-64-v2
ISAS := baseline avx2 avx512
ISA_FLAGS_baseline :=
ISA_FLAGS_avx2 := -mavx2
ISA_FLAGS_avx512 := -mavx512f -mavx512dq -mavx512vl -mavx512bw -mprefer-vector-width=512
else
ARCH_FLAGS :=
ISAS := baseline
ISA_FLAGS_baseline :=
endif

CXXFLAGS ?= -O2 -g1
WARNINGS := -Wall -Wextra -Wshadow -Wconversion $(if $(CI),-Werror)
# g++ 12 sees overlapping copies in every "text" + string (GCC bug 105651).
ifneq ($(findstring g++,$(notdir $(CXX))),)
ifeq ($(findstring clang,$(CXX)),)
WARNINGS += -Wno-restrict
endif
endif
ALL_CPPFLAGS := -Ilib $(HEADER_FLAGS) -DNOISEUTILS_VERSION='"$(VERSION)"' $(FEATURES) $(CPPFLAGS)
# Reproducible: no build folder in the objects. Contraction off: a value must not depend on where the compiler finds an FMA.
ALL_CXXFLAGS := -std=c++20 $(ARCH_FLAGS) -fopenmp -ffp-contract=off -ffile-prefix-map=$(CURDIR)=. $(WARNINGS) $(CXXFLAGS)
ALL_LDFLAGS := -Wl,--as-needed $(LDFLAGS)
