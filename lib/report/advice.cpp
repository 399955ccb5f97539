#include "report/advice.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "linalg/shrinkage.hpp"
#include "noise/schedule.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

using Vector = std::vector<double>;
using Chosen = std::vector<std::uint64_t>;

/// The sample's eigenvalues as --shrink makes them: of `none` over n, of the others from those over n - 1. All d.
Vector shrunk_by(const Shrinker& shrinker, const FittedGaussian& law, double fourth) {
  SampleSpectrum sample;
  sample.eigenvalues = law.eigenvalues;
  sample.eigenvalues.resize(static_cast<std::size_t>(law.dim), 0.0);
  sample.degrees = static_cast<double>(law.count - 1);
  sample.fourth = fourth;
  Vector values = shrunk(shrinker, sample);
  if (shrinker.name == "none")
    for (double& value : values) value *= sample.degrees / static_cast<double>(law.count);
  return values;
}

double fourth_moment(const RowCoordinates& rows, const Chosen& chosen) {
  double sum = 0;
  for (const std::uint64_t i : chosen) sum += rows.squares[i] * rows.squares[i];
  return sum / static_cast<double>(chosen.size());
}

/// What the held-out rows have along each eigenvector, and outside of all.
struct HeldOut {
  Vector along;
  double outside = 0;
};
HeldOut held_out(const RowCoordinates& rows, const Chosen& chosen, std::size_t rank) {
  HeldOut result{Vector(rank), 0};
  const double share = 1 / static_cast<double>(chosen.size());
  for (const std::uint64_t i : chosen) {
    result.outside += share * rows.squares[i];
    for (std::size_t k = 0; k < rank; ++k) {
      const double c = rows.coefficients[i * rank + k];
      result.along[k] += share * c * c;
    }
  }
  for (const double square : result.along) result.outside -= square;
  result.outside = std::max(result.outside, 0.0);
  return result;
}

/// A dimension.
double error_at(double t, const Vector& values, const HeldOut& held) {
  const auto error = [t](double value, double square, double directions) {
    const double h = value / (value + t);
    return (1 - h) * (1 - h) * square + directions * t * h * h;
  };
  const std::size_t rank = held.along.size();
  double sum = 0;
  for (std::size_t k = 0; k < rank; ++k) sum += error(values[k], held.along[k], 1);
  if (rank < values.size())  // all null ones have one value
    sum += error(values[rank], held.outside, static_cast<double>(values.size() - rank));
  return sum / static_cast<double>(values.size());
}

}  // namespace

std::vector<ShrinkageError> shrinkage_errors(const SampleRows& rows, std::span<const double> sigmas, std::int64_t folds,
                                             std::uint64_t seed) {
  std::vector<ShrinkageError> errors;
  for (const Shrinker& shrinker : shrinkers()) errors.push_back({shrinker.name, Vector(sigmas.size())});
  const auto count = static_cast<std::size_t>(rows.count), parts = static_cast<std::size_t>(folds);
  const auto order = permutation({seed, Purpose::train, 0, 0}, count);
  for (std::size_t fold = 0; fold < parts; ++fold) {
    Chosen training, held;
    for (std::size_t i = 0; i < count; ++i) (i % parts == fold ? held : training).push_back(order[i]);
    const FittedGaussian law = fit_gaussian(rows, training);
    const RowCoordinates seen = coordinates_in(law, rows);
    const HeldOut judge = held_out(seen, held, law.eigenvalues.size());
    const double fourth = fourth_moment(seen, training),
                 share = static_cast<double>(held.size()) / static_cast<double>(count);
    for (std::size_t s = 0; s < errors.size(); ++s) {
      const Vector values = shrunk_by(shrinkers()[s], law, fourth);
      for (std::size_t k = 0; k < sigmas.size(); ++k)
        errors[s].mse[k] += share * error_at(sigmas[k] * sigmas[k], values, judge);
    }
  }
  return errors;
}

Spectrum learned_spectrum(const SampleRows& rows, const std::string& shrinker) {
  Chosen all(static_cast<std::size_t>(rows.count));
  std::iota(all.begin(), all.end(), std::uint64_t{0});
  const FittedGaussian law = fit_gaussian(rows, all);
  const auto rank = law.eigenvalues.size();
  const Vector values =
      shrunk_by(*find_entry(shrinkers(), shrinker), law, fourth_moment(coordinates_in(law, rows), all));
  Spectrum spectrum;
  double outside = std::inner_product(law.mean.begin(), law.mean.end(), law.mean.begin(), 0.0);
  for (std::size_t k = 0; k < rank; ++k) {
    const auto u = law.basis.begin() + static_cast<std::ptrdiff_t>(k * law.mean.size());
    const double c = std::inner_product(law.mean.begin(), law.mean.end(), u, 0.0);
    spectrum.lambda.push_back(values[k]);
    spectrum.multiplicity.push_back(1);
    spectrum.mean_square.push_back(c * c);
    outside -= c * c;
  }
  if (rank < values.size()) {
    spectrum.lambda.push_back(values[rank]);
    spectrum.multiplicity.push_back(static_cast<double>(values.size() - rank));
    spectrum.mean_square.push_back(std::max(outside, 0.0));
  }
  return spectrum;
}

double start_error(const Spectrum& spectrum) {
  const double s0 = make_schedule(karras_schedule(), 10, {}).s(0);
  AffineLaw flow;
  for (const double lambda : spectrum.lambda) {
    flow.start.push_back(std::sqrt(lambda / (lambda + s0 * s0)));
    flow.mean.push_back(1 - flow.start.back());
  }
  return law_errors(flow, spectrum, s0, 0, StartLaw::noise).w2;
}

std::vector<SamplerAdvice> sampler_advice(const Spectrum& spectrum) {
  std::vector<SamplerAdvice> advice;
  for (const char* name : {"ddim", "heun", "dpmpp-2m", "dpmpp-3m", "unipc-2", "deis-3", "ddpm"})
    for (const std::int64_t steps : {10, 20, 50}) {
      const Sampler& sampler = *find_entry(samplers(), name);
      OptionValues own;  // all by default
      for (const OptionSpec& option : sampler.options) own.set(option, {});
      const Schedule schedule = make_schedule(karras_schedule(), steps, {});
      const SamplerSettings settings{sampler, own, schedule};
      const LawErrors errors = law_errors(affine_law(settings, spectrum.lambda), spectrum, schedule.s(0),
                                          schedule.s(schedule.steps()), StartLaw::noise);
      advice.push_back({name, steps, sampler_cost(settings).calls, errors.w2});
    }
  return advice;
}

}  // namespace noiseutils
