#include <cmath>
#include <memory>
#include <numbers>
#include <vector>

#include "base/error.hpp"
#include "noise/elementwise.hpp"
#include "noise/families.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// y(h, w) = x(h, w) + row n_h + column m_w, n and m standard normal: stripes, as line drivers and column amplifiers of
/// sensors make them. Every plane (channel, frame) has its own.
class RowColumnNoise : public Noise {
 public:
  RowColumnNoise(double row, double column) : row_(row), column_(column) {}
  std::string family() const override { return "row-column"; }
  NoiseParameters parameters() const override { return {{"row", row_}, {"column", column_}}; }
  std::unique_ptr<Noise> of_sample(const NoiseKey&, const SampleGeometry& geometry) const override {
    if (!geometry.axes.ends_with("HW"))
      throw DataError("row-column noise needs samples whose last axes are HW, not " + geometry.axes);
    return nullptr;
  }
  std::unique_ptr<NoiseDraw> begin(const NoiseKey& key, const Tensor& clean,
                                   const SampleGeometry& geometry) const override {
    const auto height = static_cast<std::size_t>(geometry.shape[geometry.shape.size() - 2]);
    const auto width = static_cast<std::size_t>(geometry.shape.back());
    const std::size_t planes = static_cast<std::size_t>(clean.size()) / (height * width);
    std::vector<double> rows(planes * height, 0), columns(planes * width, 0);
    add_normal(key.stream(Purpose::noise), 0, rows, row_, rows);
    add_normal(key.stream(Purpose::noise_aux), 0, columns, column_, columns);
    auto noise = [=, rows = std::move(rows), columns = std::move(columns)](std::size_t e) {
      const std::size_t row = e / width;
      return rows[row] + columns[row / height * width + (e - row * width)];
    };
    return std::make_unique<AdditiveDraw<decltype(noise)>>(std::move(noise));
  }
  VarianceLaw variance() const override { return {row_ * row_ + column_ * column_, 0, 0}; }
  /// Of one element by itself; those of a row are not independent.
  double log_likelihood(double y, double x) const override {
    const double variance = row_ * row_ + column_ * column_;
    return -0.5 * (y - x) * (y - x) / variance - 0.5 * portable::log(2 * std::numbers::pi * variance);
  }

 private:
  double row_, column_;
};

}  // namespace

NoiseFamily row_column_noise() {
  return {
      "row-column",
      "stripes: one normal number for every row and one for every column",
      {number_or_range("row", "S|A:B", "standard deviation between rows, in units of data; A:B: each sample its own")
           .otherwise("0")
           .at_least(0)
           .at_most(1e30),
       number_or_range("column", "S|A:B", "standard deviation between columns, in units of data")
           .otherwise("0")
           .at_least(0)
           .at_most(1e30)},
      [](const NoiseSettings& given) -> std::unique_ptr<Noise> {
        const double row = require_parameter(given.numbers, "row");
        const double column = require_parameter(given.numbers, "column");
        if (row == 0 && column == 0) throw UsageError("row-column needs --row or --column above 0");
        return std::make_unique<RowColumnNoise>(row, column);
      }};
}

}  // namespace noiseutils
