#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "noise/operator_argument.hpp"
#include "noise/operators.hpp"
#include "noise/parallel_items.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMostRows = std::int64_t{1} << 31;
constexpr std::int64_t kMostEntries = std::int64_t{1} << 48;  // elements of a random stream
constexpr std::int64_t kPiece = 4096;                         // of a row, in the first-level cache

/// A of M rows with independent entries N(0, 1/M), so that E |A x|^2 = |x|^2. Entry (i, j) is the F32 normal number
/// i d + j of the key, made where it is needed and never held.
class RandomProjection : public Operator {
 public:
  RandomProjection(const SampleLayout& sample, std::int64_t rows, const StreamKey& key)
      : Operator(sample, {"D", {rows}}), key_(key), rows_(rows), scale_(1 / std::sqrt(static_cast<double>(rows))) {}

  void apply(std::span<const double> x, std::span<double> y) const override {
    parallel_items(rows_, columns(), [&](std::int64_t row) {
      double sum = 0;
      for (std::int64_t begin = 0; begin < columns(); begin += kPiece)
        with_entries(row, begin, [&](std::size_t j, double entry) { sum += entry * x[j]; });
      y[static_cast<std::size_t>(row)] = scale_ * sum;
    });
  }
  void adjoint(std::span<const double> y, std::span<double> x) const override {
    std::fill(x.begin(), x.end(), 0.0);
    parallel_items((columns() + kPiece - 1) / kPiece, rows_ * kPiece, [&](std::int64_t piece) {
      for (std::int64_t row = 0; row < rows_; ++row) {
        const double value = scale_ * y[static_cast<std::size_t>(row)];
        with_entries(row, piece * kPiece, [&](std::size_t j, double entry) { x[j] += entry * value; });
      }
    });
  }

 private:
  std::int64_t columns() const { return input().size(); }
  template <class Work>
  void with_entries(std::int64_t row, std::int64_t begin, Work&& work) const {
    std::array<float, kPiece> entries;
    const auto n = static_cast<std::size_t>(std::min(kPiece, columns() - begin));
    fill_normal(key_, static_cast<std::uint64_t>(row * columns() + begin), std::span<float>(entries.data(), n));
    for (std::size_t j = 0; j < n; ++j) work(static_cast<std::size_t>(begin) + j, static_cast<double>(entries[j]));
  }

  StreamKey key_;
  std::int64_t rows_;
  double scale_;
};

OperatorRecipe parse_random(const std::string& argument, const Tensor*) {
  const std::int64_t rows = whole_number(argument, "M", 1, kMostRows);
  return {[rows](const SampleLayout& sample, const StreamKey& key) -> std::shared_ptr<const Operator> {
            if (sample.size() > kMostEntries / rows)
              throw DataError("a matrix of " + std::to_string(rows) + " x " + std::to_string(sample.size()) +
                              " has more than 2^48 entries");
            return std::make_shared<RandomProjection>(sample, rows, key);
          },
          true};
}

}  // namespace

OperatorKind random_operator() {
  return {"random", "random:M", "M products with random vectors, entries N(0, 1/M)", false, parse_random};
}

}  // namespace noiseutils
