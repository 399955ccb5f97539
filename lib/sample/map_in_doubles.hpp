#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <vector>

#include "linalg/batch_product.hpp"
#include "model/model.hpp"

namespace noiseutils {

/// Dense matrices as batch_product takes them.
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// M v of each vector of a batch. A vector's result does not depend on those beside it.
inline std::vector<double> product(const RowMajor& m, const std::vector<double>& v) {
  std::vector<double> out(v.size());
  batch_product(false, m.rows(), m.cols(), m.data(), static_cast<std::int64_t>(v.size()) / m.cols(), v.data(),
                out.data());
  return out;
}

/// A map that is worked out in doubles for either type.
class MapInDoubles : public VectorMap {
 public:
  explicit MapInDoubles(std::int64_t dim) : dim_(dim) {}
  std::int64_t dim() const override { return dim_; }
  void apply(std::span<const float> in, std::span<float> out) const override { convert(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { convert(in, out); }

 protected:
  virtual std::vector<double> map(const std::vector<double>& y) const = 0;

 private:
  template <class T>
  void convert(std::span<const T> in, std::span<T> out) const {
    const std::vector<double> x = map({in.begin(), in.end()});
    std::transform(x.begin(), x.end(), out.begin(), [](double value) { return static_cast<T>(value); });
  }
  std::int64_t dim_;
};

}  // namespace noiseutils
