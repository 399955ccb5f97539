#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "noise/operators.hpp"
#include "random_helpers.hpp"

namespace noiseutils::test {

using Vector = std::vector<double>;

inline std::shared_ptr<const Operator> make(const std::string& text, const SampleLayout& sample,
                                            std::uint64_t number = 3) {
  return parse_operator(text).make(sample, operator_key(7, number, 0, 0));
}

inline Vector forward(const Operator& map, const Vector& x) {
  Vector y(static_cast<std::size_t>(map.output().size()), -1e300);  // what is not written shows
  map.apply(x, y);
  return y;
}
inline Vector adjoint(const Operator& map, const Vector& y) {
  Vector x(static_cast<std::size_t>(map.input().size()), -1e300);
  map.adjoint(y, x);
  return x;
}
inline Vector pseudo_inverse(const Operator& map, const Vector& y) {
  Vector x(static_cast<std::size_t>(map.input().size()), -1e300);
  map.pseudo_inverse(y, x);
  return x;
}

inline Vector random_vector(std::int64_t n, std::uint64_t seed) {
  return test::normals<double>({seed, Purpose::probe, 0, 0}, 0, static_cast<std::size_t>(n));
}
inline double dot(const Vector& a, const Vector& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }
inline double length(const Vector& a) { return std::sqrt(dot(a, a)); }
inline double distance(Vector a, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b.at(i);
  return length(a);
}

}  // namespace noiseutils::test
