#include "train/mixture_passes.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/threads.hpp"
#include "model/model_kinds.hpp"
#include "model/model_tensors.hpp"
#include "model/patch_geometry.hpp"
#include "random/random.hpp"
#include "train/mixture_sums.hpp"
#include "train/mixture_units.hpp"
#include "train/pass_start.hpp"
#include "train/vector_sample.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kPatchesAtATime = 16384;  // of an image: their members fill the products of a component
constexpr std::int64_t kPatchesAPiece = 512;
constexpr std::int64_t kSamplesAtATime = 4096;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

template <class Real>
class PassStatistics : public Statistics {
 public:
  PassStatistics(const VectorLayout& layout, const OptionValues& given, PassStart start,
                 std::optional<double> noise_variance)
      : layout_(layout),
        start_(std::move(start)),
        request_(mixture_request(layout, given, start_.law)),
        batch_(given.has("online") ? given.integer("online") : 0),
        turns_(turns_of(layout, !given.flag("upright"))),
        levels_(request_.levels),
        noise_is_given_(noise_variance.has_value()) {
    if (noise_variance) begin(*noise_variance);
  }

  std::int64_t count() const override { return vectors_; }

  void add(const TrainSamples& samples) override {
    for (const double variance : samples.variances) take_noise(variance);
    if (layout_.dtype == DType::F64)
      add_as<double>(samples);
    else
      add_as<float>(samples);
  }

  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const PassStatistics*>(&other);
    if (same == nullptr) throw DataError("is of a sample, the states before are of passes from a --start");
    if (!same_start(start_, same->start_))
      throw DataError("was made under start model " + pass_start_name(same->start_, layout_) +
                      ", the states before under " + pass_start_name(start_, layout_));
    take_noise(same->noise_variance_);
    sums_.merge(same->sums_);
    levels_.merge(same->levels_);
    vectors_ += same->vectors_;
  }

  void save(Record& state) override {
    const std::int64_t components = sums_.components(), d = sums_.dim(), channels = request_.levels;
    state.tensors["count"] = Tensor::of({}, std::vector<std::int64_t>{vectors_});
    state.tensors["log_likelihood"] = Tensor::of<double>({}, {sums_.log_likelihood});
    state.tensors["square"] = Tensor::of<double>({}, {sums_.square});
    state.tensors["sum"] = Tensor::of<double>({d}, sums_.sum);
    state.tensors["component_counts"] = Tensor::of<double>({components}, sums_.counts);
    state.tensors["component_shifts"] = Tensor::of<double>({components, d}, sums_.shifts);
    state.tensors["component_scatters"] = Tensor::of<double>({components, d * (d + 1) / 2}, sums_.scatters);
    state.tensors["level_means"] = Tensor::of<double>({channels}, levels_.means);
    state.tensors["level_scatters"] = Tensor::of<double>({channels}, levels_.scatters);
    state.tensors["noise_variance"] = Tensor::of<double>({}, {noise_variance_});
    save_pass_start(start_, layout_, state);
  }

  void load(const Record& state) {
    const double variance = require_values(state, "noise_variance", {})[0];
    if (!(variance >= 0)) throw DataError("tensor \"noise_variance\" is below 0");
    begin(variance);
    const std::int64_t components = sums_.components(), d = sums_.dim(), channels = request_.levels;
    vectors_ = require_count(state);
    sums_.count = levels_.count = static_cast<double>(vectors_);
    sums_.log_likelihood = require_values(state, "log_likelihood", {})[0];
    sums_.square = require_values(state, "square", {})[0];
    sums_.sum = require_values(state, "sum", {d});
    sums_.counts = require_values(state, "component_counts", {components});
    sums_.shifts = require_values(state, "component_shifts", {components, d});
    sums_.scatters = require_values(state, "component_scatters", {components, d * (d + 1) / 2});
    levels_.means = require_values(state, "level_means", {channels});
    levels_.scatters = require_values(state, "level_scatters", {channels});
    for (const double count : sums_.counts)
      if (count < 0) throw DataError("tensor \"component_counts\" holds a number below 0");
  }

  /// The M-step, unless the likelihood stands still or these were the last vectors.
  bool again(double) override {
    if (batch_ > 0) return false;
    const MixtureFit fit = maximised(sums_, law_, request_, t_, true);
    const double objective = fit.objective.back();
    still_ = passes_ > 0 && objective - objective_ <= 1e-9 * std::abs(objective);
    objective_ = objective;
    if (still_ || ++passes_ >= request_.iterations) return false;
    take_law(fit);
    sums_ = MixtureSums(law_.components(), layout_.dim());
    levels_ = LevelMoments(request_.levels);
    vectors_ = 0;
    return true;
  }

  std::unique_ptr<Model> finish(ModelInfo info, double) override {
    if (batch_ > 0 && std::ssize(buffer_) > 0) move_online();
    MixtureFit fit;
    if (batch_ > 0 || still_) {
      fit.law = law_;
      fit.noise_variance = t_;
      fit.log_likelihood = batch_ > 0 ? sums_.log_likelihood * static_cast<double>(vectors_) : sums_.log_likelihood;
    } else {
      fit = maximised(sums_, law_, request_, t_, true);
    }
    fit.law.level_rows = request_.levels;
    return mixture_model(std::move(info), layout_.dtype, std::move(fit), request_, units_, levels_, vectors_);
  }

 private:
  /// The noise variance of all vectors.
  void take_noise(double variance) {
    if (noise_is_given_) return;
    if (!begun_) begin(variance);
    if (std::abs(variance - noise_variance_) > 1e-9 * std::max(variance, noise_variance_))
      throw DataError("has noise of standard deviation " + format_number(std::sqrt(variance)) +
                      ", the samples before of " + format_number(std::sqrt(noise_variance_)) +
                      ": passes from a --start want one for all (--sigma)");
  }

  void begin(double noise_variance) {
    const std::int64_t d = layout_.dim();
    begun_ = true;
    noise_variance_ = noise_variance;
    const double t = request_.fit_noise ? start_.fitted_noise : noise_variance;
    units_ = units_of(start_.law, d, t);
    const double square = units_.scale * units_.scale;
    request_.noise_variance = noise_variance / square;
    MixtureFit fit;
    fit.law = scaled_law(start_.law, d, units_);
    fit.noise_variance = t / square;
    std::vector<double>& means = fit.law.means;
    const bool at_zero = std::all_of(means.begin(), means.end(), [](double m) { return std::abs(m) < 1e-9; });
    if (request_.zero_means && !at_zero) throw DataError("has means other than 0: no --zero-means");
    request_.zero_means = request_.zero_means || (request_.levels > 0 && at_zero);
    if (request_.zero_means) std::fill(means.begin(), means.end(), 0.0);
    sums_ = batch_ > 0 ? expected_sums(fit.law, d, fit.noise_variance) : MixtureSums(fit.law.components(), d);
    take_law(fit);
  }

  void take_law(const MixtureFit& fit) {
    law_ = fit.law;
    t_ = fit.noise_variance;
    density_.emplace(law_, layout_.dim(), t_, static_cast<const Real*>(nullptr));
  }

  template <class T>
  void add_as(const TrainSamples& samples) {
    const auto n = static_cast<std::int64_t>(samples.variances.size());
    if (layout_.patch == 0) {
      const Tensor all = samples.record.require("data").reshaped({n, layout_.dim()});
      for (std::int64_t first = 0; first < n; first += kSamplesAtATime)
        add_whole(all.slice(first, std::min(kSamplesAtATime, n - first)).converted(DType::F64));
      return;
    }
    const PatchGeometry geometry = patch_geometry(samples.axes, samples.shape, layout_.patch, layout_.stride);
    for (std::int64_t i = 0; i < n; ++i) {
      const Tensor image = sample_of(samples.record, "data", i).converted(DTypeOf<T>::value);
      const StreamKey key{request_.seed, Purpose::train, static_cast<std::uint64_t>(samples.first + i), 0};
      for (std::int64_t first = 0; first < geometry.count(); first += kPatchesAtATime)
        add_patches<T>(geometry, image, key, first, std::min(kPatchesAtATime, geometry.count() - first));
    }
  }

  void add_whole(const Tensor& samples) {
    const std::int64_t d = layout_.dim();
    const auto values = samples.values<double>();
    std::vector<Real> rows(values.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      rows[i] = static_cast<Real>((values[i] - units_.centre[i % index(d)]) / units_.scale);
    add_rows(rows);
  }

  template <class T>
  void add_patches(const PatchGeometry& geometry, const Tensor& image, const StreamKey& key, std::int64_t first,
                   std::int64_t count) {
    const std::int64_t d = layout_.dim(), channels = request_.levels;
    std::vector<Real> rows(index(count * d));
    std::vector<double> levels(index(count * channels));
    const double share = 1 / units_.scale;
    parallel_blocks((count + kPatchesAPiece - 1) / kPatchesAPiece, [&](std::int64_t piece) {
      const std::int64_t begin = piece * kPatchesAPiece, n = std::min(kPatchesAPiece, count - begin);
      std::vector<T> upright(index(n * d)), turned(index(d));
      std::vector<double> keys(index(n));
      gather_patches<T>(geometry, image.values<T>(), first + begin, std::span<T>(upright));
      fill_uniform(key, static_cast<std::uint64_t>(first + begin), std::span<double>(keys));
      for (std::int64_t i = 0; i < n; ++i) {
        const std::vector<std::int32_t>& order = turns_.order(keys[index(i)]);
        for (std::size_t j = 0; j < turned.size(); ++j) turned[j] = upright[index(i * d + order[j])];
        take_levels(turned.data(), d, channels, levels.data() + (begin + i) * channels);
        Real* const to = rows.data() + (begin + i) * d;
        for (std::int64_t j = 0; j < d; ++j)
          to[j] = static_cast<Real>((static_cast<double>(turned[index(j)]) - units_.centre[index(j)]) * share);
      }
    });
    levels_.add(levels);
    add_rows(rows);
  }

  void add_rows(const std::vector<Real>& rows) {
    const std::int64_t d = layout_.dim(), n = std::ssize(rows) / d;
    vectors_ += n;
    if (batch_ == 0) return sums_.add(*density_, law_.means, request_.zero_means, MixtureRows<Real>{rows.data(), n, d});
    for (std::int64_t first = 0; first < n;) {
      const std::int64_t part = std::min(n - first, batch_ - std::ssize(buffer_) / d);
      buffer_.insert(buffer_.end(), rows.begin() + first * d, rows.begin() + (first + part) * d);
      first += part;
      if (std::ssize(buffer_) == batch_ * d) move_online();
    }
  }

  /// The statistics of the vectors in the buffer into the running ones, and the M-step.
  void move_online() {
    const std::int64_t d = layout_.dim(), n = std::ssize(buffer_) / d;
    MixtureSums found(law_.components(), d);
    found.add(*density_, law_.means, request_.zero_means, MixtureRows<Real>{buffer_.data(), n, d});
    buffer_.clear();
    ++passes_;
    const double share = static_cast<double>(n) / static_cast<double>(batch_);
    const double gain = share * std::pow(static_cast<double>(passes_) + 1, -0.6);
    seen_ += static_cast<double>(n);
    found.scale(gain / static_cast<double>(n));
    if (passes_ == 1) sums_.log_likelihood = found.log_likelihood / gain;  // the start expects none
    sums_.scale(1 - gain);
    sums_.merge(found);
    MixtureSums all = sums_;
    all.scale(seen_);
    const MixtureFit fit = maximised(all, law_, request_, t_, false);
    sums_.move(law_.means, fit.law.means);
    take_law(fit);
  }

  VectorLayout layout_;
  PassStart start_;
  MixtureRequest request_;
  std::int64_t batch_;  ///< of --online, 0: passes
  PatchTurns turns_;
  LevelMoments levels_;
  bool noise_is_given_, begun_ = false, still_ = false;
  double noise_variance_ = 0, t_ = 0;  ///< in the units of the data, known; in those of the fit, of the law
  MixtureUnits units_;
  MixtureLaw law_;
  std::optional<Density<Real>> density_;
  MixtureSums sums_;  ///< with --online running means
  std::vector<Real> buffer_;
  std::int64_t vectors_ = 0, passes_ = 0;
  double objective_ = 0, seen_ = 0;
};

template <class Real>
std::unique_ptr<Statistics> loaded(const VectorLayout& layout, const OptionValues& given, const Record& state) {
  auto statistics = std::make_unique<PassStatistics<Real>>(layout, given, load_pass_start(layout, state), std::nullopt);
  statistics->load(state);
  return statistics;
}

std::unique_ptr<Statistics> passes_from(const VectorLayout& layout, const OptionValues& given, PassStart start,
                                        std::optional<double> noise_variance) {
  if (layout.patch > 0) return std::make_unique<PassStatistics<float>>(layout, given, std::move(start), noise_variance);
  return std::make_unique<PassStatistics<double>>(layout, given, std::move(start), noise_variance);
}

}  // namespace

std::unique_ptr<Statistics> mixture_passes(const VectorLayout& layout, const OptionValues& given,
                                           const MixtureModel& start, std::optional<double> noise_variance) {
  return passes_from(layout, given, pass_start(layout, start, given.text("noise") == "fit"), noise_variance);
}

std::unique_ptr<Statistics> mixture_passes(const VectorLayout& layout, const OptionValues& given) {
  const std::string path = given.text("start");
  const std::unique_ptr<Model> model = load_model(path);
  return with_context(path, [&] {
    if (model->mixture() == nullptr)
      throw DataError("is of kind " + model->info().kind + ", a --start is a mixture (train-linear mixture)");
    return mixture_passes(layout, given, *model->mixture(), std::nullopt);
  });
}

std::unique_ptr<Statistics> mixture_passes(const VectorLayout& layout, const OptionValues& given, const Record& state) {
  return layout.patch > 0 ? loaded<float>(layout, given, state) : loaded<double>(layout, given, state);
}

bool is_pass_state(const Record& state) { return !state.meta("state.start").empty(); }

}  // namespace noiseutils
