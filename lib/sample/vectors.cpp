#include "sample/vectors.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "random/random.hpp"
#include "sample/vector_kernels.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kMostTerms = 8;
constexpr std::int64_t kBlock = 1 << 16;  // elements that are worth a thread

template <class T>
CombineKernel<T> chosen(CombineKernel<T> baseline, CombineKernel<T> avx2, CombineKernel<T> avx512) {
  if (active_isa() == std::string_view("avx512")) return avx512;
  if (active_isa() == std::string_view("avx2")) return avx2;
  return baseline;
}

}  // namespace

template <>
CombineKernel<float> combine_kernel<float>() {
#ifdef __x86_64__
  return chosen(vector_isa::baseline::kFloat, vector_isa::avx2::kFloat, vector_isa::avx512::kFloat);
#else
  return vector_isa::baseline::kFloat;
#endif
}

template <>
CombineKernel<double> combine_kernel<double>() {
#ifdef __x86_64__
  return chosen(vector_isa::baseline::kDouble, vector_isa::avx2::kDouble, vector_isa::avx512::kDouble);
#else
  return vector_isa::baseline::kDouble;
#endif
}

template <class T>
void combine(std::span<T> out, std::span<const Term<std::type_identity_t<T>>> terms) {
  if (terms.size() == 0 || terms.size() > kMostTerms) throw InternalError("a combination has 1 to 8 terms");
  std::array<T, kMostTerms> c{};
  std::array<const T*, kMostTerms> v{};
  std::size_t used = 0;
  for (const Term<T>& term : terms) {
    if (term.vector.size() != out.size()) throw InternalError("vectors of a combination differ in size");
    c[used] = static_cast<T>(term.coefficient);
    v[used++] = term.vector.data();
  }
  static const CombineKernel<T> kernel = combine_kernel<T>();
  const auto n = static_cast<std::int64_t>(out.size());
  if (n <= kBlock) return kernel(static_cast<std::int64_t>(used), c.data(), v.data(), n, out.data());
  parallel_blocks((n + kBlock - 1) / kBlock, [&](std::int64_t block) {
    const std::int64_t first = block * kBlock;
    std::array<const T*, kMostTerms> at{};
    for (std::size_t j = 0; j < used; ++j) at[j] = v[j] + first;
    kernel(static_cast<std::int64_t>(used), c.data(), at.data(), std::min(kBlock, n - first), out.data() + first);
  });
}

template <class T>
void combine(std::span<T> out, std::initializer_list<Term<std::type_identity_t<T>>> terms) {
  combine(out, std::span<const Term<T>>(terms.begin(), terms.size()));
}

template void combine(std::span<float>, std::initializer_list<Term<float>>);
template void combine(std::span<double>, std::initializer_list<Term<double>>);
template void combine(std::span<float>, std::span<const Term<float>>);
template void combine(std::span<double>, std::span<const Term<double>>);

}  // namespace noiseutils
