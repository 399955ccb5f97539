#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <numbers>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/batch_product.hpp"
#include "linalg/blas.hpp"
#include "linalg/fft.hpp"
#include "linalg/moments.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "random/random.hpp"

using namespace noiseutils;

namespace {

template <class T>
std::vector<T> normals(std::size_t n, std::uint64_t sample) {
  std::vector<T> values(n);
  fill_normal({7, Purpose::probe, sample, 0}, 0, std::span<T>(values));
  return values;
}

template <class T>
double largest_difference(const std::vector<T>& a, const std::vector<T>& b) {
  double largest = a.size() == b.size() ? 0 : HUGE_VAL;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return largest;
}

template <class T>
double largest(const std::vector<T>& a) {
  return largest_difference(a, std::vector<T>(a.size()));
}

/// The threads of a test, put back at its end.
struct Threads {
  explicit Threads(int n) : before(thread_count()) { set_thread_count(n); }
  ~Threads() { set_thread_count(before); }
  int before;
};

}  // namespace

TEST_CASE_TEMPLATE("blas: products of transposed and plain operands are sums of products", T, float, double) {
  const std::int64_t m = 5, n = 7, k = 11;
  const auto a = normals<T>(m * k, 1), b = normals<T>(k * n, 2);
  for (const Op op_a : {Op::plain, Op::transposed})
    for (const Op op_b : {Op::plain, Op::transposed}) {
      std::vector<T> c(m * n, T(1)), expected(m * n);
      gemm<T>(op_a, op_b, m, n, k, T(2), a.data(), op_a == Op::plain ? m : k, b.data(), op_b == Op::plain ? k : n, T(3),
              c.data(), m);
      for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < n; ++j) {
          double sum = 1.5;
          for (std::int64_t l = 0; l < k; ++l)
            sum += static_cast<double>(a[static_cast<std::size_t>(op_a == Op::plain ? l * m + i : i * k + l)]) *
                   static_cast<double>(b[static_cast<std::size_t>(op_b == Op::plain ? j * k + l : l * n + j)]);
          expected[static_cast<std::size_t>(j * m + i)] = static_cast<T>(2 * sum);
        }
      CHECK(largest_difference(c, expected) < (sizeof(T) == 4 ? 2e-5 : 1e-13));
    }
}

TEST_CASE_TEMPLATE("blas: syrk fills the upper triangle of A A^T and leaves the rest", T, float, double) {
  const std::int64_t n = 9, k = 4;
  const auto a = normals<T>(n * k, 3);
  std::vector<T> c(n * n, T(-5)), full(n * n);
  syrk<T>(Op::plain, n, k, T(1), a.data(), n, T(0), c.data(), n);
  gemm<T>(Op::plain, Op::transposed, n, n, k, T(1), a.data(), n, a.data(), n, T(0), full.data(), n);
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = j + 1; i < n; ++i) full[j * n + i] = T(-5);
  CHECK(largest_difference(c, full) < (sizeof(T) == 4 ? 1e-5 : 1e-14));
}

TEST_CASE_TEMPLATE("blas: eigenvectors of a symmetric matrix, small and large, are orthonormal and rebuild it", T,
                   float, double) {
  for (const std::int64_t n : {1, 7, 100, 101, 193, 450}) {
    const auto size = static_cast<std::size_t>(n * n);
    const auto factor = normals<T>(size, 4);
    std::vector<T> matrix(size), vectors, values(static_cast<std::size_t>(n));
    gemm<T>(Op::plain, Op::transposed, n, n, n, T(1) / static_cast<T>(n), factor.data(), n, factor.data(), n, T(0),
            matrix.data(), n);
    vectors = matrix;
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = j + 1; i < n; ++i) vectors[static_cast<std::size_t>(j * n + i)] = T(99);  // not read
    symmetric_eigen<T>(n, vectors.data(), values.data());
    CHECK(std::is_sorted(values.begin(), values.end()));
    std::vector<T> gram(size), unit(size), scaled = vectors, rebuilt(size);
    gemm<T>(Op::transposed, Op::plain, n, n, n, T(1), vectors.data(), n, vectors.data(), n, T(0), gram.data(), n);
    for (std::int64_t i = 0; i < n; ++i) unit[static_cast<std::size_t>(i * n + i)] = T(1);
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i < n; ++i)
        scaled[static_cast<std::size_t>(j * n + i)] *= values[static_cast<std::size_t>(j)];
    gemm<T>(Op::plain, Op::transposed, n, n, n, T(1), scaled.data(), n, vectors.data(), n, T(0), rebuilt.data(), n);
    const double tolerance = (sizeof(T) == 4 ? 2e-7 : 2e-15) * static_cast<double>(std::max<std::int64_t>(n, 100));
    CHECK(largest_difference(gram, unit) < tolerance);
    CHECK(largest_difference(rebuilt, matrix) < 4 * tolerance);
  }
}

TEST_CASE("blas: calls from several threads at once give the bits of a single one") {
  const std::int64_t n = 128;  // of this size one call in a few hundred went wrong without the lock
  const auto a = normals<float>(n * n, 5);
  std::vector<float> expected(n * n);
  gemm<float>(Op::plain, Op::transposed, n, n, n, 1.f, a.data(), n, a.data(), n, 0.f, expected.data(), n);
  const Threads threads(8);
  std::vector<int> wrong(64);
  parallel_blocks(64, [&](std::int64_t block) {
    std::vector<float> c(n * n);
    for (int i = 0; i < 300; ++i) {
      gemm<float>(Op::plain, Op::transposed, n, n, n, 1.f, a.data(), n, a.data(), n, 0.f, c.data(), n);
      wrong[static_cast<std::size_t>(block)] += std::memcmp(c.data(), expected.data(), c.size() * sizeof(float)) != 0;
    }
  });
  CHECK(wrong == std::vector<int>(64));
}

TEST_CASE_TEMPLATE("batch_product: a vector's result has the same bits alone, in any batch, on any threads", T, float,
                   double) {
  struct Case {
    std::int64_t rows, cols;
  };
  for (const auto [rows, cols] :
       {Case{64, 64}, Case{75, 192}, Case{800, 100}, Case{1, 5}, Case{17, 800}, Case{32, 100}, Case{200, 350}})
    for (const bool transposed : {false, true}) {
      const std::int64_t count = 531;
      const auto matrix = normals<T>(static_cast<std::size_t>(rows * cols), 6);
      const auto in = normals<T>(static_cast<std::size_t>(count * cols), 7);
      std::vector<T> whole(static_cast<std::size_t>(count * rows)), part(whole.size());
      {
        const Threads threads(2);
        batch_product<T>(transposed, rows, cols, matrix.data(), count, in.data(), whole.data());
      }
      const Threads threads(1);
      for (std::int64_t first = 0, step = 1; first < count; first += step, step = step % 67 + 5) {
        const std::int64_t n = std::min(step, count - first);
        batch_product<T>(transposed, rows, cols, matrix.data(), n, in.data() + first * cols,
                         part.data() + first * rows);
      }
      CHECK(std::memcmp(whole.data(), part.data(), whole.size() * sizeof(T)) == 0);
      double error = 0;
      for (const std::int64_t i : {std::int64_t{0}, count - 1})
        for (std::int64_t r = 0; r < rows; ++r) {
          double sum = 0;
          for (std::int64_t c = 0; c < cols; ++c)
            sum += static_cast<double>(matrix[static_cast<std::size_t>(transposed ? c * rows + r : r * cols + c)]) *
                   static_cast<double>(in[static_cast<std::size_t>(i * cols + c)]);
          error = std::max(error, std::abs(sum - static_cast<double>(whole[static_cast<std::size_t>(i * rows + r)])));
        }
      CHECK(error < (sizeof(T) == 4 ? 1e-4 : 1e-12));
    }
}

TEST_CASE_TEMPLATE("fft: transform equals its definition, the inverse undoes it, both backends", T, float, double) {
  struct Case {
    std::int64_t height, width;
  };
  for (const FftBackend backend : {FftBackend::fastest, FftBackend::portable})
    for (const auto [h, w] : {Case{1, 1}, Case{1, 12}, Case{9, 1}, Case{2, 2}, Case{6, 7}, Case{5, 8}, Case{16, 10},
                              Case{26, 45}, Case{63, 4}}) {
      const RealFft2<T> fft(h, w, backend);
      const auto image = normals<T>(static_cast<std::size_t>(h * w), 8);
      std::vector<std::complex<T>> spectrum(static_cast<std::size_t>(h * fft.half_width()));
      fft.forward(image.data(), spectrum.data());
      double error = 0;
      for (std::int64_t ky = 0; ky < h; ++ky)
        for (std::int64_t kx = 0; kx < fft.half_width(); ++kx) {
          std::complex<double> sum = 0;
          for (std::int64_t y = 0; y < h; ++y)
            for (std::int64_t x = 0; x < w; ++x)
              sum += static_cast<double>(image[static_cast<std::size_t>(y * w + x)]) *
                     std::polar(1.0, -2 * std::numbers::pi *
                                         (static_cast<double>(ky * y) / static_cast<double>(h) +
                                          static_cast<double>(kx * x) / static_cast<double>(w)));
          error = std::max(
              error,
              std::abs(sum - std::complex<double>(spectrum[static_cast<std::size_t>(ky * fft.half_width() + kx)])));
        }
      CHECK(error < (sizeof(T) == 4 ? 2e-5 : 1e-12));
      std::vector<T> back(image.size());
      fft.inverse(spectrum.data(), back.data());
      CHECK(largest_difference(back, image) < (sizeof(T) == 4 ? 1e-5 : 1e-13));
    }
}

TEST_CASE_TEMPLATE("moments: mean and covariance are those of the definition", T, float, double) {
  const std::int64_t n = 700, d = 13;
  const auto rows = normals<T>(static_cast<std::size_t>(n * d), 9);
  MomentAccumulator<T> accumulator(d);
  accumulator.add(0, rows);
  CHECK(accumulator.count() == n);
  const Moments moments = accumulator.finish();
  std::vector<double> mean(d), covariance(d * d);
  for (std::size_t i = 0; i < rows.size(); ++i) mean[i % d] += static_cast<double>(rows[i]) / static_cast<double>(n);
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
    for (std::size_t c = 0; c < d; ++c)
      for (std::size_t r = 0; r <= c; ++r)
        covariance[c * d + r] += (static_cast<double>(rows[i * d + r]) - mean[r]) *
                                 (static_cast<double>(rows[i * d + c]) - mean[c]) / static_cast<double>(n);
  CHECK(largest_difference(moments.mean, mean) < 1e-14);
  CHECK(largest_difference(moments.covariance, covariance) < (sizeof(T) == 4 ? 1e-6 : 1e-13));
}

TEST_CASE("moments: a mean a million times the spread does not spoil the covariance") {
  const std::int64_t n = 1000, d = 3;
  auto rows = normals<double>(static_cast<std::size_t>(n * d), 10);
  MomentAccumulator<double> plain(d), shifted(d);
  plain.add(0, rows);
  for (double& value : rows) value += 1e6;
  shifted.add(0, rows);
  CHECK(largest_difference(plain.finish().covariance, shifted.finish().covariance) < 1e-9);
}

TEST_CASE("moments: any split with known indices, merged in any order, equals the single run to 1e-12") {
  const std::int64_t n = 5000, d = 20;
  const auto rows = normals<float>(static_cast<std::size_t>(n * d), 11);
  const auto part = [&](std::int64_t first, std::int64_t last) {
    MomentAccumulator<float> own(d);
    for (std::int64_t i = first; i < last; i += 97)  // the cut into batches must not matter either
      own.add(i, std::span(rows).subspan(static_cast<std::size_t>(i * d),
                                         static_cast<std::size_t>(std::min<std::int64_t>(97, last - i) * d)));
    return own;
  };
  MomentAccumulator<float> single(d);
  single.add(0, rows);
  MomentAccumulator<float> merged = part(3333, 5000);
  merged.merge(part(100, 129));
  merged.merge(part(700, 3333));
  MomentAccumulator<float> beginning = part(0, 100);
  beginning.merge(part(129, 700));
  // through a state, as between programs
  merged.merge(MomentAccumulator<float>::from_state(d, beginning.state()));
  CHECK(merged.count() == n);
  const Moments expected = single.finish(), got = merged.finish();
  CHECK(largest_difference(got.mean, expected.mean) < 1e-12 * largest(expected.mean));
  CHECK(largest_difference(got.covariance, expected.covariance) < 1e-12 * largest(expected.covariance));
}

TEST_CASE("moments: a sample that is counted twice is refused by number") {
  const std::vector<double> row(4, 1.0);
  MomentAccumulator<double> a(4), b(4);
  a.add(300, row);
  b.add(300, row);
  CHECK_THROWS_WITH_AS(a.merge(b), "sample 300 was counted already", DataError);
  CHECK_THROWS_WITH_AS(a.merge(MomentAccumulator<double>(5)), "statistics of dimension 5 do not merge with dimension 4",
                       DataError);
}

TEST_CASE("moments: the same bits on one thread and three, few and many dimensions") {
  for (const std::int64_t d : {16, 600}) {
    const std::int64_t n = 6000000 / d / 10;
    const auto rows = normals<float>(static_cast<std::size_t>(n * d), 12);
    const auto run = [&](int count) {
      const Threads threads(count);
      MomentAccumulator<float> accumulator(d);
      accumulator.add(0, rows);
      return accumulator.finish();
    };
    const Moments one = run(1), three = run(3);
    CHECK(one.mean == three.mean);
    CHECK(one.covariance == three.covariance);
  }
}
