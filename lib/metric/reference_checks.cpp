#include "metric/reference_checks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/error.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kRun = 64, kMostRuns = 4096;  // elements side by side, and how many such runs are looked at
constexpr double kSignificant = 5, kCorrelated = 0.1, kTolerated = 0.5;
constexpr double kLeastGrowth = 1.2, kMostGrowth = 2;  // of differences as the distance doubles
constexpr std::array<std::pair<int, int>, 3> kPairs = {{{0, 1}, {0, 2}, {1, 2}}};

std::string number_text(double value) {
  std::array<char, 32> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%.3g", value);
  return buffer.data();
}
std::string reference_name(int k) { return "reference." + std::to_string(k + 1); }

/// Sums over one run. Indices of pairs are those of kPairs.
struct Run {
  double count = 0;
  std::array<double, 3> square{}, product{};      // d_j^2, d_j d_k
  std::array<double, 3> value{}, value_square{};  // references
  double cross = 0;                               // reference 1 times reference 2
  double f = 0, f_square = 0;
  double difference = 0, lag = 0, lag_count = 0;  // a - b, and its products at a distance
  double near = 0;                                // squared differences within cells
  std::array<double, 2> far{}, far_count{};       // and between cells one and two apart
};

/// Normal equations of a - b on (1, f, df/dx, df/dy), and the same of the mean of references - f.
struct Regression {
  std::array<std::array<double, 4>, 4> gram{};
  std::array<std::array<double, 4>, 2> target{};  // of reference 1 - reference 2, reference 1 - reference 3
  std::array<double, 2> square{};
  std::array<double, 4> error{};
  double count = 0;
};

/// A sample as rows, with neighbours.
template <class Real>
struct View {
  const Real* f;
  std::vector<const Real*> r;
  std::int64_t height, width, rows;

  View(const Tensor& data, const std::vector<Tensor>& references) : f(data.values<Real>().data()) {
    for (std::size_t k = 0; k < std::min<std::size_t>(3, references.size()); ++k)
      r.push_back(references[k].values<Real>().data());
    width = data.rank() == 0 ? 1 : data.shape().back();
    height = data.rank() < 2 ? 1 : data.shape()[data.rank() - 2];
    rows = data.size() / width;
  }
  double reference(std::size_t k, std::int64_t i) const { return static_cast<double>(r[k][i]); }
  double data(std::int64_t i) const { return static_cast<double>(f[i]); }
};

template <class Real>
void look(const View<Real>& view, std::int64_t row, std::int64_t left, std::int64_t lag, bool subsampled, Run& run,
          Regression& fit, double centre) {
  const std::int64_t right = std::min(left + kRun, view.width), y = row % view.height;
  const std::size_t k_count = view.r.size();
  for (std::int64_t x = left; x < right; ++x) {
    const std::int64_t i = row * view.width + x;
    const double f = view.data(i);
    std::array<double, 3> r{}, d{};
    double mean_error = 0;
    for (std::size_t k = 0; k < k_count; ++k) {
      r[k] = view.reference(k, i);
      d[k] = r[k] - f;
      mean_error += d[k] / static_cast<double>(k_count);
      run.square[k] += d[k] * d[k];
      run.value[k] += r[k];
      run.value_square[k] += r[k] * r[k];
    }
    for (std::size_t p = 0; p < kPairs.size(); ++p)
      run.product[p] += d[static_cast<std::size_t>(kPairs[p].first)] * d[static_cast<std::size_t>(kPairs[p].second)];
    run.cross += r[0] * r[1];
    run.count += 1;
    run.f += f;
    run.f_square += f * f;
    run.difference += r[0] - r[1];

    const auto with_neighbour = [&](std::int64_t step, bool inside) {
      if (!inside) return;
      run.lag += (r[0] - r[1]) * (view.reference(0, i + step) - view.reference(1, i + step));
      run.lag_count += 1;
    };
    with_neighbour(lag, x + lag < view.width);
    with_neighbour(lag * view.width, y + lag < view.height);

    if (subsampled) {
      for (std::size_t j = 0; j < k_count; ++j)
        for (std::size_t k = j + 1; k < k_count; ++k)
          run.near += (r[j] - r[k]) * (r[j] - r[k]) * 2 / static_cast<double>(k_count * (k_count - 1));
      for (std::int64_t distance = 1; distance <= 2; ++distance) {
        const auto to = static_cast<std::size_t>(distance - 1);
        for (const bool down : {false, true}) {
          if (down ? y + distance >= view.height : x + distance >= view.width) continue;
          for (std::size_t j = 0; j < k_count; ++j)
            for (std::size_t k = 0; k < k_count; ++k) {
              const double difference = r[j] - view.reference(k, i + distance * (down ? view.width : 1));
              run.far[to] += difference * difference;
              run.far_count[to] += 1;
            }
        }
      }
    }

    const bool inner_x = x > 0 && x + 1 < view.width, inner_y = y > 0 && y + 1 < view.height;
    const std::array<double, 4> regressor = {1, f - centre, inner_x ? (view.data(i + 1) - view.data(i - 1)) / 2 : 0,
                                             inner_y ? (view.data(i + view.width) - view.data(i - view.width)) / 2 : 0};
    for (std::size_t p = 0; p < 4; ++p) {
      for (std::size_t q = 0; q < 4; ++q) fit.gram[p][q] += regressor[p] * regressor[q];
      fit.target[0][p] += regressor[p] * (r[0] - r[1]);
      if (k_count > 2) fit.target[1][p] += regressor[p] * (r[0] - r[2]);
      fit.error[p] += regressor[p] * mean_error;
    }
    fit.square[0] += (r[0] - r[1]) * (r[0] - r[1]);
    if (k_count > 2) fit.square[1] += (r[0] - r[2]) * (r[0] - r[2]);
    fit.count += 1;
  }
}

/// Mean and its standard error, from sums over runs.
struct Mean {
  double value = 0, error = 0;
  bool significant() const { return std::abs(value) > kSignificant * error; }
};
template <class Sum>
Mean mean_of(const std::vector<Run>& runs, const Sum& sum) {
  Mean mean;
  double count = 0, squares = 0;
  for (const Run& run : runs) {
    mean.value += sum(run);
    count += run.count;
  }
  mean.value /= count;
  for (const Run& run : runs) squares += std::pow(sum(run) - run.count * mean.value, 2);
  const auto units = static_cast<double>(runs.size());
  mean.error = std::sqrt(squares * units / (units - 1)) / count;  // of one run NaN: nothing is significant
  return mean;
}

/// The inverse of a symmetric positive matrix; what depends on rows before (a vector has no df/dy, a ramp no df/dx of
/// its own) is left out as zeros. Gauss and Jordan.
std::array<std::array<double, 4>, 4> inverse(std::array<std::array<double, 4>, 4> a) {
  std::array<std::array<double, 4>, 4> b{};
  std::array<bool, 4> used{};
  const auto original = a;
  for (std::size_t p = 0; p < 4; ++p) b[p][p] = 1;
  for (std::size_t p = 0; p < 4; ++p) {
    const double pivot = a[p][p];
    used[p] = pivot > 1e-9 * original[p][p];
    if (!used[p]) continue;
    for (std::size_t q = 0; q < 4; ++q) {
      a[p][q] /= pivot;
      b[p][q] /= pivot;
    }
    for (std::size_t r = 0; r < 4; ++r) {
      if (r == p) continue;
      const double factor = a[r][p];
      for (std::size_t q = 0; q < 4; ++q) {
        a[r][q] -= factor * a[p][q];
        b[r][q] -= factor * b[p][q];
      }
    }
  }
  for (std::size_t p = 0; p < 4; ++p)
    for (std::size_t q = 0; q < 4; ++q)
      if (!used[p] || !used[q]) b[p][q] = 0;
  return b;
}

void check_motion(const Regression& fit, int pair, ReferenceChecks& result) {
  if (fit.count < 32) return;  // four coefficients would explain too much
  const auto& target = fit.target[static_cast<std::size_t>(pair)];
  const auto covariance = inverse(fit.gram);
  std::array<double, 4> beta{};
  double explained = 0, slant = 0;
  for (std::size_t p = 0; p < 4; ++p)
    for (std::size_t q = 0; q < 4; ++q) beta[p] += covariance[p][q] * target[q];
  for (std::size_t p = 0; p < 4; ++p) explained += beta[p] * target[p];
  const double noise = std::max(0.0, fit.square[static_cast<std::size_t>(pair)] - explained) / fit.count;
  std::array<bool, 4> seen{};
  for (std::size_t p = 0; p < 4; ++p)
    seen[p] = std::abs(beta[p]) > kSignificant * std::sqrt(noise * covariance[p][p]) && covariance[p][p] > 0;
  const auto bias = [&](std::size_t from, std::size_t to) {
    double square = 0;
    slant = 0;
    for (std::size_t p = from; p < to; ++p) {
      if (!seen[p]) continue;
      for (std::size_t q = from; q < to; ++q)
        if (seen[q]) square += beta[p] * fit.gram[p][q] * beta[q];
      slant += beta[p] * fit.error[p];
    }
    return (2 * square + 3 * std::abs(slant)) / fit.count;
  };
  const std::string who = reference_name(0) + " and " + reference_name(pair + 1);
  if (seen[2] || seen[3])
    result.findings.push_back({"drift",
                               who + " are shifted by about " + number_text(std::hypot(beta[2], beta[3])) +
                                   " elements: take neighbouring captures, or register them",
                               bias(2, 4), kTolerated});
  if (seen[0] || seen[1])
    result.findings.push_back(
        {"brightness",
         who + " differ in brightness, by " + number_text(beta[0]) + " + " + number_text(beta[1]) + " (data - mean)",
         bias(0, 2), kTolerated});
}

void check_noise(const std::vector<Run>& runs, UnsupervisedForm form, int references, ReferenceChecks& result) {
  const auto square = [](int k) { return [k](const Run& run) { return run.square[static_cast<std::size_t>(k)]; }; };
  double worst = 0;
  if (references > 2)
    for (std::size_t p = 0; p < 3; ++p)
      for (std::size_t q = p + 1; q < 3; ++q) {
        const Mean gap = mean_of(runs, [=](const Run& run) { return run.product[p] - run.product[q]; });
        if (gap.significant()) worst = std::max(worst, std::abs(gap.value));
      }
  if (worst > 0)
    result.findings.push_back({"pairs",
                               "pairs of references disagree on the error by " + number_text(worst) +
                                   ": noise is shared among references or with data, or they moved",
                               worst});
  std::optional<std::pair<int, int>> unequal;
  for (int j = 0; j < references && !unequal; ++j)
    for (int k = j + 1; k < references && !unequal; ++k)
      if (mean_of(runs, [&](const Run& run) { return square(j)(run) - square(k)(run); }).significant())
        unequal = {j, k};
  if (!unequal || (references > 2 && form == UnsupervisedForm::pairs)) return;
  const double bias =
      references > 2
          ? std::abs(
                mean_of(runs, [&](const Run& run) { return square(0)(run) - (square(1)(run) + square(2)(run)) / 2; })
                    .value)
          : std::abs(mean_of(runs, [&](const Run& run) { return (square(0)(run) - square(1)(run)) / 2; }).value);
  result.findings.push_back({"variances",
                             reference_name(unequal->first) + " and " + reference_name(unequal->second) +
                                 " are not equally far from data: one is noisier, or shares noise with data",
                             bias});
}

template <class Real>
ReferenceChecks check(UnsupervisedForm form, const Tensor& data, const std::vector<Tensor>& references,
                      std::int64_t side, bool subsampled) {
  const View<Real> view(data, references);
  const int count = static_cast<int>(view.r.size());
  const std::int64_t a_row = (view.width + kRun - 1) / kRun, all = view.rows * a_row, taken = std::min(all, kMostRuns);
  const std::int64_t lag = std::max<std::int64_t>(1, side / 2);
  std::vector<Run> runs(static_cast<std::size_t>(taken));
  Regression fit;
  for (std::int64_t i = 0; i < taken; ++i) {
    const std::int64_t run = i * all / taken;
    look(view, run / a_row, run % a_row * kRun, lag, subsampled, runs[static_cast<std::size_t>(i)], fit, view.data(0));
  }
  Run total;
  for (const Run& run : runs) {
    total.count += run.count;
    total.f += run.f;
    total.f_square += run.f_square;
    total.cross += run.cross;
    total.difference += run.difference;
    total.lag += run.lag;
    total.lag_count += run.lag_count;
    total.near += run.near;
    for (std::size_t k = 0; k < 2; ++k) {
      total.far[k] += run.far[k];
      total.far_count[k] += run.far_count[k];
    }
    for (std::size_t k = 0; k < 3; ++k) {
      total.value[k] += run.value[k];
      total.value_square[k] += run.value_square[k];
    }
  }

  const double n = total.count;
  ReferenceChecks result;
  const auto constant = [&](double sum, double square, double scale) {
    return square - sum * sum / n <= 1e-13 * scale;
  };
  for (int k = 0; k < count && n > 1; ++k) {
    const auto at = static_cast<std::size_t>(k);
    if (constant(total.value[at], total.value_square[at], total.value_square[at]))
      throw DataError(reference_name(k) + " is constant: it measures nothing");
  }
  if (n > 1 && constant(total.difference, fit.square[0], total.value_square[0]))
    throw DataError("reference.1 and reference.2 differ by a constant: one is a copy of the other");
  if (n > 1 && constant(total.f, total.f_square, total.f_square))
    result.findings.push_back({"constant", "data is constant"});
  result.scene_mean = (total.value[0] + total.value[1]) / (2 * n);
  result.scene_deviation = std::sqrt(std::max(0.0, total.cross / n - total.value[0] / n * (total.value[1] / n)));

  check_noise(runs, form, count, result);
  for (int pair = 0; pair + 1 < count; ++pair) check_motion(fit, pair, result);

  const double offset = total.difference / n, variance = fit.square[0] / n - offset * offset;
  const double correlation = (total.lag / total.lag_count - offset * offset) / variance;
  if (correlation > kCorrelated && correlation > kSignificant / std::sqrt(total.lag_count))
    result.findings.push_back(
        {"correlation", "noise correlates by " + number_text(correlation) + " over " + std::to_string(lag) +
                            " elements: the interval is too narrow, give --block " + std::to_string(8 * lag)});
  if (subsampled && total.far_count[1] > 0) {
    const double near = total.near / n, one = total.far[0] / total.far_count[0],
                 two = total.far[1] / total.far_count[1];
    const Mean gap = mean_of(runs, [&](const Run& run) { return run.far[0] * n / total.far_count[0] - run.near; });
    // A texture may be no rougher one cell apart than within; then the next distance has to do, and chance is allowed.
    const double grown = one > near
                             ? (one - near) / (std::clamp((two - one) / (one - near), kLeastGrowth, kMostGrowth) - 1)
                             : std::max(0.0, two - near);
    const double difference = std::max(grown, gap.value + 3 * gap.error);
    result.findings.push_back(
        {"subsample",
         "neighbouring elements of the scene differ: references from one image are off by up to " +
             number_text(difference / 2) + " in umse",
         difference / 2, kTolerated / 4});
  }
  return result;
}

}  // namespace

ReferenceChecks check_references(UnsupervisedForm form, const Tensor& f, const std::vector<Tensor>& references,
                                 std::int64_t side, bool subsampled) {
  return f.dtype() == DType::F32 ? check<float>(form, f, references, side, subsampled)
                                 : check<double>(form, f, references, side, subsampled);
}

}  // namespace noiseutils
