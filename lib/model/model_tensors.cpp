#include "model/model_tensors.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "linalg/batch_product.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// U U^T w = w for a random w, which fails with probability 1 if the rows of U are not orthonormal.
template <class T>
double departure_from_orthonormal(const Tensor& vectors) {
  const std::int64_t rank = vectors.axis(0), dim = vectors.axis(1);
  const T* const u = vectors.values<T>().data();
  std::vector<T> w(static_cast<std::size_t>(rank)), x(static_cast<std::size_t>(dim)), back(w.size());
  fill_normal({0, Purpose::probe, 0, 0}, 0, std::span<T>(w));
  batch_product(true, dim, rank, u, 1, w.data(), x.data());
  batch_product(false, rank, dim, u, 1, x.data(), back.data());
  double error = 0;
  for (std::size_t k = 0; k < w.size(); ++k) error = std::max(error, static_cast<double>(std::abs(back[k] - w[k])));
  return error;
}

}  // namespace

std::vector<double> require_values(const Record& record, const std::string& name, const Shape& shape) {
  const Tensor& tensor = record.require(name);
  if (tensor.shape() != shape)
    throw DataError("tensor \"" + name + "\" has shape " + shape_text(tensor.shape()) + ", expected " +
                    shape_text(shape));
  require_finite(tensor, name);
  const Tensor values = tensor.converted(DType::F64);
  return {values.values<double>().begin(), values.values<double>().end()};
}

void require_finite(const Tensor& tensor, const std::string& name) {
  if (!is_float(tensor.dtype()))
    throw DataError("tensor \"" + name + "\" is of type " + std::string(dtype_name(tensor.dtype())) +
                    ", expected a floating type");
  if (const std::int64_t bad = first_nonfinite(tensor); bad >= 0)
    throw DataError("tensor \"" + name + "\" is not finite at element " + std::to_string(bad));
}

void require_orthonormal(const Tensor& rows, const std::string& name) {
  const double error =
      rows.dtype() == DType::F64 ? departure_from_orthonormal<double>(rows) : departure_from_orthonormal<float>(rows);
  if (!(error < 1e-2)) throw DataError("tensor \"" + name + "\": its rows are not orthonormal");
}

}  // namespace noiseutils
