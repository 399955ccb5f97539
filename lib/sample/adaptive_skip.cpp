#include <algorithm>
#include <cmath>
#include <deque>

#include "sample/parallel_vectors.hpp"
#include "sample/sampler.hpp"
#include "sample/vector_groups.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kFirstCalls = 4;  // no step is skipped before

/// What is known of the steps of one vector.
struct StepHistory {
  std::deque<double> moved;  ///< Delta of the last three steps, the latest first
  std::int64_t calls = 0, skipped_in_row = 0;

  /// |(Delta_i + Delta_(i-2)) / 2 - Delta_(i-1)| <= threshold Delta_(i-1), strictly, so that at 0 nothing is skipped
  bool may_skip(double threshold, std::int64_t most) const {
    if (calls < kFirstCalls || moved.size() < 3 || skipped_in_row >= most) return false;
    return std::abs((moved[0] + moved[2]) / 2 - moved[1]) < threshold * moved[1];
  }
};

/// DDIM that skips calls of the denoiser: where the state has moved steadily, with Delta_i = mean |x_i - x_(i-1)| of
/// the states as they are (alpha and all),
///   |(Delta_i + Delta_(i-2)) / 2 - Delta_(i-1)| < threshold Delta_(i-1),
/// the next step takes e = (x - D) / s of the last call again; at most --max-skips in a row, and not before four calls.
/// Each vector decides for itself. Source: Ye et al. 2024 (arXiv 2410.09873).
template <class T>
void adaptive_skip(const SamplerRun<T>& run, std::span<T> x) {
  const double threshold = run.options.number("threshold");
  const std::int64_t most = run.options.integer("max-skips"), count = run.count(x), d = run.dim;
  std::vector<StepHistory> histories(static_cast<std::size_t>(count));
  std::vector<T> x0(x.size()), e(x.size()), before(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const double a = run.s(i), ratio = run.s(i + 1) / a;
    std::vector<std::int64_t> called;
    combine<T>(x0, {{1, x}, {-a, e}});  // of those that skip
    for (std::int64_t v = 0; v < count; ++v)
      if (!histories[static_cast<std::size_t>(v)].may_skip(threshold, most)) called.push_back(v);
    const std::vector<T> part = gathered<T>(x, called, d);
    std::vector<T> part0(part.size()), part_e(part.size());
    if (!called.empty()) run.denoise(a, part, part0);
    combine<T>(part_e, {{1 / a, part}, {-1 / a, part0}});
    scatter<T>(part0, called, d, x0);
    scatter<T>(part_e, called, d, e);
    for (StepHistory& own : histories) ++own.skipped_in_row;
    for (const std::int64_t v : called) {
      histories[static_cast<std::size_t>(v)].skipped_in_row = 0;
      ++histories[static_cast<std::size_t>(v)].calls;
    }
    std::copy(x.begin(), x.end(), before.begin());
    combine(x, {{1 - ratio, x0}, {ratio, x}});
    const auto at = static_cast<std::size_t>(i);
    const double alpha = run.schedule.levels[at].alpha, next = run.schedule.levels[at + 1].alpha;
    parallel_vectors(count, d, [&](std::int64_t v) {
      double moved = 0;
      for (std::int64_t j = v * d; j < (v + 1) * d; ++j) {
        const auto element = static_cast<std::size_t>(j);
        moved += std::abs(next * static_cast<double>(x[element]) - alpha * static_cast<double>(before[element]));
      }
      auto& history = histories[static_cast<std::size_t>(v)].moved;
      history.push_front(moved / static_cast<double>(d));
      if (history.size() > 3) history.pop_back();
    });
    run.observe(i + 1, x);
  }
  for (std::int64_t v = 0; v < count; ++v)
    run.tell(v, "nfe", static_cast<double>(histories[static_cast<std::size_t>(v)].calls));
}

}  // namespace

Sampler adaptive_skip_sampler() {
  Sampler self;
  self.name = "adaptive-skip";
  self.summary = "AdaptiveDiffusion: DDIM that takes its last direction again where the state moves steadily";
  self.order = 0;  // the error of what is skipped does not fall with the steps
  self.calls_per_step = 1;
  self.affine = false;
  self.source = "Ye et al. 2024";
  self.options = {
      number("threshold", "T", "relative third difference below which a call is skipped; 0: never")
          .otherwise("0.01")
          .at_least(0)
          .at_most(1e6),
      integer("max-skips", "N", "calls skipped in a row at most").otherwise("4").at_least(0).at_most(1e6),
  };
  self.run_float = adaptive_skip<float>;
  self.run_double = adaptive_skip<double>;
  return self;
}

}  // namespace noiseutils
