#include "sample/reflected.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "sample/target.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {

namespace {

constexpr std::int64_t kBlock = 4096;  // elements that are worth a thread

/// Of a batch, in doubles.
template <class T>
void scores(const ReflectedLaw& law, double sigma, std::span<const T> x, std::span<T> score) {
  const std::int64_t dim = law.dim(), count = static_cast<std::int64_t>(x.size()) / dim;
  const std::int64_t vectors = std::max<std::int64_t>(1, kBlock / dim);
  parallel_blocks((count + vectors - 1) / vectors, [&](std::int64_t block) {
    std::vector<double> own(static_cast<std::size_t>(dim)), out(own.size());
    for (std::int64_t v = block * vectors; v < std::min(count, (block + 1) * vectors); ++v) {
      std::copy_n(x.begin() + v * dim, dim, own.begin());
      law.score(sigma, own, out);
      std::transform(out.begin(), out.end(), score.begin() + v * dim,
                     [](double value) { return static_cast<T>(value); });
    }
  });
}

}  // namespace

template <class T>
void reflected_diffusion(const SamplerRun<T>& run, const ReflectedLaw& law, std::span<T> x) {
  const auto fold = [](T value) { return static_cast<T>(reflected(static_cast<double>(value))); };
  std::vector<T> score(x.size()), z(x.size());
  std::transform(x.begin(), x.end(), x.begin(), fold);
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const double a = run.s(i), b = run.s(i + 1), step = a * a - b * b;
    scores<T>(law, a, x, score);
    if (b > 0) run.normals(z);
    combine<T>(x, {{1, x}, {step, score}, {b > 0 ? std::sqrt(step) : 0, z}});
    std::transform(x.begin(), x.end(), x.begin(), fold);
    run.observe(i + 1, x);
  }
}

namespace {

template <class T>
void reflected_of_model(const SamplerRun<T>& run, std::span<T> x) {
  if (run.target == nullptr || run.target->model() == nullptr)
    throw UsageError("--sampler reflected needs the score under reflection, which no program tells; give --model");
  const auto law = reflected_law(*run.target->model());
  reflected_diffusion(run, *law, x);
  for (std::int64_t v = 0; v < run.count(x); ++v) run.tell(v, "nfe", static_cast<double>(run.steps()));
}

}  // namespace

Sampler reflected_sampler() {
  Sampler self;
  self.name = "reflected";
  self.summary = "reflected diffusion of points in [0, 1], which never leaves the cube";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.affine = false;  // by the reflection
  self.source = "Lou, Ermon 2023";
  self.run_float = reflected_of_model<float>;
  self.run_double = reflected_of_model<double>;
  return self;
}

template void reflected_diffusion(const SamplerRun<float>&, const ReflectedLaw&, std::span<float>);
template void reflected_diffusion(const SamplerRun<double>&, const ReflectedLaw&, std::span<double>);

}  // namespace noiseutils
