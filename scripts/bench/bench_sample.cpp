// What samplers themselves cost, one thread: "steps SHAPE SAMPLER microseconds" a step with a denoiser and draws that
// cost nothing, SAMPLER "fused" for a plain loop x <- a x + b y; then "mixture DIM COMPONENTS share", the rate of the
// posterior mean of a mixture over that of sgemm, for the products it is made of. Built and run by
// scripts/bench/sample-speed.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/blas.hpp"
#include "model/mixture.hpp"
#include "random/random.hpp"
#include "sample/sampler.hpp"

namespace {

using namespace noiseutils;

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The best of 15 runs, after one that warms up.
double best_of(const std::function<void()>& work) {
  work();
  double best = 1e300;
  for (int run = 0; run < 15; ++run) best = std::min(best, seconds_of(work));
  return best;
}

/// What a step of DDIM comes to, as a loop that a compiler vectorises.
void fused_update(float a, float* __restrict x, float b, const float* __restrict y, std::size_t size) {
#pragma omp simd
  for (std::size_t e = 0; e < size; ++e) x[e] = a * x[e] + b * y[e];
}

OptionValues defaults_of(const Sampler& sampler) {
  OptionValues values;
  for (const OptionSpec& option : sampler.options) values.set(option, {});
  return values;
}

void measure_steps(const char* shape, std::size_t size, std::int64_t vectors) {
  const std::int64_t steps = size > 100000 ? 20 : 200;
  const Schedule schedule =
      make_schedule(karras_schedule(), steps, {{"sigma-min", 0.002}, {"sigma-max", 80}, {"rho", 7}});
  std::vector<float> x(size, 1), y(size, 0.5F);
  const double loop = best_of([&] {
    for (std::int64_t i = 0; i < steps; ++i) {
      const float a = 0.999F + 1e-6F * static_cast<float>(i), b = 1 - a;
      fused_update(a, x.data(), b, y.data(), size);
    }
  });
  std::printf("steps %s fused %.4g\n", shape, 1e6 * loop / static_cast<double>(steps));
  for (const Sampler& sampler : samplers()) {
    if (!sampler.affine || !sampler.takes_steps()) continue;
    const OptionValues options = defaults_of(sampler);
    SamplerRun<float> run{[](double, std::span<const float>, std::span<float>) {}, schedule, options,
                          static_cast<std::int64_t>(size) / vectors};
    run.normals = [](std::span<float>) {};
    run.uniforms = [](std::span<double>) {};
    try {
      const double time = best_of([&] {
        std::fill(x.begin(), x.end(), 1.0F);
        sampler.run_float(run, x);
      });
      std::printf("steps %s %s %.4g\n", shape, sampler.name.c_str(), 1e6 * time / static_cast<double>(steps));
    } catch (const Error&) {  // one that needs more than a denoiser
    }
  }
}

void measure_mixture(std::int64_t dim, std::int64_t components, std::int64_t rank, std::int64_t vectors) {
  const auto d = static_cast<std::size_t>(dim), k = static_cast<std::size_t>(components);
  MixtureLaw law;
  law.weights.assign(k, 1.0 / static_cast<double>(components));
  law.means.resize(k * d);
  fill_normal({1, Purpose::probe, 0, 0}, 0, std::span<double>(law.means));
  law.ranks.assign(k, rank);
  law.residual_variances.assign(k, 0.01);
  law.eigenvalues.assign(k * static_cast<std::size_t>(rank), 0.5);
  // Cosines: orthonormal rows, the same for each component.
  std::vector<float> rows;
  for (std::size_t c = 0; c < k; ++c)
    for (std::int64_t j = 1; j <= rank; ++j)
      for (std::size_t i = 0; i < d; ++i)
        rows.push_back(static_cast<float>(
            std::sqrt(2.0 / static_cast<double>(dim)) *
            std::cos(M_PI * static_cast<double>(j) * (static_cast<double>(i) + 0.5) / static_cast<double>(dim))));
  law.eigenvectors = Tensor::of({components * rank, dim}, rows);
  ModelInfo info;
  info.kind = "mixture";
  info.axes = "D";
  info.shape = {dim};
  const MixtureModel model(info, std::move(law));
  std::vector<float> y(static_cast<std::size_t>(vectors) * d), x(y.size());
  fill_normal({1, Purpose::probe, 1, 0}, 0, std::span<float>(y));
  const auto map = model.denoiser(0.5, vectors);
  const double ours = best_of([&] { map->apply(std::span<const float>(y), std::span<float>(x)); });
  // Coefficients, distances, the sum over components, and of their means.
  const double products = 2 * static_cast<double>(rank) + 2;
  std::vector<float> a(k * static_cast<std::size_t>(rank) * d, 0.5F),
      c(static_cast<std::size_t>(vectors * components * rank));
  const double product = best_of([&] {
    gemm<float>(Op::transposed, Op::plain, components * rank, vectors, dim, 1, a.data(), dim, y.data(), dim, 0,
                c.data(), components * rank);
  });
  std::printf("mixture %lld %lld %lld %.4g\n", static_cast<long long>(dim), static_cast<long long>(components),
              static_cast<long long>(rank), product / static_cast<double>(rank) * products / ours);
}

}  // namespace

int main() {
  noiseutils::set_thread_count(1);
  measure_steps("1x3x32x32", 3072, 1);
  measure_steps("1x3x256x256", 3UL * 256 * 256, 1);
  measure_steps("64x3x64x64", 64UL * 3 * 64 * 64, 64);
  for (const std::int64_t rank : {1, 8}) measure_mixture(3072, 100, rank, 480);
}
