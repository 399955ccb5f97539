#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <numbers>
#include <numeric>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "linalg/marchenko_pastur.hpp"
#include "linalg/shrinkage.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "random/random.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;

/// Eigenvalues (falling) and eigenvectors of the covariance of `rows` centred vectors x_i ~ N(0, diag(law)), drawn by
/// `seed`.
struct Drawn {
  SampleSpectrum sample;
  Vector along;  // v_i^T Sigma v_i, the oracle
};

Drawn draw(const Vector& law, std::size_t rows, std::uint64_t seed) {
  const std::size_t p = law.size();
  Vector x(rows * p), mean(p), scatter(p * p), values(p);
  fill_normal({21, Purpose::probe, seed, 0}, 0, std::span<double>(x));
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < p; ++j) mean[j] += (x[i * p + j] *= std::sqrt(law[j])) / static_cast<double>(rows);
  double fourth = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    double square = 0;
    for (std::size_t j = 0; j < p; ++j) square += std::pow(x[i * p + j] -= mean[j], 2);
    fourth += square * square / static_cast<double>(rows);
    for (std::size_t c = 0; c < p; ++c)
      for (std::size_t r = 0; r <= c; ++r)
        scatter[c * p + r] += x[i * p + c] * x[i * p + r] / static_cast<double>(rows - 1);
  }
  symmetric_eigen(static_cast<std::int64_t>(p), scatter.data(), values.data());
  Drawn drawn;
  drawn.sample.degrees = static_cast<double>(rows - 1);
  drawn.sample.fourth = fourth;
  for (std::size_t k = p; k-- > 0;) {
    drawn.sample.eigenvalues.push_back(values[k] > 1e-12 * values[p - 1] ? values[k] : 0);
    double variance = 0;
    for (std::size_t j = 0; j < p; ++j) variance += law[j] * std::pow(scatter[k * p + j], 2);
    drawn.along.push_back(variance);
  }
  return drawn;
}

/// Mean square error a dimension of denoising at sigma = 1 by gains lambda / (lambda + 1) along the eigenvectors, exact
/// for the law: (1 - h)^2 v^T Sigma v + h^2.
double error_of(const Vector& eigenvalues, const Vector& along) {
  double sum = 0;
  for (std::size_t k = 0; k < along.size(); ++k) {
    const double h = eigenvalues[k] / (eigenvalues[k] + 1);
    sum += (1 - h) * (1 - h) * along[k] + h * h;
  }
  return sum / static_cast<double>(along.size());
}

double total(const Vector& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

Vector shrunk_by(const std::string& name, const SampleSpectrum& sample) {
  return shrunk(require_entry<InternalError>(shrinkers(), name, "shrinker"), sample);
}

/// Half the eigenvalues 1, half as given.
Vector two_levels(std::size_t p, double level) {
  Vector law(p, 1.0);
  std::fill(law.begin() + static_cast<std::ptrdiff_t>(p / 2), law.end(), level);
  return law;
}

}  // namespace

TEST_CASE("shrinkage: the median of Marchenko and Pastur's law") {
  CHECK(marchenko_pastur_median(1.0 / 3) == doctest::Approx(0.88768).epsilon(1e-5));
  CHECK(marchenko_pastur_median(1e-8) == doctest::Approx(1).epsilon(1e-4));
  // At gamma = 1 x = 4 s^2 with s the quarter circle's law: half its mass, 2/pi (asin s + s sqrt(1 - s^2)), lies below
  // the median.
  const double s = std::sqrt(marchenko_pastur_median(1) / 4);
  CHECK(2 / std::numbers::pi * (std::asin(s) + s * std::sqrt(1 - s * s)) == doctest::Approx(0.5).epsilon(1e-9));
}

TEST_CASE("shrinkage: the trace is kept, and many samples need no help") {
  for (const std::size_t rows : {40UL, 61UL, 500UL}) {
    CAPTURE(rows);
    const Drawn drawn = draw(two_levels(60, 10), rows, rows);
    for (const std::string name : {"none", "lw", "oas", "qis", "spiked"}) {
      CAPTURE(name);
      CHECK(total(shrunk_by(name, drawn.sample)) == doctest::Approx(total(drawn.sample.eigenvalues)).epsilon(1e-12));
    }
  }
  const Drawn many = draw(two_levels(10, 10), 20000, 1);
  for (const Shrinker& shrinker : shrinkers()) {
    CAPTURE(shrinker.name);
    const Vector found = shrunk(shrinker, many.sample);
    for (std::size_t k = 0; k < 10; ++k) CHECK(found[k] == doctest::Approx(k < 5 ? 10 : 1).epsilon(0.06));
  }
}

TEST_CASE("shrinkage: of white samples, few or many, all shrinkers make one value") {
  for (const std::size_t rows : {50UL, 100UL, 101UL, 300UL}) {
    CAPTURE(rows);
    const Drawn drawn = draw(Vector(100, 2.0), rows, 7);
    for (const std::string name : {"lw", "oas", "qis", "lw2020", "spiked"}) {
      CAPTURE(name);
      const Vector found = shrunk_by(name, drawn.sample);
      double square = 0;  // of the departure from 2, against what the sample's own eigenvalues have
      for (const double value : found) square += std::pow(value / 2 - 1, 2) / 100;
      CHECK(square < 0.1 * 100 / static_cast<double>(rows));
      CHECK(square < 0.15);
    }
  }
}

TEST_CASE("shrinkage: eigenvalues over ten decades, as of photographs, each near what the law has along its vector") {
  Vector law;
  for (int k = 0; k < 60; ++k) law.push_back(std::pow(10.0, 5 - k / 6.0));
  const Drawn drawn = draw(law, 700, 8);
  for (const std::string name : {"qis", "lw2020"}) {
    CAPTURE(name);
    const Vector found = shrunk_by(name, drawn.sample);
    for (std::size_t k = 0; k < 60; ++k) {
      CHECK(found[k] > 0.75 * drawn.along[k]);
      CHECK(found[k] < 1.35 * drawn.along[k]);
    }
  }
}

TEST_CASE("shrinkage: what never varies stays at 0") {
  SampleSpectrum sample;
  sample.eigenvalues = {9, 4, 1, 1e-15, 0, 0};
  sample.degrees = 50;
  for (const std::string name : {"oas", "qis", "lw2020", "spiked"}) {
    CAPTURE(name);
    SampleSpectrum three = sample;
    three.eigenvalues.resize(3);
    Vector expected = shrunk_by(name, three);
    expected.resize(6);
    CHECK(shrunk_by(name, sample) == expected);
    SampleSpectrum nothing = sample;
    nothing.eigenvalues.assign(6, 0.0);
    CHECK(shrunk_by(name, nothing) == Vector(6));
  }
  CHECK_THROWS_AS(shrunk_by("lw", sample), DataError);
}

TEST_CASE("shrinkage: spikes are found, and moved to what the law has along the sample's eigenvectors") {
  constexpr std::size_t kDraws = 20, p = 120;
  Vector law(p, 1.7);
  law[0] = 60;
  law[1] = 20;
  for (const std::size_t rows : {81UL, 481UL}) {
    CAPTURE(rows);
    Vector found(2), along(2), raw(2);
    double bulk = 0;
    for (std::size_t i = 0; i < kDraws; ++i) {
      const Drawn drawn = draw(law, rows, 300 + i);
      CHECK(significant_rank(drawn.sample) == 2);
      const Vector values = shrunk_by("spiked", drawn.sample);
      for (std::size_t k = 0; k < 2; ++k) {
        found[k] += values[k] / kDraws;
        along[k] += drawn.along[k] / kDraws;
        raw[k] += drawn.sample.eigenvalues[k] / kDraws;
      }
      bulk += bulk_variance(drawn.sample.eigenvalues, drawn.sample.degrees) / kDraws;
      CHECK(values[2] == values[p - 1]);
    }
    CHECK(bulk == doctest::Approx(1.7).epsilon(0.03));
    for (std::size_t k = 0; k < 2; ++k) {
      // A spike's own scatter is sqrt(2 / (80 * 20)), and the larger one pushes the smaller down by 1/80 * 60/40.
      CHECK(found[k] == doctest::Approx(along[k]).epsilon(0.08));
      CHECK(std::abs(found[k] - along[k]) < std::abs(raw[k] - along[k]));
    }
  }
}

TEST_CASE("shrinkage: of white noise hardly anything stands out") {
  std::int64_t found = 0;
  for (std::size_t i = 0; i < 100; ++i)
    found += significant_rank(draw(Vector(40, 3.0), i % 2 == 0 ? 25 : 200, 400 + i).sample);
  CHECK(found <= 5);  // once in 100 is meant: 6 or more have a chance of 5e-4
}

TEST_CASE("shrinkage: spikes that are declared are so many, and keep the trace") {
  Drawn drawn = draw(two_levels(40, 30), 61, 5);
  for (const std::int64_t spikes : {0, 2, 39, 40}) {
    drawn.sample.spikes = spikes;
    const Vector found = shrunk_by("spiked", drawn.sample);
    CHECK(total(found) == doctest::Approx(total(drawn.sample.eigenvalues)).epsilon(1e-12));
    for (std::size_t k = static_cast<std::size_t>(spikes); k < 40; ++k) CHECK(found[k] == found.back());
  }
}

TEST_SUITE("long") {
  // linear-models-and-inverse-problems, 5.4: the two-level law of eigenvalues 1 and 4, p = 200, n = 100.
  TEST_CASE("shrinkage: the error of denoising of the two-level law is that of the literature") {
    const std::map<std::string, double> published = {
        {"none", 1.412}, {"lw", 0.707}, {"oas", 0.707}, {"qis", 0.708}, {"lw2020", 0.707}};
    constexpr int kDraws = 40;
    std::map<std::string, double> error;
    double oracle = 0;
    for (int i = 0; i < kDraws; ++i) {
      const Drawn drawn = draw(two_levels(200, 4), 100, 100 + static_cast<std::uint64_t>(i));
      oracle += error_of(drawn.along, drawn.along) / kDraws;
      for (const auto& entry : published)
        error[entry.first] += error_of(shrunk_by(entry.first, drawn.sample), drawn.along) / kDraws;
    }
    for (const auto& entry : published) {
      const std::string& name = entry.first;
      const double found = error[name];
      CAPTURE(name);
      CHECK(found == doctest::Approx(entry.second).epsilon(name == "none" ? 0.02 : 0.003));
      CHECK(found > oracle);
    }
  }

  TEST_CASE("shrinkage: on a spiked law, spiked is next to the oracle, then the nonlinear, then the linear") {
    Vector law(200, 1.0);
    law[0] = 8;
    law[1] = 4;
    constexpr int kDraws = 40;
    std::map<std::string, double> error;
    double oracle = 0;
    for (int i = 0; i < kDraws; ++i) {
      const Drawn drawn = draw(law, 100, 200 + static_cast<std::uint64_t>(i));
      oracle += error_of(drawn.along, drawn.along) / kDraws;
      for (const Shrinker& shrinker : shrinkers())
        error[shrinker.name] += error_of(shrunk(shrinker, drawn.sample), drawn.along) / kDraws;
    }
    CHECK(oracle > 0.5034);  // what the law itself allows: mean lambda / (lambda + 1)
    CHECK(oracle < error["spiked"]);
    CHECK(error["spiked"] < error["qis"]);
    CHECK(error["qis"] < error["oas"]);
    CHECK(error["oas"] < 0.7 * error["none"]);
    CHECK(error["spiked"] < 1.003 * oracle);
  }
}
