#pragma once

#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/registry.hpp"
#include "metric/metric.hpp"

// Samples with references, and metrics measured on them.
namespace noiseutils::test {

using Values = std::vector<double>;

inline Tensor vector_of(const Values& values) {
  return Tensor::of<double>({static_cast<std::int64_t>(values.size())}, values);
}

/// Box and Muller over the standard generator, whose output the standard fixes.
class Normal {
 public:
  explicit Normal(unsigned seed) : generator_(seed) {}
  double operator()() {
    const double u = (static_cast<double>(generator_() >> 11) + 0.5) * 0x1p-53,
                 v = static_cast<double>(generator_() >> 11) * 0x1p-53;
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::acos(-1.0) * v);
  }
  Values values(std::size_t n, double sigma = 1) {
    Values result(n);
    for (double& value : result) value = sigma * (*this)();
    return result;
  }

 private:
  std::mt19937_64 generator_;
};

inline Values operator+(Values a, const Values& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

using Typed = std::map<std::string, std::string>;

inline OptionValues options_of(const MetricEntry& entry, const Typed& typed = {}) {
  OptionValues options;
  for (const OptionSpec& option : entry.options)
    options.set(option, typed.contains(option.name) ? std::vector{typed.at(option.name)} : std::vector<std::string>{});
  return options;
}

inline std::unique_ptr<Metric> measured(const std::string& name, const MetricSample& sample, const Typed& typed = {}) {
  const MetricEntry& entry = *find_entry(metrics(), name);
  auto metric = entry.make(options_of(entry, typed));
  metric->add(sample);
  return metric;
}
inline std::vector<NamedValue> figures_of(const std::string& name, const MetricSample& sample,
                                          const Typed& typed = {}) {
  return measured(name, sample, typed)->finish();
}

inline MetricSample sample_with(Tensor data, std::vector<Tensor> references, const std::string& axes = "D") {
  return MetricSample({axes, std::move(data), {}, std::move(references), 5.0});
}

inline std::set<std::string> words_of(const Metric& metric) {
  std::set<std::string> words;
  for (const ReferenceFinding& finding : metric.findings()) words.insert(finding.code);
  return words;
}

}  // namespace noiseutils::test
