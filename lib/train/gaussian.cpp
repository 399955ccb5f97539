#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "linalg/moments.hpp"
#include "train/covariance.hpp"
#include "train/fourth_moment.hpp"
#include "train/missing.hpp"
#include "train/moment_state.hpp"
#include "train/sketch.hpp"
#include "train/statistics.hpp"
#include "train/weighed.hpp"

namespace noiseutils {
namespace {

/// Mean and full covariance: Li, Dai, Qu 2024, section 3.
template <class T>
class GaussianStatistics : public VectorStatistics {
 public:
  GaussianStatistics(const VectorLayout& layout, MomentAccumulator<T> moments, const CovarianceRequest& request,
                     std::optional<FourthMoment> fourth)
      : VectorStatistics(layout), moments_(std::move(moments)), request_(request), fourth_(std::move(fourth)) {}
  std::int64_t count() const override { return moments_.count(); }
  void add_rows(std::int64_t first, const Tensor& rows, std::span<const double>) override {
    moments_.add(first, rows.values<T>());
    if (fourth_) fourth_->add(rows.values<T>(), moments_.dim());
  }
  void add_patches(const Tensor& rows, double) override {
    moments_.add_whole(rows.values<T>());
    if (fourth_) fourth_->add(rows.values<T>(), moments_.dim());
  }
  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const GaussianStatistics<T>*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    if (fourth_ && same->count() > 0) {
      MomentAccumulator<T> theirs = same->moments_;
      fourth_->merge(*same->fourth_, theirs.finish());
    }
    moments_.merge(same->moments_);
  }
  void save(Record& state) override {
    save_moments(moments_, state);
    if (fourth_) fourth_->save(state);
  }
  void save_exactly(Record& state) override {
    save_moments_exactly(moments_, state);
    if (fourth_) fourth_->save(state);
  }
  bool resumable() const override { return true; }
  void skip(std::int64_t number) override {
    if (layout().patch == 0) moments_.skip(number);
  }
  void close() override { moments_.close(); }
  std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) override {
    CovarianceSample sample{moments_.finish(), 1, noise_variance, {}};
    sample.degrees = static_cast<double>(sample.moments.count - 1);
    if (fourth_) sample.fourth = fourth_->mean(sample.moments);
    return covariance_model(std::move(info), layout().dtype, std::move(sample), request_);
  }

 private:
  MomentAccumulator<T> moments_;
  CovarianceRequest request_;
  std::optional<FourthMoment> fourth_;  // where the shrinker wants it
};

/// A covariance beyond any machine's memory is refused before it is asked for: most such are of arrays of samples by
/// elements that were read as one image.
void refuse_beyond_memory(const VectorLayout& layout) {
  constexpr std::int64_t kMostDimensions = 92000;  // d (d + 1) / 2 doubles in 32 GiB
  const std::int64_t dim = layout.dim();
  if (dim <= kMostDimensions) return;
  const double gib = static_cast<double>(dim) * static_cast<double>(dim) / 2 * sizeof(double) / (1 << 30);
  throw DataError("is " + layout.axes + shape_text(layout.shape) + ": a covariance of " + std::to_string(dim) +
                  " dimensions takes " + format_number(std::round(gib)) +
                  " GiB; an array of samples by elements needs --axes ND, or give --sketch");
}

bool wants_fourth(const CovarianceRequest& request) { return request.shrinker->name == "lw"; }

template <class T>
std::unique_ptr<Statistics> make(const VectorLayout& layout, const CovarianceRequest& request) {
  return std::make_unique<GaussianStatistics<T>>(layout, MomentAccumulator<T>(layout.dim()), request,
                                                 wants_fourth(request) ? std::optional(FourthMoment()) : std::nullopt);
}

template <class T>
std::unique_ptr<Statistics> load(const VectorLayout& layout, const CovarianceRequest& request, const Record& state) {
  std::optional<FourthMoment> fourth;
  if (wants_fourth(request)) fourth = FourthMoment::load(state, layout.dim());
  return std::make_unique<GaussianStatistics<T>>(layout, load_moments<T>(layout.dim(), state), request,
                                                 std::move(fourth));
}

}  // namespace

TrainKind gaussian_training() {
  std::vector<OptionSpec> options = covariance_options();
  for (const OptionSpec& option : sketch_options()) options.push_back(option);
  options.push_back(flag("weigh", "count samples by how little noise they carry; for noise that differs among them"));
  options.push_back(
      flag("missing", "elements are missing: by the companion mask, or by the mask in the metadata noise"));
  options.push_back(integer("steps", "K", "steps of EM with --missing, at most").at_least(1).otherwise("50"));
  return {"gaussian", "mean and covariance, full or of low rank", options,
          [](const VectorLayout& layout, const OptionValues& given) {
            if (wants_sketch(given)) return sketch_statistics(layout, given);
            refuse_beyond_memory(layout);
            if (given.flag("missing") && given.flag("weigh"))
              throw UsageError("--missing weighs by itself: no --weigh");
            if (given.flag("missing")) return missing_statistics(layout, given);
            if (given.flag("weigh")) return weighed_statistics(layout, given);
            const CovarianceRequest request = covariance_request(given);
            return layout.dtype == DType::F64 ? make<double>(layout, request) : make<float>(layout, request);
          },
          [](const VectorLayout& layout, const OptionValues& given, const Record& state) {
            if (wants_sketch(given)) return sketch_statistics(layout, given, state);
            if (given.flag("missing")) return missing_statistics(layout, given, state);
            if (given.flag("weigh")) return weighed_statistics(layout, given, state);
            const CovarianceRequest request = covariance_request(given);
            return layout.dtype == DType::F64 ? load<double>(layout, request, state)
                                              : load<float>(layout, request, state);
          }};
}

}  // namespace noiseutils
