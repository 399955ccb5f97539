#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/frequent_directions.hpp"
#include "linalg/nystrom_sketch.hpp"
#include "linalg/sparse_signs.hpp"
#include "linalg/tall_factor.hpp"
#include "random/random.hpp"

using namespace noiseutils;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// n x d normals, times sqrt(1 / (1 + j)) in column j where `falling`.
RowMatrix normals(std::int64_t n, std::int64_t d, std::uint64_t set, bool falling = false) {
  RowMatrix x(n, d);
  fill_normal({41, Purpose::probe, set, 0}, 0, std::span<double>(x.data(), static_cast<std::size_t>(n * d)));
  if (falling)
    for (std::int64_t j = 0; j < d; ++j) x.col(j) /= std::sqrt(1 + static_cast<double>(j));
  return x;
}

/// n x d rows in a random subspace of `rank` dimensions, about `offset`.
RowMatrix low_rank(std::int64_t n, std::int64_t d, std::int64_t rank, double offset) {
  RowMatrix x = normals(n, rank, 1) * normals(rank, d, 2);
  return (x.array() + offset).matrix();
}

std::span<const double> rows_of(const RowMatrix& x, std::int64_t first, std::int64_t count) {
  return {x.data() + first * x.cols(), static_cast<std::size_t>(count * x.cols())};
}
std::span<const double> all_of(const RowMatrix& x) { return rows_of(x, 0, x.rows()); }

std::vector<float> floats_of(const RowMatrix& x) { return {x.data(), x.data() + x.size()}; }

MatrixXd covariance_of(const RowMatrix& x) {
  const MatrixXd centred = x.rowwise() - x.colwise().mean();
  return centred.transpose() * centred / static_cast<double>(x.rows());
}

MatrixXd dense(const SparseSigns& omega) {
  MatrixXd result = MatrixXd::Zero(omega.columns(), omega.rows());
  for (std::int64_t j = 0; j < omega.rows(); ++j) omega.add_row(j, 1, result.data() + j * omega.columns());
  return result.transpose();
}

MatrixXd dense(const TallFactor& factor) {
  const Eigen::Map<const RowMatrix, 0, Eigen::OuterStride<>> map(factor.values.data(), factor.dim, factor.columns,
                                                                 Eigen::OuterStride<>(factor.leading));
  return map;
}

MatrixXd dense(const SketchedCovariance& found) {
  const MatrixXd u = dense(found.eigenvectors);
  const Eigen::Map<const VectorXd> lambda(found.eigenvalues.data(), std::ssize(found.eigenvalues));
  return u * lambda.asDiagonal() * u.transpose();
}

VectorXd falling_eigenvalues(const MatrixXd& a) {
  return Eigen::SelfAdjointEigenSolver<MatrixXd>(a).eigenvalues().reverse();
}

template <class T>
NystromSketch<T> sketch_of(const RowMatrix& x, std::int64_t columns, std::uint64_t seed = 0) {
  NystromSketch<T> sketch(x.cols(), columns, seed);
  const std::vector<T> rows(x.data(), x.data() + x.size());
  sketch.add(0, rows);
  return sketch;
}

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  const Eigen::Map<const VectorXd> left(a.data(), std::ssize(a)), right(b.data(), std::ssize(b));
  return (left - right).norm() / right.norm();
}

}  // namespace

TEST_CASE("sparse signs: eight distinct columns a row, orthonormal columns in expectation, another matrix a seed") {
  for (const std::int64_t columns : {3, 8, 40}) {
    CAPTURE(columns);
    const std::int64_t rows = 5000;
    const SparseSigns omega(rows, columns, 1);
    CHECK(omega.per_row() == std::min<std::int64_t>(columns, 8));
    for (std::int64_t j = 0; j < rows; ++j) {
      std::set<std::int64_t> seen;
      for (std::int64_t t = 0; t < omega.per_row(); ++t) {
        const std::int64_t entry = omega.entries()[static_cast<std::size_t>(j * omega.per_row() + t)];
        seen.insert(entry < 0 ? -1 - entry : entry);
      }
      REQUIRE(std::ssize(seen) == omega.per_row());
      REQUIRE((*seen.begin() >= 0 && *seen.rbegin() < columns));
    }
    const MatrixXd matrix = dense(omega);
    // Entry (k, l) of Omega^T Omega is a sum over rows: its deviation is at most 1 / sqrt(rows / columns).
    const double deviation = std::sqrt(static_cast<double>(columns) / static_cast<double>(rows));
    CHECK((matrix.transpose() * matrix - MatrixXd::Identity(columns, columns)).cwiseAbs().maxCoeff() < 6 * deviation);
    CHECK(omega.entries() != SparseSigns(rows, columns, 2).entries());
  }
}

TEST_CASE("tall factor: Gram matrix, product and eigenpairs of one with known singular values") {
  const std::int64_t d = 1500, n = 6;
  const MatrixXd q = Eigen::HouseholderQR<MatrixXd>(normals(d, n, 3)).householderQ() * MatrixXd::Identity(d, n);
  const MatrixXd w = Eigen::HouseholderQR<MatrixXd>(normals(n, n, 4)).householderQ();
  VectorXd singular(n);
  singular << 1e4, 3, 2, 1, 1e-3, 0;
  const RowMatrix f = q * singular.asDiagonal() * w.transpose();
  TallFactor factor{d, n, n + 3, std::vector<double>(static_cast<std::size_t>(d * (n + 3)), 7.0)};
  for (std::int64_t j = 0; j < d; ++j)
    for (std::int64_t k = 0; k < n; ++k) factor.values[static_cast<std::size_t>(j * (n + 3) + k)] = f(j, k);
  const std::vector<double> squares = gram(factor);
  CHECK((Eigen::Map<const MatrixXd>(squares.data(), n, n) - f.transpose() * f).norm() < 1e-14 * 1e8);
  const std::vector<double> values = leading_eigenpairs(factor, 5, 1e-5);
  REQUIRE(values.size() == 4);
  for (std::size_t k = 0; k < 4; ++k)
    CHECK(std::abs(values[k] - std::pow(singular[static_cast<std::int64_t>(k)], 2)) < 1e-15 * 1e8 * 10);
  const MatrixXd u = dense(factor);
  CHECK((u.transpose() * u - MatrixXd::Identity(4, 4)).norm() < 1e-13);
  CHECK((u.transpose() * q.leftCols(4)).cwiseAbs().isApprox(MatrixXd::Identity(4, 4), 1e-7));
  for (std::int64_t k = 0; k < 4; ++k) CHECK(u.col(k).maxCoeff() == u.col(k).cwiseAbs().maxCoeff());
}

TEST_CASE("nystrom: the sums are those of the definition, a mean far from 0 included") {
  for (const double offset : {0.0, 1e4}) {
    CAPTURE(offset);
    const std::int64_t n = 700, d = 333, columns = 20;
    const RowMatrix x = (normals(n, d, 5).array() + offset).matrix();
    NystromSketch<double> sketch = sketch_of<double>(x, columns);
    sketch.add(n, rows_of(x, 0, 68));  // completes the last block
    const auto state = sketch.state();
    CHECK(state.edge_index.empty());
    RowMatrix all(n + 68, d);
    all << x, x.topRows(68);
    const MatrixXd covariance = covariance_of(all),
                   y = 768 * covariance * dense(sketch.omega()) / sketch.omega().scale();
    const Eigen::Map<const RowMatrix> found(state.product.data(), d, columns);
    // Where the offset is 1e4 the numbers themselves are rounded to 1e-12.
    CHECK((found - y).norm() < (offset > 0 ? 1e-10 : 1e-13) * y.norm());
    CHECK(std::abs(state.squares / (768 * covariance.trace()) - 1) < (offset > 0 ? 1e-10 : 1e-13));
    CHECK(state.count == 768);
  }
}

TEST_CASE("nystrom: a covariance of lower rank than the sketch is found exactly") {
  for (const double offset : {0.0, 1e4}) {
    CAPTURE(offset);
    const RowMatrix x = low_rank(600, 150, 7, offset);
    const MatrixXd expected = covariance_of(x);
    const SketchedCovariance found = sketch_of<double>(x, 16).finish(12);
    CHECK(found.eigenvalues.size() == 7);
    CHECK((dense(found) - expected).norm() < 1e-10 * expected.norm());
    const MatrixXd u = dense(found.eigenvectors);
    CHECK((u.transpose() * u - MatrixXd::Identity(7, 7)).norm() < 1e-12);
  }
}

TEST_CASE("nystrom: is Tropp's algorithm 3 with its Cholesky factor") {
  const std::int64_t d = 120, columns = 25, rank = 8;
  const RowMatrix x = normals(900, d, 6, true);
  const MatrixXd covariance = covariance_of(x);
  NystromSketch<double> sketch = sketch_of<double>(x, columns, 3);
  const MatrixXd omega = dense(sketch.omega()), y = covariance * omega;
  const double nu = std::sqrt(static_cast<double>(d)) * 2.2e-16 * Eigen::JacobiSVD<MatrixXd>(y).singularValues()[0];
  const MatrixXd shifted = y + nu * omega, inner = omega.transpose() * shifted;
  const Eigen::LLT<MatrixXd> cholesky((inner + inner.transpose()) / 2);
  const MatrixXd e = cholesky.matrixL().solve(shifted.transpose()).transpose();
  const Eigen::JacobiSVD<MatrixXd> svd(e, Eigen::ComputeThinU);
  const VectorXd lambda = (svd.singularValues().array().square() - nu).max(0.0).head(rank);
  const MatrixXd u = svd.matrixU().leftCols(rank);
  const SketchedCovariance found = sketch.finish(rank);
  CHECK((dense(found) - u * lambda.asDiagonal() * u.transpose()).norm() < 1e-10 * covariance.norm());
  CHECK(found.trace == doctest::Approx(covariance.trace()).epsilon(1e-12));
}

TEST_CASE("nystrom: never above the covariance, and within the bound on the trace norm over seeds") {
  const std::int64_t d = 100, columns = 24;
  const RowMatrix x = normals(500, d, 7, true);
  const MatrixXd covariance = covariance_of(x);
  const VectorXd lambda = falling_eigenvalues(covariance);
  double error = 0;
  constexpr int kSeeds = 20;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const MatrixXd left = covariance - dense(sketch_of<double>(x, columns, seed).finish(columns));
    CHECK(falling_eigenvalues(left)[d - 1] > -1e-12 * lambda[0]);
    error += left.trace() / kSeeds;
  }
  for (const std::int64_t r : {1, 4, 8, 12, 20}) {
    CAPTURE(r);
    const double tail = lambda.tail(d - r).sum();
    CHECK(error < (1 + static_cast<double>(r) / static_cast<double>(columns - r - 1)) * tail);
  }
  CHECK(error > lambda.tail(d - columns).sum());  // nothing of that rank does better
}

TEST_CASE("nystrom: as many columns as dimensions, and more than the rank of Omega") {
  for (const std::int64_t d : {2, 5, 9}) {
    CAPTURE(d);
    const RowMatrix x = normals(300, d, 8);
    const MatrixXd covariance = covariance_of(x);
    const MatrixXd omega = dense(SparseSigns(d, d, 0));
    const MatrixXd found = dense(sketch_of<double>(x, d).finish(d));
    // Columns of Omega may depend on each other: then it is exact only on what they span.
    CHECK((omega.transpose() * (found - covariance) * omega).norm() < 1e-9 * covariance.norm());
  }
}

TEST_CASE("nystrom: any split with known indices, merged in any order, equals the single run to 1e-12") {
  const std::int64_t n = 1500, d = 90, columns = 20;
  const RowMatrix x = normals(n, d, 9, true);
  const std::vector<float> rows = floats_of(x);
  const auto part = [&](std::int64_t first, std::int64_t last) {
    NystromSketch<float> own(d, columns, 5);
    for (std::int64_t i = first; i < last; i += 97)
      own.add(i, std::span(rows).subspan(static_cast<std::size_t>(i * d),
                                         static_cast<std::size_t>(std::min<std::int64_t>(97, last - i) * d)));
    return own;
  };
  NystromSketch<float> merged = part(1111, 1500);
  merged.merge(part(100, 129));
  merged.merge(part(700, 1111));
  NystromSketch<float> beginning = part(0, 100);
  beginning.merge(part(129, 700));
  merged.merge(NystromSketch<float>::from_state(d, columns, 5, beginning.state()));
  CHECK(merged.count() == n);
  NystromSketch<float> single = sketch_of<float>(x, columns, 5);
  const auto got = merged.state(), expected = single.state();
  CHECK(difference(got.product, expected.product) < 1e-12);
  CHECK(difference(got.mean, expected.mean) < 1e-12);
  CHECK(got.squares == doctest::Approx(expected.squares).epsilon(1e-12));
  CHECK(got.edge_rows == expected.edge_rows);
  CHECK((dense(merged.finish(5)) - dense(single.finish(5))).norm() < 1e-12);
  NystromSketch<float> other(d, columns, 6);
  CHECK_THROWS_AS(merged.merge(other), InternalError);
}

TEST_CASE("nystrom: the same bits on one thread and three, at once and row by row") {
  const std::int64_t n = 600, d = 5000, columns = 12;
  const RowMatrix x = normals(n, d, 10);
  const std::vector<float> rows = floats_of(x);
  const int before = thread_count();
  const auto run = [&](int threads, std::int64_t batch) {
    set_thread_count(threads);
    NystromSketch<float> sketch(d, columns, 0);
    for (std::int64_t i = 0; i < n; i += batch)
      sketch.add(i, std::span(rows).subspan(static_cast<std::size_t>(i * d),
                                            static_cast<std::size_t>(std::min(batch, n - i) * d)));
    const SketchedCovariance found = sketch.finish(4);
    set_thread_count(before);
    return std::pair(found.eigenvalues, found.eigenvectors.values);
  };
  const auto whole = run(1, n);
  CHECK(whole == run(3, n));
  CHECK(whole == run(2, 1));
}

TEST_CASE("sketches: a run goes on from its state to the same bits") {
  const std::int64_t n = 900, d = 70;
  const RowMatrix x = normals(n, d, 14, true);
  NystromSketch<double> nystrom(d, 9, 2);
  FrequentDirections<double> directions(d, 9);
  for (const std::int64_t first : {0, 100, 700}) {
    const std::int64_t count = first == 0 ? 100 : first == 100 ? 600 : 200;
    nystrom.add(first, rows_of(x, first, count));
    directions.add(rows_of(x, first, count));
    nystrom = NystromSketch<double>::from_state(d, 9, 2, nystrom.state());
    directions = FrequentDirections<double>::from_state(d, 9, directions.state());
  }
  CHECK(nystrom.finish(5).eigenvalues == sketch_of<double>(x, 9, 2).finish(5).eigenvalues);
  FrequentDirections<double> whole(d, 9);
  whole.add(all_of(x));
  CHECK(directions.finish(5).eigenvalues == whole.finish(5).eigenvalues);
}

TEST_CASE("nystrom: floats give what doubles do, but for rounding") {
  const RowMatrix x = normals(800, 200, 11, true);
  const MatrixXd of_doubles = dense(sketch_of<double>(x, 30).finish(10)),
                 of_floats = dense(sketch_of<float>(x, 30).finish(10));
  CHECK((of_doubles - of_floats).norm() < 1e-5 * of_doubles.norm());
}

TEST_CASE("nystrom: a row that is counted twice is refused by number") {
  NystromSketch<double> sketch(4, 2, 0);
  const std::vector<double> row(4, 1.0);
  sketch.add(300, row);
  CHECK_THROWS_WITH_AS(sketch.add(300, row), "sample 300 was counted already", DataError);
  CHECK_THROWS_AS(sketch.add(-1, row), DataError);
  CHECK_THROWS_AS(sketch.add(std::numeric_limits<std::int64_t>::max(), row), DataError);
}

namespace {

/// Checks 0 <= S - n C_l and |S - n C_l|_2 <= |A - A_k|_F^2 / (l - k) for all k < l, S the scatter of the rows.
void check_bound(const RowMatrix& x, FrequentDirections<double> sketch, std::int64_t directions) {
  const double n = static_cast<double>(x.rows());
  const MatrixXd scatter = n * covariance_of(x);
  const VectorXd lambda = falling_eigenvalues(scatter);
  const SketchedCovariance found = sketch.finish(2 * directions);
  const VectorXd left = falling_eigenvalues(scatter - n * dense(found));
  CHECK(left[left.size() - 1] > -1e-12 * lambda[0]);
  for (std::int64_t k = 0; k < directions; ++k)
    CHECK(left[0] <= lambda.tail(lambda.size() - k).sum() / static_cast<double>(directions - k) * (1 + 1e-12));
  CHECK(left[0] > 1e-3 * lambda[0]);  // there is something that the bound is of
  CHECK(found.trace == doctest::Approx(scatter.trace() / n).epsilon(1e-12));
  CHECK(found.count == x.rows());
}

}  // namespace

TEST_CASE("frequent directions: the bound holds, of one run and of merged ones, with a mean far from 0") {
  const std::int64_t n = 1400, d = 60, directions = 12;
  for (const double offset : {0.0, 100.0}) {
    CAPTURE(offset);
    RowMatrix x = (normals(n, d, 12, true).array() + offset).matrix();
    x.bottomRows(n / 2).rowwise() += Eigen::RowVectorXd::Constant(d, 0.5);  // blocks differ in their means
    FrequentDirections<double> single(d, directions);
    single.add(all_of(x));
    check_bound(x, single, directions);
    FrequentDirections<double> merged(d, directions);
    for (const std::int64_t first : {1000, 0, 400}) {
      const std::int64_t last = first == 0 ? 400 : first == 400 ? 1000 : n;
      FrequentDirections<double> part(d, directions);
      part.add(rows_of(x, first, last - first));
      merged.merge(FrequentDirections<double>::from_state(d, directions, part.state()));
    }
    check_bound(x, merged, directions);
  }
}

TEST_CASE("sketches: states that hold no numbers are refused") {
  const double nan = std::nan("");
  const RowMatrix x = normals(300, 12, 13);
  auto nystrom = sketch_of<double>(x, 4).state();
  nystrom.product[5] = nan;
  CHECK_THROWS_AS(NystromSketch<double>::from_state(12, 4, 0, nystrom).finish(2), DataError);
  FrequentDirections<double> directions(12, 4);
  directions.add(all_of(x));
  auto state = directions.state();
  state.rows[5] = nan;
  CHECK_THROWS_AS(FrequentDirections<double>::from_state(12, 4, state).finish(2), DataError);
}

TEST_CASE("frequent directions: exact below their number, and the same however rows come") {
  const RowMatrix x = low_rank(700, 80, 6, 50);
  FrequentDirections<double> whole(80, 10), single(80, 10);
  whole.add(all_of(x));
  for (std::int64_t i = 0; i < x.rows(); ++i) single.add(rows_of(x, i, 1));
  const SketchedCovariance found = whole.finish(6);
  CHECK((dense(found) - covariance_of(x)).norm() < 1e-10 * covariance_of(x).norm());
  CHECK(found.eigenvectors.values == single.finish(6).eigenvectors.values);
}
