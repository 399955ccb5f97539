#include "metric/risk.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "base/error.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

using Values = std::vector<double>;

/// The denoiser at points near one sample.
class Function {
 public:
  Function(const MetricSample& sample, Values y, double sigma)
      : denoiser_(sample.denoiser()),
        axes_(sample.axes()),
        shape_(sample.data().shape()),
        y_(std::move(y)),
        sigma_(sigma),
        f_(at(Tensor::of<double>(shape_, y_))) {}

  const Values& y() const { return y_; }
  const Values& f() const { return f_; }
  std::optional<Values> diagonal() const { return denoiser_.jacobian_diagonal(axes_, shape_, sigma_); }
  /// f(y + step direction)
  Values moved(double step, const Values& direction) const {
    Tensor point(DType::F64, shape_);
    const auto values = point.mutable_values<double>();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = y_[i] + step * direction[i];
    return at(point);
  }
  /// J direction, by a difference.
  Values derivative(double step, const Values& direction) const {
    Values result = moved(step, direction);
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = (result[i] - f_[i]) / step;
    return result;
  }

 private:
  Values at(const Tensor& point) const { return doubles(denoiser_.estimate(axes_, point, sigma_)); }

  Denoiser& denoiser_;
  std::string axes_;
  Shape shape_;
  Values y_;
  double sigma_;
  Values f_;
};

double dot(const Values& a, const Values& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double weighted_dot(const Values& w, const Values& a, const Values& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += w[i] * a[i] * b[i];
  return sum;
}

/// sum_i w_i d^2 f_i / dy_i^2
double second_derivatives(const Function& function, const MetricSample& sample, const ProbePlan& plan, double step,
                          const Values& w) {
  double sum = 0;
  for (std::int64_t k = 0; k < plan.probes; ++k) {
    const Values c = plan.draw_skew(sample, k, w.size());
    const Values up = function.moved(step, c), down = function.moved(-step, c);
    for (std::size_t i = 0; i < w.size(); ++i) sum += w[i] * c[i] * (up[i] - 2 * function.f()[i] + down[i]);
  }
  return sum / (step * step) / static_cast<double>(plan.probes);
}

/// Whose noise is independent from element to element, and of which denoisers the risk is then known.
void check_families(const SampleNoise& noise, bool affine) {
  constexpr std::array<std::string_view, 4> any_denoiser{"gaussian", "poisson", "poisson-gaussian", "gamma"};
  constexpr std::array<std::string_view, 3> affine_denoiser{"laplace", "tweedie", "uniform"};
  const auto has = [](const auto& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  for (const std::string& family : noise.families) {
    if (has(any_denoiser, family) || (affine && has(affine_denoiser, family))) continue;
    throw DataError("the risk under " + family + " noise is unknown" +
                    (has(affine_denoiser, family) ? " for a denoiser that is not known to be linear" : ""));
  }
}

}  // namespace

std::vector<OptionSpec> risk_options() {
  std::vector<OptionSpec> options = denoiser_options();
  options.push_back(sigma_option());
  options.push_back(integer("probes", "K", "random probes of the divergence, where it is not known")
                        .otherwise("1")
                        .at_least(1)
                        .at_most(10000));
  options.push_back(number("epsilon", "E", "step of the probes, in standard deviations of the noise")
                        .otherwise("0.01")
                        .above(0)
                        .at_most(10));
  options.push_back(choice("probe", {"rademacher", "gaussian"}, "law of the probes: signs, or normal numbers")
                        .otherwise("rademacher"));
  OptionSpec seed = text("seed", "S", "seed of the probes, 0 to 2^64-1, or random");
  seed.type = OptionType::seed;
  seed.fallback = "0";
  options.push_back(seed);
  return options;
}

ProbePlan::ProbePlan(const OptionValues& options)
    : seed(options.seed()),
      probes(options.integer("probes")),
      epsilon(options.number("epsilon")),
      gaussian(options.text("probe") == "gaussian"),
      sigma(options.maybe_number("sigma")) {}

Values ProbePlan::draw(const MetricSample& sample, std::int64_t probe, std::size_t size) const {
  const StreamKey key{seed, Purpose::probe, static_cast<std::uint64_t>(sample.index()),
                      static_cast<std::uint64_t>(2 * probe)};
  Values b(size);
  if (gaussian) {
    fill_normal(key, 0, std::span<double>(b));
    return b;
  }
  fill_uniform(key, 0, std::span<double>(b));
  for (double& value : b) value = value < 0.5 ? -1 : 1;
  return b;
}

Values ProbePlan::draw_skew(const MetricSample& sample, std::int64_t probe, std::size_t size) const {
  const StreamKey key{seed, Purpose::probe, static_cast<std::uint64_t>(sample.index()),
                      static_cast<std::uint64_t>(2 * probe + 1)};
  const double root = std::sqrt(5.0), high = (1 + root) / 2, low = (1 - root) / 2;
  Values c(size);
  fill_uniform(key, 0, std::span<double>(c));
  for (double& value : c) value = value < (root - 1) / (2 * root) ? high : low;  // of mean 0
  return c;
}

Risk estimate_risk(const MetricSample& sample, const ProbePlan& plan, bool second_order) {
  const SampleNoise noise = sample_noise(sample.noise(), plan.sigma);
  Values y = doubles(sample.data());
  check_support(noise, y);
  const double sigma = noise.level(y), step = plan.epsilon * sigma;
  const Function function(sample, std::move(y), sigma);
  const std::size_t n = function.y().size();
  const auto diagonal = function.diagonal();
  check_families(noise, diagonal.has_value());

  Values v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = noise.variance_from_noisy(function.y()[i]);
  double residual = 0, total_variance = 0, divergence = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double difference = function.f()[i] - function.y()[i];
    residual += difference * difference;
    total_variance += v[i];
  }

  // One probe serves the variance too: b J J b has the mean tr(J J).
  Values first_b, first_jb;
  if (diagonal) divergence = dot(v, *diagonal);
  for (std::int64_t k = 0; k < (diagonal ? 1 : plan.probes); ++k) {
    if (diagonal && !noise.is_gaussian()) break;
    const Values b = plan.draw(sample, k, n), jb = function.derivative(step, b);
    if (!diagonal) divergence += weighted_dot(v, b, jb) / static_cast<double>(plan.probes);
    if (k == 0) {
      first_b = b;
      first_jb = jb;
    }
  }
  Risk risk{residual - total_variance + 2 * divergence, std::numeric_limits<double>::quiet_NaN()};
  if (noise.is_gaussian()) {
    const double s2 = sigma * sigma, trace = dot(first_b, function.derivative(step, first_jb));
    risk.variance = 4 * s2 * residual + 4 * s2 * s2 * trace - 2 * static_cast<double>(n) * s2 * s2;
    if (!diagonal) risk.variance += 8 * s2 * s2 * std::abs(trace) / static_cast<double>(plan.probes);
    risk.variance = std::max(risk.variance, 0.0);
  }
  if (second_order && !diagonal) {
    const double gain = noise.variance.linear, read = noise.variance.constant;
    Values w(n);
    for (std::size_t i = 0; i < n; ++i) w[i] = -(gain * gain * function.y()[i] + 2 * gain * read);
    risk.sum += second_derivatives(function, sample, plan, step, w);
  }
  return risk;
}

}  // namespace noiseutils
