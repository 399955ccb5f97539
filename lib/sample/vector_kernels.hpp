#pragma once

#include <cstdint>

namespace noiseutils {

/// out[i] = sum_j c[j] v[j][i] for i < n, j < terms in order, 1 <= terms <= 8. out may be one of v.
template <class T>
using CombineKernel = void (*)(std::int64_t terms, const T* c, const T* const* v, std::int64_t n, T* out);

/// That of active_isa(): all give the same bits.
template <class T>
CombineKernel<T> combine_kernel();

namespace vector_isa {
namespace baseline {
extern const CombineKernel<float> kFloat;
extern const CombineKernel<double> kDouble;
}  // namespace baseline
namespace avx2 {
extern const CombineKernel<float> kFloat;
extern const CombineKernel<double> kDouble;
}  // namespace avx2
namespace avx512 {
extern const CombineKernel<float> kFloat;
extern const CombineKernel<double> kDouble;
}  // namespace avx512
}  // namespace vector_isa

}  // namespace noiseutils
