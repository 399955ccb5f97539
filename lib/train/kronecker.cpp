#include "train/kronecker.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "model/kronecker.hpp"
#include "train/moment_state.hpp"
#include "train/statistics.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMomentsDim = 4096;  // up to here the full covariance is kept, above it the samples
constexpr std::int64_t kLargestSide = 4096;
constexpr std::int64_t kParts = 8;  // of the samples, each summed by one thread

using Matrix = Eigen::MatrixXd;

/// Rows about their mean, as they are: for samples whose full covariance would be larger than they.
struct Rows {
  std::int64_t rows = 1, cols = 1;
  std::vector<double> values;  // n x (rows cols), centred

  /// mean of f(X_i^T), X_i^T the cols x rows matrix that Eigen sees in a row-major vector.
  template <class Function>
  std::vector<double> mean_of(std::int64_t size, Function&& f) const {
    const std::int64_t dim = rows * cols, n = static_cast<std::int64_t>(values.size()) / dim;
    std::vector<Matrix> parts(static_cast<std::size_t>(kParts), Matrix::Zero(size, size));
    parallel_blocks(kParts, [&](std::int64_t part) {
      for (std::int64_t i = part * n / kParts; i < (part + 1) * n / kParts; ++i)
        parts[static_cast<std::size_t>(part)] += f(Eigen::Map<const Matrix>(values.data() + i * dim, cols, rows));
    });
    Matrix sum = Matrix::Zero(size, size);
    for (const Matrix& part : parts) sum += part;
    sum = (sum + sum.transpose().eval()) / (2 * static_cast<double>(n));
    return {sum.data(), sum.data() + sum.size()};
  }
};

MatrixMoments moments_of_rows(const Rows& rows) {
  return {rows.rows, rows.cols,
          [&rows](const std::vector<double>& weight) {
            const Eigen::Map<const Matrix> w(weight.data(), rows.cols, rows.cols);
            return rows.mean_of(rows.rows, [&](const auto& x) { return (x.transpose() * w * x).eval(); });
          },
          [&rows](const std::vector<double>& weight) {
            const Eigen::Map<const Matrix> w(weight.data(), rows.rows, rows.rows);
            return rows.mean_of(rows.cols, [&](const auto& x) { return (x * w * x.transpose()).eval(); });
          }};
}

/// Eigenpairs, falling; the largest entry of each vector is positive.
Factor eigenpairs(std::vector<double> matrix) {
  const auto n = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(matrix.size()))));
  const auto size = static_cast<std::size_t>(n);
  std::vector<double> values(size);
  symmetric_eigen<double>(n, matrix.data(), values.data());
  Factor factor;
  for (std::size_t k = size; k-- > 0;) {
    factor.eigenvalues.push_back(std::max(0.0, values[k]));
    const std::span<const double> column(matrix.data() + k * size, size);
    const double largest =
        *std::max_element(column.begin(), column.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
    for (const double value : column) factor.eigenvectors.push_back(largest < 0 ? -value : value);
  }
  return factor;
}

template <class T>
class KroneckerStatistics : public VectorStatistics {
 public:
  explicit KroneckerStatistics(const VectorLayout& layout)
      : VectorStatistics(layout), shape_(matrix_shape(layout.axes, layout.shape)) {
    if (std::max(shape_.rows, shape_.cols) > kLargestSide)
      throw DataError("a factor of " + std::to_string(std::max(shape_.rows, shape_.cols)) +
                      " rows is beyond the 4096 of kronecker: learn patches");
    if (layout.dim() <= kMomentsDim) moments_.emplace(layout.dim());
  }

  std::int64_t count() const override {
    return moments_ ? moments_->count() : static_cast<std::int64_t>(rows_.size()) / layout().dim();
  }
  void add_rows(std::int64_t first, const Tensor& rows, std::span<const double>) override {
    if (moments_)
      moments_->add(first, rows.values<T>());
    else
      keep(rows.values<T>());
  }
  void add_patches(const Tensor& rows, double) override {
    if (moments_)
      moments_->add_whole(rows.values<T>());
    else
      keep(rows.values<T>());
  }
  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const KroneckerStatistics<T>*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    if (moments_)
      moments_->merge(*same->moments_);
    else
      keep(same->rows_);
  }
  void save(Record& state) override {
    if (moments_) return save_moments(*moments_, state);
    state.tensors["count"] = Tensor::of<std::int64_t>({}, {count()});
    state.tensors["rows"] = Tensor::of<T>({count(), layout().dim()}, rows_);
  }
  bool resumable() const override { return true; }
  void save_exactly(Record& state) override {
    if (moments_) return save_moments_exactly(*moments_, state);
    save(state);
  }
  void skip(std::int64_t number) override {
    if (moments_ && layout().patch == 0) moments_->skip(number);
  }
  void close() override {
    if (moments_) moments_->close();
  }
  void load(const Record& state) {
    if (moments_) {
      moments_ = load_moments<T>(layout().dim(), state);
      return;
    }
    const Tensor& rows = require_tensor(state, "rows", DTypeOf<T>::value, {require_count(state), layout().dim()});
    keep(rows.values<T>());
  }
  std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) override {
    std::vector<double> mean;
    KroneckerFit fit;
    if (moments_) {
      Moments found = moments_->finish();
      mean = std::move(found.mean);
      fit = kronecker_fit(moments_of_covariance(shape_.rows, shape_.cols, found.covariance), noise_variance);
    } else {
      const Rows rows = centred(mean);
      fit = kronecker_fit(moments_of_rows(rows), noise_variance);
    }
    return kronecker_model(std::move(info), std::move(mean), eigenpairs(std::move(fit.rows)),
                           eigenpairs(std::move(fit.cols)));
  }

 private:
  void keep(std::span<const T> rows) { rows_.insert(rows_.end(), rows.begin(), rows.end()); }

  Rows centred(std::vector<double>& mean) {
    const auto dim = static_cast<std::size_t>(layout().dim());
    Rows result{shape_.rows, shape_.cols, {rows_.begin(), rows_.end()}};
    rows_.clear();
    mean.assign(dim, 0.0);
    const double n = static_cast<double>(result.values.size() / dim);
    for (std::size_t i = 0; i < result.values.size(); ++i) mean[i % dim] += result.values[i] / n;
    for (std::size_t i = 0; i < result.values.size(); ++i) result.values[i] -= mean[i % dim];
    return result;
  }

  MatrixShape shape_;
  std::optional<MomentAccumulator<T>> moments_;
  std::vector<T> rows_;  // where there are no moments
};

template <class T>
std::unique_ptr<Statistics> made(const VectorLayout& layout, const Record* state) {
  auto statistics = std::make_unique<KroneckerStatistics<T>>(layout);
  if (state != nullptr) statistics->load(*state);
  return statistics;
}

}  // namespace

TrainKind kronecker_training() {
  return {"kronecker",
          "mean, and covariance of rows times covariance of columns",
          {},
          [](const VectorLayout& layout, const OptionValues&) {
            return layout.dtype == DType::F64 ? made<double>(layout, nullptr) : made<float>(layout, nullptr);
          },
          [](const VectorLayout& layout, const OptionValues&, const Record& state) {
            return layout.dtype == DType::F64 ? made<double>(layout, &state) : made<float>(layout, &state);
          }};
}

}  // namespace noiseutils
