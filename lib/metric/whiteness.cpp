#include <cmath>
#include <limits>

#include "base/threads.hpp"
#include "metric/distributions.hpp"
#include "metric/planes.hpp"
#include "metric/sample_noise.hpp"
#include "metric/vector_metric.hpp"

namespace noiseutils {
namespace {

/// Is the standardised residual r = (y - f) / sigma(f) white? Its correlation at each lag d of a half plane of radius
/// L,
///   rho_d = [sum_p r_p r_{p+d} / n_d] / [sum_p r_p^2 / n],  over the n_d pairs inside the image, r less its mean,
/// has variance 1 / n_d where r is white; Q = sum_d n_d rho_d^2 is then chi-square with one degree a lag (Box, Pierce,
/// Journal of the American Statistical Association 65, 1970; here by pairs, in the plane), and p its tail.
class ResidualWhiteness : public VectorMetric {
 public:
  explicit ResidualWhiteness(const OptionValues& options) : ResidualWhiteness(options, options.integer("lags")) {}

  void add(const MetricSample& sample) override {
    std::vector<double> r = standardised_residual(sample, sigma_);
    const Planes planes = planes_of(sample);
    double mean = 0;
    for (const double value : r) mean += value;
    mean /= static_cast<double>(r.size());
    for (double& value : r) {
      value -= mean;
      sums_[0] += value * value;
    }
    sums_[1] += static_cast<double>(r.size());
    std::vector<double> products(lags_.size());
    parallel_blocks(static_cast<std::int64_t>(lags_.size()), [&](std::int64_t k) {
      const auto i = static_cast<std::size_t>(k);
      products[i] = product(r, planes, lags_[i]);
    });
    for (std::size_t k = 0; k < lags_.size(); ++k) {
      sums_[2 + 2 * k] += products[k];
      sums_[3 + 2 * k] += pairs(planes, lags_[k]);
    }
  }

  std::vector<NamedValue> finish() const override {
    double statistic = 0, degrees = 0;
    for (std::size_t k = 0; k < lags_.size(); ++k) {
      const double n = sums_[3 + 2 * k];
      if (n == 0) continue;
      statistic += n * correlation(k) * correlation(k);
      degrees += 1;
    }
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return {{"whiteness", degrees > 0 ? chi_square_tail(statistic, degrees) : nan},
            {"whiteness_q", statistic},
            {"whiteness_lags", degrees},
            {"whiteness_x", correlation(0)},
            {"whiteness_y", correlation(lag_below_)}};
  }

 private:
  struct Lag {
    std::int64_t dy, dx;
  };

  ResidualWhiteness(const OptionValues& options, std::int64_t radius)
      : VectorMetric(static_cast<std::size_t>(2 + ((2 * radius + 1) * (2 * radius + 1) - 1))),
        sigma_(options.maybe_number("sigma")) {
    for (std::int64_t dy = 0; dy <= radius; ++dy)
      for (std::int64_t dx = dy == 0 ? 1 : -radius; dx <= radius; ++dx) {
        if (dy == 1 && dx == 0) lag_below_ = lags_.size();
        lags_.push_back({dy, dx});
      }
  }

  static double pairs(const Planes& planes, const Lag& lag) {
    const std::int64_t rows = std::max<std::int64_t>(0, planes.height - lag.dy);
    const std::int64_t columns = std::max<std::int64_t>(0, planes.width - std::abs(lag.dx));
    return static_cast<double>(planes.count * rows * columns);
  }
  static double product(const std::vector<double>& r, const Planes& planes, const Lag& lag) {
    double sum = 0;
    const std::int64_t from = std::max<std::int64_t>(0, -lag.dx), to = planes.width - std::max<std::int64_t>(0, lag.dx);
    for (std::int64_t plane = 0; plane < planes.count; ++plane)
      for (std::int64_t y = 0; y + lag.dy < planes.height; ++y) {
        const double* row = r.data() + (plane * planes.height + y) * planes.width;
        const double* other = row + lag.dy * planes.width + lag.dx;
        for (std::int64_t x = from; x < to; ++x) sum += row[x] * other[x];
      }
    return sum;
  }
  double correlation(std::size_t k) const { return sums_[2 + 2 * k] / sums_[3 + 2 * k] / (sums_[0] / sums_[1]); }

  std::optional<double> sigma_;
  std::vector<Lag> lags_;
  std::size_t lag_below_ = 0;
};

}  // namespace

MetricEntry whiteness_metric() {
  return {.name = "whiteness",
          .summary = "p-value of a test that the residual (noisy - data) / sigma is white; its correlations",
          .options = {sigma_option(),
                      integer("lags", "L", "largest distance along each axis").otherwise("4").at_least(1).at_most(64)},
          .make = make_metric<ResidualWhiteness>,
          .needs_noise = true,
          .higher_is_better = true};
}

}  // namespace noiseutils
