#include "sample/element_noise.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "sample/target.hpp"

namespace noiseutils {

MeasuredLaw law_of_elements(const Target* target, const std::string& who) {
  if (target == nullptr || target->model() == nullptr)
    throw UsageError(who + " asks for E[x_0 | x] under noise that is not white, which no program tells; give --model");
  return MeasuredLaw(*target->model(), who);
}

template <class T>
void step_of_elements(const MeasuredLaw& law, const std::vector<double>& a, const std::vector<double>& b, double eta,
                      double least, std::span<const T> z, std::span<T> x) {
  LinearMeasurement measurement;
  for (const double deviation : a) measurement.variances.push_back(std::pow(std::max(deviation, least), 2));
  std::vector<T> x0(x.size());
  law.posterior_mean(measurement)->apply(std::span<const T>(x), std::span<T>(x0));
  std::vector<T> kept(a.size()), fresh(a.size());
  for (std::size_t j = 0; j < a.size(); ++j) {
    const double q = a[j] > 0 ? std::pow(eta * b[j] / a[j], 2) * (a[j] * a[j] - b[j] * b[j]) : 0;
    kept[j] = static_cast<T>(a[j] > 0 ? std::sqrt(b[j] * b[j] - q) / a[j] : 1);
    fresh[j] = static_cast<T>(std::sqrt(q));
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t j = i % a.size();
    // x0 itself, free of rounding, where the noise ends; x where there was none, or it does not change
    x[i] = kept[j] * x[i] + (1 - kept[j]) * x0[i] + (z.empty() ? T(0) : fresh[j] * z[i]);
  }
}

template void step_of_elements(const MeasuredLaw&, const std::vector<double>&, const std::vector<double>&, double,
                               double, std::span<const float>, std::span<float>);
template void step_of_elements(const MeasuredLaw&, const std::vector<double>&, const std::vector<double>&, double,
                               double, std::span<const double>, std::span<double>);

}  // namespace noiseutils
