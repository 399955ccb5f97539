#include "metric/frechet.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "linalg/batch_product.hpp"
#include "linalg/singular_values.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "metric/set_metric.hpp"

namespace noiseutils {
namespace {

using Values = std::vector<double>;

/// A B^T of row-major matrices with `depth` columns: rows(A) x rows(B), row-major.
Values product(const Values& a, const Values& b, std::int64_t depth) {
  const auto m = static_cast<std::int64_t>(a.size()) / depth, n = static_cast<std::int64_t>(b.size()) / depth;
  Values result(static_cast<std::size_t>(m * n));
  batch_product(false, n, depth, b.data(), m, a.data(), result.data());
  return result;
}

Values transposed(const Values& a, std::int64_t rows, std::int64_t cols) {
  Values result(a.size());
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < cols; ++j)
      result[static_cast<std::size_t>(j * rows + i)] = a[static_cast<std::size_t>(i * cols + j)];
  return result;
}

double sum_of_squares(const double* values, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += values[i] * values[i];
  return sum;
}
double sum_of_squares(const Values& values) {
  return sum_of_squares(values.data(), static_cast<std::int64_t>(values.size()));
}

/// Variance of the first variation under Gaussian samples of `law`:
///   2 [ tr S_1^2 - 2 tr(T S_1 S_1) + tr S_1 S_2 ] + 4 delta^T S_1 delta,
/// with tr(T S_1 S_1) = sum_k s_k |F_1^T u_k|^2 for G = F_1 F_2^T = sum_k s_k u_k v_k^T.
double variance_of_potential(const GaussianLaw& law, const Values& gram, const Values& left, const Values& values,
                             double cross, const Values& shift) {
  const std::int64_t d = law.dim(), r = law.rank();
  // F^T u of every u: u^T F F^T u = u^T gram u
  const Values image = product(left, gram, r);
  double mixed = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    double form = 0;
    for (std::int64_t i = 0; i < r; ++i) {
      const std::size_t at = k * static_cast<std::size_t>(r) + static_cast<std::size_t>(i);
      form += image[at] * left[at];
    }
    mixed += values[k] * form;
  }
  const Values along = product(law.factor, shift, d);
  return std::max(0.0, 2 * (sum_of_squares(gram) - 2 * mixed + cross)) + 4 * sum_of_squares(along);
}

/// The standard error from the singular vectors of G (r_1 x r_2), by way of the eigenvectors of G G^T: squares lose
/// digits that a standard error does not need.
double standard_error(const GaussianLaw& first, const GaussianLaw& second, const Values& g, const Values& shift) {
  const std::int64_t r1 = first.rank(), r2 = second.rank();
  Values left = product(g, g, r2), squares(static_cast<std::size_t>(r1));
  symmetric_eigen(r1, left.data(), squares.data());                                 // rows of `left`: u_k
  Values right = product(left, transposed(g, r1, r2), r1), values(squares.size());  // rows: s_k v_k
  for (std::int64_t k = 0; k < r1; ++k) {
    double* const row = right.data() + k * r2;
    const double s = std::sqrt(sum_of_squares(row, r2));
    values[static_cast<std::size_t>(k)] = s;
    for (std::int64_t i = 0; i < r2; ++i) row[i] = s > 0 ? row[i] / s : 0;
  }
  const double cross = sum_of_squares(g);
  double variance = 0;
  const auto share = [&](const GaussianLaw& law, const Values& vectors) {
    if (law.count == 0) return 0.0;
    const Values gram = product(law.factor, law.factor, law.dim());
    return variance_of_potential(law, gram, vectors, values, cross, shift) / static_cast<double>(law.count);
  };
  variance = share(first, left) + share(second, right);
  return std::sqrt(variance);
}

double floor_of(const Values& eigenvalues, double inverse_counts) {
  double sum = 0;
  for (std::size_t i = 0; i < eigenvalues.size(); ++i) {
    const double a = eigenvalues[i];
    sum += a;
    for (std::size_t k = 0; k < eigenvalues.size(); ++k)
      if (const double b = eigenvalues[k]; a + b > 0) sum += a * b * (i == k ? 2 : 1) / (2 * (a + b));
  }
  return sum * inverse_counts;
}

bool is_ample(const GaussianLaw& law) { return law.count == 0 || law.count > law.dim(); }

std::vector<Figures> measure(const SetInput& input) {
  const FrechetDistance distance = frechet_distance(*input.law, *input.reference_law);
  return {{{"frechet", distance.squared()},
           {"frechet_root", std::sqrt(distance.squared())},
           {"frechet_mean", distance.mean},
           {"frechet_covariance", distance.covariance},
           {"frechet_stderr", distance.error},
           {"frechet_floor", distance.floor}}};
}

}  // namespace

FrechetDistance frechet_distance(const GaussianLaw& first, const GaussianLaw& second) {
  require_equal_dim(first.dim(), second.dim());
  FrechetDistance result;
  Values shift(first.mean.size());
  for (std::size_t i = 0; i < shift.size(); ++i) shift[i] = first.mean[i] - second.mean[i];
  result.mean = sum_of_squares(shift);
  const double traces = sum_of_squares(first.factor) + sum_of_squares(second.factor);
  result.error = result.floor = is_ample(first) && is_ample(second) ? 0 : std::numeric_limits<double>::quiet_NaN();
  if (first.rank() == 0 || second.rank() == 0) {
    result.covariance = traces;
    return result;
  }
  const Values g = product(first.factor, second.factor, first.dim());
  Values destroyed = g, values(static_cast<std::size_t>(std::min(first.rank(), second.rank())));
  singular_values(second.rank(), first.rank(), destroyed.data(), values.data());
  double nuclear = 0;
  for (const double value : values) nuclear += value;
  result.covariance = std::max(0.0, traces - 2 * nuclear);
  if (std::isnan(result.floor)) return result;
  const auto inverse = [](const GaussianLaw& law) { return law.count == 0 ? 0 : 1 / static_cast<double>(law.count); };
  if (inverse(first) + inverse(second) == 0) return result;
  result.error = standard_error(first, second, g, shift);
  result.floor = floor_of(covariance_eigenvalues(second), inverse(first) + inverse(second));
  return result;
}

SetMetricEntry frechet_metric() {
  SetMetricEntry entry;
  entry.name = "frechet";
  entry.summary = "Gaussian Wasserstein-2 distance, squared (FID where data are features)";
  entry.uses_laws = true;
  entry.measure = measure;
  return entry;
}

}  // namespace noiseutils
