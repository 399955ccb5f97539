#include "model/dense_map.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/batch_product.hpp"

namespace noiseutils {
namespace {

bool subtracts(MeanUse use) { return use == MeanUse::affine || use == MeanUse::subtract; }
bool adds(MeanUse use) { return use == MeanUse::affine || use == MeanUse::add; }

template <class T>
struct Dense {
  std::vector<T> matrix, mean;

  void apply(std::int64_t dim, MeanUse use, std::span<const T> in, std::span<T> out) const {
    check_batch(in.size(), out.size(), dim);
    const std::int64_t count = static_cast<std::int64_t>(in.size()) / dim, wave = wave_of(dim);
    std::vector<T> centred(static_cast<std::size_t>(std::min(wave, count) * dim));
    for (std::int64_t first = 0; first < count; first += wave) {
      const std::int64_t n = std::min(wave, count - first);
      centre(in.data() + first * dim, mean, use, n, centred.data());
      T* const to = out.data() + first * dim;
      batch_product(false, dim, dim, matrix.data(), n, centred.data(), to);
      if (!adds(use)) continue;
      parallel_blocks(n, [&](std::int64_t i) {
#pragma omp simd
        for (std::int64_t j = 0; j < dim; ++j) to[i * dim + j] += mean[static_cast<std::size_t>(j)];
      });
    }
  }
};

class DenseMap : public VectorMap {
 public:
  DenseMap(const VectorMap& slow, std::span<const double> mean, MeanUse use) : dim_(slow.dim()), use_(use) {
    std::vector<double> columns(static_cast<std::size_t>(dim_ * dim_));
    for (std::int64_t j = 0; j < dim_; ++j) columns[static_cast<std::size_t>(j * dim_ + j)] = 1;
    slow.apply(columns, columns);
    double_.matrix.resize(columns.size());
    for (std::int64_t r = 0; r < dim_; ++r)
      for (std::int64_t c = 0; c < dim_; ++c)
        double_.matrix[static_cast<std::size_t>(r * dim_ + c)] = columns[static_cast<std::size_t>(c * dim_ + r)];
    double_.mean.assign(mean.begin(), mean.end());
    for (const double value : double_.matrix) float_.matrix.push_back(static_cast<float>(value));
    for (const double value : double_.mean) float_.mean.push_back(static_cast<float>(value));
  }
  std::int64_t dim() const override { return dim_; }
  void apply(std::span<const float> in, std::span<float> out) const override { float_.apply(dim_, use_, in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { double_.apply(dim_, use_, in, out); }

 private:
  std::int64_t dim_;
  MeanUse use_;
  Dense<float> float_;
  Dense<double> double_;
};

}  // namespace

std::unique_ptr<VectorMap> dense_map(const VectorMap& slow, std::span<const double> mean, MeanUse use) {
  return std::make_unique<DenseMap>(slow, mean, use);
}

void check_batch(std::size_t in, std::size_t out, std::int64_t dim) {
  if (in != out || in % static_cast<std::size_t>(dim) != 0)
    throw InternalError("a batch of " + std::to_string(in) + " values in and " + std::to_string(out) +
                        " out is not made of vectors of " + std::to_string(dim));
}

template <class T>
void centre(const T* in, const std::vector<T>& mean, MeanUse use, std::int64_t n, T* centred) {
  const std::int64_t dim = static_cast<std::int64_t>(mean.size());
  parallel_blocks(n, [&](std::int64_t i) {
    const T* const from = in + i * dim;
    T* const to = centred + i * dim;
    if (!subtracts(use)) {
      std::copy_n(from, dim, to);
      return;
    }
#pragma omp simd
    for (std::int64_t j = 0; j < dim; ++j) to[j] = from[j] - mean[static_cast<std::size_t>(j)];
  });
}
template void centre<float>(const float*, const std::vector<float>&, MeanUse, std::int64_t, float*);
template void centre<double>(const double*, const std::vector<double>&, MeanUse, std::int64_t, double*);

std::int64_t wave_of(std::int64_t dim) { return std::clamp<std::int64_t>((std::int64_t{2} << 20) / dim, 480, 4096); }

}  // namespace noiseutils
