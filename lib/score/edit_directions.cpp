#include "score/edit_directions.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "linalg/vector_block.hpp"

namespace noiseutils {
namespace {

constexpr double kNothing = 1e-6;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

void check_mask(std::span<const double> mask, std::int64_t dim) {
  if (mask.size() != index(dim)) throw InternalError("a mask of another size than the sample");
  const auto inside = std::count_if(mask.begin(), mask.end(), [](double value) { return value != 0; });
  if (inside == 0) throw DataError("the mask is 0 everywhere: nothing is to change");
  if (inside == dim) throw DataError("the mask covers all of the sample: there is nothing outside to keep");
}

/// The singular vectors of P_rest J that count.
std::vector<double> null_vectors(const JacobianAt& jacobian, std::span<const double> rest, std::int64_t null,
                                 DirectionSearch search, std::int64_t sample, bool& settled) {
  search.power.count = null;
  SingularDirections found = directions_of(jacobian, jacobian.masked_products(rest), search, sample);
  settled = settled && found.has_settled(search.power);
  const auto counting = std::count_if(found.values.begin(), found.values.end(),
                                      [&](double value) { return value > kNothing * found.values.front(); });
  found.vectors.resize(index(counting * jacobian.dim()));
  return std::move(found.vectors);
}

/// Takes the span of `null` out of v, and leaves a unit vector. What is left before that.
double project_out(std::span<const double> null, std::span<double> v) {
  for (int pass = 0; pass < 2; ++pass)
    for (std::size_t first = 0; first < null.size(); first += v.size()) {
      const auto axis = null.subspan(first, v.size());
      const double c = dot_product(axis, v);
      for (std::size_t i = 0; i < v.size(); ++i) v[i] -= c * axis[i];
    }
  const double left = std::sqrt(dot_product(v, v));
  for (double& value : v) value /= left;
  return left;
}

/// |J v| inside the mask and outside.
std::pair<double, double> split_norm(std::span<const double> response, std::span<const double> mask) {
  double inside = 0, outside = 0;
  for (std::size_t i = 0; i < response.size(); ++i) (mask[i] != 0 ? inside : outside) += response[i] * response[i];
  return {std::sqrt(inside), std::sqrt(outside)};
}

}  // namespace

EditDirections edit_directions(const JacobianAt& jacobian, std::span<const double> mask, std::int64_t null,
                               const DirectionSearch& search, std::int64_t sample) {
  check_mask(mask, jacobian.dim());
  require_dimensions(jacobian.dim(), search.power.count, "-k");
  require_dimensions(jacobian.dim(), null, "--null");
  SingularDirections found = directions_of(jacobian, jacobian.masked_products(mask), search, sample);
  EditDirections result;
  result.vectors = std::move(found.vectors);
  result.gains = std::move(found.values);
  result.iterations = found.iterations;
  result.change = found.change;
  result.settled = found.has_settled(search.power);
  std::vector<double> rest, taken_out;
  for (const double value : mask) rest.push_back(value == 0);
  if (null > 0) taken_out = null_vectors(jacobian, rest, null, search, sample, result.settled);
  const std::size_t d = index(jacobian.dim());
  result.null_rank = static_cast<std::int64_t>(taken_out.size() / d);
  for (std::size_t k = 0; k < result.gains.size(); ++k)
    if (project_out(taken_out, std::span(result.vectors).subspan(k * d, d)) <= kNothing)
      throw UsageError("nothing of direction " + std::to_string(k + 1) + " is left outside of the " +
                       std::to_string(result.null_rank) + " null directions: take a smaller --null");
  std::vector<double> responses(result.vectors.size());
  jacobian.product(result.vectors, responses);
  for (std::size_t k = 0; k < result.gains.size(); ++k) {
    const auto [inside, outside] = split_norm(std::span(responses).subspan(k * d, d), mask);
    result.inside.push_back(inside);
    result.outside.push_back(outside);
  }
  return result;
}

}  // namespace noiseutils
