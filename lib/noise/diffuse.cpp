#include "noise/diffuse.hpp"

#include <array>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/number.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// y = alpha x + sigma n at one time.
class DiffusionStep : public Noise {
 public:
  DiffusionStep(std::string schedule, double t, const NoiseLevel& level)
      : schedule_(std::move(schedule)), t_(t), level_(level) {}
  std::string family() const override { return "gaussian"; }
  NoiseParameters parameters() const override { return {{"sigma", level_.sigma}, {"alpha", level_.alpha}, {"t", t_}}; }
  NoiseWords words() const override { return {{"schedule", schedule_}}; }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const float> x, std::span<float> y) const override {
    run(key, first, x, y);
  }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const double> x, std::span<double> y) const override {
    run(key, first, x, y);
  }
  double mean_at(double x) const override { return level_.alpha * x; }
  VarianceLaw variance() const override {
    if (level_.alpha != 1) return Noise::variance();
    return {level_.sigma * level_.sigma, 0, 0};
  }
  double variance_at(double) const override { return level_.sigma * level_.sigma; }
  double log_likelihood(double y, double x) const override {
    const double z = (y - mean_at(x)) / level_.sigma;
    return -0.5 * z * z - portable::log(level_.sigma) - 0.5 * portable::log(2 * std::numbers::pi);
  }

 private:
  template <class Real>
  void run(const NoiseKey& key, std::uint64_t first, std::span<const Real> x, std::span<Real> y) const {
    const StreamKey stream = key.stream(Purpose::noise);
    const auto sigma = static_cast<Real>(level_.sigma);
    if (level_.alpha == 1) return add_normal(stream, first, x, sigma, y);
    for (std::size_t e = 0; e < x.size(); ++e) y[e] = static_cast<Real>(level_.alpha) * x[e];
    add_normal(stream, first, y, sigma, y);
  }

  std::string schedule_;
  double t_;
  NoiseLevel level_;
};

/// Becomes the step of each sample.
class Diffusion : public Noise {
 public:
  Diffusion(const ForwardProcess& process, const DiffusionTimes& times, bool rescaled)
      : process_(process), times_(times), rescaled_(rescaled) {
    process_.level(times.first);
    process_.level(times.last);
    if (times.first > times.last)
      throw UsageError("the times " + format_number(times.first) + ":" + format_number(times.last) + " fall");
  }
  std::string family() const override { return "gaussian"; }
  NoiseParameters parameters() const override { return {}; }
  double log_likelihood(double, double) const override { throw InternalError("the time of a sample is not drawn yet"); }

  std::unique_ptr<Noise> of_sample(const NoiseKey& key, const SampleGeometry&) const override {
    const double t = time_of(key);
    NoiseLevel level = process_.level(t);
    const std::string who = "schedule " + process_.family().name + " at t = " + format_number(t);
    if (level.sigma == 0) throw UsageError(who + " adds no noise");
    if (rescaled_ && level.alpha == 0) throw UsageError(who + " leaves nothing of the sample that could be rescaled");
    if (rescaled_) level = {1, level.relative()};
    return std::make_unique<DiffusionStep>(process_.family().name, t, level);
  }

 private:
  double time_of(const NoiseKey& key) const {
    if (times_.first == times_.last) return times_.first;
    std::array<double, 1> u;
    fill_uniform(key.stream(Purpose::parameters), 0, u);
    const double length = times_.last - times_.first;
    return times_.first + (process_.is_discrete() ? std::floor(u[0] * (length + 1)) : u[0] * length);
  }

  ForwardProcess process_;
  DiffusionTimes times_;
  bool rescaled_;
};

}  // namespace

std::unique_ptr<Noise> diffusion_noise(const ForwardProcess& process, const DiffusionTimes& times, bool rescaled) {
  return std::make_unique<Diffusion>(process, times, rescaled);
}

}  // namespace noiseutils
