#include "noise/response_curve.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "random/math.hpp"

namespace noiseutils {

ResponseCurve::ResponseCurve(const NoiseMap& table) {
  const auto values = table.values.values<double>();
  const Shape& shape = table.values.shape();
  const bool is_row = std::count_if(shape.begin(), shape.end(), [](std::int64_t n) { return n > 1; }) == 1;
  if (!is_row)  // an image of one row is one, too
    throw DataError("--crf " + table.file + " is " + shape_text(shape) + ", not one row of at least 2 values");
  for (std::size_t i = 1; i < values.size(); ++i)
    if (values[i] <= values[i - 1])
      throw DataError("--crf " + table.file + " does not increase at element " + std::to_string(i));
  for (const double v : values) table_.push_back((v - values.front()) / (values.back() - values.front()));
}

std::size_t ResponseCurve::segment_of(double value) const {
  const auto above = std::upper_bound(table_.begin(), table_.end(), value);
  const auto i = static_cast<std::size_t>(std::max<std::ptrdiff_t>(above - table_.begin(), 1)) - 1;
  return std::min(i, table_.size() - 2);
}

double ResponseCurve::value(double light) const {
  if (table_.empty()) return portable::pow(light, 1 / gamma_);
  const double place = light * static_cast<double>(table_.size() - 1);
  const std::size_t i = std::min(static_cast<std::size_t>(place), table_.size() - 2);
  return table_[i] + (place - static_cast<double>(i)) * (table_[i + 1] - table_[i]);
}

double ResponseCurve::light(double value) const {
  if (table_.empty()) return portable::pow(value, gamma_);
  const std::size_t i = segment_of(value);
  const double part = (value - table_[i]) / (table_[i + 1] - table_[i]);
  return (static_cast<double>(i) + part) / static_cast<double>(table_.size() - 1);
}

double ResponseCurve::light_slope(double value) const {
  if (table_.empty()) return gamma_ * portable::pow(value, gamma_ - 1);
  const std::size_t i = segment_of(value);
  return 1 / ((table_[i + 1] - table_[i]) * static_cast<double>(table_.size() - 1));
}

}  // namespace noiseutils
