#include "model/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"
#include "train/mixture_em.hpp"
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

/// The levels of patches: their law, and the patches without them.
struct Levels {
  std::vector<double> means, variances;  ///< of the coefficient along the unit vector of each channel; noisy
};

template <class T>
Levels take_levels(std::vector<T>& rows, std::int64_t d, std::int64_t channels) {
  Levels levels{std::vector<double>(index(channels)), std::vector<double>(index(channels))};
  const std::int64_t n = std::ssize(rows) / d, pixels = channels > 0 ? d / channels : d;
  for (std::int64_t c = 0; c < channels; ++c) {
    std::vector<double> along;
    for (std::int64_t i = 0; i < n; ++i) {
      T* const row = rows.data() + i * d + c * pixels;
      double sum = 0;
      for (std::int64_t j = 0; j < pixels; ++j) sum += static_cast<double>(row[j]);
      const double mean = sum / static_cast<double>(pixels);
      for (std::int64_t j = 0; j < pixels; ++j) row[j] = static_cast<T>(static_cast<double>(row[j]) - mean);
      along.push_back(mean * std::sqrt(static_cast<double>(pixels)));
      levels.means[index(c)] += along.back() / static_cast<double>(n);
    }
    for (const double value : along)
      levels.variances[index(c)] +=
          (value - levels.means[index(c)]) * (value - levels.means[index(c)]) / static_cast<double>(n);
  }
  return levels;
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
  bool resumable() const override { return true; }
  void save(Record& state) override { sample_.save(state); }
  void load(const Record& state) { sample_.load(state); }

  std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) override {
    std::vector<T> rows = sample_.rows();
    const std::int64_t d = layout_.dim(), n = std::ssize(rows) / d;
    if (n < 2 * request_.components)
      throw DataError(std::to_string(request_.components) + " components want at least " +
                      std::to_string(2 * request_.components) + " vectors to learn from; there are " +
                      std::to_string(n));
    const Levels levels = take_levels(rows, d, request_.levels);
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
    const double scale = std::sqrt(square);
    request_.noise_variance = noise_variance / (scale * scale);
    MixtureFit fit =
        layout_.patch > 0 ? fit_scaled<float>(rows, centre, scale) : fit_scaled<double>(rows, centre, scale);
    return model_of(std::move(info), std::move(fit), levels, centre, scale, n);
  }

 private:
  /// Vectors about their mean, of unit variance: the arithmetic is the same in all units.
  template <class Real>
  MixtureFit fit_scaled(const std::vector<T>& rows, const std::vector<double>& centre, double scale) const {
    const std::int64_t d = layout_.dim();
    std::vector<Real> scaled(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      scaled[i] = static_cast<Real>((static_cast<double>(rows[i]) - centre[i % index(d)]) / scale);
    return fit_mixture(MixtureRows<Real>{scaled.data(), std::ssize(rows) / d, d}, request_);
  }

  std::unique_ptr<Model> model_of(ModelInfo info, MixtureFit fit, const Levels& levels,
                                  const std::vector<double>& centre, double scale, std::int64_t n) const {
    const std::int64_t d = layout_.dim(), channels = request_.levels;
    MixtureLaw law = std::move(fit.law);
    const double noise = fit.noise_variance * scale * scale;
    if (*std::max_element(law.eigenvalues.begin(), law.eigenvalues.end()) +
            *std::max_element(law.residual_variances.begin(), law.residual_variances.end()) <=
        0)
      throw DataError("the noise variance " + format_number(noise) + " is above all that varies in the data");
    const double pixels = channels > 0 ? static_cast<double>(d / channels) : 1;
    for (std::size_t i = 0; i < law.means.size(); ++i) {
      law.means[i] = law.means[i] * scale + centre[i % index(d)];
      if (channels > 0)
        law.means[i] += levels.means[i % index(d) / static_cast<std::size_t>(pixels)] / std::sqrt(pixels);
    }
    for (double& value : law.eigenvalues) value *= scale * scale;
    for (double& value : law.residual_variances) value *= scale * scale;
    std::size_t row = 0;
    for (const std::int64_t rank : law.ranks) {
      for (std::size_t c = 0; c < index(channels); ++c)
        law.eigenvalues[row + c] = std::max(0.0, levels.variances[c] - noise);
      row += index(rank);
    }
    law.eigenvectors = law.eigenvectors.converted(layout_.dtype);
    const auto vectors = static_cast<double>(n);
    double likelihood = fit.log_likelihood - vectors * static_cast<double>(d - channels) * std::log(scale);
    for (const double variance : levels.variances)
      likelihood -= vectors / 2 * (1 + std::log(2 * std::numbers::pi * std::max(variance, 1e-300)));
    const double numbers = mixture_bic(fit_of(law, fit), request_, n) + 2 * fit.log_likelihood;
    law.facts["model.log_likelihood"] = format_number(likelihood / vectors);
    law.facts["model.bic"] =
        format_number(-2 * likelihood + numbers + 2 * static_cast<double>(channels) * std::log(vectors));
    info.kind = "mixture";
    if (request_.fit_noise) info.noise = json_text({{"family", "gaussian"}, {"sigma", std::sqrt(noise)}});
    return std::make_unique<MixtureModel>(std::move(info), std::move(law));
  }

  static MixtureFit fit_of(const MixtureLaw& law, const MixtureFit& fit) {
    MixtureFit with_law;
    with_law.law = law;
    with_law.log_likelihood = fit.log_likelihood;
    return with_law;
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
