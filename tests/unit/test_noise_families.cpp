#include <doctest/doctest.h>

#include <cmath>

#include "base/error.hpp"
#include "noise/bessel.hpp"
#include "noise/noise_level.hpp"
#include "noise_helpers.hpp"

// Reference values: scipy 1.10 (stats.*.logpdf, logpmf), mpmath at 30 digits where scipy has no such law.
namespace noiseutils {
namespace {

using namespace test;
using doctest::Approx;

constexpr std::size_t kDraws = 100000;
constexpr double kSmallestP = 1e-5;
constexpr double kMostOff = 4.5;

TEST_CASE("noise families: mean and variance of draws are mean_at and variance_at") {
  const std::vector<std::pair<std::string, NoiseParameters>> laws = {
      {"gaussian", {{"sigma", 0.3}}},
      {"poisson", {{"zeta", 0.05}}},
      {"gamma", {{"looks", 3}}},
      {"poisson-gaussian", {{"gain", 0.05}, {"read", 0.1}}},
      {"uniform", {{"width", 0.7}}},
      {"laplace", {{"sigma", 0.3}}},
      {"rician", {{"sigma", 0.3}}},
      {"salt-pepper", {{"amount", 0.3}, {"salt", 0.7}, {"low", -0.5}, {"high", 2}}},
      {"tweedie", {{"power", 0}, {"dispersion", 0.1}}},
      {"tweedie", {{"power", 1}, {"dispersion", 0.1}}},
      {"tweedie", {{"power", 1.1}, {"dispersion", 0.1}}},
      {"tweedie", {{"power", 1.5}, {"dispersion", 0.5}}},
      {"tweedie", {{"power", 1.9}, {"dispersion", 0.3}}},
      {"tweedie", {{"power", 2}, {"dispersion", 0.3}}},
      {"tweedie", {{"power", 3}, {"dispersion", 0.3}}},
  };
  for (const auto& law : laws)
    for (const double x : {0.1, 0.5, 2.0}) {
      CAPTURE(law.first);
      CAPTURE(x);
      CHECK(moments_off(*law_of(law.first, law.second), x, kDraws) < kMostOff);
    }
}

TEST_CASE("noise families: what was said of a law in metadata makes it again") {
  for (const auto& [family, numbers] : std::vector<std::pair<std::string, NoiseParameters>>{
           {"laplace", {{"sigma", 0.3}}},
           {"rician", {{"sigma", 0.3}}},
           {"salt-pepper", {{"amount", 0.3}, {"salt", 0.7}, {"low", -0.5}, {"high", 2}}},
           {"tweedie", {{"power", 1.3}, {"dispersion", 0.1}}}}) {
    const auto again = noise_from_metadata(extended_noise_metadata("", *law_of(family, numbers), 1, false));
    CHECK(again.size() == 1);
    CHECK(again[0]->family() == family);
    CHECK(again[0]->parameters() == numbers);
  }
}

TEST_CASE("noise families: log-likelihoods against other programs") {
  CHECK(law_of("gaussian", {{"sigma", 0.1}})->log_likelihood(0.7, 0.5) == Approx(-0.6163534402106263).epsilon(1e-12));
  CHECK(law_of("poisson", {{"zeta", 0.1}})->log_likelihood(0.7, 0.5) == Approx(-2.259095974026712).epsilon(1e-12));
  CHECK(law_of("gamma", {{"looks", 3}})->log_likelihood(0.7, 0.5) == Approx(-0.23121866075324515).epsilon(1e-12));
  CHECK(law_of("poisson-gaussian", {{"gain", 0.1}, {"read", 0.05}})->log_likelihood(0.63, 0.5) ==
        Approx(0.29011250683812003).epsilon(1e-12));
  CHECK(law_of("laplace", {{"sigma", 0.2}})->log_likelihood(0.7, 0.5) == Approx(-0.1513492402189669).epsilon(1e-12));
  CHECK(law_of("uniform", {{"width", 0.5}})->log_likelihood(0.7, 0.5) == Approx(std::log(2.0)));
  CHECK(law_of("rician", {{"sigma", 0.1}})->log_likelihood(0.5, 0.4) == Approx(1.0016334336724203).epsilon(1e-12));
  CHECK(law_of("rician", {{"sigma", 0.5}})->log_likelihood(1.3, 0) == Approx(-1.7313413744126183).epsilon(1e-12));
  CHECK(law_of("rician", {{"sigma", 0.01}})->log_likelihood(3, 2.9) == Approx(-46.296816134588874).epsilon(1e-12));
  const auto tweedie = [](double p, double phi, double y, double x) {
    return law_of("tweedie", {{"power", p}, {"dispersion", phi}})->log_likelihood(y, x);
  };
  CHECK(tweedie(1.5, 0.5, 1.3, 1) == Approx(-0.89135520970452059).epsilon(1e-12));
  CHECK(tweedie(1.2, 0.1, 0.01, 0.2) == Approx(-1.572173408602482).epsilon(1e-12));
  CHECK(tweedie(1.8, 0.02, 40, 38) == Approx(-2.4227608340132554).epsilon(1e-10));  // of terms about 1e3
  CHECK(tweedie(1.5, 0.5, 0, 2) == Approx(-5.6568542494923802).epsilon(1e-12));
  CHECK(tweedie(1.99, 1, 0.5, 0.7) == Approx(-0.36216688949310247).epsilon(1e-12));
  CHECK(tweedie(3, 0.5, 1.2, 0.9) == Approx(-0.9384398707082244).epsilon(1e-12));
  CHECK(tweedie(3, 0.1, 0.05, 1) == Approx(-85.52404757637667).epsilon(1e-12));
  const auto impulses = law_of("salt-pepper", {{"amount", 0.3}, {"salt", 0.4}, {"low", 0}, {"high", 1}});
  CHECK(impulses->log_likelihood(0.5, 0.5) == Approx(std::log(0.7)));
  CHECK(impulses->log_likelihood(1, 0.5) == Approx(std::log(0.12)));
  CHECK(impulses->log_likelihood(0, 0) == Approx(std::log(0.88)));
  CHECK(impulses->log_likelihood(0.4, 0.5) == -std::numeric_limits<double>::infinity());
}

TEST_CASE("noise families: every law has mass 1") {
  CHECK(mass(*law_of("gaussian", {{"sigma", 0.1}}), 0.5, -1, 2) == Approx(1).epsilon(1e-10));
  CHECK(mass(*law_of("gamma", {{"looks", 3}}), 0.5, 0, 20) == Approx(1).epsilon(1e-8));
  CHECK(mass(*law_of("poisson-gaussian", {{"gain", 0.1}, {"read", 0.05}}), 0.5, -1, 4, 5000) ==
        Approx(1).epsilon(1e-9));
  CHECK(mass(*law_of("laplace", {{"sigma", 0.1}}), 0.5, -3, 4) == Approx(1).epsilon(1e-6));
  CHECK(mass(*law_of("uniform", {{"width", 0.5}}), 0.5, 0, 1) == Approx(1).epsilon(1e-4));
  for (const double x : {0.0, 0.2, 5.0})
    CHECK(mass(*law_of("rician", {{"sigma", 0.1}}), x, 0, 8) == Approx(1).epsilon(1e-8));
  CHECK(mass(*law_of("tweedie", {{"power", 3}, {"dispersion", 0.5}}), 0.5, 1e-9, 60) == Approx(1).epsilon(1e-6));
  for (const double p : {1.2, 1.5, 1.9}) {
    const auto law = law_of("tweedie", {{"power", p}, {"dispersion", 0.2}});
    CAPTURE(p);
    CHECK(mass_of_logs(*law, 0.5, -300, 4) + std::exp(law->log_likelihood(0, 0.5)) == Approx(1).epsilon(1e-8));
  }
  double counts = 0;
  for (int k = 0; k < 60; ++k) counts += std::exp(law_of("poisson", {{"zeta", 0.1}})->log_likelihood(0.1 * k, 0.5));
  CHECK(counts == Approx(1).epsilon(1e-12));
}

TEST_CASE("laplace: draws have its distribution") {
  const double b = 0.3 / std::sqrt(2.0);
  CHECK(ks_p(draws(*law_of("laplace", {{"sigma", 0.3}}), 0.5, kDraws), [b](double y) {
          const double z = (y - 0.5) / b;
          return z < 0 ? 0.5 * std::exp(z) : 1 - 0.5 * std::exp(-z);
        }) > kSmallestP);
}

TEST_CASE("rician: draws have the distribution of a noncentral chi with two degrees of freedom") {
  for (const double x : {0.0, 0.2, 1.0}) {
    const double half = 0.5 * x * x / 0.09;
    CHECK(ks_p(draws(*law_of("rician", {{"sigma", 0.3}}), x, 20000), [half](double y) {
            double sum = 0, weight = std::exp(-half);
            for (int j = 0; j < 60; ++j) {
              sum += weight * gamma_cdf(1 + j, 0.5 * y * y / 0.09);
              weight *= half / (j + 1);
            }
            return sum;
          }) > kSmallestP);
  }
}

TEST_CASE("rician: moments where they are hard, and the Bessel functions below them") {
  const auto law = [](double sigma) { return law_of("rician", {{"sigma", sigma}}); };
  CHECK(law(0.5)->mean_at(0) == Approx(0.62665706865775013).epsilon(1e-13));
  CHECK(law(0.5)->variance_at(0) == Approx(0.10730091830127585).epsilon(1e-13));
  CHECK(law(0.1)->mean_at(0.4) == Approx(0.41271935425367577).epsilon(1e-13));
  CHECK(law(0.1)->variance_at(0.4) == Approx(0.0096627346244288858).epsilon(1e-12));
  CHECK(law(0.1)->variance_at(2) == Approx(0.0099874685326242923).epsilon(1e-11));
  CHECK(law(0.1)->variance_at(9.9) == Approx(0.0099994897959090671).epsilon(1e-10));
  CHECK(law(0.1)->variance_at(10.1) == Approx(0.0099995098039133203).epsilon(1e-10));
  const double values[][3] = {{0, 1, 0},
                              {0.5, 0.64503527044915007, 0.1564208031848717},
                              {10, 0.12783333716342861, 0.12126268138445552},
                              {29.5, 0.07376861727872859, 0.072507326157183725},
                              {30.5, 0.072538784070779077, 0.071339539285262004},
                              {700, 0.015081295651531358, 0.015070519444716847}};
  for (const auto& [z, i0, i1] : values) {
    CHECK(scaled_bessel_i0(z) == Approx(i0).epsilon(1e-14));
    CHECK(scaled_bessel_i1(z) == Approx(i1).epsilon(1e-14));
  }
}

TEST_CASE("salt-pepper: each kind comes as often as its probability says") {
  const auto y = draws(*law_of("salt-pepper", {{"amount", 0.3}, {"salt", 0.7}, {"low", 0}, {"high", 1}}), 0.5, kDraws);
  double statistic = 0;
  for (const auto& [value, p] : {std::pair{0.0, 0.09}, {1.0, 0.21}, {0.5, 0.7}}) {
    const double expected = p * kDraws, got = static_cast<double>(std::count(y.begin(), y.end(), value));
    statistic += (got - expected) * (got - expected) / expected;
  }
  CHECK(chi_square_p(statistic, 2) > kSmallestP);
}

TEST_CASE("tweedie: draws have the distribution of a Poisson number of gamma variates") {
  for (const double p : {1.05, 1.5, 1.9}) {
    const double x = 0.5, phi = 0.4;
    const double lambda = std::pow(x, 2 - p) / (phi * (2 - p)), shape = (2 - p) / (p - 1);
    const double scale = phi * (p - 1) * std::pow(x, p - 1);
    CAPTURE(p);
    CHECK(ks_p(
              draws(*law_of("tweedie", {{"power", p}, {"dispersion", phi}}), x, 20000),
              [&](double y) {
                double weight = std::exp(-lambda), sum = weight;
                for (int n = 1; n < 60; ++n) sum += (weight *= lambda / n) * gamma_cdf(n * shape, y / scale);
                return sum;
              },
              std::exp(-lambda) * (1 + 1e-12)) > kSmallestP);
  }
}

TEST_CASE("tweedie of power 3: draws are inverse Gaussian") {
  for (const double phi : {0.1, 2.0, 50.0}) {
    const double x = 0.5, shape = 1 / phi;
    CHECK(ks_p(draws(*law_of("tweedie", {{"power", 3}, {"dispersion", phi}}), x, kDraws), [&](double y) {
            const double root = std::sqrt(shape / y);
            return normal_cdf(root * (y / x - 1)) + std::exp(2 * shape / x) * normal_cdf(-root * (y / x + 1));
          }) > kSmallestP);
  }
}

TEST_CASE("tweedie of powers 0, 1, 2 draws what the laws of those names draw") {
  const auto same = [](double p, const std::string& family, const NoiseParameters& numbers) {
    return draws(*law_of("tweedie", {{"power", p}, {"dispersion", 0.25}}), 0.5, 100) ==
           draws(*law_of(family, numbers), 0.5, 100);
  };
  CHECK(same(0, "gaussian", {{"sigma", 0.5}}));
  CHECK(same(1, "poisson", {{"zeta", 0.25}}));
  CHECK(same(2, "gamma", {{"looks", 4}}));
  CHECK_THROWS_AS(law_of("tweedie", {{"power", 0.5}, {"dispersion", 1}}), UsageError);
  CHECK_THROWS_AS(law_of("tweedie", {{"power", 2.5}, {"dispersion", 1}}), UsageError);
}

TEST_CASE("noise levels: families without a quadratic variance and an unbiased mean are refused by name") {
  Record record;
  record.tensors.insert_or_assign("data", Tensor::of<double>({2}, {1, 2}));
  for (const std::string law :
       {R"({"family":"rician","sigma":0.1})", R"({"family":"tweedie","power":1.5,"dispersion":1})",
        R"({"family":"salt-pepper","amount":0.1,"salt":0.5,"low":0,"high":1})"}) {
    record.metadata["noise"] = law;
    CHECK_THROWS_WITH_AS(noise_levels(record, std::nullopt),
                         doctest::Contains(noise_from_metadata(law)[0]->family().c_str()), DataError);
    CHECK(noise_levels(record, 0.5) == std::vector{0.5});
  }
  record.metadata["noise"] = R"({"family":"tweedie","power":1,"dispersion":0.5})";
  CHECK(noise_levels(record, std::nullopt)[0] == Approx(std::sqrt(0.75)));
}

TEST_CASE("poisson-gaussian with an offset: the law without it, shifted") {
  const NoiseParameters shifted{{"gain", 0.1}, {"read", 0.05}, {"offset", 0.25}};
  const auto law = law_of("poisson-gaussian", shifted),
             plain = law_of("poisson-gaussian", {{"gain", 0.1}, {"read", 0.05}});
  CHECK(law->variance().at(0.75) == doctest::Approx(0.1 * 0.5 + 0.0025).epsilon(1e-14));
  CHECK(law->log_likelihood(0.63 + 0.25, 0.5 + 0.25) ==
        doctest::Approx(plain->log_likelihood(0.63, 0.5)).epsilon(1e-12));
  CHECK(law->lowest_clean_value() == 0.25);
  CHECK(law->parameters() == shifted);
  CHECK(plain->parameters().size() == 2);
  const std::vector<double> x{0.3, 0.75, 1.25}, at_zero{0.05, 0.5, 1};
  std::vector<double> y(3), expected(3);
  law->draw(NoiseKey{5, 0, 0}, 0, x, y);
  plain->draw(NoiseKey{5, 0, 0}, 0, at_zero, expected);
  for (std::size_t i = 0; i < 3; ++i) CHECK(y[i] == doctest::Approx(expected[i] + 0.25).epsilon(1e-12));
  // Without read noise values are whole counts above the offset, of Poisson's mass: e^-5 5^3 / 3!.
  const auto counts = law_of("poisson-gaussian", {{"gain", 0.1}, {"read", 0}, {"offset", 0.25}});
  CHECK(counts->log_likelihood(0.55, 0.75) == doctest::Approx(-5 + 3 * std::log(5.0) - std::log(6.0)).epsilon(1e-12));
  CHECK(counts->log_likelihood(0.6, 0.75) == -HUGE_VAL);
}

}  // namespace
}  // namespace noiseutils
