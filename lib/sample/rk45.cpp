#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/number.hpp"
#include "sample/dormand_prince.hpp"
#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// Adaptive Runge-Kutta along the probability flow in u = log s, dx/du = x - D(x; e^u), from s_0 to the last level
/// above 0, then x <- D(x; s) if the schedule ends at 0. Each vector takes its own steps. Of the levels between it
/// makes no use but for showing the state there, found within the steps: a trajectory ends in the same sample.
template <class T>
class AdaptiveFlow {
 public:
  AdaptiveFlow(const SamplerRun<T>& run, double tolerance) : run_(run), tolerance_{tolerance, tolerance} {
    to_zero_ = run.s(run.steps()) == 0;
    for (std::int64_t i = 0; i < run.steps() + (to_zero_ ? 0 : 1); ++i) u_.push_back(std::log(run.s(i)));
  }

  /// `seen`: where to put vector v at each level; empty: nobody wants to see.
  void take(std::int64_t v, std::span<T> x, std::vector<std::vector<T>>& seen) const {
    DormandPrince<T> solver(
        [&](double u, std::span<const T> y, std::span<T> dydu) {
          run_.denoise(std::exp(u), y, dydu);
          combine<T>(dydu, {{1, y}, {-1, dydu}});
        },
        tolerance_);
    const auto place = [&](std::size_t level) {
      return std::span(seen[level]).subspan(static_cast<std::size_t>(v * run_.dim), x.size());
    };
    std::size_t next = 1;  // of the levels that no step has reached; the last is where the steps end
    if (!seen.empty())
      solver.watch([&](double u, double h, std::span<const T> y) {
        for (; next + 1 < u_.size() && u_[next] >= u + h; ++next) solver.within((u_[next] - u) / h, h, y, place(next));
      });
    solver.integrate(u_.front(), u_.back(), x);
    if (!seen.empty()) std::copy(x.begin(), x.end(), place(u_.size() - 1).begin());
    if (to_zero_) {
      std::vector<T> x0(x.size());
      run_.denoise(run_.s(run_.steps() - 1), x, x0);
      std::copy(x0.begin(), x0.end(), x.begin());
    }
    run_.tell(v, "nfe", static_cast<double>(solver.calls() + (to_zero_ ? 1 : 0)));
  }

  std::size_t levels() const { return u_.size(); }
  bool to_zero() const { return to_zero_; }

 private:
  const SamplerRun<T>& run_;
  Tolerance tolerance_;
  bool to_zero_;
  std::vector<double> u_;  ///< log of the levels above 0
};

template <class T>
void rk45(const SamplerRun<T>& run, std::span<T> x) {
  const double tolerance = run.options.number("tolerance");
  if (tolerance < 10 * static_cast<double>(std::numeric_limits<T>::epsilon()))
    throw UsageError("--tolerance " + format_number(tolerance) +
                     " is below what the arithmetic holds; --dtype F64 holds more");
  const AdaptiveFlow<T> flow(run, tolerance);
  std::vector<std::vector<T>> seen(run.observer ? flow.levels() : 0, std::vector<T>(x.size()));
  for (std::int64_t v = 0; v < run.count(x); ++v)
    flow.take(v, x.subspan(static_cast<std::size_t>(v * run.dim), static_cast<std::size_t>(run.dim)), seen);
  for (std::size_t level = 1; level < seen.size(); ++level) run.observe(static_cast<std::int64_t>(level), seen[level]);
  if (flow.to_zero()) run.observe(run.steps(), x);
}

}  // namespace

Sampler rk45_sampler() {
  Sampler self;
  self.name = "rk45";
  self.summary = "adaptive Runge-Kutta of order 5 for the probability flow, each sample by its own steps";
  self.order = 5;
  self.calls_per_step = 6;
  self.affine = false;
  self.vector_by_vector = true;
  self.minimum_steps = 2;
  self.source = "Song et al. 2021, section 4.3; Dormand, Prince 1980";
  self.options = {number("tolerance", "E", "error of a step of rk45, absolute in units of data and relative")
                      .otherwise("1e-5")
                      .above(0)
                      .at_most(1)};
  self.run_float = rk45<float>;
  self.run_double = rk45<double>;
  return self;
}

}  // namespace noiseutils
