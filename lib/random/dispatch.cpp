#include <cstdlib>
#include <cstring>
#include <string>

#include "base/error.hpp"
#include "random/kernels.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

const Kernels* forced = nullptr;

bool available(const Kernels& kernels) {
#if defined(__x86_64__)
  if (&kernels == &kernels_avx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  if (&kernels == &kernels_avx2) return __builtin_cpu_supports("avx2");
#endif
  return &kernels == &kernels_baseline;
}

/// Best first.
constexpr const Kernels* kAll[] = {
#if defined(__x86_64__)
    &kernels_avx512, &kernels_avx2,
#endif
    &kernels_baseline};

}  // namespace

const Kernels* find_kernels(const char* isa) {
  for (const Kernels* kernels : kAll)
    if (std::strcmp(kernels->isa, isa) == 0 && available(*kernels)) return kernels;
  return nullptr;
}

const Kernels& choose_kernels(const char* wanted) {
  if (wanted == nullptr || *wanted == '\0') {
    for (const Kernels* kernels : kAll)
      if (available(*kernels)) return *kernels;
    return kernels_baseline;
  }
  if (const Kernels* kernels = find_kernels(wanted)) return *kernels;
  std::string choices;
  for (const Kernels* kernels : kAll)
    if (available(*kernels)) choices += (choices.empty() ? "" : ", ") + std::string(kernels->isa);
  throw UsageError("NOISEUTILS_ISA=" + std::string(wanted) + " is not an instruction set of this processor (" +
                   choices + ")");
}

void force_kernels(const Kernels* kernels) { forced = kernels; }

const Kernels& active_kernels() {
  if (forced != nullptr) return *forced;
  static const Kernels& chosen = choose_kernels(std::getenv("NOISEUTILS_ISA"));
  return chosen;
}

const char* active_isa() { return active_kernels().isa; }

}  // namespace noiseutils
