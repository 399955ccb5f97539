#include <algorithm>

#include "base/error.hpp"
#include "base/number.hpp"
#include "noise/mask_operator.hpp"
#include "noise/operator_argument.hpp"
#include "noise/operators.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

class Mask : public Operator {
 public:
  Mask(const SampleLayout& sample, std::vector<std::uint8_t> kept) : Operator(sample, sample), kept_(std::move(kept)) {}
  void apply(std::span<const double> x, std::span<double> y) const override {
    for (std::size_t i = 0; i < kept_.size(); ++i) y[i] = kept_[i] != 0 ? x[i] : 0;
  }
  void adjoint(std::span<const double> y, std::span<double> x) const override { apply(y, x); }
  double norm() const override { return std::find(kept_.begin(), kept_.end(), 1) == kept_.end() ? 0 : 1; }
  bool has_pseudo_inverse() const override { return true; }
  void pseudo_inverse(std::span<const double> y, std::span<double> x) const override { apply(y, x); }

 private:
  std::vector<std::uint8_t> kept_;
};

/// A mask over a sample without its axis C, for each channel the same: a pixel is kept or lost as a whole.
std::vector<std::uint8_t> for_each_channel(const SampleLayout& sample, const std::vector<std::uint8_t>& kept) {
  const std::size_t axis = sample.axes.find('C');
  if (axis == std::string::npos) return kept;
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < sample.shape.size(); ++i) inner *= static_cast<std::size_t>(sample.shape[i]);
  const std::size_t block = inner * static_cast<std::size_t>(sample.shape[axis]);
  std::vector<std::uint8_t> all(static_cast<std::size_t>(sample.size()));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = kept[i / block * inner + i % inner];
  return all;
}

std::int64_t channels_of(const SampleLayout& sample) {
  const std::size_t axis = sample.axes.find('C');
  return axis == std::string::npos ? 1 : sample.shape[axis];
}

std::shared_ptr<const Operator> random_mask(double fraction, const SampleLayout& sample, const StreamKey& key) {
  std::vector<double> uniform(static_cast<std::size_t>(sample.size() / channels_of(sample)));
  fill_uniform(key, 0, std::span<double>(uniform));
  std::vector<std::uint8_t> kept(uniform.size());
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = uniform[i] < fraction ? 1 : 0;
  return masking(sample, for_each_channel(sample, kept));
}

std::shared_ptr<const Operator> mask_of_file(const OperatorFile& file, const SampleLayout& sample) {
  std::vector<std::uint8_t> kept;
  const Tensor values = file.values.converted(DType::F64);
  for (const double value : values.values<double>()) kept.push_back(value != 0 ? 1 : 0);
  if (file.values.shape() == sample.shape) return masking(sample, std::move(kept));
  Shape without_channels = sample.shape;
  if (const std::size_t axis = sample.axes.find('C'); axis != std::string::npos)
    without_channels.erase(without_channels.begin() + static_cast<std::ptrdiff_t>(axis));
  if (file.values.shape() != without_channels)
    throw DataError("the mask has shape " + shape_text(file.values.shape()) + ", the sample " +
                    shape_text(sample.shape));
  return masking(sample, for_each_channel(sample, kept));
}

OperatorRecipe parse_mask(const std::string& argument, const Tensor* travelled) {
  if (travelled == nullptr && looks_like_number(argument)) {
    const double fraction = parse_number(argument);
    if (fraction <= 0 || fraction > 1) throw UsageError("expected the fraction kept, above 0 and at most 1");
    return {[fraction](const SampleLayout& sample, const StreamKey& key) { return random_mask(fraction, sample, key); },
            true};
  }
  const OperatorFile file = operator_file(argument, travelled);
  return {[file](const SampleLayout& sample, const StreamKey&) { return mask_of_file(file, sample); }, false, file};
}

}  // namespace

std::shared_ptr<const Operator> masking(const SampleLayout& sample, std::vector<std::uint8_t> kept) {
  return std::make_shared<Mask>(sample, std::move(kept));
}

OperatorKind mask_operator() {
  return {"mask", "mask:P or mask:FILE", "keep a fraction P of the pixels, or those not 0 in FILE", true, parse_mask};
}

}  // namespace noiseutils
