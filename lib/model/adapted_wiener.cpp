#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "base/threads.hpp"
#include "linalg/blas.hpp"
#include "model/patch_regression.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kAtOnce = 256;

/// Sums of x x^T over the patches of a band, upper triangles, K x d x d.
std::vector<float> scatter_of(const PaddedPlane& estimate, std::int64_t patch, const LabelledPlaces& places) {
  const std::int64_t d = patch * patch, components = static_cast<std::int64_t>(places.begin.size()) - 1;
  const PaddedPlane* channels[] = {&estimate};
  std::vector<float> scatter(static_cast<std::size_t>(components * d * d)),
      features(static_cast<std::size_t>((d + 1) * kAtOnce)), means(kAtOnce);
  for (std::int64_t k = 0; k < components; ++k) {
    const std::int64_t end = places.begin[static_cast<std::size_t>(k + 1)];
    for (std::int64_t first = places.begin[static_cast<std::size_t>(k)]; first < end; first += kAtOnce) {
      const std::int64_t count = std::min(kAtOnce, end - first);
      patch_features(channels, patch, places.places.data() + first, count, features.data(), means.data());
      syrk<float>(Op::plain, d, count, 1, features.data(), d + 1, 1, scatter.data() + k * d * d, d);
    }
  }
  return scatter;
}

}  // namespace

PaddedPlane adapted_wiener(const PatchMixture& mixture, double nu, double variance, const PaddedPlane& estimate,
                           const PaddedPlane& noisy, const PatchGrid& grid, const std::vector<LabelledPlaces>& bands) {
  using Matrix = Eigen::MatrixXf;
  const std::int64_t d = mixture.dim(), components = mixture.components();
  std::vector<std::vector<float>> scatters(bands.size());
  parallel_blocks(static_cast<std::int64_t>(bands.size()), [&](std::int64_t band) {
    const auto b = static_cast<std::size_t>(band);
    scatters[b] = scatter_of(estimate, mixture.patch, bands[b]);
  });

  PatchFilters filters{mixture.patch, 1, components, {}};
  filters.weights.resize(static_cast<std::size_t>(components * d * (d + 1)));
  parallel_blocks(components, [&](std::int64_t k) {
    // Row j of the basis is column j of the map of it.
    const Eigen::Map<const Matrix> basis(mixture.basis_of(k), d, d);
    const Eigen::VectorXf values =
        Eigen::Map<const Eigen::VectorXd>(mixture.eigenvalues_of(k), d).cast<float>() * static_cast<float>(nu);
    Matrix covariance = basis * values.asDiagonal() * basis.transpose();
    float count = 0;
    for (std::size_t band = 0; band < bands.size(); ++band) {
      covariance += Eigen::Map<const Matrix>(scatters[band].data() + k * d * d, d, d).selfadjointView<Eigen::Upper>();
      const std::vector<std::int32_t>& begin = bands[band].begin;
      count += static_cast<float>(begin[static_cast<std::size_t>(k + 1)] - begin[static_cast<std::size_t>(k)]);
    }
    covariance /= count + static_cast<float>(nu);
    // C (C + s I)^-1 = I - s (C + s I)^-1
    Matrix noisy_covariance = covariance;
    noisy_covariance.diagonal().array() += static_cast<float>(variance);
    Eigen::Map<Matrix> filter(filters.weights.data() + k * d * (d + 1), d, d + 1);
    filter.leftCols(d) =
        Matrix::Identity(d, d) - static_cast<float>(variance) * noisy_covariance.llt().solve(Matrix::Identity(d, d));
    filter.col(d).setZero();
  });
  const PaddedPlane* channels[] = {&noisy};
  return filtered_average(filters, channels, grid, bands);
}

}  // namespace noiseutils
