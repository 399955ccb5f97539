#include "train/missing.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "model/patch_geometry.hpp"
#include "noise/measure.hpp"
#include "random/random.hpp"
#include "train/covariance.hpp"

namespace noiseutils {
namespace {

using Mask = std::vector<std::uint8_t>;

constexpr std::int64_t kLargestDim = 2048;
constexpr std::int64_t kMostValues = std::int64_t{1} << 28;  // of all vectors together: 2 GiB
// Samples said to be clean are taken to carry noise of this share of their variance: else what is sure of few of them
// would leave nothing to learn from the others.
constexpr double kLeastNoise = 1e-6;

/// The elements that the operator leaves as they are, where it puts the others to 0; DataError if it does anything
/// else.
Mask seen_through(const Operator& map) {
  const auto size = static_cast<std::size_t>(map.input().size());
  std::vector<double> probe(size), image(static_cast<std::size_t>(map.output().size()));
  fill_normal({0, Purpose::probe, 0, 0}, 0, std::span<double>(probe));
  map.apply(probe, image);
  Mask seen(size);
  bool is_mask = map.input() == map.output();
  for (std::size_t i = 0; is_mask && i < size; ++i) {
    seen[i] = image[i] == probe[i] ? 1 : 0;
    is_mask = seen[i] == 1 || image[i] == 0;
  }
  if (!is_mask) throw DataError("the operator in its metadata is no mask: --missing knows only what is seen or not");
  return seen;
}

/// The companion `mask` of the whole sample or of its pixels, each for all channels; else the mask in the metadata;
/// else everything is seen.
Mask mask_of_sample(const Record& sample) {
  const Tensor& data = sample.require("data");
  Mask seen(static_cast<std::size_t>(data.size()), 1);
  if (const Tensor* mask = sample.find("mask")) {
    const std::string axes = axes_of(sample);
    Shape pixels = data.shape();
    if (axes.starts_with("C")) pixels.erase(pixels.begin());
    if (mask->shape() != data.shape() && mask->shape() != pixels)
      throw DataError("the companion mask has shape " + shape_text(mask->shape()) + ", data " +
                      shape_text(data.shape()));
    const Tensor values = mask->converted(DType::F64);
    const auto value = values.values<double>();
    for (std::size_t i = 0; i < seen.size(); ++i) seen[i] = value[i % value.size()] != 0 ? 1 : 0;
  } else if (const auto map = operator_of_sample(sample)) {
    seen = seen_through(*map);
  }
  if (std::find(seen.begin(), seen.end(), 1) == seen.end()) throw DataError("its mask hides everything");
  return seen;
}

class MissingStatistics : public Statistics {
 public:
  MissingStatistics(VectorLayout layout, const OptionValues& given)
      : layout_(std::move(layout)), request_(covariance_request(given)), steps_(given.integer("steps")) {
    if (layout_.dim() > kLargestDim)
      throw DataError("--missing learns vectors of at most " + std::to_string(kLargestDim) + " elements, these have " +
                      std::to_string(layout_.dim()) + ": learn patches");
    // The estimate takes the noise and the gaps into account; the shrinkers know of samples without either.
    if (!given.given("shrink")) request_.shrinker = &shrinkers().front();
    vectors_.dim = layout_.dim();
  }

  std::int64_t count() const override { return vectors_.count(); }

  void add(const TrainSamples& samples) override {
    const SamplesOfRecord all(samples.record);
    for (std::int64_t i = 0; i < all.count(); ++i) {
      const Record sample = all.at(i);
      const double variance = samples.variances[static_cast<std::size_t>(i)];
      const Mask seen = mask_of_sample(sample);
      const Tensor data = sample.require("data").converted(DType::F64);
      if (layout_.patch == 0) {
        append(data.values<double>(), seen, variance);
        continue;
      }
      const PatchGeometry geometry = patch_geometry(samples.axes, samples.shape, layout_.patch);
      std::vector<double> patch(static_cast<std::size_t>(geometry.dim())), patch_seen(patch.size());
      const std::vector<double> image_seen(seen.begin(), seen.end());
      for (std::int64_t k = 0; k < geometry.count(); ++k) {
        gather_patches<double>(geometry, data.values<double>(), k, patch);
        gather_patches<double>(geometry, image_seen, k, patch_seen);
        append(patch, Mask(patch_seen.begin(), patch_seen.end()), variance);
      }
    }
  }

  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const MissingStatistics*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    const auto dim = static_cast<std::size_t>(vectors_.dim);
    for (std::size_t i = 0; i < same->vectors_.mask_of.size(); ++i)
      append(std::span(same->vectors_.values).subspan(i * dim, dim), same->vectors_.masks[same->vectors_.mask_of[i]],
             same->vectors_.variances[i]);
  }

  bool resumable() const override { return true; }
  void save(Record& state) override {
    const std::int64_t n = count(), masks = static_cast<std::int64_t>(vectors_.masks.size());
    std::vector<std::uint8_t> all;
    for (const Mask& mask : vectors_.masks) all.insert(all.end(), mask.begin(), mask.end());
    state.tensors["count"] = Tensor::of<std::int64_t>({}, {n});
    state.tensors["rows"] = Tensor::of<double>({n, vectors_.dim}, vectors_.values);
    state.tensors["masks"] = Tensor::of<std::uint8_t>({masks, vectors_.dim}, all);
    state.tensors["mask_of_row"] = Tensor::of<std::int64_t>({n}, {vectors_.mask_of.begin(), vectors_.mask_of.end()});
    state.tensors["variance_of_row"] = Tensor::of<double>({n}, vectors_.variances);
  }

  void load(const Record& state) {
    const std::int64_t n = state.require("mask_of_row").size(), masks = state.require("masks").size() / vectors_.dim;
    const Tensor &rows = require_tensor(state, "rows", DType::F64, {n, vectors_.dim}),
                 &all = require_tensor(state, "masks", DType::U8, {masks, vectors_.dim}),
                 &mask_of = require_tensor(state, "mask_of_row", DType::I64, {n}),
                 &variances = require_tensor(state, "variance_of_row", DType::F64, {n});
    if (require_count(state) != n) throw DataError("tensor \"count\" is not the number of rows");
    const auto dim = static_cast<std::size_t>(vectors_.dim);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      const std::int64_t at = mask_of.values<std::int64_t>()[i];
      if (at < 0 || at >= masks) throw DataError("tensor \"mask_of_row\" names a mask that is not there");
      const auto mask = all.values<std::uint8_t>().subspan(static_cast<std::size_t>(at) * dim, dim);
      append(rows.values<double>().subspan(i * dim, dim), Mask(mask.begin(), mask.end()),
             variances.values<double>()[i]);
    }
  }

  std::unique_ptr<Model> finish(ModelInfo info, double) override {
    double seen = 0, square = 0;
    for (std::size_t i = 0; i < vectors_.mask_of.size(); ++i)
      for (std::size_t j = 0; j < static_cast<std::size_t>(vectors_.dim); ++j)
        if (vectors_.masks[vectors_.mask_of[i]][j] != 0) {
          const double value = vectors_.values[i * static_cast<std::size_t>(vectors_.dim) + j];
          seen += 1;
          square += value * value;
        }
    for (double& variance : vectors_.variances) variance = std::max(variance, kLeastNoise * square / seen);
    MaskedLaw law = masked_law(vectors_, steps_);
    CovarianceSample sample{{count(), std::move(law.mean), std::move(law.covariance)}, 1, 0, {}};
    // As many full vectors as would show as many values.
    sample.degrees = std::max(1.0, seen / static_cast<double>(vectors_.dim) - 1);
    return covariance_model(std::move(info), layout_.dtype, std::move(sample), request_);
  }

 private:
  void append(std::span<const double> values, const Mask& seen, double variance) {
    if (std::find(seen.begin(), seen.end(), 1) == seen.end()) return;  // a patch of which nothing is there
    if (static_cast<std::int64_t>(vectors_.values.size()) + vectors_.dim > kMostValues)
      throw DataError("--missing keeps all vectors: more than 2 GiB of them; learn from fewer, or smaller patches");
    const auto [found, is_new] = number_of_.try_emplace(seen, vectors_.masks.size());
    if (is_new) vectors_.masks.push_back(seen);
    vectors_.mask_of.push_back(found->second);
    for (std::size_t j = 0; j < seen.size(); ++j) vectors_.values.push_back(seen[j] != 0 ? values[j] : 0);
    vectors_.variances.push_back(variance);
  }

  VectorLayout layout_;
  CovarianceRequest request_;
  std::int64_t steps_;
  MaskedVectors vectors_;
  std::map<Mask, std::size_t> number_of_;
};

}  // namespace

std::unique_ptr<Statistics> missing_statistics(const VectorLayout& layout, const OptionValues& given) {
  return std::make_unique<MissingStatistics>(layout, given);
}

std::unique_ptr<Statistics> missing_statistics(const VectorLayout& layout, const OptionValues& given,
                                               const Record& state) {
  auto statistics = std::make_unique<MissingStatistics>(layout, given);
  statistics->load(state);
  return statistics;
}

}  // namespace noiseutils
