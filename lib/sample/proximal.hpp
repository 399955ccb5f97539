#pragma once

#include <string>
#include <vector>

namespace noiseutils {

/// A convex function of a vector, a sum over its elements, known by its proximal map
///   prox(v, t) = argmin_x g(x) + (x - v)^2 / (2 t),
/// of g that need not be smooth. Source: Parikh, Boyd 2014, chapter 6.
struct ProximalTerm {
  std::string name;
  double (*prox)(double v, double t);
};

/// l1: |x|. square: x^2 / 2. nonnegative, unit-interval: 0 there, infinite elsewhere.
const std::vector<ProximalTerm>& proximal_terms();

}  // namespace noiseutils
