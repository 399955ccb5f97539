#include "score/denoiser_kl.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

constexpr double kStep = 0.125;      // in log sigma: with half of the nodes still beyond double precision
constexpr double kFar = 1e8;         // the ends, as multiples of the least and the largest scale
constexpr double kNothing = 1e-6;    // of the integral: an end that is less counts as nothing
constexpr double kLeastPower = 0.1;  // of sigma, that the integrand must follow beyond an end
constexpr double kRounding = 1e-12;  // of the squares of estimates: equal but for the rounding of floats
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Directions of equal variance of the two laws: of `weight` the squared cosines that they share.
struct SharedDirections {
  double lambda, l, weight;
};

/// What the integrand of two Gaussian laws is made of.
struct GaussianPair {
  std::vector<SharedDirections> shared;
  std::vector<double> l, shift;  // variances of the second, and the squared difference of the means there
};

/// Eigenvectors of `model` as rows, in double as they are stored: of norm 1 up to the float that they come from.
Matrix basis_rows(const LinearModel& model) {
  Matrix unit = Matrix::Identity(model.rank(), model.rank()), rows(model.rank(), model.dim());
  model.synthesise(std::span<const double>(unit.data(), static_cast<std::size_t>(unit.size())),
                   std::span<double>(rows.data(), static_cast<std::size_t>(rows.size())));
  const auto mean = model.mean();
  rows.rowwise() -= Eigen::Map<const Eigen::RowVectorXd>(mean.data(), model.dim());
  return rows;
}

/// The basis made orthonormal in double: rows of L^-1 U, L L^T = U U^T. Without it the float of the rows would be a
/// difference of laws.
Matrix orthonormal_rows(const LinearModel& model) {
  Matrix rows = basis_rows(model);
  const Matrix gram = rows * rows.transpose();
  const Eigen::LLT<Matrix> factor(gram);
  if (factor.info() != Eigen::Success) throw DataError("the eigenvectors of a model are linearly dependent");
  factor.matrixL().solveInPlace(rows);
  return rows;
}

/// The directions outside of either's eigenvectors are of one variance: their cosines are what the others leave.
GaussianPair pair_of(const LinearModel& first, const LinearModel& second) {
  const Matrix u = orthonormal_rows(first), v = orthonormal_rows(second);
  const bool same = u.rows() == v.rows() && u == v;
  const Matrix cosines = same ? Matrix::Identity(u.rows(), v.rows()) : Matrix((u * v.transpose()).cwiseAbs2());
  GaussianPair pair;
  const auto share = [&pair](double lambda, double l, double weight) {
    if (weight > 0 && lambda != l) pair.shared.push_back({lambda, l, weight});
  };
  const auto& lambda = first.eigenvalues();
  pair.l = second.eigenvalues();
  for (Eigen::Index i = 0; i < u.rows(); ++i)
    for (Eigen::Index j = 0; j < v.rows(); ++j)
      share(lambda[static_cast<std::size_t>(i)], pair.l[static_cast<std::size_t>(j)], cosines(i, j));
  const Eigen::Index dim = first.dim();
  const Eigen::VectorXd left_of_first = 1 - cosines.rowwise().sum().array();
  const Eigen::VectorXd left_of_second = 1 - cosines.colwise().sum().transpose().array();
  if (v.rows() < dim)
    for (Eigen::Index i = 0; i < u.rows(); ++i)
      share(lambda[static_cast<std::size_t>(i)], second.residual_variance(), left_of_first[i]);
  if (u.rows() < dim)
    for (Eigen::Index j = 0; j < v.rows(); ++j)
      share(first.residual_variance(), pair.l[static_cast<std::size_t>(j)], left_of_second[j]);
  if (u.rows() < dim && v.rows() < dim)
    share(first.residual_variance(), second.residual_variance(),
          static_cast<double>(dim - u.rows() - v.rows()) + cosines.sum());
  Eigen::VectorXd gap = Eigen::Map<const Eigen::VectorXd>(first.mean().data(), dim) -
                        Eigen::Map<const Eigen::VectorXd>(second.mean().data(), dim);
  const Eigen::VectorXd along = v * gap;
  for (const double c : along) pair.shift.push_back(c * c);
  if (v.rows() < dim) {
    gap -= v.transpose() * along;
    pair.l.push_back(second.residual_variance());
    pair.shift.push_back(gap.squaredNorm());
  }
  return pair;
}

/// All terms are squares: nothing cancels, however near the laws are.
double integrand(const GaussianPair& pair, double t) {
  double sum = 0;
  for (const SharedDirections& both : pair.shared) {
    const double gap = (both.lambda - both.l) / (both.l + t);
    sum += both.weight * gap * gap / (both.lambda + t);
  }
  for (std::size_t j = 0; j < pair.l.size(); ++j) sum += pair.shift[j] / ((pair.l[j] + t) * (pair.l[j] + t));
  return t * sum;
}

/// The variances of a law, raised by those of the noise.
std::vector<double> noisy_variances(const LinearModel& model, double sigma_0) {
  std::vector<double> all = model.eigenvalues();
  if (model.rank() < model.dim()) all.push_back(model.residual_variance());
  for (double& value : all) value += sigma_0 * sigma_0;
  return all;
}

void require_densities(const std::vector<double>& variances) {
  for (const double value : variances)
    if (!(value > 0))
      throw DataError(
          "a covariance is singular: there is no divergence of densities, --sigma S asks for that of the "
          "noisy laws");
}

/// Of the trapezoidal rule with nodes 0 ... n, what node k counts.
double weight(std::int64_t k, std::int64_t n, double step) { return k == 0 || k == n ? step / 2 : step; }

/// The rule over all nodes and over every other one.
struct Rule {
  double fine = 0, coarse = 0;

  void add(std::int64_t k, std::int64_t n, double step, double value) {
    fine += weight(k, n, step) * value;
    if (k % 2 == 0) coarse += weight(k, n, 2 * step) * value;
  }
};

/// What lies beyond an end whose integrand falls off as exp(-power |u|) there, as a multiple of that end; 0 where it is
/// too small to count, or but the rounding of equal estimates.
double share_beyond(const char* end, double sigma, const KlEnd& at, double step, double whole) {
  if (!(at.value > kNothing * whole)) return 0;
  const double power = std::log(at.next / at.value) / step;
  const bool constant = at.squares < kRounding * at.of_estimates && power < -1;
  if (constant) return 0;
  if (power > kLeastPower) return 1 / power;
  throw DataError("at --" + std::string(end) + " " + format_number(sigma) +
                  " the integrand does not fall off: the divergence is infinite, or that end is too near");
}

}  // namespace

DenoiserKl gaussian_denoiser_kl(const LinearModel& first, const LinearModel& second, double sigma_0) {
  if (first.dim() != second.dim())
    throw DataError("the laws are of " + std::to_string(first.dim()) + " and " + std::to_string(second.dim()) +
                    " values");
  const std::vector<double> variances = noisy_variances(first, sigma_0), others = noisy_variances(second, sigma_0);
  require_densities(variances);
  require_densities(others);
  GaussianPair pair = pair_of(first, second);
  for (SharedDirections& both : pair.shared) {
    both.lambda += sigma_0 * sigma_0;
    both.l += sigma_0 * sigma_0;
  }
  for (double& value : pair.l) value += sigma_0 * sigma_0;
  double least = std::numeric_limits<double>::infinity(), largest = 0;
  for (const auto* values : {&variances, &others})
    for (const double value : *values) {
      least = std::min(least, value);
      largest = std::max(largest, value);
    }
  for (const double value : pair.shift) largest = std::max(largest, value);
  const double begin = std::log(least) / 2 - std::log(kFar), end = std::log(largest) / 2 + std::log(kFar);
  const std::int64_t n = 2 * static_cast<std::int64_t>(std::ceil((end - begin) / kStep / 2));
  const double step = (end - begin) / static_cast<double>(n);
  Rule rule;
  double tails = 0;  // below the ends, far away, the integrand follows s^2, and beyond s^-2 or s^-4: less than the half
  for (std::int64_t k = 0; k <= n; ++k) {
    const double value = integrand(pair, std::exp(2 * (begin + step * static_cast<double>(k))));
    rule.add(k, n, step, value);
    if (k == 0 || k == n) tails += value / 2;
  }
  return {rule.fine + tails, 0, std::abs(rule.fine - rule.coarse), tails};
}

SampledKl::SampledKl(LogLevels levels, double sigma_0)
    : levels_(levels),
      sigma_0_(sigma_0),
      step_(std::log(levels.largest / levels.least) / static_cast<double>(levels.steps)) {
  if (!(levels.least > 0 && levels.least < levels.largest) || levels.steps < 2 || levels.steps % 2 != 0)
    throw UsageError("the levels of a divergence rise from one above 0, in an even number of steps");
}

void SampledKl::add(const BatchDenoiser& first, const BatchDenoiser& second, std::int64_t dim,
                    std::span<const double> x, std::span<const double> normals) {
  const auto d = static_cast<std::size_t>(dim), n = x.size() / d;
  std::vector<Rule> rules(n);
  std::vector<std::array<double, 2>> ends(n);
  std::vector<double> y(x.size());
  const std::int64_t last = levels_.steps;
  for (std::int64_t k = 0; k <= last; ++k) {
    const double own = levels_.least * std::exp(step_ * static_cast<double>(k)), t = own * own;
    const double sigma = std::hypot(own, sigma_0_);
    for (std::size_t e = 0; e < y.size(); ++e) y[e] = x[e] + sigma * normals[e];
    const std::vector<double> a = first(y, sigma), b = second(y, sigma);
    const double factor = t / (sigma * sigma * sigma * sigma);
    for (std::size_t i = 0; i < n; ++i) {
      double square = 0, of_estimates = 0;
      for (std::size_t e = i * d; e < (i + 1) * d; ++e) {
        square += (a[e] - b[e]) * (a[e] - b[e]);
        of_estimates += a[e] * a[e] + b[e] * b[e];
      }
      const double value = factor * square;
      rules[i].add(k, last, step_, value);
      for (std::size_t end = 0; end < 2; ++end) {
        const std::int64_t from_end = end == 0 ? k : last - k;
        if (from_end == 1) ends_[end].next += value;
        if (from_end != 0) continue;
        ends[i][end] = value;
        ends_[end].value += value;
        ends_[end].squares += square;
        ends_[end].of_estimates += of_estimates;
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    ++count_;
    coarse_ += rules[i].coarse;
    const Eigen::Vector3d parts(rules[i].fine, ends[i][0], ends[i][1]), before = parts - mean_;
    mean_ += before / static_cast<double>(count_);
    products_ += before * (parts - mean_).transpose();
  }
}

DenoiserKl SampledKl::finish() const {
  if (count_ == 0) throw DataError("there are no samples");
  const auto n = static_cast<double>(count_);
  // The sums at the ends against that of the integral: ratios alone count.
  const double whole = mean_[0] * n, below = share_beyond("sigma-min", levels_.least, ends_[0], step_, whole),
               beyond = share_beyond("sigma-max", levels_.largest, ends_[1], step_, whole);
  const Eigen::Vector3d weights(1, below, beyond);
  const double value = weights.dot(mean_), squares = weights.dot(products_ * weights);
  const double error =
      count_ > 1 ? std::sqrt(std::max(squares, 0.0) / (n - 1) / n) : std::numeric_limits<double>::quiet_NaN();
  return {value, error, std::abs(mean_[0] - coarse_ / n), value - mean_[0]};
}

}  // namespace noiseutils
