#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "metric/subspaces.hpp"
#include "mixture_examples.hpp"
#include "model/gaussian.hpp"
#include "noise/source.hpp"
#include "train/mixture_em.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;

/// A mixture of the subspaces with these orthonormal rows, `rank` each.
MixtureModel spanned(std::int64_t dim, std::int64_t rank, const Vector& rows) {
  MixtureLaw law;
  const auto all = static_cast<std::size_t>(std::ssize(rows) / dim);
  const std::size_t components = all / static_cast<std::size_t>(rank);
  law.weights.assign(components, 1 / static_cast<double>(components));
  law.ranks.assign(components, rank);
  law.means.assign(components * static_cast<std::size_t>(dim), 0.0);
  law.residual_variances.assign(components, 0.0);
  law.eigenvalues.assign(all, 1.0);
  law.eigenvectors = Tensor::of({static_cast<std::int64_t>(all), dim}, rows);
  return MixtureModel(mixture_info(dim), law);
}

/// K x n samples of the mixture, n of each in turn.
Vector samples_of(const MixtureModel& truth, std::int64_t each, std::uint64_t sample) {
  const std::int64_t d = truth.dim(), components = truth.components();
  Vector x;
  for (std::int64_t i = 0; i < each * components; ++i) {
    const Vector z = test_normals(static_cast<std::size_t>(d), 1000 * sample + static_cast<std::uint64_t>(i));
    Vector one(static_cast<std::size_t>(d));
    truth.component(i % components).draw(std::span<const double>(z), std::span<double>(one));
    x.insert(x.end(), one.begin(), one.end());
  }
  return x;
}

MixtureModel learned(const MixtureModel& truth, std::int64_t each, std::uint64_t sample) {
  const Vector x = samples_of(truth, each, sample);
  MixtureRequest request;
  request.components = truth.components();
  request.rank = truth.law().ranks[0];
  request.zero_means = true;
  request.restarts = truth.components() > 1 ? 20 : 1;
  request.iterations = 200;
  const MixtureFit fit = fit_mixture(MixtureRows<double>{x.data(), each * truth.components(), truth.dim()}, request);
  return MixtureModel(mixture_info(truth.dim()), fit.law);
}

double mean_of(const Vector& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("subspaces: planes at an angle, in the best pairs, with one left over") {
  const double angle = 1e-5, c = std::cos(angle), s = std::sin(angle);
  const Vector flat = {1, 0, 0, 0, 0, 1, 0, 0}, turned = {1, 0, 0, 0, 0, c, s, 0}, other = {0, 0, 1, 0, 0, 0, 0, 1};
  Vector both = flat, crossed = other;
  both.insert(both.end(), other.begin(), other.end());
  crossed.insert(crossed.end(), turned.begin(), turned.end());
  const SubspaceDistance one = subspace_distance(spanned(4, 2, flat), spanned(4, 2, turned));
  CHECK(one.spectral[0] == doctest::Approx(s).epsilon(1e-9));
  CHECK(one.frobenius[0] == doctest::Approx(std::sqrt(2) * s).epsilon(1e-9));
  const SubspaceDistance two = subspace_distance(spanned(4, 2, both), spanned(4, 2, crossed));
  CHECK(two.spectral[0] == doctest::Approx(s).epsilon(1e-9));
  CHECK(two.spectral[1] < 1e-12);
  const SubspaceDistance left = subspace_distance(spanned(4, 2, both), spanned(4, 2, turned));
  CHECK(left.spectral[1] == 1);
  CHECK(left.frobenius[1] == doctest::Approx(std::sqrt(2)).epsilon(1e-12));
  const SubspaceDistance apart = subspace_distance(spanned(4, 2, flat), spanned(4, 2, other));
  CHECK(apart.spectral[0] == doctest::Approx(1).epsilon(1e-12));
  CHECK(apart.frobenius[0] == doctest::Approx(2).epsilon(1e-12));
  // A line in the plane: |P - Q|_F = 1; dimensions differ.
  const SubspaceDistance line = subspace_distance(spanned(4, 2, flat), spanned(4, 1, {0.6, 0.8, 0, 0}));
  CHECK(line.spectral[0] == 1);
  CHECK(line.frobenius[0] == doctest::Approx(1).epsilon(1e-12));
  CHECK_THROWS_AS(subspace_distance(spanned(4, 2, flat), spanned(3, 1, {1, 0, 0})), DataError);
}

TEST_CASE("recovery: one subspace of d dimensions takes d samples; of N fewer N dimensions are found, and exactly") {
  const std::int64_t n = 48, d = 8;
  const Vector basis = random_basis(2 * d, n, 7);
  const MixtureModel truth = spanned(n, d, {basis.begin(), basis.begin() + d * n});
  for (const std::int64_t samples : {4, 6, 7, 8, 10}) {
    CAPTURE(samples);
    const MixtureModel found = learned(truth, samples, 11);
    const auto lacking = static_cast<double>(std::max<std::int64_t>(0, d - samples));
    CHECK(subspace_distance(found, truth).frobenius[0] == doctest::Approx(std::sqrt(lacking)).epsilon(1e-5));
    if (samples >= d) continue;
    // Completed to d dimensions by others than are lacking: the bound of the paper, sqrt(2 min(d - N, n - d)).
    Vector rows(found.basis<double>().begin(), found.basis<double>().begin() + samples * n);
    rows.insert(rows.end(), basis.begin() + d * n, basis.begin() + (2 * d - samples) * n);
    CHECK(subspace_distance(spanned(n, d, rows), truth).frobenius[0] ==
          doctest::Approx(std::sqrt(2 * lacking)).epsilon(1e-5));
  }
}

TEST_CASE("recovery: two subspaces take d + 1 samples of each, for fewer fit any two parts of them") {
  const std::int64_t n = 48, d = 4;
  const int threads = thread_count();
  set_thread_count(1);
  const MixtureModel truth = spanned(n, d, random_basis(2 * d, n, 8));
  for (const std::uint64_t trial : {std::uint64_t{21}, std::uint64_t{22}}) {
    CAPTURE(trial);
    CHECK(mean_of(subspace_distance(learned(truth, d, trial), truth).spectral) > 0.5);
    CHECK(mean_of(subspace_distance(learned(truth, d + 1, trial), truth).spectral) < 1e-5);
  }
  set_thread_count(threads);
}
