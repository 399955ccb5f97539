#include "train/mixture_passes.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "model/model_kinds.hpp"
#include "model/model_tensors.hpp"
#include "train/law_tensors.hpp"
#include "train/mixture_pass_state.hpp"
#include "train/mixture_sums.hpp"
#include "train/mixture_units.hpp"
#include "train/pass_start.hpp"
#include "train/scaled_vectors.hpp"

namespace noiseutils {
namespace {

template <class Real>
class PassStatistics : public Statistics {
 public:
  PassStatistics(const VectorLayout& layout, const OptionValues& given, PassStart start,
                 std::optional<double> noise_variance)
      : layout_(layout),
        start_(std::move(start)),
        request_(mixture_request(layout, given, start_.law)),
        batch_(given.has("online") ? given.integer("online") : 0),
        vectors_of_(layout, start_.law.level_rows, request_.seed, !given.flag("upright")),
        levels_(request_.levels),
        noise_is_given_(noise_variance.has_value()) {
    if (noise_variance) begin(*noise_variance);
  }

  std::int64_t count() const override { return vectors_; }

  void add(const TrainSamples& samples) override {
    last_.reset();
    for (const double variance : samples.variances) take_noise(variance);
    vectors_of_.for_each_run(samples, units_, [&](const std::vector<Real>& rows, const std::vector<double>& levels) {
      levels_.add(levels);
      add_rows(rows);
    });
  }

  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const PassStatistics*>(&other);
    if (same == nullptr) throw DataError("is of a sample, the states before are of passes from a --start");
    if (!same_start(start_, same->start_))
      throw DataError("was made under start model " + pass_start_name(same->start_, layout_) +
                      ", the states before under " + pass_start_name(start_, layout_));
    take_noise(same->noise_variance_);
    last_.reset();
    sums_.merge(same->sums_);
    levels_.merge(same->levels_);
    vectors_ += same->vectors_;
  }

  void save(Record& state) override {
    if (batch_ > 0) throw UsageError("--online keeps no state");
    save_sums(state);
  }

  void save_sums(Record& state) {
    state.tensors["count"] = Tensor::of({}, std::vector<std::int64_t>{vectors_});
    save_mixture_sums(sums_, levels_, state);
    state.tensors["noise_variance"] = Tensor::of<double>({}, {noise_variance_});
    state.tensors["passes"] = Tensor::of<double>({2}, {static_cast<double>(passes_), objective_});
    save_pass_start(start_, layout_, state);
  }

  bool resumable() const override { return true; }
  /// And where the passes stand: the law at hand, and the vectors that wait for a step of --online.
  void save_exactly(Record& state) override {
    const std::int64_t d = layout_.dim();
    save_sums(state);
    save_law(law_, d, "pass_", state);
    state.tensors["pass_numbers"] =
        Tensor::of<double>({6}, {t_, objective_, seen_, sums_.count, levels_.count, noise_is_given_ ? 1.0 : 0.0});
    state.tensors["pass_count"] = Tensor::of<std::int64_t>({}, {passes_});
    state.tensors["pass_buffer"] = Tensor::of<Real>({std::ssize(buffer_) / d, d}, buffer_);
  }

  void load(const Record& state) {
    if (state.find("pass_count") != nullptr) return load_exactly(state);
    begin(variance_of(state, "noise_variance"));
    read_sums(state);
  }

  void read_sums(const Record& state) {
    vectors_ = require_count(state);
    sums_.count = levels_.count = static_cast<double>(vectors_);
    load_mixture_sums(state, sums_, levels_);
    const std::vector<double> passes = require_values(state, "passes", {2});
    if (!(passes[0] >= 0 && passes[0] <= static_cast<double>(kMaxVectors)))
      throw DataError("tensor \"passes\" is out of range");
    passes_ = static_cast<std::int64_t>(passes[0]);
    objective_ = passes[1];
  }

  /// The M-step, unless the likelihood stands still or these were the last vectors.
  bool again(double) override {
    if (batch_ > 0) return false;
    MixtureFit fit = maximised(sums_, law_, request_, t_, true);
    const double objective = fit.objective.back() - log_units();
    still_ = passes_ > 0 && objective - objective_ <= 1e-9 * std::abs(fit.objective.back());
    objective_ = objective;
    if (still_) return false;
    if (++passes_ >= request_.iterations) {
      last_ = std::move(fit);
      return false;
    }
    // The law is the start of the next pass: a state is always that of one pass under its start.
    start_ = {unscaled_law(fit.law, layout_.dim(), units_), fit.noise_variance * units_.scale * units_.scale};
    begin(noise_variance_);
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
      fit = last_ ? std::move(*last_) : maximised(sums_, law_, request_, t_, true);
    }
    fit.law.level_rows = request_.levels;
    return mixture_model(std::move(info), layout_.dtype, std::move(fit), request_, units_, levels_, vectors_);
  }

 private:
  void load_exactly(const Record& state) {
    const std::int64_t d = layout_.dim();
    begin(variance_of(state, "noise_variance"));
    const std::vector<double> numbers = require_values(state, "pass_numbers", {6});
    for (const std::size_t k : {0U, 2U, 3U, 4U})  // a variance, and counts
      if (numbers[k] < 0) throw DataError("tensor \"pass_numbers\" holds " + format_number(numbers[k]));
    MixtureFit fit;
    fit.law = load_law(d, "pass_", state);
    if (fit.law.components() != start_.law.components() || fit.law.level_rows != request_.levels)
      throw DataError("is a damaged checkpoint: its law is not of the components and levels of its start");
    fit.noise_variance = numbers[0];
    take_law(fit);
    sums_ = MixtureSums(law_.components(), d);
    read_sums(state);
    objective_ = numbers[1];
    seen_ = numbers[2];
    sums_.count = numbers[3];
    levels_.count = numbers[4];
    noise_is_given_ = numbers[5] != 0;
    passes_ = require_tensor(state, "pass_count", DType::I64, {}).values<std::int64_t>()[0];
    if (passes_ < 0 || passes_ > kMaxVectors) throw DataError("tensor \"pass_count\" is " + std::to_string(passes_));
    const std::int64_t waiting = state.require("pass_buffer").size() / d;
    if (waiting > 0 && waiting >= batch_)  // --online takes a step as soon as there are enough
      throw DataError("tensor \"pass_buffer\" holds " + std::to_string(waiting) + " vectors");
    const Tensor& buffer = require_tensor(state, "pass_buffer", DTypeOf<Real>::value, {waiting, d});
    require_finite(buffer, "pass_buffer");
    buffer_.assign(buffer.values<Real>().begin(), buffer.values<Real>().end());
  }

  /// What a density in the units of the fit, and the prior's density of covariances there, have more in the objective
  /// than in those of the data, which all passes share.
  double log_units() const {
    const double densities = sums_.count + request_.prior_count * static_cast<double>(law_.components());
    return densities * static_cast<double>(layout_.dim() - request_.levels) * std::log(units_.scale);
  }

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
  ScaledVectors<Real> vectors_of_;
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
  std::optional<MixtureFit> last_;  ///< of all that was added, after the last pass
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
