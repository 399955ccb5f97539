#include "metric/planes.hpp"
#include "metric/risk.hpp"

namespace noiseutils {
namespace {

/// The J-invariant loss: pixels are taken out of the noisy sample, on a grid of width w, and the denoiser guesses them:
///   jloss = mean_i (f_i(y with the grid of i replaced) - y_i)^2
/// over all w x w places of the grid (w along a row of what is no image); a replaced pixel is the mean of its
/// neighbours inside the image, weights 2 beside and 1 at the corners, in each channel. Its mean is the mean squared
/// error of that guess plus the noise variance, since the guess does not know the noise of y_i; jloss_mse is the
/// difference. Source: Batson, Royer, ICML 2019, eq. (3) and section 4.
class InvariantLoss : public AdditiveMetric<3> {
 public:
  explicit InvariantLoss(const OptionValues& options)
      : width_(options.integer("grid")), sigma_(options.maybe_number("sigma")) {}

  void add(const MetricSample& sample) override {
    const SampleNoise noise = sample_noise(sample.noise(), sigma_);
    const std::vector<double> y = doubles(sample.data());
    check_support(noise, y);
    const double sigma = noise.level(y);
    const Planes planes = planes_of(sample);
    if (planes.width < 2)
      throw DataError("jloss needs neighbours, data has shape " + shape_text(sample.data().shape()));
    const std::vector<double> guess = neighbours(y, planes);
    for (std::int64_t row = 0; row < std::min(width_, planes.height); ++row)
      for (std::int64_t column = 0; column < std::min(width_, planes.width); ++column)
        add_grid(sample, planes, y, guess, row, column, sigma);
    for (const double value : y) sums_[1] += noise.variance_from_noisy(value);
    sums_[2] += sample.elements();
  }
  std::vector<NamedValue> finish() const override {
    return {{"jloss", sums_[0] / sums_[2]}, {"jloss_mse", (sums_[0] - sums_[1]) / sums_[2]}};
  }

 private:
  static std::vector<double> neighbours(const std::vector<double>& y, const Planes& planes) {
    std::vector<double> mean(y.size());
    const std::int64_t h = planes.height, w = planes.width;
    for (std::int64_t i = 0; i < planes.count * h * w; ++i) {
      const std::int64_t x = i % w, row = i / w % h;
      double sum = 0, weights = 0;
      for (std::int64_t dy = -1; dy <= 1; ++dy)
        for (std::int64_t dx = -1; dx <= 1; ++dx) {
          if ((dy == 0 && dx == 0) || row + dy < 0 || row + dy >= h || x + dx < 0 || x + dx >= w) continue;
          const double weight = dy == 0 || dx == 0 ? 2 : 1;
          sum += weight * y[static_cast<std::size_t>(i + dy * w + dx)];
          weights += weight;
        }
      mean[static_cast<std::size_t>(i)] = sum / weights;
    }
    return mean;
  }

  void add_grid(const MetricSample& sample, const Planes& planes, const std::vector<double>& y,
                const std::vector<double>& guess, std::int64_t row, std::int64_t column, double sigma) {
    const auto on_grid = [&](auto&& visit) {
      for (std::int64_t plane = 0; plane < planes.count; ++plane)
        for (std::int64_t r = row; r < planes.height; r += width_)
          for (std::int64_t c = column; c < planes.width; c += width_)
            visit(static_cast<std::size_t>((plane * planes.height + r) * planes.width + c));
    };
    Tensor masked = Tensor::of<double>(sample.data().shape(), y);
    const auto values = masked.mutable_values<double>();
    on_grid([&](std::size_t i) { values[i] = guess[i]; });
    const std::vector<double> f = doubles(sample.denoiser().estimate(sample.axes(), masked, sigma));
    on_grid([&](std::size_t i) { sums_[0] += (f[i] - y[i]) * (f[i] - y[i]); });
  }

  std::int64_t width_;
  std::optional<double> sigma_;
};

}  // namespace

MetricEntry jloss_metric() {
  std::vector<OptionSpec> options = denoiser_options();
  options.push_back(sigma_option());
  options.push_back(
      integer("grid", "W", "pixels between those taken out together").otherwise("4").at_least(2).at_most(64));
  return {.name = "jloss",
          .summary = "J-invariant loss: how well the denoiser guesses pixels that it was not shown",
          .options = std::move(options),
          .make = make_metric<InvariantLoss>,
          .needs_noise = true};
}

}  // namespace noiseutils
