#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "random/random.hpp"
#include "score/apply.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

const SmallLaw& law() {
  static const SmallLaw the_law(6, {2, 0.5, 0.03}, 0.1);
  return the_law;
}

std::vector<double> points(std::size_t vectors) {
  std::vector<double> y(vectors * 6);
  fill_normal({3, Purpose::probe, 0, 0}, 0, y);
  return y;
}

std::vector<double> field_at(Field field, const NoiseLevel& level, const std::vector<double>& y) {
  std::vector<double> out(y.size());
  ModelField(law(), field, level.alpha).apply(level.sigma, std::span<const double>(y), std::span<double>(out));
  return out;
}

double log_density_at(const NoiseLevel& level, const std::vector<double>& y) {
  return log_densities(law(), level, std::span<const double>(y)).at(0);
}

const std::vector<NoiseLevel> kLevels = {{1, 0.3}, {0.6, 0.8}, {2, 0.01}, {0.1, 5}};

TEST_CASE("score: the gradient of log-density, by central differences") {
  for (const NoiseLevel& level : kLevels) {
    const auto y = points(1);
    const auto score = field_at(Field::score, level, y);
    double error = 0, size = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      const double h = 1e-5 * std::max(level.sigma, 0.1);
      auto up = y, down = y;
      up[i] += h;
      down[i] -= h;
      error = std::max(error, std::abs((log_density_at(level, up) - log_density_at(level, down)) / (2 * h) - score[i]));
      size = std::max(size, std::abs(score[i]));
    }
    CHECK(error < 1e-5 * size);
  }
}

TEST_CASE("log-density: that of the Gaussian N(alpha mean, alpha^2 covariance + sigma^2)") {
  for (const NoiseLevel& level : kLevels) {
    const auto y = points(1);
    std::vector<double> centred = y;
    for (std::size_t i = 0; i < y.size(); ++i) centred[i] -= level.alpha * law().mean()[i];
    double expected = 0;
    for (std::size_t k = 0; k < y.size(); ++k) {
      double c = 0;
      for (std::size_t i = 0; i < y.size(); ++i) c += law().direction(k)[i] * centred[i];
      const double variance = level.alpha * level.alpha * law().variance(k) + level.sigma * level.sigma;
      expected -= 0.5 * (c * c / variance + std::log(2 * M_PI * variance));
    }
    CHECK(log_density_at(level, y) == doctest::Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("denoiser: Tweedie, the Wiener filter, and the other fields as their definitions say") {
  for (const NoiseLevel& level : kLevels) {
    const double alpha = level.alpha, sigma = level.sigma;
    const auto y = points(3);
    const auto x0 = field_at(Field::denoiser, level, y), score = field_at(Field::score, level, y),
               eps = field_at(Field::eps, level, y), v = field_at(Field::v, level, y);
    double tweedie = 0, definitions = 0, wiener = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      tweedie = std::max(tweedie, std::abs(alpha * x0[i] - y[i] - sigma * sigma * score[i]));
      definitions = std::max(definitions, std::abs(alpha * x0[i] + sigma * eps[i] - y[i]));
      definitions = std::max(definitions, std::abs(alpha * eps[i] - sigma * x0[i] - v[i]));
    }
    for (std::size_t at = 0; at < y.size(); at += 6) {
      std::vector<double> x(y.begin() + static_cast<std::ptrdiff_t>(at),
                            y.begin() + static_cast<std::ptrdiff_t>(at + 6));
      for (double& value : x) value /= alpha;
      const double t = sigma * sigma / (alpha * alpha);
      const auto expected = law().plus_mean(
          law().transformed(law().plus_mean(x, -1), [&](double lambda) { return lambda / (lambda + t); }), 1);
      wiener = std::max(
          wiener, largest_difference(expected, std::vector<double>(x0.begin() + static_cast<std::ptrdiff_t>(at),
                                                                   x0.begin() + static_cast<std::ptrdiff_t>(at + 6))));
    }
    CHECK(tweedie < 1e-12);
    CHECK(definitions < 1e-12);
    CHECK(wiener < 1e-11);
  }
}

TEST_CASE("second-order Tweedie: the Jacobian of the denoiser is symmetric, and its differences") {
  const double sigma = 0.4, h = 1e-4;
  const auto y = points(1);
  double symmetry = 0, difference = 0;
  std::vector<std::vector<double>> columns;
  for (std::size_t j = 0; j < 6; ++j) {
    std::vector<double> direction(6, 0.0), column(6), up = y, down = y;
    direction[j] = 1;
    law().jacobian_product(sigma, std::span<const double>(y), std::span<const double>(direction),
                           std::span<double>(column));
    up[j] += h;
    down[j] -= h;
    const auto a = field_at(Field::denoiser, {1, sigma}, up), b = field_at(Field::denoiser, {1, sigma}, down);
    for (std::size_t i = 0; i < 6; ++i)
      difference = std::max(difference, std::abs((a[i] - b[i]) / (2 * h) - column[i]));
    columns.push_back(column);
  }
  for (std::size_t i = 0; i < 6; ++i)
    for (std::size_t j = 0; j < 6; ++j) symmetry = std::max(symmetry, std::abs(columns[i][j] - columns[j][i]));
  CHECK(symmetry < 1e-14);
  CHECK(difference < 1e-9);
}

TEST_CASE("convert: there and back is the identity, and each field becomes what the model says") {
  const NoiseLevel level{0.7, 0.9};
  const auto y = points(2);
  for (const FieldEntry& from : fields())
    for (const FieldEntry& to : fields()) {
      const auto values = field_at(from.field, level, y);
      std::vector<double> there(y.size()), back(y.size());
      convert_field<double>(from.field, to.field, level, y, values, there);
      convert_field<double>(to.field, from.field, level, y, there, back);
      CHECK(largest_difference(back, values) < 1e-13);
      CHECK(largest_difference(there, field_at(to.field, level, y)) < 1e-12);
    }
}

TEST_CASE("fields of records: sigma from the metadata, by sample; noise moves to noise.removed") {
  const auto y = points(3);
  const auto shared_law = std::make_shared<SmallLaw>(6, std::vector<double>{2, 0.5, 0.03}, 0.1);
  Record record;
  record.tensors["data"] = Tensor::of<double>({3, 6}, y);
  record.metadata["axes"] = "ND";
  record.metadata["noise"] =
      R"(["{\"family\":\"gaussian\",\"sigma\":0.3}","{\"family\":\"gaussian\",\"sigma\":0.5}","[{\"family\":\"gaussian\",\"sigma\":0.3},{\"family\":\"gaussian\",\"sigma\":0.4}]"])";
  const auto densities = log_densities_of_samples(record, *shared_law, {});
  Record scores = record;
  FieldOfSamples(shared_law, fields().front(), {}).apply(scores);
  const auto got = scores.require("data").values<double>();
  const double sigmas[] = {0.3, 0.5, 0.5};
  for (std::size_t s = 0; s < 3; ++s) {
    const std::vector<double> own(y.begin() + static_cast<std::ptrdiff_t>(6 * s),
                                  y.begin() + static_cast<std::ptrdiff_t>(6 * s + 6));
    CHECK(largest_difference(got.subspan(6 * s, 6), field_at(Field::score, {1, sigmas[s]}, own)) < 1e-12);
    CHECK(densities.at(s) == doctest::Approx(log_density_at({1, sigmas[s]}, own)).epsilon(1e-12));
  }
  CHECK(scores.meta("field") == "score");
  CHECK(scores.meta("noise").empty());
  CHECK(scores.meta("noise.removed") == record.meta("noise"));

  Record back = scores;
  back.tensors["noisy"] = record.tensors["data"];
  convert_field_of_samples(back, nullptr, fields()[1], {});
  Record denoised = record;
  FieldOfSamples(shared_law, fields()[1], {}).apply(denoised);
  CHECK(largest_difference(back.require("data").values<double>(), denoised.require("data").values<double>()) < 1e-12);
}

TEST_CASE("fields of records: what does not fit is refused") {
  const auto shared_law = std::make_shared<SmallLaw>(6, std::vector<double>{1}, 0.1);
  Record record;
  record.tensors["data"] = Tensor::of<double>({6}, points(1));
  FieldOfSamples score(shared_law, fields().front(), {});
  CHECK_THROWS_AS(score.apply(record), DataError);  // no sigma
  record.metadata["noise"] = R"({"family":"poisson","peak":100})";
  CHECK_THROWS_AS(score.apply(record), DataError);
  record.metadata["noise"] = R"({"family":"gaussian","sigma":0.1})";
  CHECK_THROWS_AS(convert_field_of_samples(record, nullptr, fields()[1], {}), DataError);
  CHECK_THROWS_AS(convert_field_of_samples(record, &fields()[0], fields()[1], {}), DataError);
  record.tensors["data"] = Tensor::of<double>({5}, {1, 2, 3, 4, 5});
  CHECK_THROWS_AS(score.apply(record), DataError);
}

}  // namespace
}  // namespace noiseutils
