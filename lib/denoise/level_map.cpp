#include "denoise/level_map.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace noiseutils {
namespace {

constexpr double kStep = 1.1;
constexpr std::int64_t kVectors = 1 << 20;  // maps are prepared for many, whatever the size of the image

class LevelMap : public VectorMap {
 public:
  LevelMap(std::shared_ptr<const Model> model, std::int64_t dim, double least, double most, VectorVariance variance)
      : model_(std::move(model)), dim_(dim), least_(least), variance_(std::move(variance)) {
    const auto levels = 1 + static_cast<int>(std::ceil(std::log(std::max(1.0, most / least)) / std::log(kStep)));
    for (int i = 0; i < levels; ++i) maps_.push_back(model_->denoiser(std::sqrt(least * std::pow(kStep, i)), kVectors));
  }
  std::int64_t dim() const override { return dim_; }
  void apply(std::span<const float> in, std::span<float> out) const override { apply_as(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { apply_as(in, out); }

 private:
  std::size_t level(std::span<const double> vector) const {
    const double at = std::log(std::max(least_, variance_(vector)) / least_) / std::log(kStep);
    return std::min(maps_.size() - 1, static_cast<std::size_t>(std::lround(at)));
  }

  /// Vectors are sorted by level, mapped level by level, and put back.
  template <class Real>
  void apply_as(std::span<const Real> in, std::span<Real> out) const {
    const auto all = static_cast<std::size_t>(dim_), d = static_cast<std::size_t>(model_->dim());
    const std::size_t count = in.size() / all;
    std::vector<std::size_t> levels(count), first(maps_.size() + 1), order(count);
    std::vector<double> vector(all);
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(in.begin() + static_cast<std::ptrdiff_t>(i * all), all, vector.begin());
      levels[i] = level(vector);
      ++first[levels[i] + 1];
    }
    for (std::size_t l = 0; l < maps_.size(); ++l) first[l + 1] += first[l];
    std::vector<Real> sorted(count * d);
    std::vector<std::size_t> next(first.begin(), first.end() - 1);
    for (std::size_t i = 0; i < count; ++i) {
      order[i] = next[levels[i]]++;
      std::copy_n(in.data() + i * all, d, sorted.data() + order[i] * d);
    }
    for (std::size_t l = 0; l < maps_.size(); ++l) {
      const auto part = std::span(sorted).subspan(first[l] * d, (first[l + 1] - first[l]) * d);
      if (!part.empty()) maps_[l]->apply(std::span<const Real>(part), part);
    }
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(sorted.data() + order[i] * d, d, out.data() + i * all);
      std::fill_n(out.data() + i * all + d, all - d, Real(0));
    }
  }

  std::shared_ptr<const Model> model_;
  std::int64_t dim_;
  double least_;
  VectorVariance variance_;
  std::vector<std::unique_ptr<VectorMap>> maps_;
};

}  // namespace

std::unique_ptr<VectorMap> level_map(std::shared_ptr<const Model> model, std::int64_t dim, double least, double most,
                                     VectorVariance variance) {
  return std::make_unique<LevelMap>(std::move(model), dim, least, most, std::move(variance));
}

}  // namespace noiseutils
