#include "train/scaled_vectors.hpp"

#include <algorithm>

#include "base/threads.hpp"
#include "model/patch_geometry.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kPatchesAtATime = 16384;  // of an image: their members fill the products of a component
constexpr std::int64_t kPatchesAPiece = 512;
constexpr std::int64_t kSamplesAtATime = 4096;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

template <class Real>
void ScaledVectors<Real>::for_each_run(const TrainSamples& samples, const MixtureUnits& units, const Use& use) const {
  const auto n = static_cast<std::int64_t>(samples.variances.size());
  const std::int64_t d = layout_.dim();
  if (layout_.patch > 0) {
    for (std::int64_t i = 0; i < n; ++i) {
      const Tensor image = sample_of(samples.record, "data", i);
      if (layout_.dtype == DType::F64)
        patches_of<double>(image.converted(DType::F64), samples, i, units, use);
      else
        patches_of<float>(image.converted(DType::F32), samples, i, units, use);
    }
    return;
  }
  const Tensor all = samples.record.require("data").reshaped({n, d});
  std::vector<Real> rows;
  for (std::int64_t first = 0; first < n; first += kSamplesAtATime) {
    const Tensor part = all.slice(first, std::min(kSamplesAtATime, n - first)).converted(DType::F64);
    const auto values = part.values<double>();
    rows.resize(values.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      rows[i] = static_cast<Real>((values[i] - units.centre[i % index(d)]) / units.scale);
    use(rows, {});
  }
}

/// Of sample `number` of the record.
template <class Real>
template <class T>
void ScaledVectors<Real>::patches_of(const Tensor& image, const TrainSamples& samples, std::int64_t number,
                                     const MixtureUnits& units, const Use& use) const {
  const PatchGeometry geometry = patch_geometry(samples.axes, samples.shape, layout_.patch, layout_.stride);
  const StreamKey key{seed_, Purpose::train, static_cast<std::uint64_t>(samples.first + number), 0};
  const std::int64_t d = layout_.dim();
  const double share = 1 / units.scale;
  std::vector<Real> rows;
  std::vector<double> levels;
  for (std::int64_t first = 0; first < geometry.count(); first += kPatchesAtATime) {
    const std::int64_t count = std::min(kPatchesAtATime, geometry.count() - first);
    rows.resize(index(count * d));
    levels.resize(index(count * channels_));
    parallel_blocks((count + kPatchesAPiece - 1) / kPatchesAPiece, [&](std::int64_t piece) {
      const std::int64_t begin = piece * kPatchesAPiece, n = std::min(kPatchesAPiece, count - begin);
      std::vector<T> upright(index(n * d)), turned(index(d));
      std::vector<double> keys(index(n));
      gather_patches<T>(geometry, image.values<T>(), first + begin, std::span<T>(upright));
      fill_uniform(key, static_cast<std::uint64_t>(first + begin), std::span<double>(keys));
      for (std::int64_t i = 0; i < n; ++i) {
        const std::vector<std::int32_t>& order = turns_.order(keys[index(i)]);
        for (std::size_t j = 0; j < turned.size(); ++j) turned[j] = upright[index(i * d + order[j])];
        take_levels(turned.data(), d, channels_, levels.data() + (begin + i) * channels_);
        Real* const to = rows.data() + (begin + i) * d;
        for (std::int64_t j = 0; j < d; ++j)
          to[j] = static_cast<Real>((static_cast<double>(turned[index(j)]) - units.centre[index(j)]) * share);
      }
    });
    use(rows, levels);
  }
}

template class ScaledVectors<float>;
template class ScaledVectors<double>;

}  // namespace noiseutils
