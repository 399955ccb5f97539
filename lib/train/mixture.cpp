#include "model/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/number.hpp"
#include "train/mixture_em.hpp"
#include "train/mixture_units.hpp"
#include "train/statistics.hpp"
#include "train/vector_sample.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMostNumbers = std::int64_t{1} << 27;  // of all covariances: 1 GiB

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::vector<OptionSpec> mixture_options() {
  OptionSpec seed = text("seed", "S", "seed of the vectors' choice and of the starts, 0 to 2^64-1, or random");
  seed.type = OptionType::seed;
  return {
      integer("components", "K", "Gaussians; default: 64 for patches, 10 for whole samples").at_least(1).at_most(65536),
      text("rank", "R|auto",
           "eigenpairs of each, beside one residual variance, or as many as the data show; default: a quarter of a "
           "patch's elements, auto for whole samples"),
      integer("size-sample", "N", "learn from N random vectors, where there are more")
          .otherwise("200000")
          .at_least(2)
          .at_most(1 << 30),
      integer("iterations", "I", "steps of expectation-maximisation at most; default: 15 for patches, else 200")
          .at_least(1)
          .at_most(1000000),
      integer("restarts", "A", "starts, of which the likeliest end counts; default: 1 for patches, else 10")
          .at_least(1)
          .at_most(1000000),
      choice("noise", {"known", "fit"}, "the noise variance: as the metadata or --sigma say, or fitted")
          .otherwise("known"),
      number("prior", "NU",
             "vectors that the prior of a covariance, .001 of the mean variance, weighs as much as; default: the "
             "dimension for patches, else 0")
          .at_least(0)
          .at_most(1e12),
      flag("upright", "do not turn and mirror patches by chance"),
      seed.otherwise("0"),
  };
}

MixtureRequest request_of(const VectorLayout& layout, const OptionValues& given) {
  const bool patches = layout.patch > 0;
  const auto whole = [&](const char* name, std::int64_t of_patches, std::int64_t otherwise) {
    return given.has(name) ? given.integer(name) : patches ? of_patches : otherwise;
  };
  MixtureRequest request;
  request.components = whole("components", 64, 10);
  request.iterations = whole("iterations", 15, 200);
  request.restarts = whole("restarts", 1, 10);
  request.fit_noise = given.text("noise") == "fit";
  request.prior_count = given.has("prior") ? given.number("prior") : patches ? static_cast<double>(layout.dim()) : 0;
  request.seed = given.seed();
  request.zero_means = patches;
  request.levels = !patches ? 0 : layout.axes == "CHW" ? layout.shape[0] : 1;
  const std::string rank = given.text("rank");
  if (rank.empty()) {
    request.rank = patches ? std::max<std::int64_t>(1, layout.dim() / 4) : 0;
  } else if (rank != "auto") {
    request.rank = with_context("--rank", [&] { return parse_integer(rank); });
    if (request.rank < 1) throw UsageError("--rank " + rank + ": expected auto or a number from 1 on");
  }
  if (request.levels >= layout.dim()) throw DataError("patches of one pixel have no more than a level");
  if (request.components * layout.dim() * layout.dim() > kMostNumbers)
    throw DataError(std::to_string(request.components) + " covariances of " + std::to_string(layout.dim()) +
                    " dimensions are too many numbers; learn fewer (--components), or patches (--patch)");
  if (request.fit_noise && request.rank == 0)
    throw UsageError("--noise fit wants a --rank: what is beyond it is the noise");
  return request;
}

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
        request_(request_of(layout, given)),
        sample_(layout, given.integer("size-sample"), request_.seed, !given.flag("upright")) {}

  std::int64_t count() const override { return sample_.count(); }
  void add(const TrainSamples& samples) override { sample_.add(samples); }
  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const MixtureStatistics<T>*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    sample_.merge(same->sample_);
  }
  void save(Record& state) override { sample_.save(state); }
  void load(const Record& state) { sample_.load(state); }

  std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) override {
    std::vector<T> rows = sample_.rows();
    const std::int64_t d = layout_.dim(), n = std::ssize(rows) / d;
    if (n < 2 * request_.components)
      throw DataError(std::to_string(request_.components) + " components want at least " +
                      std::to_string(2 * request_.components) + " vectors to learn from; there are " +
                      std::to_string(n));
    const LevelMoments levels = take_all_levels(rows, d, request_.levels);
    std::vector<double> centre(index(d), 0.0);
    if (request_.levels == 0)
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
  MixtureRequest request_;
  VectorSample<T> sample_;
};

template <class T>
std::unique_ptr<Statistics> load(const VectorLayout& layout, const OptionValues& given, const Record& state) {
  auto statistics = std::make_unique<MixtureStatistics<T>>(layout, given);
  statistics->load(state);
  return statistics;
}

}  // namespace

TrainKind mixture_training() {
  return {"mixture", "a mixture of Gaussians of low rank, by expectation-maximisation", mixture_options(),
          [](const VectorLayout& layout, const OptionValues& given) -> std::unique_ptr<Statistics> {
            if (layout.dtype == DType::F64) return std::make_unique<MixtureStatistics<double>>(layout, given);
            return std::make_unique<MixtureStatistics<float>>(layout, given);
          },
          [](const VectorLayout& layout, const OptionValues& given, const Record& state) {
            return layout.dtype == DType::F64 ? load<double>(layout, given, state) : load<float>(layout, given, state);
          }};
}

}  // namespace noiseutils
