#include "base/error.hpp"
#include "linalg/moments.hpp"
#include "train/covariance.hpp"
#include "train/fourth_moment.hpp"
#include "train/statistics.hpp"

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
    const auto saved = moments_.state();
    const auto rows = static_cast<std::int64_t>(saved.edge_index.size());
    state.tensors["count"] = Tensor::of<std::int64_t>({}, {saved.count});
    state.tensors["mean"] = Tensor::of<double>({static_cast<std::int64_t>(saved.mean.size())}, saved.mean);
    state.tensors["scatter"] = Tensor::of<double>({static_cast<std::int64_t>(saved.scatter.size())}, saved.scatter);
    state.tensors["edge_index"] = Tensor::of<std::int64_t>({rows}, saved.edge_index);
    state.tensors["edge_rows"] = Tensor::of<T>({rows, moments_.dim()}, saved.edge_rows);
    if (fourth_) fourth_->save(state);
  }
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

bool wants_fourth(const CovarianceRequest& request) { return request.shrinker->name == "lw"; }

template <class T>
std::unique_ptr<Statistics> make(const VectorLayout& layout, const CovarianceRequest& request) {
  return std::make_unique<GaussianStatistics<T>>(layout, MomentAccumulator<T>(layout.dim()), request,
                                                 wants_fourth(request) ? std::optional(FourthMoment()) : std::nullopt);
}

template <class T>
std::unique_ptr<Statistics> load(const VectorLayout& layout, const CovarianceRequest& request, const Record& state) {
  const std::int64_t dim = layout.dim();
  const std::int64_t rows = state.require("edge_index").size();
  typename MomentAccumulator<T>::State saved;
  const auto copy = [&](std::string_view name, DType dtype, const Shape& shape, auto& to) {
    using Element = typename std::remove_reference_t<decltype(to)>::value_type;
    const auto values = require_tensor(state, name, dtype, shape).template values<Element>();
    to.assign(values.begin(), values.end());
  };
  saved.count = require_count(state);
  copy("mean", DType::F64, {dim}, saved.mean);
  copy("scatter", DType::F64, {dim * (dim + 1) / 2}, saved.scatter);
  copy("edge_index", DType::I64, {rows}, saved.edge_index);
  copy("edge_rows", DTypeOf<T>::value, {rows, dim}, saved.edge_rows);
  std::optional<FourthMoment> fourth;
  if (wants_fourth(request)) fourth = FourthMoment::load(state, dim);
  return std::make_unique<GaussianStatistics<T>>(layout, MomentAccumulator<T>::from_state(dim, saved), request,
                                                 std::move(fourth));
}

}  // namespace

TrainKind gaussian_training() {
  return {"gaussian", "mean and covariance, full or of low rank", covariance_options(),
          [](const VectorLayout& layout, const OptionValues& given) {
            const CovarianceRequest request = covariance_request(given);
            return layout.dtype == DType::F64 ? make<double>(layout, request) : make<float>(layout, request);
          },
          [](const VectorLayout& layout, const OptionValues& given, const Record& state) {
            const CovarianceRequest request = covariance_request(given);
            return layout.dtype == DType::F64 ? load<double>(layout, request, state)
                                              : load<float>(layout, request, state);
          }};
}

}  // namespace noiseutils
