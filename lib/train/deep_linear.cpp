#include "train/deep_linear.hpp"

#include <algorithm>
#include <cmath>

#include "base/threads.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kTile = 128;  // rows of the result that one block of work has

}  // namespace

void square_product(std::int64_t dim, Op op_a, const double* a, Op op_b, const double* b, double* out) {
  parallel_blocks((dim + kTile - 1) / kTile, [&](std::int64_t tile) {
    // Row-major C = op(A) op(B) is column-major C^T = op(B)^T op(A)^T, and its rows are columns there.
    const std::int64_t first = tile * kTile, rows = std::min(kTile, dim - first);
    const double* const part = a + (op_a == Op::plain ? first * dim : first);
    gemm<double>(op_b, op_a, dim, rows, dim, 1, b, dim, part, dim, 0, out + first * dim, dim);
  });
}

std::vector<double> layer_product(const ParameterShape& shape, std::span<const double> parameters) {
  const std::size_t size = shape.layer_size();
  std::vector<double> product(parameters.begin(), parameters.begin() + static_cast<std::ptrdiff_t>(size)), next(size);
  for (std::size_t l = 1; l < static_cast<std::size_t>(shape.layers); ++l) {
    square_product(shape.dim, Op::plain, parameters.data() + l * size, Op::plain, product.data(), next.data());
    product.swap(next);
  }
  return product;
}

void layer_gradients(const ParameterShape& shape, std::span<const double> parameters,
                     std::span<const double> of_product, std::span<double> gradient) {
  const std::size_t size = shape.layer_size(), layers = static_cast<std::size_t>(shape.layers);
  std::vector<double> above(of_product.begin(), of_product.end()), next(size);  // (W_L ... W_(l+1))^T G
  std::vector<std::vector<double>> below(layers);                               // W_(l-1) ... W_1
  for (std::size_t l = 1; l < layers; ++l) {
    const double* const layer = parameters.data() + (l - 1) * size;
    below[l].assign(layer, layer + size);
    if (l > 1) square_product(shape.dim, Op::plain, layer, Op::plain, below[l - 1].data(), below[l].data());
  }
  for (std::size_t l = layers; l-- > 0;) {
    double* const to = gradient.data() + l * size;
    if (l == 0) {
      std::copy(above.begin(), above.end(), to);
      return;
    }
    square_product(shape.dim, Op::plain, above.data(), Op::transposed, below[l].data(), to);
    square_product(shape.dim, Op::transposed, parameters.data() + l * size, Op::plain, above.data(), next.data());
    above.swap(next);
  }
}

std::vector<double> initial_layers(const ParameterShape& shape, double gain) {
  std::vector<double> parameters(shape.size());
  const double root = std::pow(gain, 1 / static_cast<double>(shape.layers));
  for (std::size_t l = 0; l < static_cast<std::size_t>(shape.layers); ++l)
    for (std::int64_t i = 0; i < shape.dim; ++i)
      parameters[l * shape.layer_size() + static_cast<std::size_t>(i * (shape.dim + 1))] = root;
  return parameters;
}

}  // namespace noiseutils
