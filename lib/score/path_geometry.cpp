#include "score/path_geometry.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "linalg/symmetric_eigen.hpp"

namespace noiseutils {
namespace {

using Vector = std::vector<double>;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

bool is_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}
double norm(std::span<const double> a) { return std::sqrt(dot(a, a)); }

Vector difference(std::span<const double> a, std::span<const double> b) {
  Vector result(a.begin(), a.end());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] -= b[i];
  return result;
}

/// The angle of two vectors of lengths p, q > 0; unlike an arc cosine exact for small ones.
/// Source: Kahan, "How futile are mindless assessments of roundoff", section 12.
double angle(std::span<const double> a, double p, std::span<const double> b, double q) {
  double minus = 0, plus = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double u = a[i] / p, v = b[i] / q;
    minus += (u - v) * (u - v);
    plus += (u + v) * (u + v);
  }
  return 2 * std::atan2(std::sqrt(minus), std::sqrt(plus));
}

void add_turns(PathGeometry& path, std::span<const double> states, std::size_t d) {
  Vector before;
  double length_before = 0;
  for (std::size_t at = d; at < states.size(); at += d) {
    Vector step = difference(states.subspan(at, d), states.subspan(at - d, d));
    const double length = norm(step);
    if (length == 0) continue;
    path.length += length;
    if (!before.empty()) {
      const double turn = angle(before, length_before, step, length);
      path.turning += turn;
      path.largest_angle = std::max(path.largest_angle, turn);
      path.curvature = std::max(path.curvature, turn / ((length_before + length) / 2));
    }
    before = std::move(step);
    length_before = length;
  }
}

/// |r - (r . c) c / |c|^2| of r = x - x_0, c = x_N - x_0; |r| where the ends are one.
double largest_deviation(std::span<const double> states, std::size_t d) {
  const auto start = states.first(d);
  const Vector chord = difference(states.last(d), start);
  const double square = dot(chord, chord);
  double largest = 0;
  for (std::size_t at = 0; at < states.size(); at += d) {
    Vector r = difference(states.subspan(at, d), start);
    const double part = square > 0 ? dot(r, chord) / square : 0;
    for (std::size_t i = 0; i < d; ++i) r[i] -= part * chord[i];
    largest = std::max(largest, norm(r));
  }
  return largest;
}

/// Cumulated shares of the eigenvalues of the states' Gram matrix about their mean.
Vector explained_by(std::span<const double> states, std::size_t d, std::int64_t directions) {
  const std::size_t n = states.size() / d;
  Vector mean(d), centred(states.begin(), states.end()), gram(n * n), values(n), shares;
  for (std::size_t e = 0; e < states.size(); ++e) mean[e % d] += states[e] / static_cast<double>(n);
  for (std::size_t e = 0; e < centred.size(); ++e) centred[e] -= mean[e % d];
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j)
      gram[i * n + j] = gram[j * n + i] =
          dot(std::span(centred).subspan(i * d, d), std::span(centred).subspan(j * d, d));
  if (!is_finite(gram))
    return Vector(static_cast<std::size_t>(directions), kUnknown);  // squares beyond the largest double
  symmetric_eigen(static_cast<std::int64_t>(n), gram.data(), values.data());
  for (double& value : values) value = std::max(value, 0.0);
  const double all = std::accumulate(values.begin(), values.end(), 0.0);
  double sum = 0;
  for (std::int64_t k = 0; k < directions; ++k) {
    if (static_cast<std::size_t>(k) < n) sum += values[n - 1 - static_cast<std::size_t>(k)];
    shares.push_back(all > 0 ? std::min(1.0, sum / all) : 1);
  }
  return shares;
}

}  // namespace

double PathGeometry::stretch() const {
  if (std::isnan(chord)) return chord;
  if (chord > 0) return length / chord;
  return length > 0 ? std::numeric_limits<double>::infinity() : 1;
}

PathGeometry path_geometry(std::span<const double> states, std::int64_t dim, std::int64_t directions) {
  const auto d = static_cast<std::size_t>(dim);
  if (states.size() < 2 * d) throw DataError("a path has two states at least");
  PathGeometry path;
  path.steps = static_cast<std::int64_t>(states.size() / d) - 1;
  if (!is_finite(states)) {
    path.length = path.chord = path.turning = path.largest_angle = path.curvature = path.deviation = kUnknown;
    path.explained.assign(static_cast<std::size_t>(directions), kUnknown);
    return path;
  }
  path.chord = norm(difference(states.last(d), states.first(d)));
  add_turns(path, states, d);
  path.deviation = largest_deviation(states, d);
  path.explained = explained_by(states, d, directions);
  return path;
}

}  // namespace noiseutils
