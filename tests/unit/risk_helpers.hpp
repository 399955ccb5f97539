#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "base/registry.hpp"
#include "metric/metric.hpp"
#include "metric/sample_noise.hpp"
#include "model/denoiser.hpp"
#include "random/random.hpp"

// Metrics without a reference, their samples and denoisers, for the tests of them.
namespace noiseutils {

using Values = std::vector<double>;
using Options = std::map<std::string, std::string>;

inline doctest::Approx about(double value, double relative = 1e-12) { return doctest::Approx(value).epsilon(relative); }

inline std::unique_ptr<Metric> make(const std::string& name, const Options& typed = {}) {
  const MetricEntry& entry = *find_entry(metrics(), name);
  OptionValues options;
  for (const OptionSpec& spec : entry.options) {
    const auto found = typed.find(spec.name);
    options.set(spec, found == typed.end() ? std::vector<std::string>{} : std::vector{found->second});
  }
  return entry.make(options);
}

inline Values figures(const std::string& name, const MetricSample& sample, const Options& typed = {}) {
  const auto metric = make(name, typed);
  metric->add(sample);
  Values values;
  for (const NamedValue& figure : metric->finish()) values.push_back(figure.value);
  return values;
}
inline double figure(const std::string& name, const MetricSample& sample, const Options& typed = {}) {
  return figures(name, sample, typed).front();
}

/// f on each element by itself; its derivative is told where `slope` is given: then f is affine.
class Elementwise : public Denoiser {
 public:
  explicit Elementwise(std::function<double(double)> f, std::optional<double> slope = {})
      : f_(std::move(f)), slope_(slope) {}
  Tensor estimate(const std::string&, const Tensor& noisy, double) override {
    ++calls;
    Tensor result = noisy.converted(DType::F64);
    for (double& value : result.mutable_values<double>()) value = f_(value);
    return result;
  }
  std::optional<Values> jacobian_diagonal(const std::string&, const Shape& shape, double) override {
    if (!slope_) return std::nullopt;
    return Values(static_cast<std::size_t>(element_count(shape)), *slope_);
  }
  int calls = 0;

 private:
  std::function<double(double)> f_;
  std::optional<double> slope_;
};

inline MetricSample noisy_sample(const Values& y, Denoiser& denoiser, const std::string& noise,
                                 std::int64_t index = 0) {
  MetricSampleParts parts{"D", Tensor::of<double>({static_cast<std::int64_t>(y.size())}, y)};
  parts.noise = noise;
  parts.denoiser = &denoiser;
  parts.index = index;
  return MetricSample(std::move(parts));
}

/// data, noisy and noise.removed, as denoise --keep-noisy leaves them.
inline MetricSample estimated_sample(const Shape& shape, const Values& x, const Values& y, const std::string& noise) {
  MetricSampleParts parts{shape.size() == 2 ? "HW" : "D", Tensor::of<double>(shape, x)};
  parts.noise_removed = noise;
  parts.noisy = Tensor::of<double>(shape, y);
  return MetricSample(std::move(parts));
}

constexpr const char* kGaussian = R"({"family":"gaussian","sigma":0.5})";
constexpr const char* kPoisson = R"({"family":"poisson","peak":4})";
constexpr const char* kMixed = R"({"family":"poisson-gaussian","gain":0.25,"read":0.3})";
constexpr const char* kGamma = R"({"family":"gamma","looks":8})";

inline Values draw(const std::string& noise, const Values& x, std::uint64_t sample) {
  Values y(x.size());
  noise_from_metadata(noise).front()->draw({11, sample, 0}, 0, std::span<const double>(x), std::span<double>(y));
  return y;
}

inline Values normals(std::size_t count, std::uint64_t sample) {
  Values z(count);
  fill_normal({12, Purpose::noise, sample, 0}, 0, std::span<double>(z));
  return z;
}

/// Clean values from 0.2 to 3.
inline Values ramp(std::size_t n) {
  Values x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = 0.2 + 2.8 * static_cast<double>(i) / static_cast<double>(n);
  return x;
}

}  // namespace noiseutils
