#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "linalg/blas.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "model/gaussian.hpp"
#include "model/model_kinds.hpp"
#include "model/patch_geometry.hpp"
#include "model/stationary.hpp"
#include "random/random.hpp"
#include "tensor/content_hash.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;

Vector normals(std::size_t n, std::uint64_t sample) {
  Vector values(n);
  fill_normal({11, Purpose::probe, sample, 0}, 0, std::span<double>(values));
  return values;
}

double largest_difference(const Vector& a, const Vector& b) {
  double largest = a.size() == b.size() ? 0 : HUGE_VAL;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

ModelInfo info_of(const std::string& kind, const std::string& axes, const Shape& shape) {
  ModelInfo info;
  info.kind = kind;
  info.axes = axes;
  info.shape = shape;
  info.count = 100;
  return info;
}

/// `rank` orthonormal rows of `dim`.
Tensor orthonormal_rows(std::int64_t rank, std::int64_t dim) {
  Vector matrix = normals(static_cast<std::size_t>(dim * dim), 1), values(static_cast<std::size_t>(dim));
  for (std::int64_t c = 0; c < dim; ++c)
    for (std::int64_t r = 0; r < c; ++r)
      matrix[static_cast<std::size_t>(r * dim + c)] = matrix[static_cast<std::size_t>(c * dim + r)];
  symmetric_eigen(dim, matrix.data(), values.data());
  matrix.resize(static_cast<std::size_t>(rank * dim));
  return Tensor::of({rank, dim}, matrix);
}

std::unique_ptr<LinearModel> small_gaussian(std::int64_t rank, double residual) {
  Vector eigenvalues(static_cast<std::size_t>(rank));
  for (std::size_t k = 0; k < eigenvalues.size(); ++k) eigenvalues[k] = 4.0 / static_cast<double>((k + 1) * (k + 1));
  return gaussian_model(info_of("gaussian", "HW", {2, 3}), normals(6, 2), orthonormal_rows(rank, 6), eigenvalues,
                        residual);
}

std::unique_ptr<LinearModel> small_stationary(std::int64_t channels, std::int64_t height, std::int64_t width) {
  const SpectralShape shape{channels, height, width};
  Vector power(static_cast<std::size_t>(shape.frequencies() * channels)), mixing;
  for (std::int64_t f = 0; f < shape.frequencies(); ++f)
    for (std::int64_t m = 0; m < channels; ++m) {
      const std::int64_t mirror = shape.mirrored(f);
      power[static_cast<std::size_t>(f * channels + m)] =
          1.0 / static_cast<double>(1 + m + (mirror >= 0 ? std::min(f, mirror) : f));
    }
  if (channels == 2)
    for (std::int64_t f = 0; f < shape.frequencies(); ++f) {
      // (cos, -e^{-i phase} sin; e^{i phase} sin, cos), real where the frequency is its own conjugate
      const double angle = 0.3 * static_cast<double>(f) + 0.2;
      const double phase = shape.mirrored(f) == f ? 0 : 0.7;
      const double c = std::cos(angle), s = std::sin(angle);
      for (const double value :
           {c, 0.0, -s * std::cos(phase), s * std::sin(phase), s * std::cos(phase), s * std::sin(phase), c, 0.0})
        mixing.push_back(value);
    }
  return stationary_model(channels == 1 ? info_of("stationary", "HW", {height, width})
                                        : info_of("stationary", "CHW", {channels, height, width}),
                          normals(static_cast<std::size_t>(channels), 3), power, mixing);
}

std::vector<std::unique_ptr<LinearModel>> examples() {
  std::vector<std::unique_ptr<LinearModel>> all;
  all.push_back(small_gaussian(6, 0));
  all.push_back(small_gaussian(4, 0.05));
  for (const auto& [h, w] : {std::pair{4, 6}, std::pair{3, 5}, std::pair{1, 8}, std::pair{5, 2}}) {
    all.push_back(small_stationary(1, h, w));
    all.push_back(small_stationary(2, h, w));
  }
  return all;
}

/// The covariance of the law, d x d, from its basis: sum lambda u u^T (+ residual).
Vector covariance_of(const LinearModel& model) {
  const auto d = static_cast<std::size_t>(model.dim()), r = static_cast<std::size_t>(model.rank());
  const Vector mean(model.mean().begin(), model.mean().end());
  Vector covariance(d * d);
  for (std::size_t i = 0; i < d; ++i) covariance[i * d + i] = r < d ? model.residual_variance() : 0;
  for (std::size_t k = 0; k < r; ++k) {
    Vector unit(r), u(d);
    unit[k] = 1;
    model.synthesise(std::span<const double>(unit), std::span<double>(u));
    const double weight = model.eigenvalues()[k] - (r < d ? model.residual_variance() : 0);
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j < d; ++j) covariance[i * d + j] += weight * (u[i] - mean[i]) * (u[j] - mean[j]);
  }
  return covariance;
}

/// Solves A x = b and returns log det A by Cholesky: an oracle that shares nothing with the models.
Vector solve(Vector a, Vector b, double* log_determinant = nullptr) {
  const std::size_t n = b.size();
  double log_det = 0;
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < j; ++k)
      for (std::size_t i = j; i < n; ++i) a[i * n + j] -= a[i * n + k] * a[j * n + k];
    const double pivot = std::sqrt(a[j * n + j]);
    log_det += 2 * std::log(pivot);
    for (std::size_t i = j; i < n; ++i) a[i * n + j] /= pivot;
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  if (log_determinant != nullptr) *log_determinant = log_det;
  return b;
}

Vector denoised(const Model& model, double sigma, const Vector& y) {
  Vector x(y.size());
  model.denoise(sigma, std::span<const double>(y), std::span<double>(x));
  return x;
}

}  // namespace

TEST_CASE("model: posterior mean, score and log density are those of the covariance matrix, by Cholesky") {
  const double sigma = 0.4;
  for (const auto& model : examples()) {
    CAPTURE(model->info().kind);
    CAPTURE(shape_text(model->info().shape));
    const auto d = static_cast<std::size_t>(model->dim());
    const Vector y = normals(d, 4);
    Vector smoothed = covariance_of(*model), centred = y;
    for (std::size_t i = 0; i < d; ++i) {
      smoothed[i * d + i] += sigma * sigma;
      centred[i] -= model->mean()[i];
    }
    double log_determinant = 0;
    const Vector weighted = solve(smoothed, centred, &log_determinant);
    Vector mean = y, score(d), expected_score(d);
    double quadratic = 0;
    for (std::size_t i = 0; i < d; ++i) {
      mean[i] -= sigma * sigma * weighted[i];
      expected_score[i] = -weighted[i];
      quadratic += centred[i] * weighted[i];
    }
    CHECK(largest_difference(denoised(*model, sigma, y), mean) < 1e-12);
    model->score(sigma, std::span<const double>(y), std::span<double>(score));
    CHECK(largest_difference(score, expected_score) < 1e-12);
    const double expected =
        -(quadratic + log_determinant + static_cast<double>(d) * std::log(2 * std::numbers::pi)) / 2;
    CHECK(model->log_density(sigma, std::span<const double>(y)).front() == doctest::Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("model: D = y + sigma^2 grad log p (Tweedie), by central differences") {
  const double sigma = 0.7, h = 1e-5;
  for (const auto& model : examples()) {
    const auto d = static_cast<std::size_t>(model->dim());
    const Vector y = normals(d, 5);
    Vector around;
    for (std::size_t i = 0; i < d; ++i)
      for (const double step : {h, -h}) {
        Vector moved = y;
        moved[i] += step;
        around.insert(around.end(), moved.begin(), moved.end());
      }
    const Vector densities = model->log_density(sigma, std::span<const double>(around));
    Vector expected = y;
    for (std::size_t i = 0; i < d; ++i)
      expected[i] += sigma * sigma * (densities[2 * i] - densities[2 * i + 1]) / (2 * h);
    CHECK(largest_difference(denoised(*model, sigma, y), expected) < 1e-8);
  }
}

TEST_CASE("model: Jacobian products are differences of D, symmetric, and sigma^2 J is positive") {
  const double sigma = 0.5;
  for (const auto& model : examples()) {
    const auto d = static_cast<std::size_t>(model->dim());
    const Vector y = normals(d, 6), v = normals(d, 7), w = normals(d, 8);
    Vector jv(d), jw(d), moved = y;
    model->jacobian_product(sigma, std::span<const double>(y), std::span<const double>(v), std::span<double>(jv));
    model->jacobian_product(sigma, std::span<const double>(y), std::span<const double>(w), std::span<double>(jw));
    for (std::size_t i = 0; i < d; ++i) moved[i] += v[i];
    Vector difference = denoised(*model, sigma, moved);
    const Vector at = denoised(*model, sigma, y);
    for (std::size_t i = 0; i < d; ++i) difference[i] -= at[i];
    CHECK(largest_difference(difference, jv) < 1e-12);
    CHECK(std::inner_product(v.begin(), v.end(), jw.begin(), 0.0) ==
          doctest::Approx(std::inner_product(w.begin(), w.end(), jv.begin(), 0.0)).epsilon(1e-12));
    CHECK(std::inner_product(v.begin(), v.end(), jv.begin(), 0.0) >= 0);
  }
}

TEST_CASE("model: draws are mean + Sigma^(1/2) z: applied twice to unit vectors the root gives the covariance") {
  for (const auto& model : examples()) {
    const auto d = static_cast<std::size_t>(model->dim());
    const Vector zero(d), mean(model->mean().begin(), model->mean().end());
    Vector root(d * d), unit(d * d);
    for (std::size_t i = 0; i < d; ++i) unit[i * d + i] = 1;
    model->draw(std::span<const double>(unit), std::span<double>(root));
    for (std::size_t i = 0; i < d * d; ++i) root[i] -= mean[i % d];
    Vector squared(d * d), asymmetry(d * d);
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j < d; ++j) {
        asymmetry[i * d + j] = root[i * d + j] - root[j * d + i];
        for (std::size_t k = 0; k < d; ++k) squared[i * d + j] += root[i * d + k] * root[k * d + j];
      }
    CHECK(largest_difference(squared, covariance_of(*model)) < 1e-12);
    CHECK(largest_difference(asymmetry, Vector(d * d)) < 1e-12);
    Vector drawn(d);
    model->draw(std::span<const double>(zero), std::span<double>(drawn));
    CHECK(largest_difference(drawn, mean) < 1e-14);
  }
}

TEST_CASE("model: the covariance of a stationary model does not change under periodic shifts") {
  for (const std::int64_t channels : {1, 2}) {
    const std::int64_t h = 4, w = 6, d = channels * h * w;
    const auto model = small_stationary(channels, h, w);
    const Vector covariance = covariance_of(*model);
    Vector shifted(covariance.size());
    const auto moved = [&](std::int64_t i) {
      const std::int64_t c = i / (h * w), y = i / w % h, x = i % w;
      return (c * h + (y + 3) % h) * w + (x + 2) % w;
    };
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j < d; ++j)
        shifted[static_cast<std::size_t>(i * d + j)] = covariance[static_cast<std::size_t>(moved(i) * d + moved(j))];
    CHECK(largest_difference(covariance, shifted) < 1e-14);
    double trace = 0;
    for (std::int64_t i = 0; i < d; ++i) trace += covariance[static_cast<std::size_t>(i * d + i)];
    CHECK(trace == doctest::Approx(std::accumulate(model->eigenvalues().begin(), model->eigenvalues().end(), 0.0)));
  }
}

TEST_CASE("model: the mean squared error of D over draws is sum lambda sigma^2 / (lambda + sigma^2)") {
  const double sigma = 0.5;
  const std::size_t n = 20000;
  for (const auto& model : examples()) {
    const auto d = static_cast<std::size_t>(model->dim());
    Vector x(n * d);
    model->draw(std::span<const double>(normals(n * d, 9)), std::span<double>(x));
    Vector y = normals(n * d, 10);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[i] + sigma * y[i];
    const Vector estimate = denoised(*model, sigma, y);
    double sum = 0, sum_of_squares = 0, expected = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double error = 0;
      for (std::size_t j = 0; j < d; ++j)
        error += (estimate[i * d + j] - x[i * d + j]) * (estimate[i * d + j] - x[i * d + j]);
      sum += error;
      sum_of_squares += error * error;
    }
    for (const double lambda : model->eigenvalues()) expected += lambda * sigma * sigma / (lambda + sigma * sigma);
    const double rho = model->residual_variance();
    if (model->rank() < model->dim())
      expected += static_cast<double>(model->dim() - model->rank()) * rho * sigma * sigma / (rho + sigma * sigma);
    const double mean = sum / static_cast<double>(n);
    const double stderr_of_mean =
        std::sqrt((sum_of_squares / static_cast<double>(n) - mean * mean) / static_cast<double>(n));
    CHECK(std::abs(mean - expected) < 4 * stderr_of_mean);
  }
}

TEST_CASE("model: the probability flow of a Gaussian, by small Euler steps, is one gain vector") {
  for (const auto& model : examples()) {
    const auto d = static_cast<std::size_t>(model->dim());
    const double from = 3, to = 0.1;
    const int steps = 4000;
    Vector x = normals(d, 12), exact(d), score(d);
    const Gains gains =
        model->gains([&](double lambda) { return std::sqrt((lambda + to * to) / (lambda + from * from)); });
    model->gain_map(gains, MeanUse::affine, 1)->apply(std::span<const double>(x), std::span<double>(exact));
    for (int i = 0; i < steps; ++i) {  // midpoint rule in log sigma: dx/dsigma = -sigma score
      const double a = from * std::pow(to / from, static_cast<double>(i) / steps);
      const double b = from * std::pow(to / from, (i + 1.0) / steps), middle = std::sqrt(a * b);
      Vector half = x;
      model->score(a, std::span<const double>(x), std::span<double>(score));
      for (std::size_t j = 0; j < d; ++j) half[j] -= (middle - a) * a * score[j];
      model->score(middle, std::span<const double>(half), std::span<double>(score));
      for (std::size_t j = 0; j < d; ++j) x[j] -= (b - a) * middle * score[j];
    }
    CHECK(largest_difference(x, exact) < 1e-5);
  }
}

TEST_CASE("model: the dense way and the way through the basis agree; float agrees with double") {
  for (const auto& model : examples()) {
    const auto d = static_cast<std::size_t>(model->dim());
    const std::size_t n = 1000;
    const Vector y = normals(n * d, 13);
    Vector few(y.size()), many(y.size());
    const Gains gains = model->wiener_gains(0.3);
    for (const MeanUse use : {MeanUse::affine, MeanUse::subtract, MeanUse::add, MeanUse::none}) {
      model->gain_map(gains, use, 1)->apply(std::span<const double>(y), std::span<double>(few));
      model->gain_map(gains, use, 100000)->apply(std::span<const double>(y), std::span<double>(many));
      CHECK(largest_difference(few, many) < 1e-12);
      std::vector<float> in(y.begin(), y.end());
      for (const std::int64_t vectors : {1, 100000}) {
        std::vector<float> out(in.size());
        model->gain_map(gains, use, vectors)->apply(std::span<const float>(in), std::span<float>(out));
        CHECK(largest_difference(Vector(out.begin(), out.end()), few) < 2e-5);
        model->gain_map(gains, use, vectors)->apply(std::span<const float>(in), std::span<float>(in));  // in place
        CHECK(in == out);
        in.assign(y.begin(), y.end());
      }
    }
  }
}

TEST_CASE("model: a batch and its vectors one by one give the same bits") {
  for (const auto& model : examples()) {
    const auto d = static_cast<std::size_t>(model->dim());
    const std::size_t n = 101;
    const Vector normal = normals(n * d, 14);
    const std::vector<float> y(normal.begin(), normal.end());
    std::vector<float> whole(y.size()), single(y.size());
    const auto map = model->denoiser(0.3, 1);
    map->apply(y, whole);
    for (std::size_t i = 0; i < n; ++i) map->apply(std::span(y).subspan(i * d, d), std::span(single).subspan(i * d, d));
    CHECK(std::memcmp(whole.data(), single.data(), whole.size() * sizeof(float)) == 0);
  }
}

TEST_CASE("model: at sigma 0 D is the identity on the support and a singular law has no density") {
  Vector eigenvalues(6, 1.0);
  eigenvalues[5] = 0;
  const Tensor rows = orthonormal_rows(6, 6);
  const auto model = gaussian_model(info_of("gaussian", "D", {6}), Vector(6), rows, eigenvalues, 0);
  const Vector y = normals(6, 15);
  Vector expected = y;
  double along = 0;
  for (std::size_t j = 0; j < 6; ++j) along += y[j] * rows.values<double>()[30 + j];
  for (std::size_t j = 0; j < 6; ++j) expected[j] -= along * rows.values<double>()[30 + j];
  CHECK(largest_difference(denoised(*model, 0, y), expected) < 1e-14);
  CHECK_THROWS_AS(model->log_density(0, std::span<const double>(y)), UsageError);
  CHECK_THROWS_AS(model->score_map(0, 1), UsageError);
  CHECK_THROWS_AS(model->denoiser(-1, 1), UsageError);
}

TEST_CASE("model: through a record and back every kind keeps its law") {
  for (const auto& model : examples()) {
    const Record record = model_to_record(*model);
    const auto back = model_from_record(record);
    CHECK(back->info().kind == model->info().kind);
    CHECK(back->info().shape == model->info().shape);
    CHECK(back->info().count == 100);
    const Vector y = normals(static_cast<std::size_t>(model->dim()), 16);
    CHECK(denoised(*back, 0.2, y) == denoised(*model, 0.2, y));
  }
}

TEST_CASE("model: what is wrong with a model file is said by tensor and by number") {
  const auto refuse = [](const auto& spoil, const std::string& message) {
    Record record = model_to_record(*small_gaussian(4, 0.1));
    spoil(record);
    CHECK_THROWS_WITH_AS(model_from_record(record), message.c_str(), DataError);
  };
  refuse([](Record& r) { r.tensors["mean"] = Tensor::of({5}, Vector(5)); },
         "tensor \"mean\" has shape [5], expected [6]");
  refuse([](Record& r) { r.tensors.erase("mean"); },
         "the record has no tensor \"mean\" (it has: eigenvalues, eigenvectors, residual_variance)");
  refuse(
      [](Record& r) {
        r.tensors["eigenvalues"] = Tensor::of({4}, Vector{1, 1, -1, 1});
      },
      "tensor \"eigenvalues\" holds a negative variance");
  refuse(
      [](Record& r) {
        r.tensors["eigenvalues"] = Tensor::of({4}, Vector{1, 1, std::nan(""), 1});
      },
      "tensor \"eigenvalues\" is not finite at element 2");
  refuse(
      [](Record& r) {
        r.tensors["eigenvectors"] = Tensor::of({4, 6}, Vector(24, 1.0));
      },
      "tensor \"eigenvectors\": its rows are not orthonormal");
  refuse(
      [](Record& r) {
        r.tensors["eigenvectors"] = Tensor::of({7, 6}, Vector(42, 1.0));
      },
      "tensor \"eigenvectors\" has shape [7,6], expected [r,6] with r from 1 to 6");
  refuse([](Record& r) { r.tensors["mean"] = Tensor(DType::I32, {6}); },
         "tensor \"mean\" is of type I32, expected a floating type");
  refuse([](Record& r) { r.tensors["residual_variance"] = Tensor::of({1}, Vector{-1}); },
         "the residual variance of the model is -1, expected 0 or above");
  refuse([](Record& r) { r.metadata["model.kind"] = "neural"; },
         "unknown kind of model \"neural\" (known: " + names_of(model_kinds()) + ")");
  refuse([](Record& r) { r.metadata.erase("model.kind"); }, "is no model: it has no metadata \"model.kind\"");
  refuse([](Record& r) { r.metadata["model.shape"] = "[2,-3]"; },
         "metadata \"model.shape\" is \"[2,-3]\", expected a list such as [28,28]");
  refuse([](Record& r) { r.metadata["model.count"] = "0"; },
         "metadata \"model.count\" is \"0\", expected a whole number from 1 on");
  refuse([](Record& r) { r.metadata["model.patch"] = "3"; },
         "metadata \"model.shape\" is [2,3] with axes HW, expected patches of 3 x 3");
}

TEST_CASE("model: samples that do not fit are refused with both shapes") {
  ModelInfo whole = info_of("gaussian", "HW", {28, 28});
  check_fits(whole, "HW", {28, 28});
  CHECK_THROWS_WITH_AS(check_fits(whole, "HW", {32, 28}),
                       "the sample has shape [32,28], the model is of samples of shape [28,28]", DataError);
  ModelInfo patches = info_of("gaussian", "CHW", {3, 8, 8});
  patches.patch = 8;
  check_fits(patches, "CHW", {3, 100, 8});
  CHECK_THROWS_AS(check_fits(patches, "HW", {100, 100}), DataError);
  CHECK_THROWS_WITH_AS(check_fits(patches, "CHW", {3, 7, 100}),
                       "an image of 7 x 100 pixels is smaller than a patch of 8 x 8", DataError);
}

TEST_CASE("patch geometry: patch (row, col) has its upper left pixel there, channels one after the other") {
  const PatchGeometry geometry = patch_geometry("CHW", {2, 4, 5}, 3);
  CHECK(geometry.count() == 6);
  Vector image(40), patches(static_cast<std::size_t>(geometry.dim() * 6)),
      one(static_cast<std::size_t>(geometry.dim()));
  std::iota(image.begin(), image.end(), 0.0);
  gather_patches(geometry, std::span<const double>(image), 0, std::span<double>(patches));
  double wrong = 0;
  for (std::size_t p = 0; p < 6; ++p)
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t y = 0; y < 3; ++y)
        for (std::size_t x = 0; x < 3; ++x)
          wrong +=
              std::abs(patches[p * 18 + c * 9 + y * 3 + x] - static_cast<double>(c * 20 + (p / 3 + y) * 5 + p % 3 + x));
  CHECK(wrong == 0);
  gather_patches(geometry, std::span<const double>(image), 4, std::span<double>(one));
  CHECK(std::equal(one.begin(), one.end(), patches.begin() + 4 * 18));
}

TEST_CASE("content hash: of values and shape, not of types; any change changes it") {
  const std::vector<float> values = {0, 1, 0.5, -2, 1e-3f, 7};
  const Tensor sample = Tensor::of({2, 3}, values);
  CHECK(content_hash(sample) == content_hash(sample.converted(DType::F64)));
  CHECK(content_hash(sample) != content_hash(sample.reshaped({3, 2})));
  CHECK(content_hash(sample) != content_hash(sample.reshaped({6})));
  CHECK(content_hash(Tensor::of({1}, std::vector<float>{-0.0f})) ==
        content_hash(Tensor::of({1}, std::vector<float>{0})));
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto changed = values;
    changed[i] = std::nextafter(changed[i], 100.0f);
    CHECK(content_hash(Tensor::of({2, 3}, changed)) != content_hash(sample));
    changed = values;
    std::swap(changed[i], changed[(i + 4) % 6]);
    CHECK(content_hash(Tensor::of({2, 3}, changed)) != content_hash(sample));
  }
  CHECK(content_hash_text(sample).size() == 16);
}
