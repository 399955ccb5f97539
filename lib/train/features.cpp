#include "model/features.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "random/random.hpp"
#include "train/fitted_range.hpp"
#include "train/moment_state.hpp"
#include "train/statistics.hpp"

namespace noiseutils {
namespace {

std::vector<OptionSpec> features_options() {
  OptionSpec seed = text("seed", "S", "seed of the random frequencies, 0 to 2^64-1, or random").otherwise("0");
  seed.type = OptionType::seed;
  return {
      choice("loss", {"supervised", "n2n", "sure"},
             "what the denoiser minimises; supervised needs the companion clean, n2n reference.1")
          .otherwise("sure"),
      integer("features", "M", "number of random features").otherwise("256").at_least(1).at_most(65536),
      number("length-scale", "L",
             "distance of vectors at which features change, in units of data; default: sqrt(d) / 10")
          .above(0)
          .at_most(1e30),
      number("ridge", "R", "penalty of the features' weights, relative to the variance of a feature")
          .otherwise("1e-3")
          .at_least(0)
          .at_most(1e6),
      seed,
      valid_option(),
  };
}

/// The mean over each channel of a patch is taken out of a frequency: images have little to do with their level, which
/// otherwise most of a feature is about (on 6 x 6 patches of photographs, noise 25/255: 27.3 dB instead of 26.8; the
/// affine denoiser reaches 26.0).
void remove_levels(const VectorLayout& layout, std::vector<double>& frequencies) {
  const auto pixels = static_cast<std::size_t>(layout.patch * layout.patch);
  for (std::size_t first = 0; first < frequencies.size(); first += pixels) {
    double mean = 0;
    for (std::size_t i = first; i < first + pixels; ++i) mean += frequencies[i] / static_cast<double>(pixels);
    for (std::size_t i = first; i < first + pixels; ++i) frequencies[i] -= mean;
  }
}

/// omega ~ N(0, I / l^2), p uniform on the circle: of Philox streams 0 and 1 of Purpose::train.
template <class T>
FourierFeatures random_features(const VectorLayout& layout, const OptionValues& given) {
  const std::int64_t dim = layout.dim(), count = given.integer("features");
  const double scale =
      given.has("length-scale") ? given.number("length-scale") : std::sqrt(static_cast<double>(dim)) / 10;
  std::vector<double> frequencies(static_cast<std::size_t>(count * dim)), phases(static_cast<std::size_t>(count));
  fill_normal({given.seed(), Purpose::train, 0, 0}, 0, std::span<double>(frequencies));
  fill_uniform({given.seed(), Purpose::train, 0, 1}, 0, std::span<double>(phases));
  for (double& value : frequencies) value /= scale;
  if (layout.patch > 1) remove_levels(layout, frequencies);
  for (double& value : phases) value *= 2 * std::numbers::pi;
  return {Tensor::of({count, dim}, frequencies).converted(layout.dtype), std::move(phases)};
}

std::vector<std::string> tensors_of(const OptionValues& given) {
  if (given.text("loss") == "supervised") return {"data", "clean"};
  if (given.text("loss") == "n2n") return {"data", "reference.1"};
  return {"data"};
}

/// The normal equations of the regression of x on z = (phi(y), y), in one pass:
///   [C W] = Cov(target, z) (Cov(z) + R diag(var phi, 0))^-1
/// with the target clean, another noisy copy, or none: by Stein's lemma noisy samples alone tell
///   E x phi_m = E y phi_m - s2 E grad phi_m,  grad phi_m = -sqrt(2) sin(omega_m . y + p_m) omega_m,
///   Cov(x, y) = Cov(y) - s2 I,
/// which makes the fit the minimiser of Stein's unbiased risk estimate (plus the ridge).
template <class T>
class FeatureStatistics : public VectorStatistics {
 public:
  FeatureStatistics(const VectorLayout& layout, const OptionValues& given)
      : VectorStatistics(layout, tensors_of(given)),
        features_(random_features<T>(layout, given)),
        ridge_(given.number("ridge")),
        loss_(given.text("loss")),
        range_(given),
        moments_(features_.count() + row_size()),
        sines_(static_cast<std::size_t>(features_.count())) {}

  std::int64_t count() const override { return moments_.count(); }
  void add_rows(std::int64_t first, const Tensor& rows, std::span<const double> variances) override {
    for (const double variance : variances) range_.add(variance);
    moments_.add(first, with_features(rows));
  }
  void add_patches(const Tensor& rows, double variance) override {
    range_.add(variance);
    moments_.add_whole(with_features(rows));
  }
  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const FeatureStatistics<T>*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    range_.merge(same->range_);
    moments_.merge(same->moments_);
    for (std::size_t m = 0; m < sines_.size(); ++m) sines_[m] += same->sines_[m];
  }
  void save(Record& state) override {
    range_.save(state);
    save_moments(moments_, state);
    state.tensors["sine_sum"] = Tensor::of({features_.count()}, sines_);
  }
  void save_exactly(Record& state) override {
    range_.save(state);
    save_moments_exactly(moments_, state);
    state.tensors["sine_sum"] = Tensor::of({features_.count()}, sines_);
  }
  bool resumable() const override { return true; }
  void skip(std::int64_t number) override {
    if (layout().patch == 0) moments_.skip(number);
  }
  void close() override { moments_.close(); }
  void load(const Record& state) {
    range_.load(state);
    moments_ = load_moments<T>(moments_.dim(), state);
    const Tensor& sums = require_tensor(state, "sine_sum", DType::F64, {features_.count()});
    sines_.assign(sums.values<double>().begin(), sums.values<double>().end());
  }

  std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) override {
    const Moments found = finite_moments(moments_);
    const std::int64_t d = layout().dim(), m = features_.count(), inputs = m + d, all = moments_.dim();
    const Eigen::Map<const Eigen::MatrixXd> joint(found.covariance.data(), all, all);
    const Eigen::Map<const Eigen::VectorXd> mean(found.mean.data(), all);
    Eigen::MatrixXd cross = joint.bottomRows(d).leftCols(inputs);  // Cov(target, z)
    if (loss_ == "sure") subtract_noise(noise_variance, static_cast<double>(found.count), cross);
    Eigen::MatrixXd normal = joint.topLeftCorner(inputs, inputs);
    const double unit = normal.diagonal().head(m).mean();
    normal.diagonal().head(m).array() += ridge_ * unit;
    const Eigen::LDLT<Eigen::MatrixXd> solver(normal);
    if (solver.info() != Eigen::Success || !solver.isPositive())
      throw DataError("the features are linearly dependent; give fewer of them, or a larger --ridge");
    const Eigen::MatrixXd weights = solver.solve(cross.transpose());  // inputs x d: row-major [C W] as it lies
    const Eigen::VectorXd offset = mean.tail(d) - weights.transpose() * mean.head(inputs);
    info.notes["loss"] = loss_;
    const std::vector<double> values(weights.data(), weights.data() + weights.size());
    return features_model(std::move(info), features_, Tensor::of({d, inputs}, values).converted(layout().dtype),
                          {offset.data(), offset.data() + d}, range_.finish());
  }

 private:
  /// Rows (phi(y), y, target); adds up the sines on the way.
  std::vector<T> with_features(const Tensor& rows) {
    const std::int64_t n = rows.axis(0), width = row_size(), d = layout().dim(), m = features_.count(), all = m + width;
    const std::span<const T> values = rows.values<T>();
    std::vector<T> y(static_cast<std::size_t>(n * d)), joint(static_cast<std::size_t>(n * all)),
        sines(static_cast<std::size_t>(n * m));
    for (std::int64_t i = 0; i < n; ++i) {
      std::copy_n(values.data() + i * width, d, y.data() + i * d);
      std::copy_n(values.data() + i * width, width, joint.data() + i * all + m);
    }
    features_.evaluate<T>(n, y.data(), joint.data(), all, sines.data());
    for (std::size_t e = 0; e < sines.size(); ++e) sines_[e % sines_.size()] += static_cast<double>(sines[e]);
    return joint;
  }

  void subtract_noise(double s2, double count, Eigen::MatrixXd& cross) const {
    const std::int64_t m = features_.count(), d = layout().dim();
    const Tensor omega = features_.frequencies.converted(DType::F64);
    for (std::int64_t k = 0; k < m; ++k)
      for (std::int64_t j = 0; j < d; ++j)
        cross(j, k) += s2 * sines_[static_cast<std::size_t>(k)] / count *
                       omega.values<double>()[static_cast<std::size_t>(k * d + j)];
    cross.rightCols(d).diagonal().array() -= s2;
  }

  FourierFeatures features_;
  double ridge_;
  std::string loss_;
  FittedRange range_;
  MomentAccumulator<T> moments_;
  std::vector<double> sines_;  // sums over vectors of sqrt(2) sin(omega_m . y + p_m)
};

template <class T>
std::unique_ptr<Statistics> loaded(const VectorLayout& layout, const OptionValues& given, const Record& state) {
  // Before features are drawn for it, the state must be of as many as it claims.
  require_tensor(state, "sine_sum", DType::F64, {given.integer("features")});
  auto statistics = std::make_unique<FeatureStatistics<T>>(layout, given);
  statistics->load(state);
  return statistics;
}

}  // namespace

TrainKind features_training() {
  return {"features", "random Fourier features and an affine part, for one noise level: ridge regression",
          features_options(),
          [](const VectorLayout& layout, const OptionValues& given) -> std::unique_ptr<Statistics> {
            if (layout.dtype == DType::F64) return std::make_unique<FeatureStatistics<double>>(layout, given);
            return std::make_unique<FeatureStatistics<float>>(layout, given);
          },
          [](const VectorLayout& layout, const OptionValues& given, const Record& state) {
            return layout.dtype == DType::F64 ? loaded<double>(layout, given, state)
                                              : loaded<float>(layout, given, state);
          }};
}

}  // namespace noiseutils
