#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "linalg/singular_values.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "mixture_examples.hpp"
#include "model/mixture_jacobian.hpp"
#include "score/divergence.hpp"
#include "score/edit_directions.hpp"
#include "score/edit_mask.hpp"
#include "score/jacobian.hpp"
#include "score/model_field.hpp"
#include "score/posterior_covariance.hpp"
#include "score/spectrum.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

using Values = std::vector<double>;

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Mixture of low-rank Gaussians: zero means, unit variances in `rank` directions, none elsewhere.
std::shared_ptr<const MixtureModel> low_rank_mixture(std::int64_t dim, std::int64_t components, std::int64_t rank) {
  MixtureLaw law;
  Values rows;
  for (std::int64_t k = 0; k < components; ++k) {
    const Values basis = random_basis(rank, dim, 300 + static_cast<std::uint64_t>(k));
    rows.insert(rows.end(), basis.begin(), basis.end());
    law.weights.push_back(1.0 / static_cast<double>(components));
    law.ranks.push_back(rank);
    law.residual_variances.push_back(0);
  }
  law.means.assign(static_cast<std::size_t>(dim * components), 0.0);
  law.eigenvalues.assign(static_cast<std::size_t>(rank * components), 1.0);
  law.eigenvectors = Tensor::of({rank * components, dim}, rows);
  return std::make_shared<MixtureModel>(mixture_info(dim), std::move(law));
}

/// J of such a mixture written out: sum_k w_k g P_k + (1/t) [sum_k w_k D_k D_k^T - D D^T], with P_k = U_k^T U_k,
/// g = 1 / (1 + t), D_k = g P_k y and w_k ~ exp(g |U_k y|^2 / 2t), since all ranks are equal.
Values written_out(const MixtureModel& model, const Values& y, double sigma) {
  const std::size_t d = y.size(), components = static_cast<std::size_t>(model.components());
  const double t = sigma * sigma, g = 1 / (1 + t);
  const Values& u = model.basis<double>();
  const std::size_t rank = u.size() / d / components;
  Values logs, j(d * d, 0.0), mean(d, 0.0);
  std::vector<Values> means;
  for (std::size_t k = 0; k < components; ++k) {
    double energy = 0;
    Values of(d, 0.0);
    for (std::size_t r = 0; r < rank; ++r) {
      const auto row = std::span(u).subspan((k * rank + r) * d, d);
      const double c = dot(row, y);
      energy += c * c;
      for (std::size_t i = 0; i < d; ++i) of[i] += g * c * row[i];
    }
    logs.push_back(g * energy / (2 * t));
    means.push_back(of);
  }
  double total = 0;
  const double most = *std::max_element(logs.begin(), logs.end());
  for (double& value : logs) total += value = std::exp(value - most);
  for (std::size_t k = 0; k < components; ++k) {
    const double w = logs[k] / total;
    for (std::size_t i = 0; i < d; ++i) mean[i] += w * means[k][i];
    for (std::size_t a = 0; a < d; ++a)
      for (std::size_t b = 0; b < d; ++b) {
        j[a * d + b] += w * means[k][a] * means[k][b] / t;
        for (std::size_t r = 0; r < rank; ++r)
          j[a * d + b] += w * g * u[(k * rank + r) * d + a] * u[(k * rank + r) * d + b];
      }
  }
  for (std::size_t a = 0; a < d; ++a)
    for (std::size_t b = 0; b < d; ++b) j[a * d + b] -= mean[a] * mean[b] / t;
  return j;
}

/// A sample of the first component of the mixture, with noise.
Values noisy_sample(const MixtureModel& model, double sigma, std::uint64_t number) {
  const auto d = static_cast<std::size_t>(model.dim());
  const Values& u = model.basis<double>();
  const Values a = test_normals(u.size() / d / static_cast<std::size_t>(model.components()), number);
  Values y = test_normals(d, number + 1000);
  for (double& value : y) value *= sigma;
  for (std::size_t r = 0; r < a.size(); ++r)
    for (std::size_t i = 0; i < d; ++i) y[i] += a[r] * u[r * d + i];
  return y;
}

/// The Jacobian of a model at y, and what it needs to live.
struct Setting {
  JacobianOfDenoiser denoiser;
  JacobianAt at;

  Setting(JacobianOfDenoiser of, const Values& y, const NoiseLevel& level)
      : denoiser(std::move(of)), at(prepared(denoiser, y, level)) {}
  static JacobianAt prepared(JacobianOfDenoiser& of, const Values& y, const NoiseLevel& level) {
    const Shape shape = {static_cast<std::int64_t>(y.size())};
    of.prepare("D", shape);
    return of.at(Tensor::of<double>(shape, y), level);
  }
};
Setting exact(const std::shared_ptr<const Model>& model, const Values& y, const NoiseLevel& level) {
  return {JacobianOfDenoiser(model, 0.01), y, level};
}
/// The same denoiser as if it were a program.
Setting by_differences(const std::shared_ptr<const Model>& model, const Values& y, const NoiseLevel& level,
                       double step) {
  return {JacobianOfDenoiser(model_denoiser(model), step), y, level};
}

std::shared_ptr<const SmallLaw> small_law() { return std::make_shared<SmallLaw>(6, Values{2, 0.5, 0.03}, 0.1); }

DirectionSearch search_for(std::int64_t count, std::int64_t most = 50, double tolerance = 1e-3) {
  return {{count, 10, most, tolerance}, 0};
}

Values posterior_mean(const Model& model, double sigma, const Values& y) {
  Values x(y.size());
  model.denoise(sigma, std::span<const double>(y), std::span<double>(x));
  return x;
}

Values moved(Values y, double step, std::span<const double> v) {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += step * v[i];
  return y;
}

Values start_vectors(std::int64_t dim, std::int64_t count) {
  return test_normals(static_cast<std::size_t>(dim * block_vectors(dim, count)), 77);
}

TEST_CASE("jacobian: of a mixture of low-rank Gaussians, by power iteration to 4 digits of the closed form") {
  const double sigma = 0.5;
  const auto model = low_rank_mixture(64, 3, 6);
  const Values y = noisy_sample(*model, sigma, 1);
  Values j = written_out(*model, y, sigma), values(64);
  const Setting setting = exact(model, y, {1, sigma});
  Values unit(64, 0.0), column(64);
  double largest = 0;
  for (std::size_t i = 0; i < 64; ++i) {
    unit.assign(64, 0.0);
    unit[i] = 1;
    setting.at.product(unit, column);
    largest = std::max(largest, largest_difference(column, std::span<const double>(j).subspan(i * 64, 64)));
  }
  CHECK(largest < 1e-12);
  symmetric_eigen(64, j.data(), values.data());  // rising
  const auto loose = power_directions(setting.at.products(), search_for(6).power, start_vectors(64, 6));
  const auto fine = power_directions(setting.at.products(), search_for(6, 50, 1e-15).power, start_vectors(64, 6));
  const auto whole = jacobian_spectrum(setting.at, search_for(6), 0);
  CHECK(loose.iterations < fine.iterations);
  CHECK(fine.iterations == 50);
  CHECK(whole.directions.iterations == 0);
  for (std::size_t k = 0; k < 6; ++k) {
    CHECK(loose.values[k] == doctest::Approx(values[63 - k]).epsilon(1e-4));
    CHECK(fine.values[k] == doctest::Approx(values[63 - k]).epsilon(1e-8));
    CHECK(whole.directions.values[k] == doctest::Approx(values[63 - k]).epsilon(1e-12));
    CHECK(whole.residuals[k] < 1e-7);
  }
}

TEST_CASE("spectrum: the rank of J is that of one subspace at little noise and of all at much") {
  // Two orthogonal subspaces of rank 6 in 48 dimensions: the first index whose singular values hold 0.99 of the norm is
  // 6 or 12, the plateaus 0.125 and 0.25 of the figure of Wang et al. (arXiv 2409.02426, jacobian-MoLRG).
  MixtureLaw law;
  law.weights = {0.5, 0.5};
  law.means.assign(96, 0.0);
  law.ranks = {6, 6};
  law.residual_variances = {0, 0};
  law.eigenvalues.assign(12, 1.0);
  law.eigenvectors = Tensor::of({12, 48}, random_basis(12, 48, 7));
  const auto model = std::make_shared<MixtureModel>(mixture_info(48), std::move(law));
  const auto rank_at = [&](double sigma) {
    const Values y = noisy_sample(*model, sigma, 6);
    const Values values = jacobian_spectrum(exact(model, y, {1, sigma}).at, search_for(48), 0).directions.values;
    std::size_t rank = 0;
    for (double held = 0; std::sqrt(held) <= 0.99 * std::sqrt(dot(values, values)); ++rank)
      held += values[rank] * values[rank];
    return rank;
  };
  CHECK(rank_at(1.0 / 500) == 6);
  CHECK(rank_at(1.0 / 50) == 6);
  CHECK(rank_at(100) == 12);
}

TEST_CASE("singular directions: of a matrix that is not symmetric, as its singular value decomposition") {
  const std::size_t d = 12;
  Values a = test_normals(d * d, 5), copy = a, values(d);  // column-major
  const MatrixProducts products{static_cast<std::int64_t>(d),
                                [&](std::span<const double> in, std::span<double> out) {
                                  for (std::size_t n = 0; n < in.size(); n += d)
                                    for (std::size_t i = 0; i < d; ++i) {
                                      out[n + i] = 0;
                                      for (std::size_t k = 0; k < d; ++k) out[n + i] += a[k * d + i] * in[n + k];
                                    }
                                },
                                [&](std::span<const double> in, std::span<double> out) {
                                  for (std::size_t n = 0; n < in.size(); n += d)
                                    for (std::size_t i = 0; i < d; ++i)
                                      out[n + i] = dot(std::span(a).subspan(i * d, d), in.subspan(n, d));
                                }};
  singular_values(12, 12, copy.data(), values.data());
  const auto power = power_directions(products, search_for(3, 400, 1e-10).power, start_vectors(12, 3));
  const auto whole = all_directions(products, 3);
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(power.values[k] == doctest::Approx(values[k]).epsilon(1e-10));
    CHECK(whole.values[k] == doctest::Approx(values[k]).epsilon(1e-12));
  }
  CHECK(largest_difference(power.vectors, whole.vectors) < 1e-8);
}

TEST_CASE("spectrum: of a linear model its Wiener gains, over alpha") {
  const auto law = small_law();
  const NoiseLevel level{0.8, 0.4};
  const Setting setting = exact(law, test_normals(6, 3), level);
  const auto spectrum = jacobian_spectrum(setting.at, search_for(2), 0);
  for (std::size_t k = 0; k < 2; ++k) {
    const double gain = law->variance(k) / (law->variance(k) + 0.25) / 0.8;
    CHECK(spectrum.directions.values[k] == doctest::Approx(gain).epsilon(1e-12));
    const double along = dot(std::span(spectrum.directions.vectors).subspan(6 * k, 6), law->direction(k));
    CHECK(std::abs(along) == doctest::Approx(1).epsilon(1e-12));
    CHECK(spectrum.residuals[k] == 0);
  }
  CHECK_THROWS_AS(jacobian_spectrum(setting.at, search_for(7), 0), UsageError);
}

TEST_CASE("spectrum: the mean squared error of a bias-free linear denoiser by its shrinkage factors") {
  const double sigma = 0.6;
  const auto model = low_rank_mixture(10, 1, 4);  // one component: D(y) = J y
  const Values x = test_normals(10, 8);
  const Setting setting = exact(model, x, {1, sigma});
  const auto spectrum = jacobian_spectrum(setting.at, search_for(10), 0);
  double by_spectrum = 0, direct = 0;
  for (std::size_t k = 0; k < 10; ++k) {
    const double lambda = spectrum.directions.values[k];
    const double along = dot(std::span(spectrum.directions.vectors).subspan(10 * k, 10), x);
    by_spectrum += (1 - lambda) * (1 - lambda) * along * along + sigma * sigma * lambda * lambda;
  }
  // E |D(x + sigma n) - x|^2 = |J x - x|^2 + sigma^2 |J|_F^2, from the denoiser alone
  const Values kept = posterior_mean(*model, sigma, x);
  for (std::size_t i = 0; i < 10; ++i) {
    Values unit(10, 0.0);
    unit[i] = 1;
    const Values column = posterior_mean(*model, sigma, unit);
    direct += sigma * sigma * dot(column, column) + (kept[i] - x[i]) * (kept[i] - x[i]);
  }
  CHECK(by_spectrum == doctest::Approx(direct).epsilon(1e-12));
}

TEST_CASE(
    "jacobian: a mixture made ready at y gives the products of the plain way; parts without weight are left out") {
  const Values y = test_normals(12, 50);
  for (const double spread : {0.5, 60.0}) {  // at 60 all but one component have weight 0
    const MixtureModel model = random_mixture(12, {3, 12, 5}, {0.2, 0, 0.1}, spread);
    const Values v = test_normals(36, 51);
    Values repeated, expected(36), got(36);
    for (int i = 0; i < 3; ++i) repeated.insert(repeated.end(), y.begin(), y.end());
    model.jacobian_product(0.4, std::span<const double>(repeated), std::span<const double>(v),
                           std::span<double>(expected));
    mixture_jacobian(model, 0.4, y)->apply(std::span<const double>(v), std::span<double>(got));
    double size = 0;
    for (const double value : expected) size = std::max(size, std::abs(value));
    CHECK(largest_difference(got, expected) < 1e-11 * size);
  }
}

TEST_CASE("jacobian: differences of estimates come near the formula by the square of the step") {
  const auto model = low_rank_mixture(16, 3, 2);
  const NoiseLevel level{0.7, 0.5};
  const Values y = noisy_sample(*model, 0.5, 4), v = test_normals(16, 21);
  Values expected(16), coarse(16), fine(16);
  exact(model, y, level).at.product(v, expected);
  by_differences(model, y, level, 0.02).at.product(v, coarse);
  by_differences(model, y, level, 0.01).at.product(v, fine);
  const double far = largest_difference(coarse, expected), near = largest_difference(fine, expected);
  CHECK(far < 1e-3);
  CHECK(far / near == doctest::Approx(4).epsilon(0.05));
}

TEST_CASE("divergence: the sum of gains, and the Laplacian of log-density by differences") {
  const NoiseLevel level{0.8, 0.5};
  const std::vector<std::shared_ptr<const Model>> models = {
      small_law(), std::make_shared<MixtureModel>(random_mixture(6, {2, 3}, {0.2, 0.1}, 1))};
  for (const auto& model : models) {
    const Values y = test_normals(6, 30);
    const Divergence found = exact_divergence(exact(model, y, level).at);
    const double h = 1e-3;
    const auto log_density = [&](const Values& at) {
      return log_densities(*model, level, std::span<const double>(at)).front();
    };
    double laplacian = -12 * log_density(y);
    for (std::size_t i = 0; i < 6; ++i) {
      Values unit(6, 0.0);
      unit[i] = 1;
      laplacian += log_density(moved(y, h, unit)) + log_density(moved(y, -h, unit));
    }
    CHECK(found.score == doctest::Approx(laplacian / (h * h)).epsilon(1e-5));
    CHECK(found.score == doctest::Approx((0.8 * found.denoiser - 6) / 0.25).epsilon(1e-12));
    CHECK(found.error == 0);
  }
  double gains = 0;
  for (std::size_t k = 0; k < 6; ++k) {
    const double lambda = small_law()->variance(k);
    gains += lambda / (lambda + 0.25 / 0.64) / 0.8;
  }
  CHECK(exact_divergence(exact(models[0], test_normals(6, 30), level).at).denoiser ==
        doctest::Approx(gains).epsilon(1e-12));
}

TEST_CASE("divergence: probes are within their standard error, and exact where J is diagonal") {
  const auto model = low_rank_mixture(32, 2, 5);
  const Values y = noisy_sample(*model, 0.4, 6);
  const Setting setting = exact(model, y, {1, 0.4});
  const double trace = exact_divergence(setting.at).denoiser;
  const Divergence probed = probed_divergence(setting.at, 400, 3, 0);
  CHECK(probed.error > 0);
  CHECK(std::abs(probed.denoiser - trace) < 4 * probed.error);
  // The variance of v^T J v is 2 (|J|_F^2 - sum J_ii^2).
  const Values j = written_out(*model, y, 0.4);
  double off = 0;
  for (std::size_t a = 0; a < 32; ++a)
    for (std::size_t b = 0; b < 32; ++b)
      if (a != b) off += j[a * 32 + b] * j[a * 32 + b];
  CHECK(probed.error == doctest::Approx(std::sqrt(2 * off / 400)).epsilon(0.15));
  // J = I / (1 + t): no probe differs from another.
  const auto white = low_rank_mixture(8, 1, 8);
  const Divergence same = probed_divergence(exact(white, test_normals(8, 2), {1, 0.5}).at, 3, 1, 0);
  CHECK(same.denoiser == doctest::Approx(8 / 1.25).epsilon(1e-12));
  CHECK(same.error < 1e-12);
  CHECK_THROWS_AS(exact_divergence(by_differences(white, test_normals(8, 2), {1, 0.5}, 0.01).at), UsageError);
}

/// The change of the estimate outside of the mask, |P_rest (D(y + step v) - D(y))|.
double change_outside(const Model& model, double sigma, const Values& y, double step, std::span<const double> v,
                      const Values& mask) {
  const Values before = posterior_mean(model, sigma, y), after = posterior_mean(model, sigma, moved(y, step, v));
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i)
    if (mask[i] == 0) sum += (after[i] - before[i]) * (after[i] - before[i]);
  return std::sqrt(sum);
}

TEST_CASE("edit directions: what changes outside the mask falls with the null directions, and is |P J v| a step") {
  const double sigma = 0.3;
  const auto model = low_rank_mixture(64, 3, 6);
  const Values y = noisy_sample(*model, sigma, 2);
  Values mask(64, 0.0);
  std::fill_n(mask.begin(), 20, 1.0);
  const Setting setting = exact(model, y, {1, sigma});
  double before = 1e300;
  for (const std::int64_t null : {0, 2, 4, 5}) {
    const EditDirections found = edit_directions(setting.at, mask, null, search_for(1), 0);
    CHECK(found.null_rank == null);
    CHECK(dot(found.vectors, found.vectors) == doctest::Approx(1).epsilon(1e-12));
    const double outside = change_outside(*model, sigma, y, 1e-4, found.vectors, mask);
    CHECK(outside == doctest::Approx(1e-4 * found.outside[0]).epsilon(1e-3));
    CHECK(found.outside[0] < before);
    before = found.outside[0];
    if (null == 0) CHECK(found.inside[0] == doctest::Approx(found.gains[0]).epsilon(1e-10));
    CHECK(found.inside[0] <= found.gains[0] * (1 + 1e-10));
  }
}

TEST_CASE("edit directions: the gain is the first singular value of the masked Jacobian, by either way") {
  const double sigma = 0.5;
  const auto model = low_rank_mixture(24, 2, 4);
  const Values y = noisy_sample(*model, sigma, 3);
  Values mask(24, 0.0), masked = written_out(*model, y, sigma), values(24);
  for (std::size_t i = 0; i < 24; i += 3) mask[i] = 1;
  for (std::size_t k = 0; k < 24; ++k)
    for (std::size_t i = 0; i < 24; ++i) masked[k * 24 + i] *= mask[i];
  singular_values(24, 24, masked.data(), values.data());
  const EditDirections whole = edit_directions(exact(model, y, {1, sigma}).at, mask, 0, search_for(2), 0);
  const EditDirections probed =
      edit_directions(by_differences(model, y, {1, sigma}, 0.01).at, mask, 0, search_for(2, 200, 1e-8), 0);
  CHECK(probed.iterations > 0);
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(whole.gains[k] == doctest::Approx(values[k]).epsilon(1e-10));
    CHECK(probed.gains[k] == doctest::Approx(values[k]).epsilon(1e-4));
  }
}

TEST_CASE("edit directions: D(y + l v) - D(y) - l J v falls by the square of l") {
  const double sigma = 0.5;
  const auto model = low_rank_mixture(64, 3, 6);
  const Values y = noisy_sample(*model, sigma, 2);
  Values mask(64, 0.0), response(64);
  std::fill_n(mask.begin(), 20, 1.0);
  const Setting setting = exact(model, y, {1, sigma});
  const Values v = edit_directions(setting.at, mask, 2, search_for(1), 0).vectors;
  setting.at.product(v, response);
  const Values mean = posterior_mean(*model, sigma, y);
  const auto beyond = [&](double step) {
    const Values after = posterior_mean(*model, sigma, moved(y, step, v));
    return largest_difference(after, moved(mean, step, response));
  };
  CHECK(beyond(0.02) / beyond(0.01) == doctest::Approx(4).epsilon(0.1));
}

TEST_CASE("edit directions: with as many null directions as J has rank nothing is left, and it is said") {
  const auto model = low_rank_mixture(16, 1, 3);
  const Values y = noisy_sample(*model, 0.3, 2);
  Values mask(16, 0.0);
  std::fill_n(mask.begin(), 5, 1.0);
  const Setting setting = exact(model, y, {1, 0.3});
  CHECK(edit_directions(setting.at, mask, 2, search_for(1), 0).null_rank == 2);
  CHECK_THROWS_AS(edit_directions(setting.at, mask, 3, search_for(1), 0), UsageError);
  CHECK_THROWS_AS(edit_directions(setting.at, mask, 9, search_for(1), 0), UsageError);  // 3 of them count
  CHECK_THROWS_AS(edit_directions(setting.at, Values(16, 0.0), 0, search_for(1), 0), DataError);
  CHECK_THROWS_AS(edit_directions(setting.at, Values(16, 1.0), 0, search_for(1), 0), DataError);
  CHECK_THROWS_AS(edit_directions(setting.at, mask, 17, search_for(1), 0), UsageError);
}

TEST_CASE("edit mask: an image for all channels, else the very shape") {
  Record record;
  record.tensors["data"] = Tensor::of<double>({1, 2}, {0, 3});
  record.metadata["axes"] = "HW";
  CHECK(edit_mask(record, "HW", {1, 2}) == Values{0, 3});
  CHECK(edit_mask(record, "CHW", {2, 1, 2}) == Values{0, 3, 0, 3});
  CHECK_THROWS_AS(edit_mask(record, "HW", {2, 1}), DataError);
  record.tensors["data"] = Tensor::of<double>({2, 1, 2}, {0, 3, 1, 1});
  record.metadata["axes"] = "NHW";
  CHECK_THROWS_AS(edit_mask(record, "HW", {1, 2}), DataError);
}

TEST_CASE("covariance: of a Gaussian v^T C v in closed form, whatever the norm of v and alpha") {
  const auto law = small_law();
  const NoiseLevel level{0.8, 0.4};  // s^2 = 1/4
  const Setting setting = exact(law, test_normals(6, 3), level);
  const Values vectors = test_normals(18, 9);
  const CovarianceAlong found = covariance_along(setting.at, vectors);
  CHECK(found.asymmetry < 1e-12);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto v = std::span(vectors).subspan(6 * i, 6);
    for (std::size_t j = 0; j < 3; ++j) {
      double expected = 0;
      for (std::size_t k = 0; k < 6; ++k)
        expected += law->variance(k) * 0.25 / (law->variance(k) + 0.25) * dot(v, law->direction(k)) *
                    dot(std::span(vectors).subspan(6 * j, 6), law->direction(k));
      CHECK(found.matrix[3 * i + j] == doctest::Approx(expected).epsilon(1e-12));
    }
    const double variance = found.matrix[4 * i];
    CHECK(found.moments[i].second == doctest::Approx(variance).epsilon(1e-12));
    CHECK(found.moments[i].third == 0);
    CHECK(found.moments[i].fourth == doctest::Approx(3 * variance * variance).epsilon(1e-12));
  }
  CHECK_THROWS_AS(covariance_along(setting.at, Values(6, 0.0)), DataError);
}

TEST_CASE("covariance: moments along a direction by differences, by formula and by posterior draws") {
  const auto model =
      std::make_shared<MixtureModel>(plane_mixture({0.4, 0.6}, {0, 0, 2, 1}, {{1, 0.3, 0.3, 0.5}, {0.4, 0, 0, 0.6}}));
  const NoiseLevel level{0.5, 0.5};              // s = 1
  const Values y = {0.6, 0.3}, v = {1.2, -0.5};  // |v| = 1.3
  const CovarianceAlong formula = covariance_along(exact(model, y, level).at, v);
  const CovarianceAlong probed = covariance_along(by_differences(model, y, level, 0.005).at, v);
  CHECK(probed.matrix[0] == doctest::Approx(formula.matrix[0]).epsilon(1e-4));
  CHECK(probed.moments[0].second == doctest::Approx(formula.moments[0].second).epsilon(1e-5));
  CHECK(probed.moments[0].third == doctest::Approx(formula.moments[0].third).epsilon(1e-3));
  CHECK(probed.moments[0].fourth == doctest::Approx(formula.moments[0].fourth).epsilon(1e-3));
  CHECK(formula.matrix[0] == doctest::Approx(formula.moments[0].second).epsilon(1e-12));
  const std::size_t n = 40000;
  Values at, draws(2 * n), along(n);
  for (std::size_t i = 0; i < n; ++i) at.insert(at.end(), {y[0] / 0.5, y[1] / 0.5});
  model->posterior(1)->draw(at, test_normals(2 * n, 55), draws);
  double mean = 0;
  for (std::size_t i = 0; i < n; ++i) mean += (along[i] = draws[2 * i] * v[0] + draws[2 * i + 1] * v[1]) / 40000;
  const double expected[] = {formula.moments[0].second, formula.moments[0].third, formula.moments[0].fourth};
  for (int power = 2; power <= 4; ++power) {
    double sum = 0, squares = 0;
    for (const double value : along) {
      const double term = std::pow(value - mean, power);
      sum += term / 40000;
      squares += term * term / 40000;
    }
    const double error = std::sqrt((squares - sum * sum) / 40000);
    CHECK(std::abs(sum - expected[power - 2]) < 5 * error);
  }
}

TEST_CASE("jacobian: sigma 0 has none, and a sample of another shape is refused") {
  const auto law = small_law();
  JacobianOfDenoiser denoiser(law, 0.01);
  CHECK_THROWS_AS(denoiser.prepare("D", {5}), DataError);
  denoiser.prepare("D", {6});
  const Tensor y = Tensor::of<double>({6}, test_normals(6, 1));
  CHECK_THROWS_AS(denoiser.at(y, {1, 0}), UsageError);
  CHECK_THROWS_AS(denoiser.at(y, {0, 1}), UsageError);
}

}  // namespace
}  // namespace noiseutils
