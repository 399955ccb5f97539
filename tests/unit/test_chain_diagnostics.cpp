#include <doctest/doctest.h>

#include <cmath>

#include "base/error.hpp"
#include "chain_helpers.hpp"
#include "sample/chain_diagnostics.hpp"

namespace noiseutils {
namespace {

/// x_t = phi x_(t-1) + sqrt(1 - phi^2) z_t, of variance 1; autocorrelation phi^t, tau = (1 + phi) / (1 - phi).
ChainTraces autoregressions(double phi, std::size_t chains, std::size_t length) {
  ChainTraces traces;
  for (std::size_t k = 0; k < chains; ++k) {
    std::vector<double> x = probe_normals(length, k);
    for (std::size_t t = 1; t < length; ++t) x[t] = phi * x[t - 1] + std::sqrt(1 - phi * phi) * x[t];
    traces.push_back(std::move(x));
  }
  return traces;
}

TEST_CASE("split R-hat: the formula by hand") {
  // Halves {0,1} {0,1} {2,3} {2,3}: W = 1/2, B/N = 4/3, N = 2, so R^2 = (1/2 1/2 + 4/3) / (1/2) = 19/6.
  CHECK(split_rhat({{0, 1, 0, 1}, {2, 3, 2, 3}}) == doctest::Approx(std::sqrt(19.0 / 6)).epsilon(1e-14));
  // One chain that drifts: halves {0,1} {2,3}: B/N = 2, R^2 = (1/4 + 2) / (1/2).
  CHECK(split_rhat({{0, 1, 2, 3}}) == doctest::Approx(std::sqrt(4.5)).epsilon(1e-14));
  CHECK(split_rhat({{0, 1, 9, 2, 3}}) == doctest::Approx(std::sqrt(4.5)).epsilon(1e-14));  // the middle is left out
  CHECK(std::isnan(split_rhat({{1, 1, 1, 1}})));
  CHECK_THROWS_AS(split_rhat({{1, 2, 3}}), InternalError);
  CHECK_THROWS_AS(split_rhat({{1, 2, 3, 4}, {1, 2, 3, 4, 5}}), InternalError);
}

TEST_CASE("split R-hat: near 1 for chains of one law, above 1.01 where one stands elsewhere") {
  ChainTraces traces = autoregressions(0.5, 4, 4000);
  CHECK(split_rhat(traces) < 1.01);
  for (double& value : traces[2]) value += 0.5;
  CHECK(split_rhat(traces) > 1.01);
}

TEST_CASE("effective sample size: N / tau for autoregressions of known tau") {
  // The standard error of tau over a window of w lags is about sqrt((4 w + 2) / N) tau: 3.5 % at w = 60.
  const std::size_t chains = 4, length = 50000;
  const double total = static_cast<double>(chains * length);
  for (const double phi : {-0.5, 0.0, 0.5, 0.9})
    CHECK(effective_sample_size(autoregressions(phi, chains, length)) ==
          doctest::Approx(total * (1 - phi) / (1 + phi)).epsilon(0.12));
}

TEST_CASE("effective sample size: chains that disagree count as few, chains that stand still as none") {
  ChainTraces apart = autoregressions(0, 4, 1000);
  for (std::size_t k = 0; k < 4; ++k)
    for (double& value : apart[k]) value += 100 * static_cast<double>(k);
  CHECK(effective_sample_size(apart) < 10);
  CHECK(effective_sample_size({{2, 2, 2, 2, 2, 2}}) == 0);
  // Antithetic to the end: the bound M N log10(M N)
  CHECK(effective_sample_size({{-1, 1, -1, 1, -1, 1, -1, 1}}) <= 8 * std::log10(8.0) * (1 + 1e-12));
}

}  // namespace
}  // namespace noiseutils
