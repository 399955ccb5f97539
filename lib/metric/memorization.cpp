#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/batch_product.hpp"
#include "metric/set_metric.hpp"
#include "metric/two_sample.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kRows = 64;  // samples at a time

using Values = std::vector<double>;

/// Rows minus `mean`.
SampleRows centred(SampleRows rows, const Values& mean) {
  for (std::size_t i = 0; i < rows.values.size(); ++i) rows.values[i] -= mean[i % mean.size()];
  return rows;
}

Values mean_of(const SampleRows& rows) {
  Values mean(static_cast<std::size_t>(rows.dim));
  for (std::size_t i = 0; i < rows.values.size(); ++i) mean[i % mean.size()] += rows.values[i];
  for (double& value : mean) value /= static_cast<double>(rows.count);
  return mean;
}

double length(const double* x, std::int64_t dim) {
  double sum = 0;
  for (std::int64_t i = 0; i < dim; ++i) sum += x[i] * x[i];
  return std::sqrt(sum);
}

/// The rows scaled to length 1; those of length 0 stay.
SampleRows unit(SampleRows rows) {
  for (std::int64_t i = 0; i < rows.count; ++i) {
    double* const x = rows.values.data() + i * rows.dim;
    if (const double norm = length(x, rows.dim); norm > 0)
      for (std::int64_t k = 0; k < rows.dim; ++k) x[k] /= norm;
  }
  return rows;
}

struct Nearest {
  Values cosine;    ///< of each sample, the largest |cosine| with a record
  Values distance;  ///< ... and the distance to the nearest record
};

Nearest nearest(const SampleRows& samples, const SampleRows& records) {
  Nearest result{Values(static_cast<std::size_t>(samples.count)), Values(static_cast<std::size_t>(samples.count))};
  const SampleRows unit_samples = unit(samples), unit_records = unit(records);
  parallel_blocks((samples.count + kRows - 1) / kRows, [&](std::int64_t block) {
    const std::int64_t begin = block * kRows, rows = std::min(kRows, samples.count - begin);
    Values tile(static_cast<std::size_t>(rows * records.count));
    batch_product(false, records.count, records.dim, unit_records.values.data(), rows, unit_samples.row(begin),
                  tile.data());
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t k = 0; k < records.count; ++k) {
        double& best = result.cosine[static_cast<std::size_t>(begin + i)];
        best = std::max(best, std::fabs(tile[static_cast<std::size_t>(i * records.count + k)]));
      }
    squared_distances(samples.dim, {samples.row(begin), static_cast<std::size_t>(rows * samples.dim)}, records.values,
                      tile);
    for (std::int64_t i = 0; i < rows; ++i) {
      const auto row = tile.begin() + i * records.count;
      const std::int64_t k = std::min_element(row, row + records.count) - row;
      double square = 0;  // anew: the products lose the small distance of a copy
      for (std::int64_t c = 0; c < samples.dim; ++c) {
        const double difference = samples.row(begin + i)[c] - records.row(k)[c];
        square += difference * difference;
      }
      result.distance[static_cast<std::size_t>(begin + i)] = std::sqrt(square);
    }
  });
  return result;
}

double mean(const Values& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// sd(x - r y) / (mean(y) sqrt(n)): the standard error of r = mean(x) / mean(y) over samples.
double ratio_error(const Values& x, const Values& y, double ratio) {
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) squares += (x[i] - ratio * y[i]) * (x[i] - ratio * y[i]);
  const auto n = static_cast<double>(x.size());
  return std::sqrt(squares / (n - 1) / n) / mean(y);
}

std::vector<Figures> measure(const SetInput& input) {
  const SampleRows &data = input.rows("data"), &train = input.rows("train"), &holdout = input.rows("holdout");
  require_equal_dim(data.dim, train.dim, "train");
  require_equal_dim(data.dim, holdout.dim, "holdout");
  if (train.count != holdout.count)
    throw DataError("train has " + std::to_string(train.count) + " samples, holdout " + std::to_string(holdout.count) +
                    ": the nearest of more lies nearer, so they must be equally many (tensor head -n)");
  const Values centre = mean_of(train);
  const SampleRows samples = centred(data, centre);
  const Nearest to_train = nearest(samples, centred(train, centre)),
                to_holdout = nearest(samples, centred(holdout, centre));
  const double ratio = mean(to_train.cosine) / mean(to_holdout.cosine);
  const double distance = mean(to_train.distance) / mean(to_holdout.distance);
  if (std::isnan(ratio) || std::isnan(distance))
    throw DataError("samples, train and holdout are all the mean of train: nothing is nearer than anything else");
  double nearer = 0;
  for (std::size_t i = 0; i < to_train.distance.size(); ++i)
    nearer += to_train.distance[i] < to_holdout.distance[i] ? 1 : 0;
  return {
      {{"memorization", ratio},
       {"memorization_stderr", ratio_error(to_train.cosine, to_holdout.cosine, ratio)},
       {"memorization_of_gaussian", std::sqrt(1 + static_cast<double>(data.dim) / static_cast<double>(train.count))},
       {"memorization_train", mean(to_train.cosine)},
       {"memorization_holdout", mean(to_holdout.cosine)},
       {"memorization_distance", distance},
       {"memorization_distance_stderr", ratio_error(to_train.distance, to_holdout.distance, distance)},
       {"memorization_nearer", nearer / static_cast<double>(data.count)}}};
}

}  // namespace

SetMetricEntry memorization_metric() {
  SetMetricEntry entry;
  entry.name = "memorization";
  entry.summary = "are samples nearer to the training set than to samples held out?";
  entry.sets = {"train", "holdout"};
  entry.measure = measure;
  return entry;
}

}  // namespace noiseutils
