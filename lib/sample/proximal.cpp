#include "sample/proximal.hpp"

#include <algorithm>
#include <cmath>

namespace noiseutils {

const std::vector<ProximalTerm>& proximal_terms() {
  static const std::vector<ProximalTerm> all = {
      {"l1", [](double v, double t) { return std::copysign(std::max(std::abs(v) - t, 0.0), v); }},
      {"square", [](double v, double t) { return v / (1 + t); }},
      {"nonnegative", [](double v, double) { return std::max(v, 0.0); }},
      {"unit-interval", [](double v, double) { return std::clamp(v, 0.0, 1.0); }},
  };
  return all;
}

}  // namespace noiseutils
