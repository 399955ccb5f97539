#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>

#include "base/error.hpp"
#include "metric/sliced_wasserstein.hpp"
#include "random/random.hpp"
#include "report/fine_flow.hpp"
#include "report/fitted_order.hpp"
#include "report/sampler_report.hpp"
#include "report/timed_run.hpp"

namespace noiseutils {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kDirections = 256;

double relative(double error, double size) { return error == 0 ? 0 : error / size; }

double relative_distance(std::span<const double> x, std::span<const double> reference) {
  double off = 0, size = 0;
  for (std::size_t e = 0; e < x.size(); ++e) {
    off += (x[e] - reference[e]) * (x[e] - reference[e]);
    size += reference[e] * reference[e];
  }
  return relative(std::sqrt(off), std::sqrt(size));
}

/// The median over vectors of |x - reference| / |reference|.
double median_distance(std::span<const double> x, std::span<const double> reference, std::int64_t dim) {
  std::vector<double> all;
  const auto d = static_cast<std::size_t>(dim);
  for (std::size_t v = 0; v < x.size(); v += d)
    all.push_back(relative_distance(x.subspan(v, d), reference.subspan(v, d)));
  std::sort(all.begin(), all.end());
  return (all[(all.size() - 1) / 2] + all[all.size() / 2]) / 2;
}

/// Mean of vectors, and the sum over elements of their variances.
struct SampleMoments {
  std::vector<double> mean;
  double total_variance = 0;
};
SampleMoments moments_of(std::span<const double> x, std::int64_t dim) {
  const auto d = static_cast<std::size_t>(dim);
  SampleMoments result{std::vector<double>(d)};
  const double count = static_cast<double>(x.size() / d);
  for (std::size_t e = 0; e < x.size(); ++e) result.mean[e % d] += x[e] / count;
  for (std::size_t e = 0; e < x.size(); ++e) {
    const double centred = x[e] - result.mean[e % d];
    result.total_variance += centred * centred / count;
  }
  return result;
}

bool follows_flow(const Sampler& sampler) { return sampler.order > 0 && !sampler.stochastic && !sampler.own_times; }

class SampledReport : public SamplerReport {
 public:
  SampledReport(Target& target, ReportSettings settings)
      : target_(target), settings_(std::move(settings)), flow_(target) {}

  std::vector<SamplerErrors> rows(const Sampler& sampler, const OptionValues& options) override {
    if (!sampler.takes_steps()) return {row_of(sampler, options, settings_.steps.front())};
    std::vector<SamplerErrors> rows;
    std::vector<double> errors;
    const std::vector<std::int64_t> counts = possible_steps(settings_, sampler);
    for (const std::int64_t steps : counts) {
      rows.push_back(row_of(sampler, options, steps));
      errors.push_back(!follows_flow(sampler) ? kUnknown : order_error(sampler, options, steps));
    }
    // Errors of the reference itself grow to some accuracies of a step.
    const double order = fitted_order(counts, errors, std::max(1e-11, 100 * flow_.accuracy()));
    for (SamplerErrors& row : rows) row.order = order;
    return rows;
  }

 private:
  SamplerErrors row_of(const Sampler& sampler, const OptionValues& options, std::int64_t steps) {
    const Schedule schedule = settings_.schedule(steps);
    const SamplingPlan plan{sampler, options, schedule, settings_.seed, Stepping::one_by_one};
    const auto maker = sample_maker(target_, plan);
    TimedRun<double> run = timed_run<double>(*maker, target_.dim(), settings_.count);
    const double alpha = schedule.levels.back().alpha;
    for (double& value : run.samples) value /= alpha;
    if (!std::all_of(run.samples.begin(), run.samples.end(), [](double value) { return std::isfinite(value); }))
      throw DataError("sampler " + sampler.name + " diverges at " + std::to_string(steps) + " steps");

    SamplerErrors row{sampler.name, sampler.takes_steps() ? steps : 0, calls_of(plan, run.facts), kUnknown};
    const auto& reference = solution(schedule);
    const SampleMoments own = moments_of(run.samples, target_.dim()), fine = moments_of(reference, target_.dim());
    row.w2 = sliced_distance(run.samples, reference);
    row.mean = relative_distance(own.mean, fine.mean);
    row.variance = relative(std::abs(own.total_variance - fine.total_variance), fine.total_variance);
    row.flow = !follows_flow(sampler) ? kUnknown : relative_distance(run.samples, reference);
    row.seconds = settings_.timing && row.nfe > 0 ? run.seconds / row.nfe : kUnknown;
    return row;
  }

  static double calls_of(const SamplingPlan& plan, const std::vector<SampleFacts>& facts) {
    if (const auto calls = denoiser_calls(plan)) return static_cast<double>(*calls);
    double sum = 0;
    for (const SampleFacts& own : facts)
      if (const auto nfe = own.find("nfe"); nfe != own.end()) sum += nfe->second;
    return sum / static_cast<double>(facts.size());
  }

  double sliced_distance(const std::vector<double>& x, const std::vector<double>& reference) {
    if (exact_.empty() && target_.model() != nullptr) exact_ = exact_draws(reference.size());
    const auto rows = [&](const std::vector<double>& values) {
      return SampleRows{settings_.count, target_.dim(), values};
    };
    const auto& other = exact_.empty() ? reference : exact_;
    return std::sqrt(static_cast<double>(target_.dim())) *
           sliced_wasserstein(rows(x), rows(other), 2, kDirections, settings_.seed).value;
  }

  /// Draws from normals that no sampler takes; none where the model is no law.
  std::vector<double> exact_draws(std::size_t size) const {
    std::vector<double> n(size), x(size);
    const auto d = static_cast<std::size_t>(target_.dim());
    for (std::size_t v = 0; v * d < size; ++v)
      fill_normal({settings_.seed, Purpose::probe, v, 0}, 0, std::span<double>(n).subspan(v * d, d));
    try {
      target_.model()->draw(std::span<const double>(n), std::span<double>(x));
    } catch (const UsageError&) {
      return {};
    }
    return x;
  }

  /// The flow of the starts, at the end of the schedule. Most step counts and samplers share it.
  const std::vector<double>& solution(const Schedule& schedule) {
    const std::int64_t n = schedule.steps();
    const double s0 = schedule.s(0), end = schedule.s(n), before = end > 0 || n == 1 ? s0 : schedule.s(n - 1);
    auto& known = solutions_[{s0, before, end}];
    if (!known.empty()) return known;
    known = shared_starts(settings_.seed, settings_.count, target_.dim(), s0);
    if (before < s0) {
      auto& above_zero = solutions_[{s0, s0, before}];
      if (above_zero.empty()) {
        above_zero = known;
        flow_.follow(s0, before, above_zero);
      }
      known = above_zero;
    }
    flow_.follow(before, end, known);
    return known;
  }

  double order_error(const Sampler& sampler, const OptionValues& options, std::int64_t steps) {
    const Schedule schedule = levels_above_zero(settings_, steps);
    std::vector<double> x = shared_starts(settings_.seed, settings_.count, target_.dim(), schedule.s(0));
    SamplerRun<double> run{
        [&](double s, std::span<const double> y, std::span<double> x0) { target_.denoise(s, y, x0); }, schedule,
        options, target_.dim()};
    run.flow = [&](double from, double to, std::span<double> y) { flow_.follow(from, to, y); };
    run.lower_order_final = false;
    run.target = &target_;
    sampler.run_double(run, x);
    return median_distance(x, solution(schedule), target_.dim());
  }

  Target& target_;
  ReportSettings settings_;
  FineFlow flow_;
  std::vector<double> exact_;
  std::map<std::tuple<double, double, double>, std::vector<double>> solutions_;
};

}  // namespace

std::unique_ptr<SamplerReport> sampled_report(Target& target, ReportSettings settings) {
  return std::make_unique<SampledReport>(target, std::move(settings));
}

}  // namespace noiseutils
