#include <cmath>

#include "base/error.hpp"
#include "metric/set_metric.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

using Values = std::vector<double>;

/// Standard normals, those of sample i at row i.
Values normals(std::int64_t count, std::int64_t dim, std::uint64_t seed, std::uint64_t copy) {
  Values all(static_cast<std::size_t>(count * dim));
  for (std::int64_t i = 0; i < count; ++i)
    fill_normal({.seed = seed, .purpose = Purpose::probe, .sample = static_cast<std::uint64_t>(i), .copy = copy}, 0,
                std::span<double>(all.data() + i * dim, static_cast<std::size_t>(dim)));
  return all;
}

/// What the model makes of the same input as the other: a draw from the same normals, or, with sigma, the estimate of
/// the same noisy samples.
SampleRows output_of(const Model& model, const Model& reference, const SetInput& input) {
  const std::int64_t count = input.options.integer("count"), dim = model.dim();
  SampleRows rows{count, dim, Values(static_cast<std::size_t>(count * dim))};
  const Values z = normals(count, dim, input.seed, 0);
  const auto sigma = input.options.maybe_number("sigma");
  (sigma ? reference : model).draw(std::span<const double>(z), std::span<double>(rows.values));
  if (!sigma) return rows;
  const Values noise = normals(count, dim, input.seed, 1);
  for (std::size_t i = 0; i < noise.size(); ++i) rows.values[i] += *sigma * noise[i];
  Values estimates(rows.values.size());
  model.denoise(*sigma, std::span<const double>(rows.values), std::span<double>(estimates));
  rows.values = std::move(estimates);
  return rows;
}

/// Cosine of two vectors, each minus a constant a vector or a vector of constants; 0 where one is 0.
double cosine(const double* a, const double* b, const Values& centre, double mean_a, double mean_b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < centre.size(); ++i) {
    const double x = a[i] - centre[i] - mean_a, y = b[i] - centre[i] - mean_b;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

double mean_of(const double* x, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += x[i];
  return sum / static_cast<double>(count);
}

struct MeanAndError {
  double mean, error;
};
MeanAndError mean_and_error(const Values& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = mean_of(values.data(), values.size());
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / (n - 1) / n)};
}

std::vector<Figures> figures_of(const SampleRows& a, const SampleRows& b) {
  const auto d = static_cast<std::size_t>(a.dim);
  Values centre(d);
  for (std::size_t i = 0; i < a.values.size(); ++i)
    centre[i % d] += (a.values[i] + b.values[i]) / (2 * static_cast<double>(a.count));
  const Values none(d);
  Values cosines, unrelated, correlations;
  double gap = 0, power = 0;
  for (std::int64_t i = 0; i < a.count; ++i) {
    const double* const x = a.row(i);
    const double* const y = b.row(i);
    cosines.push_back(cosine(x, y, centre, 0, 0));
    unrelated.push_back(cosine(x, b.row((i + 1) % b.count), centre, 0, 0));
    correlations.push_back(cosine(x, y, none, mean_of(x, d), mean_of(y, d)));
    for (std::size_t k = 0; k < d; ++k) {
      gap += (x[k] - y[k]) * (x[k] - y[k]);
      power += ((x[k] - centre[k]) * (x[k] - centre[k]) + (y[k] - centre[k]) * (y[k] - centre[k])) / 2;
    }
  }
  const MeanAndError similarity = mean_and_error(cosines), correlation = mean_and_error(correlations);
  return {{{"convergence", similarity.mean},
           {"convergence_stderr", similarity.error},
           {"convergence_unrelated", mean_and_error(unrelated).mean},
           {"convergence_correlation", correlation.mean},
           {"convergence_correlation_stderr", correlation.error},
           {"convergence_gap", power > 0 ? gap / power : 0}}};
}

std::vector<Figures> measure(const SetInput& input) {
  if (input.model) {
    require_equal_dim(input.model->dim(), input.reference_model->dim());
    return figures_of(output_of(*input.model, *input.reference_model, input),
                      output_of(*input.reference_model, *input.reference_model, input));
  }
  for (const char* option : {"count", "sigma"})
    if (input.options.given(option))
      throw UsageError(std::string("--") + option + " goes with --model and --reference-model");
  const SampleRows &a = input.rows("data"), &b = input.rows("reference");
  require_equal_dim(a.dim, b.dim);
  if (a.count != b.count)
    throw DataError("data has " + std::to_string(a.count) + " samples, reference " + std::to_string(b.count) +
                    ": they are compared one by one");
  return figures_of(a, b);
}

}  // namespace

SetMetricEntry convergence_metric() {
  SetMetricEntry entry;
  entry.name = "convergence";
  entry.summary = "do two models make the same of the same input? Similarity of their outputs, one by one";
  entry.options = {
      integer("count", "N", "inputs of two models").short_name('n').otherwise("1000").at_least(2).at_most(1e9),
      number("sigma", "S",
             "two models denoise noise of this deviation, in units of data; default: draws from the same normals")
          .above(0)};
  entry.compares_models = true;
  entry.measure = measure;
  return entry;
}

}  // namespace noiseutils
