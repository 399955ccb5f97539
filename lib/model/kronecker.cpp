#include "model/kronecker.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/batch_product.hpp"
#include "linalg/blas.hpp"
#include "model/dense_map.hpp"
#include "model/model_tensors.hpp"

namespace noiseutils {
namespace {

std::vector<double> products(const Factor& rows, const Factor& cols) {
  std::vector<double> all;
  for (const double lambda : rows.eigenvalues)
    for (const double mu : cols.eigenvalues) all.push_back(lambda * mu);
  return all;
}

class KroneckerModel : public LinearModel {
 public:
  KroneckerModel(ModelInfo info, std::vector<double> mean, Factor rows, Factor cols)
      : LinearModel(std::move(info), products(rows, cols), 0),
        mean_(std::move(mean)),
        rows_(std::move(rows)),
        cols_(std::move(cols)),
        mean_float_(mean_.begin(), mean_.end()),
        row_basis_float_(rows_.eigenvectors.begin(), rows_.eigenvectors.end()),
        col_basis_float_(cols_.eigenvectors.begin(), cols_.eigenvectors.end()) {}

  std::span<const double> mean() const override { return mean_; }
  std::map<std::string, Tensor, std::less<>> tensors() const override {
    std::map<std::string, Tensor, std::less<>> all;
    all["mean"] = Tensor::of({dim()}, mean_);
    all["row_eigenvectors"] = Tensor::of({p(), p()}, rows_.eigenvectors);
    all["row_eigenvalues"] = Tensor::of({p()}, rows_.eigenvalues);
    all["column_eigenvectors"] = Tensor::of({q(), q()}, cols_.eigenvectors);
    all["column_eigenvalues"] = Tensor::of({q()}, cols_.eigenvalues);
    return all;
  }

  void coefficients(std::span<const float> y, std::span<float> c) const override { analyse(y, c, MeanUse::subtract); }
  void coefficients(std::span<const double> y, std::span<double> c) const override { analyse(y, c, MeanUse::subtract); }
  void synthesise(std::span<const float> c, std::span<float> x) const override { build(c, x, MeanUse::add); }
  void synthesise(std::span<const double> c, std::span<double> x) const override { build(c, x, MeanUse::add); }

  /// C = U_A^T (Y [- M]) U_B for each vector.
  template <class T>
  void analyse(std::span<const T> y, std::span<T> c, MeanUse use) const {
    check_batch(y.size(), c.size(), dim());
    const std::int64_t n = static_cast<std::int64_t>(y.size()) / dim();
    std::vector<T> centred(y.size());
    centre(y.data(), mean_as<T>(), use, n, centred.data());
    batch_product(false, q(), q(), col_basis<T>(), n * p(), centred.data(), c.data());
    // Row-major matrices are the transposes of BLAS's.
    parallel_blocks(n, [&](std::int64_t i) {
      T* const own = c.data() + i * dim();
      std::copy_n(own, dim(), centred.data() + i * dim());
      gemm<T>(Op::plain, Op::plain, q(), p(), p(), T(1), centred.data() + i * dim(), q(), row_basis<T>(), p(), T(0),
              own, q());
    });
  }

  /// X = U_A C U_B^T [+ M] for each vector.
  template <class T>
  void build(std::span<const T> c, std::span<T> x, MeanUse use) const {
    check_batch(c.size(), x.size(), dim());
    const std::int64_t n = static_cast<std::int64_t>(c.size()) / dim();
    std::vector<T> half(c.size());
    parallel_blocks(n, [&](std::int64_t i) {
      gemm<T>(Op::plain, Op::transposed, q(), p(), p(), T(1), c.data() + i * dim(), q(), row_basis<T>(), p(), T(0),
              half.data() + i * dim(), q());
    });
    batch_product(true, q(), q(), col_basis<T>(), n * p(), half.data(), x.data());
    if (use != MeanUse::add && use != MeanUse::affine) return;
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += mean_as<T>()[i % static_cast<std::size_t>(dim())];
  }

 protected:
  std::unique_ptr<VectorMap> spectral_map(const Gains& gains, MeanUse use) const override;

 private:
  std::int64_t p() const { return static_cast<std::int64_t>(rows_.eigenvalues.size()); }
  std::int64_t q() const { return static_cast<std::int64_t>(cols_.eigenvalues.size()); }
  template <class T>
  static const std::vector<T>& pick(const std::vector<float>& single, const std::vector<double>& full) {
    if constexpr (sizeof(T) == sizeof(float))
      return single;
    else
      return full;
  }
  template <class T>
  const std::vector<T>& mean_as() const {
    return pick<T>(mean_float_, mean_);
  }
  template <class T>
  const T* row_basis() const {
    return pick<T>(row_basis_float_, rows_.eigenvectors).data();
  }
  template <class T>
  const T* col_basis() const {
    return pick<T>(col_basis_float_, cols_.eigenvectors).data();
  }

  std::vector<double> mean_;
  Factor rows_, cols_;
  std::vector<float> mean_float_, row_basis_float_, col_basis_float_;
};

class KroneckerMap : public VectorMap {
 public:
  KroneckerMap(const KroneckerModel& model, const Gains& gains, MeanUse use)
      : model_(model), use_(use), gains_(gains.coefficients) {}
  std::int64_t dim() const override { return model_.dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { apply_as(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { apply_as(in, out); }

 private:
  template <class T>
  void apply_as(std::span<const T> in, std::span<T> out) const {
    check_batch(in.size(), out.size(), dim());
    const std::size_t wave = static_cast<std::size_t>(wave_of(dim()) * dim());
    const std::vector<T> gains(gains_.begin(), gains_.end());
    std::vector<T> coefficients;
    for (std::size_t first = 0; first < in.size(); first += wave) {
      coefficients.resize(std::min(wave, in.size() - first));
      model_.analyse(in.subspan(first, coefficients.size()), std::span<T>(coefficients), use_);
      for (std::size_t i = 0; i < coefficients.size(); ++i) coefficients[i] *= gains[i % gains.size()];
      model_.build(std::span<const T>(coefficients), out.subspan(first, coefficients.size()), use_);
    }
  }

  const KroneckerModel& model_;
  MeanUse use_;
  std::vector<double> gains_;
};

std::unique_ptr<VectorMap> KroneckerModel::spectral_map(const Gains& gains, MeanUse use) const {
  return std::make_unique<KroneckerMap>(*this, gains, use);
}

Factor factor_from(const Record& record, const std::string& side, std::int64_t n) {
  const std::string vectors = side + "_eigenvectors", values = side + "_eigenvalues";
  Factor factor{require_values(record, values, {n}), require_values(record, vectors, {n, n})};
  for (const double value : factor.eigenvalues)
    if (value < 0) throw DataError("tensor \"" + values + "\" holds a negative variance");
  std::vector<double> gram(static_cast<std::size_t>(n * n));
  syrk<double>(Op::transposed, n, n, 1.0, factor.eigenvectors.data(), n, 0.0, gram.data(), n);
  for (std::int64_t c = 0; c < n; ++c)
    for (std::int64_t r = 0; r <= c; ++r)
      if (!(std::abs(gram[static_cast<std::size_t>(c * n + r)] - (r == c ? 1 : 0)) < 1e-4))
        throw DataError("tensor \"" + vectors + "\": its rows are not orthonormal");
  return factor;
}

}  // namespace

MatrixShape matrix_shape(const std::string& axes, const Shape& shape) {
  if (shape.size() < 2 || axes.size() != shape.size())
    throw DataError("a kronecker model is of samples with two axes or more; these have axes " +
                    (axes.empty() ? "none" : axes) + " and shape " + shape_text(shape));
  return {shape[0], element_count(shape) / shape[0]};
}

std::unique_ptr<LinearModel> kronecker_model(ModelInfo info, std::vector<double> mean, Factor rows, Factor cols) {
  return std::make_unique<KroneckerModel>(std::move(info), std::move(mean), std::move(rows), std::move(cols));
}

std::unique_ptr<Model> kronecker_from_tensors(ModelInfo info, const Record& record) {
  const MatrixShape shape = matrix_shape(info.axes, info.shape);
  std::vector<double> mean = require_values(record, "mean", {shape.rows * shape.cols});
  Factor rows = factor_from(record, "row", shape.rows), cols = factor_from(record, "column", shape.cols);
  return kronecker_model(std::move(info), std::move(mean), std::move(rows), std::move(cols));
}

}  // namespace noiseutils
