#include "sample/vector_kernels.hpp"

namespace noiseutils::vector_isa::NOISEUTILS_ISA {
namespace {

template <int kTerms, class T>
void combine_terms(const T* c, const T* const* v, std::int64_t n, T* out) {
  const T* from[kTerms];
  T by[kTerms];
  for (int j = 0; j < kTerms; ++j) {
    from[j] = v[j];
    by[j] = c[j];
  }
#pragma omp simd  // out may be one of v, at the same place: no element reads another
  for (std::int64_t i = 0; i < n; ++i) {
    T sum = by[0] * from[0][i];
    for (int j = 1; j < kTerms; ++j) sum += by[j] * from[j][i];
    out[i] = sum;
  }
}

template <class T>
void combine(std::int64_t terms, const T* c, const T* const* v, std::int64_t n, T* out) {
  switch (terms) {
    case 1:
      return combine_terms<1>(c, v, n, out);
    case 2:
      return combine_terms<2>(c, v, n, out);
    case 3:
      return combine_terms<3>(c, v, n, out);
    case 4:
      return combine_terms<4>(c, v, n, out);
    case 5:
      return combine_terms<5>(c, v, n, out);
    case 6:
      return combine_terms<6>(c, v, n, out);
    case 7:
      return combine_terms<7>(c, v, n, out);
    default:
      return combine_terms<8>(c, v, n, out);
  }
}

}  // namespace

extern const CombineKernel<float> kFloat;
extern const CombineKernel<double> kDouble;
const CombineKernel<float> kFloat = combine<float>;
const CombineKernel<double> kDouble = combine<double>;

}  // namespace noiseutils::vector_isa::NOISEUTILS_ISA
