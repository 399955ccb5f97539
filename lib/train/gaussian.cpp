#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "linalg/blas.hpp"
#include "linalg/moments.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "model/gaussian.hpp"
#include "train/statistics.hpp"

namespace noiseutils {
namespace {

// Up to here eigenvectors are computed in double whatever the data: it costs little. Above, F32 data take the solver of
// their own precision, which is 1.9 times as fast at 3072; eigenvalues are then exact to about 1e-7 of the largest.
constexpr std::int64_t kDoubleEigenDim = 1024;

/// Eigenvalues, falling and floored at 0 after `noise_variance` is taken off, and eigenvectors, one a row.
struct Spectrum {
  std::vector<double> eigenvalues;
  Tensor eigenvectors;
};

template <class Stored, class Real>
Spectrum spectrum_of(const std::vector<double>& covariance, std::int64_t dim, double noise_variance) {
  const auto n = static_cast<std::size_t>(dim);
  std::vector<Real> matrix(covariance.begin(), covariance.end()), values(n);
  symmetric_eigen<Real>(dim, matrix.data(), values.data());
  Spectrum spectrum{std::vector<double>(n), Tensor(DTypeOf<Stored>::value, {dim, dim})};
  const auto vectors = spectrum.eigenvectors.mutable_values<Stored>();
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t from = n - 1 - k;  // LAPACK's order is rising
    spectrum.eigenvalues[k] = std::max(0.0, static_cast<double>(values[from]) - noise_variance);
    const std::span<const Real> column(matrix.data() + from * n, n);
    // A sign of its own for each eigenvector, so that it does not depend on the solver: the largest entry is positive.
    const Real largest =
        *std::max_element(column.begin(), column.end(), [](Real a, Real b) { return std::abs(a) < std::abs(b); });
    for (std::size_t i = 0; i < n; ++i) vectors[k * n + i] = static_cast<Stored>(largest < 0 ? -column[i] : column[i]);
  }
  return spectrum;
}

/// Mean and full covariance, maximum likelihood (over n, not n - 1): Li, Dai, Qu 2024, section 3.
template <class T>
class GaussianStatistics : public VectorStatistics {
 public:
  GaussianStatistics(const VectorLayout& layout, MomentAccumulator<T> moments)
      : VectorStatistics(layout), moments_(std::move(moments)) {}
  std::int64_t count() const override { return moments_.count(); }
  void add_rows(std::int64_t first, const Tensor& rows, std::span<const double>) override {
    moments_.add(first, rows.values<T>());
  }
  void add_patches(const Tensor& rows, double) override { moments_.add_whole(rows.values<T>()); }
  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const GaussianStatistics<T>*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
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
  }
  std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) override {
    const std::int64_t dim = moments_.dim();
    Moments found = moments_.finish();
    for (const double value : found.covariance)
      if (!std::isfinite(value))
        throw DataError("the moments are beyond what " + std::string(dtype_name(DTypeOf<T>::value)) +
                        " can hold; bring the data to a smaller scale (--scale)");
    const bool exact = std::is_same_v<T, double> || dim <= kDoubleEigenDim;
    Spectrum spectrum = exact ? spectrum_of<T, double>(found.covariance, dim, noise_variance)
                              : spectrum_of<T, T>(found.covariance, dim, noise_variance);
    return gaussian_model(std::move(info), std::move(found.mean), std::move(spectrum.eigenvectors),
                          std::move(spectrum.eigenvalues), 0);
  }

 private:
  MomentAccumulator<T> moments_;
};

template <class T>
std::unique_ptr<Statistics> load(const VectorLayout& layout, const Record& state) {
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
  return std::make_unique<GaussianStatistics<T>>(layout, MomentAccumulator<T>::from_state(dim, saved));
}

}  // namespace

TrainKind gaussian_training() {
  return {"gaussian",
          "mean and full covariance",
          {},
          [](const VectorLayout& layout, const OptionValues&) -> std::unique_ptr<Statistics> {
            if (layout.dtype == DType::F64)
              return std::make_unique<GaussianStatistics<double>>(layout, MomentAccumulator<double>(layout.dim()));
            return std::make_unique<GaussianStatistics<float>>(layout, MomentAccumulator<float>(layout.dim()));
          },
          [](const VectorLayout& layout, const OptionValues&, const Record& state) {
            return layout.dtype == DType::F64 ? load<double>(layout, state) : load<float>(layout, state);
          }};
}

}  // namespace noiseutils
