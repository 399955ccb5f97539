#include "model/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "train/mixture_em.hpp"
#include "train/mixture_options.hpp"
#include "train/mixture_passes.hpp"
#include "train/mixture_units.hpp"
#include "train/vector_sample.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The levels of all rows, which are left without them.
template <class T>
LevelMoments take_all_levels(std::vector<T>& rows, std::int64_t d, std::int64_t channels) {
  LevelMoments moments(channels);
  std::vector<double> levels(index(std::ssize(rows) / d * channels));
  for (std::int64_t i = 0; channels > 0 && i < std::ssize(rows) / d; ++i)
    take_levels(rows.data() + i * d, d, channels, levels.data() + i * channels);
  moments.add(levels);
  return moments;
}

template <class T>
class MixtureStatistics : public Statistics {
 public:
  MixtureStatistics(VectorLayout layout, const OptionValues& given)
      : layout_(layout),
        given_(given),
        request_(mixture_request(layout, given)),
        sample_(layout, given.integer("size-sample"), request_.seed, !given.flag("upright")) {}

  std::int64_t count() const override { return passes_ ? passes_->count() : sample_.count(); }
  void add(const TrainSamples& samples) override {
    if (passes_)
      passes_->add(samples);
    else
      sample_.add(samples);
  }
  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const MixtureStatistics<T>*>(&other);
    if (same == nullptr) throw DataError("is of a pass from a --start, the states before are of samples");
    sample_.merge(same->sample_);
  }
  bool resumable() const override { return !passes_; }
  void save(Record& state) override { sample_.save(state); }
  void load(const Record& state) { sample_.load(state); }

  /// After the sample the passes over all vectors, from what it gave.
  bool again(double noise_variance) override {
    if (passes_) return passes_->again(noise_variance);
    if (!given_.has("passes")) return false;
    ModelInfo info;
    info.axes = layout_.axes;
    info.shape = layout_.shape;
    info.patch = layout_.patch;
    info.stride = layout_.stride;
    passes_ = mixture_passes(layout_, given_, *finish(info, noise_variance)->mixture(), noise_variance);
    return true;
  }

  std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) override {
    if (passes_) return passes_->finish(std::move(info), noise_variance);
    std::vector<T> rows = sample_.rows();
    const std::int64_t d = layout_.dim(), n = std::ssize(rows) / d;
    if (n < 2 * request_.components)
      throw DataError(std::to_string(request_.components) + " components want at least " +
                      std::to_string(2 * request_.components) + " vectors to learn from; there are " +
                      std::to_string(n));
    const LevelMoments levels = take_all_levels(rows, d, request_.levels);
    std::vector<double> centre(index(d), 0.0);
    if (!request_.zero_means)
      for (std::int64_t i = 0; i < n * d; ++i)
        centre[index(i % d)] += static_cast<double>(rows[index(i)]) / static_cast<double>(n);
    double square = 0, level = 0;
    for (std::int64_t i = 0; i < n * d; ++i) {
      const double away = static_cast<double>(rows[index(i)]) - centre[index(i % d)];
      square += away * away / static_cast<double>(n * d);
    }
    for (const double value : request_.levels == 0 ? centre : levels.means) level = std::max(level, std::abs(value));
    const double rounding = 8 * static_cast<double>(std::numeric_limits<T>::epsilon()) * level;
    if (square <= rounding * rounding) throw DataError("nothing varies: there is no mixture to learn");
    if (!std::isfinite(square))
      throw DataError("the moments are beyond what can be held; bring the data to a smaller scale (--scale)");
    const MixtureUnits units{std::move(centre), std::sqrt(square)};
    request_.noise_variance = noise_variance / square;
    MixtureFit fit = layout_.patch > 0 ? fit_scaled<float>(rows, units) : fit_scaled<double>(rows, units);
    return mixture_model(std::move(info), layout_.dtype, std::move(fit), request_, units, levels, n);
  }

 private:
  /// Vectors about their mean, of unit variance: the arithmetic is the same in all units.
  template <class Real>
  MixtureFit fit_scaled(const std::vector<T>& rows, const MixtureUnits& units) const {
    const std::int64_t d = layout_.dim();
    std::vector<Real> scaled(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      scaled[i] = static_cast<Real>((static_cast<double>(rows[i]) - units.centre[i % index(d)]) / units.scale);
    return fit_mixture(MixtureRows<Real>{scaled.data(), std::ssize(rows) / d, d}, request_);
  }

  VectorLayout layout_;
  OptionValues given_;
  MixtureRequest request_;
  VectorSample<T> sample_;
  std::unique_ptr<Statistics> passes_;
};

template <class T>
std::unique_ptr<Statistics> load(const VectorLayout& layout, const OptionValues& given, const Record& state) {
  auto statistics = std::make_unique<MixtureStatistics<T>>(layout, given);
  statistics->load(state);
  return statistics;
}

}  // namespace

TrainKind mixture_training() {
  return {"mixture",
          "a mixture of Gaussians of low rank, by expectation-maximisation",
          mixture_options(),
          [](const VectorLayout& layout, const OptionValues& given) -> std::unique_ptr<Statistics> {
            if (given.has("start")) return mixture_passes(layout, given);
            if (layout.dtype == DType::F64) return std::make_unique<MixtureStatistics<double>>(layout, given);
            return std::make_unique<MixtureStatistics<float>>(layout, given);
          },
          [](const VectorLayout& layout, const OptionValues& given, const Record& state) {
            if (is_pass_state(state)) return mixture_passes(layout, given, state);
            return layout.dtype == DType::F64 ? load<double>(layout, given, state) : load<float>(layout, given, state);
          },
          mixture_reads_again};
}

}  // namespace noiseutils
