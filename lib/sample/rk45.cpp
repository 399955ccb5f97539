#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/number.hpp"
#include "sample/dormand_prince_tableau.hpp"
#include "sample/multistep.hpp"

namespace noiseutils {
namespace {

namespace pair = dormand_prince;

/// One vector along the probability flow in u = log s, dx/du = x - D(x; e^u), by steps of Dormand and Prince whose
/// error is held at the tolerance: rms(error / (tol + tol max(|x|, |x_new|))) <= 1.
template <class T>
class AdaptiveFlow {
 public:
  AdaptiveFlow(const SamplerRun<T>& run, double tolerance)
      : run_(run), tolerance_(tolerance), y_(size()), new_x_(size()), error_(size()) {
    for (auto& stage : k_) stage.resize(size());
  }

  /// From x at the first of the falling levels to the last; passed(j, w, h) is called at each level j that a step
  /// passes over, with the weights of the state there: see state_at.
  template <class Passed>
  std::int64_t follow(std::span<T> x, std::span<const double> u, Passed&& passed) {
    double at = u.front(), h = -kFirst;
    std::size_t next = 1;
    calls_ = 0;
    slope(at, x, k_[0]);
    while (at > u.back()) {
      const bool ends = at + h <= u.back();
      if (ends) h = u.back() - at;
      const double error = attempt(at, h, x);
      if (error <= 1) {
        const double reached = ends ? u.back() : at + h;
        for (; next < u.size() && u[next] >= reached; ++next) passed(next, state_at((u[next] - at) / h, h, x));
        std::copy(new_x_.begin(), new_x_.end(), x.begin());
        std::swap(k_.front(), k_.back());
        at = reached;
      }
      // Of order 5 the error goes as h^5; a NaN shortens the step too.
      const double factor = 0.9 * std::pow(error, -0.2);
      h *= error <= 1 ? std::clamp(factor, kLeast, kMost) : factor >= kLeast ? factor : kLeast;
      if (-h < 1e-12)
        throw DataError("rk45: no step is short enough for --tolerance at sigma " + format_number(std::exp(at)));
    }
    return calls_;
  }

 private:
  static constexpr double kFirst = 0.1, kLeast = 0.2, kMost = 10;
  std::size_t size() const { return static_cast<std::size_t>(run_.dim); }

  void slope(double u, std::span<const T> x, std::vector<T>& k) {
    run_.denoise(std::exp(u), x, k);
    combine<T>(k, {{1, x}, {-1, k}});
    ++calls_;
  }

  /// c x + h sum_j w_j k_j
  void weighed(std::span<T> out, double c, std::span<const T> x, double h, std::span<const double> w) {
    std::vector<Term<T>> terms{{c, x}};
    for (std::size_t j = 0; j < pair::kStages; ++j)
      if (w[j] != 0) terms.push_back({h * w[j], k_[j]});
    combine<T>(out, std::span<const Term<T>>(terms));
  }

  /// The error of a step h, over the tolerance; leaves the new state and its slope.
  double attempt(double u, double h, std::span<const T> x) {
    for (std::size_t i = 1; i < pair::kStages; ++i) {
      std::vector<T>& stage = i + 1 == pair::kStages ? new_x_ : y_;
      weighed(stage, 1, x, h, pair::a[i]);
      slope(u + pair::c[i] * h, stage, k_[i]);
    }
    weighed(error_, 0, x, h, pair::e);
    double sum = 0;
    for (std::size_t e = 0; e < size(); ++e) {
      const double scale = tolerance_ * (1 + std::max(std::abs(double(x[e])), std::abs(double(new_x_[e]))));
      sum += double(error_[e]) * double(error_[e]) / (scale * scale);
    }
    return std::sqrt(sum / static_cast<double>(size()));
  }

  /// The state at a part theta of the step h from x.
  const std::vector<T>& state_at(double theta, double h, std::span<const T> x) {
    weighed(y_, 1, x, h, pair::dense_weights(theta));
    return y_;
  }

  const SamplerRun<T>& run_;
  double tolerance_;
  std::vector<T> y_, new_x_, error_;
  std::array<std::vector<T>, pair::kStages> k_;
  std::int64_t calls_ = 0;
};

/// Adaptive Runge-Kutta along the probability flow from s_0 to the last level above 0, then x <- D(x; s) if the
/// schedule ends at 0. Of the levels between it makes no use but for showing the state there. Each vector takes its own
/// steps.
template <class T>
void rk45(const SamplerRun<T>& run, std::span<T> x) {
  const double tolerance = run.options.number("tolerance");
  if (tolerance < 10 * static_cast<double>(std::numeric_limits<T>::epsilon()))
    throw UsageError("--tolerance " + format_number(tolerance) +
                     " is below what the arithmetic holds; --dtype F64 holds more");
  const bool to_zero = run.s(run.steps()) == 0;
  std::vector<double> u;
  for (std::int64_t i = 0; i < run.steps() + (to_zero ? 0 : 1); ++i) u.push_back(std::log(run.s(i)));
  std::vector<std::vector<T>> seen(run.observer ? u.size() : 0, std::vector<T>(x.size()));
  AdaptiveFlow<T> flow(run, tolerance);
  std::vector<T> x0(to_zero ? x.size() / static_cast<std::size_t>(run.count(x)) : 0);
  for (std::int64_t v = 0; v < run.count(x); ++v) {
    const auto own = x.subspan(static_cast<std::size_t>(v * run.dim), static_cast<std::size_t>(run.dim));
    std::int64_t calls = flow.follow(own, u, [&](std::size_t level, const std::vector<T>& state) {
      if (run.observer) std::copy(state.begin(), state.end(), seen[level].begin() + v * run.dim);
    });
    if (to_zero) {
      run.denoise(run.s(run.steps() - 1), own, x0);
      std::copy(x0.begin(), x0.end(), own.begin());
      ++calls;
    }
    run.tell(v, "nfe", static_cast<double>(calls));
  }
  for (std::size_t level = 1; level < seen.size(); ++level) run.observe(static_cast<std::int64_t>(level), seen[level]);
  if (to_zero) run.observe(run.steps(), x);
}

}  // namespace

Sampler rk45_sampler() {
  Sampler self;
  self.name = "rk45";
  self.summary = "adaptive Runge-Kutta of order 5 for the probability flow, each sample by its own steps";
  self.order = 5;
  self.calls_per_step = 6;
  self.affine = false;
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
