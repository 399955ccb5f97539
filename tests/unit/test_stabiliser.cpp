#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "denoise/family_denoiser.hpp"
#include "denoise/stabiliser.hpp"
#include "noise/families.hpp"
#include "tensor/tensor_sink.hpp"

namespace noiseutils {
namespace {

using doctest::Approx;

std::shared_ptr<const Noise> gamma_law(double looks) { return gamma_noise().make({{{"looks", looks}}, {}, {}}); }
std::shared_ptr<const Noise> tweedie_law(double power, double dispersion) {
  return tweedie_noise().make({{{"power", power}, {"dispersion", dispersion}}, {}, {}});
}

TEST_CASE("stabiliser: the mean of the logarithm of gamma noise is the digamma function") {
  for (const int looks : {1, 5, 150, 1000}) {  // by density and, from 200 on, by expansion
    CAPTURE(looks);
    double digamma = -std::numbers::egamma;
    for (int i = 1; i < looks; ++i) digamma += 1.0 / i;
    const double c = 1e-7, x = 0.7;
    const auto f = power_stabiliser(gamma_law(looks), 2, 1.0 / looks, c, 1);
    const double mean = std::sqrt(looks) * (std::log(x) + digamma - std::log(looks) - std::log(c));
    CHECK(f->inverse(mean) == Approx(x).epsilon(2e-5));
  }
}

TEST_CASE("stabiliser: a camera's offset shifts transform and inverse, told from the metadata") {
  const auto known = [](const std::string& metadata) {
    KnownNoise noise = white_noise(0.2);
    for (auto& law : noise_from_metadata(metadata)) noise.laws.emplace_back(std::move(law));
    return noise;
  };
  const auto shifted =
      stabiliser_of(known(R"({"family":"poisson-gaussian","gain":0.1,"read":0.03,"offset":0.25})"), 0.6, 2);
  const auto plain = stabiliser_of(known(R"({"family":"poisson-gaussian","gain":0.1,"read":0.03})"), 0.35, 2);
  REQUIRE(shifted);
  REQUIRE(plain);
  for (const double y : {0.1, 0.5, 1.7})
    CHECK(shifted->transformed(y + 0.25) == Approx(plain->transformed(y)).epsilon(1e-9));
  for (const double d : {1.5, 3.0, 9.0}) CHECK(shifted->inverse(d) == Approx(plain->inverse(d) + 0.25).epsilon(1e-9));
}

TEST_CASE("stabiliser: inverse Gaussian, where E y^-1/2 is a Bessel function") {
  for (const double phi : {0.5, 0.02, 0.001}) {
    CAPTURE(phi);
    const double c = 1e-7, x = 1.3;
    const auto f = power_stabiliser(tweedie_law(3, phi), 3, phi, c, 2);
    // E y^s = sqrt(2 l / pi) e^(l/x) x^(s - 1/2) K_(s - 1/2)(l / x), l = 1 / phi, s = -1/2
    const double z = 1 / (phi * x);
    const double scaled_bessel = z < 600
                                     ? std::exp(z) * std::cyl_bessel_k(1.0, z)
                                     : std::sqrt(std::numbers::pi / (2 * z)) * (1 + 3 / (8 * z) - 15 / (128 * z * z));
    const double mean_root = std::sqrt(2 / (std::numbers::pi * phi)) / x * scaled_bessel;
    CHECK(f->inverse(2 * (1 / std::sqrt(c) - mean_root) / std::sqrt(phi)) == Approx(x).epsilon(1e-4));
  }
}

TEST_CASE("stabiliser: of compound noise the mean is that of draws, and the variance about 1") {
  for (const double x : {0.05, 0.4, 3.0}) {
    CAPTURE(x);
    const auto law = tweedie_law(1.5, 0.05);
    const auto f = power_stabiliser(law, 1.5, 0.05, 0.02, 4);
    const std::vector<double> clean(200000, x);
    std::vector<double> y(clean.size());
    law->draw(NoiseKey{11, 0, 0}, 0, std::span<const double>(clean), std::span<double>(y));
    double sum = 0, squares = 0;
    for (const double value : y) sum += f->transformed(value), squares += f->transformed(value) * f->transformed(value);
    const double n = static_cast<double>(y.size()), mean = sum / n, variance = squares / n - mean * mean;
    const double slope = (f->transformed(x * 1.01) - f->transformed(x * 0.99)) / (0.02 * x);
    CHECK(std::abs(f->inverse(mean) - x) < 4.5 * std::sqrt(variance / n) / slope);
    CHECK(variance > 0.6);
    CHECK(variance < 1.25);
  }
}

TEST_CASE("stabiliser: which noise has one") {
  const auto known = [](const char* text) {
    KnownNoise noise;
    for (auto& law : noise_from_metadata(text)) noise.laws.emplace_back(std::move(law));
    return noise;
  };
  const auto has = [&](const char* text) { return stabiliser_of(known(text), 0.5, 1) != nullptr; };
  CHECK(has(R"({"family":"poisson","zeta":0.1})"));
  CHECK(has(R"([{"family":"poisson","zeta":0.1},{"family":"gaussian","sigma":0.1}])"));
  CHECK(has(R"({"family":"gamma","looks":3})"));
  CHECK(has(R"({"family":"tweedie","power":3,"dispersion":0.1})"));
  CHECK_FALSE(has(R"({"family":"gaussian","sigma":0.1})"));
  CHECK_FALSE(has(R"([{"family":"gaussian","sigma":0.1},{"family":"poisson","zeta":0.1}])"));
  CHECK_FALSE(has(R"({"family":"laplace","sigma":0.1})"));
}

/// Knows that samples are constant: their mean.
class Constant : public SampleDenoiser {
 public:
  void prepare(const std::string&, const Shape&) override {}
  void produce(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) override {
    sigma = sigmas[0];
    double sum = 0;
    for (const double y : noisy.values<double>()) sum += y;
    const std::vector<double> x(static_cast<std::size_t>(noisy.size()), sum / static_cast<double>(noisy.size()));
    sink.write(std::as_bytes(std::span<const double>(x)));
  }
  double sigma = 0;
};

TEST_CASE("stabilised_denoiser: unbiased, at the sigma of the noise at the mean") {
  for (const char* text : {R"({"family":"poisson","zeta":0.05})", R"({"family":"gamma","looks":4})"}) {
    CAPTURE(text);
    KnownNoise noise;
    for (auto& law : noise_from_metadata(text)) noise.laws.emplace_back(std::move(law));
    const double x = 0.1;
    Tensor y = Tensor::of({400, 500}, std::vector<double>(200000, x));
    noise.laws[0]->draw(NoiseKey{5, 0, 0}, 0, std::as_const(y).values<double>(), y.mutable_values<double>());
    auto constant = std::make_unique<Constant>();
    const Constant& inner = *constant;
    const auto denoiser = stabilised_denoiser(std::move(constant));
    denoiser->prepare("HW", {400, 500});
    Tensor estimate(DType::F64, {400, 500});
    TensorSink sink(estimate);
    denoiser->produce_knowing(y, {&noise, 1}, sink);
    const double sigma = std::sqrt(noise.variance().at(x));
    // Without the exact inverse it would be about 0.012 too low for either.
    CHECK(std::abs(estimate.values<double>()[0] - x) < 5 * sigma / std::sqrt(200000.0));
    CHECK(inner.sigma == Approx(sigma).epsilon(0.1));
  }
}

}  // namespace
}  // namespace noiseutils
