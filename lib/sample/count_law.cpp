#include "sample/count_law.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "model/linear_model.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

/// log of (trials choose k)
double log_choose(double trials, double k) {
  return portable::log_factorial(trials) - portable::log_factorial(k) - portable::log_factorial(trials - k);
}

/// c log x, where 0 log 0 = 0
double times_log(double c, double x) { return c > 0 ? c * std::log(x) : 0; }

std::vector<double> vectors_of(const Model& model, bool points) {
  if (const auto all = model.points()) {
    const Tensor doubles = all->converted(DType::F64);
    const auto values = doubles.values<double>();
    return {values.begin(), values.end()};
  }
  if (const LinearModel* linear = points ? nullptr : model.linear())
    return {linear->mean().begin(), linear->mean().end()};
  throw UsageError(std::string("--sampler blackout --counts ") + (points ? "points" : "poisson or binomial") +
                   " knows the law of counts for a model of kind empirical" +
                   (points ? "" : ", or by the mean of a Gaussian") + "; this is " + model.info().kind);
}

}  // namespace

double CountDistribution::draw(double u) const {
  const double end = poisson ? HUGE_VAL : trials;
  if (mean() <= 0) return 0;
  if (!poisson && rate >= 1) return trials;
  const double mode = std::min(end, std::floor(poisson ? rate : (trials + 1) * rate)), odds = rate / (1 - rate);
  // p(k + 1) / p(k)
  const auto ratio = [&](double k) { return poisson ? rate / (k + 1) : (trials - k) / (k + 1) * odds; };
  const double at_mode =
      std::exp(poisson ? mode * std::log(rate) - rate - portable::log_factorial(mode)
                       : log_choose(trials, mode) + times_log(mode, rate) + times_log(trials - mode, 1 - rate));
  double up = mode, p_up = at_mode, down = mode, p_down = at_mode;
  u -= at_mode;
  while (u >= 0 && p_up + p_down > 0) {
    if (up < end) {
      p_up *= ratio(up);
      if ((u -= p_up) < 0) return up + 1;
      ++up;
    } else {
      p_up = 0;
    }
    if (down > 0) {
      p_down /= ratio(down - 1);
      if ((u -= p_down) < 0) return down - 1;
      --down;
    } else {
      p_down = 0;
    }
  }
  return mode;
}

CountLaw::CountLaw(Family family, double trials, const Model& model)
    : family_(family),
      trials_(trials),
      dim_(static_cast<std::size_t>(model.dim())),
      x_(vectors_of(model, family == Family::points)) {
  for (const double value : x_) {
    const bool count = value == std::floor(value);
    if (value < 0 || (family == Family::points && !count) || (family == Family::binomial && value > trials))
      throw DataError("--sampler blackout: the model has the value " + format_number(value) +
                      (value < 0                  ? ", and rates of counts are not negative"
                       : family == Family::points ? ", which is no count"
                                                  : ", more than --trials " + format_number(trials)));
  }
}

double CountLaw::log_likelihood(std::size_t i, double p, std::span<const double> counts) const {
  double sum = 0;
  for (std::size_t j = 0; j < dim_; ++j) {
    const double x = x_[i * dim_ + j], n = counts[j];
    switch (family_) {
      case Family::poisson:
        sum += times_log(n, x * p) - x * p;
        break;
      case Family::binomial:
        sum += times_log(n, x / trials_ * p) + times_log(trials_ - n, 1 - x / trials_ * p);
        break;
      case Family::points:
        sum += x < n ? -HUGE_VAL : log_choose(x, n) + times_log(n, p) + times_log(x - n, 1 - p);
        break;
    }
  }
  return sum;
}

std::vector<double> CountLaw::weights(double p, std::span<const double> counts) const {
  std::vector<double> w(x_.size() / dim_);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = log_likelihood(i, p, counts);
  const double largest = *std::max_element(w.begin(), w.end());
  for (double& value : w) value = largest == -HUGE_VAL ? 0 : std::exp(value - largest);
  return w;
}

CountDistribution CountLaw::missing(std::size_t i, std::size_t j, double p, double count) const {
  const double x = x_[i * dim_ + j];
  if (family_ == Family::poisson) return {true, (1 - p) * x, 0};
  if (family_ == Family::points) return {false, 1, std::max(0.0, x - count)};
  const double q = x / trials_;
  return {false, q * (1 - p) / (1 - q * p), std::max(0.0, trials_ - count)};
}

}  // namespace noiseutils
