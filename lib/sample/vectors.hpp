#pragma once

#include <initializer_list>
#include <span>
#include <type_traits>

namespace noiseutils {

/// One term of a linear combination: a coefficient and a vector.
template <class T>
struct Term {
  double coefficient;
  std::span<const T> vector;
};

/// out = sum_j c_j v_j, element by element; out may be one of the vectors. The coefficients are rounded to T; terms are
/// added in order, without FMA, whatever the instruction set, the number of threads or the length. At most 8 terms.
template <class T>
void combine(std::span<T> out, std::initializer_list<Term<std::type_identity_t<T>>> terms);
/// The same for as many terms as are known at run time.
template <class T>
void combine(std::span<T> out, std::span<const Term<std::type_identity_t<T>>> terms);

extern template void combine(std::span<float>, std::initializer_list<Term<float>>);
extern template void combine(std::span<double>, std::initializer_list<Term<double>>);
extern template void combine(std::span<float>, std::span<const Term<float>>);
extern template void combine(std::span<double>, std::span<const Term<double>>);

}  // namespace noiseutils
