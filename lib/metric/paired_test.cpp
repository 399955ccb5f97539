#include "metric/paired_test.hpp"

#include <algorithm>
#include <cmath>

#include "base/threads.hpp"
#include "metric/interval.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMostBlocks = 1024, kLeastBlocks = 64;
constexpr std::uint64_t kCopy = std::uint64_t{1} << 41;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

template <class Real>
PairedErrors errors_of(const Tensor& a, const Tensor& b, const std::vector<Tensor>& references, std::int64_t side) {
  const std::int64_t width = a.rank() == 0 ? 1 : a.shape().back();
  const std::int64_t height = a.rank() < 2 ? 1 : a.shape()[a.rank() - 2], planes = a.size() / (height * width);
  side = std::min(side, std::max(height, width));
  const auto blocks = [&] { return ceil_div(height, side) * ceil_div(width, side); };
  while (side > 1 && blocks() < kLeastBlocks) side /= 2;
  while (blocks() > kMostBlocks) ++side;
  const std::int64_t rows = ceil_div(height, side), columns = ceil_div(width, side);
  const Real *pa = a.values<Real>().data(), *pb = b.values<Real>().data();
  std::vector<const Real*> starts;
  for (const Tensor& reference : references) starts.push_back(reference.values<Real>().data());
  const auto k = static_cast<double>(starts.size());
  const double correction = starts.size() > 1 ? 1 / (k * (k - 1)) : 0;

  PairedErrors result;
  result.elements = static_cast<double>(a.size());
  result.differences.resize(static_cast<std::size_t>(rows * columns));
  std::vector<double> errors(static_cast<std::size_t>(2 * rows));
  parallel_blocks(rows, [&](std::int64_t band) {
    double &error_a = errors[static_cast<std::size_t>(2 * band)],
           &error_b = errors[static_cast<std::size_t>(2 * band + 1)];
    for (std::int64_t plane = 0; plane < planes; ++plane)
      for (std::int64_t y = band * side; y < std::min(height, (band + 1) * side); ++y)
        for (std::int64_t block = 0; block < columns; ++block) {
          double& difference = result.differences[static_cast<std::size_t>(band * columns + block)];
          const std::int64_t row = (plane * height + y) * width;
          for (std::int64_t i = row + block * side; i < row + std::min(width, (block + 1) * side); ++i) {
            double mean = 0, scatter = 0;
            for (const Real* start : starts) mean += static_cast<double>(start[i]) / k;
            for (const Real* start : starts) {
              const double rest = static_cast<double>(start[i]) - mean;
              scatter += rest * rest;
            }
            const double da = static_cast<double>(pa[i]) - mean, db = static_cast<double>(pb[i]) - mean;
            difference += da * da - db * db;
            error_a += da * da - correction * scatter;
            error_b += db * db - correction * scatter;
          }
        }
  });
  for (std::size_t i = 0; i < errors.size(); i += 2) {
    result.error_a += errors[i];
    result.error_b += errors[i + 1];
  }
  return result;
}

/// The half-width of a two-sided Student interval, from the normal one.  Cornish and Fisher's expansion: 1 % high at
/// five degrees of freedom, better above.
double student_half_width(double confidence, double freedom) {
  const double z = normal_half_width(confidence), z3 = z * z * z, z5 = z3 * z * z;
  return z + (z3 + z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom * freedom);
}

}  // namespace

PairedErrors paired_errors(const Tensor& a, const Tensor& b, const std::vector<Tensor>& references, std::int64_t side) {
  return a.dtype() == DType::F32 ? errors_of<float>(a, b, references, side) : errors_of<double>(a, b, references, side);
}

PairedTest paired_test(const std::vector<double>& differences, double confidence, std::int64_t flips,
                       std::uint64_t seed) {
  PairedTest test;
  const auto count = static_cast<double>(differences.size());
  double squares = 0;
  for (const double difference : differences) test.sum += difference;
  for (const double difference : differences) squares += std::pow(difference - test.sum / count, 2);
  test.half_width = student_half_width(confidence, count - 1) * std::sqrt(squares * count / (count - 1));
  if (differences.size() < 2) test.half_width = std::nan("");

  std::vector<char> larger(static_cast<std::size_t>(flips));
  const double size = std::abs(test.sum) * (1 - 1e-12);  // flips that change nothing are as large, whatever rounding
  parallel_blocks(flips, [&](std::int64_t flip) {
    std::vector<float> draws(differences.size());
    fill_uniform({seed, Purpose::resample, 0, kCopy + static_cast<std::uint64_t>(flip)}, 0, draws);
    double sum = 0;
    for (std::size_t i = 0; i < draws.size(); ++i) sum += draws[i] < 0.5f ? -differences[i] : differences[i];
    larger[static_cast<std::size_t>(flip)] = std::abs(sum) >= size;
  });
  const auto as_large = static_cast<double>(std::count(larger.begin(), larger.end(), 1));
  test.p = (1 + as_large) / static_cast<double>(flips + 1);
  return test;
}

}  // namespace noiseutils
