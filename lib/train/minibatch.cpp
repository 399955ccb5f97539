#include "train/minibatch.hpp"

#include <algorithm>

#include "base/threads.hpp"
#include "linalg/batch_product.hpp"
#include "linalg/blas.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kDrawn = 16384;  // values that one block of work draws: less is not worth a thread
constexpr std::int64_t kTile = 128;     // rows of the gradient that one block of work has
// Streams of Purpose::train: (seed, slot, 1 + t) the noise of a pair of step t, (seed, sample, 0) the only noise of a
// sample, (seed, kChoice, 1 + t) which samples and levels a step has.
constexpr std::uint64_t kChoice = (std::uint64_t{1} << 62) + 1;

double square_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return sum;
}

}  // namespace

Minibatch::Minibatch(const Tensor& samples, std::span<const double> mean, SigmaSampler sigmas, Request request)
    : samples_(samples),
      mean_(mean),
      sigmas_(std::move(sigmas)),
      request_(std::move(request)),
      dim_(static_cast<std::int64_t>(mean.size())),
      noisy_(static_cast<std::size_t>(request_.size * dim_)),
      clean_(noisy_.size()),
      weights_(static_cast<std::size_t>(request_.size)),
      errors_(noisy_.size()),
      second_(static_cast<std::size_t>(dim_ * dim_)) {}

void Minibatch::centred(std::int64_t i, std::span<double> x) const {
  const auto copy = [&](auto values) {
    const auto* const from = values.data() + i * dim_;
    for (std::size_t j = 0; j < x.size(); ++j) x[j] = static_cast<double>(from[j]) - mean_[j];
  };
  if (samples_.dtype() == DType::F64)
    copy(samples_.values<double>());
  else
    copy(samples_.values<float>());
}

void Minibatch::fixed_input(std::int64_t i, std::span<double> y) const {
  double level = 0;
  fill_uniform({request_.seed, Purpose::train, kChoice + 1, static_cast<std::uint64_t>(i)}, 0, std::span(&level, 1));
  centred(i, y);
  add_normal({request_.seed, Purpose::train, static_cast<std::uint64_t>(i), 0}, 0, y, sigmas_.at(level), y);
}

void Minibatch::fill_pair(std::int64_t slot, std::int64_t t, double position, double level) {
  const auto of = [&](std::vector<double>& all) {
    return std::span(all).subspan(static_cast<std::size_t>(slot * dim_), static_cast<std::size_t>(dim_));
  };
  const std::int64_t count = samples_.axis(0);
  const std::int64_t i = std::min(static_cast<std::int64_t>(position * static_cast<double>(count)), count - 1);
  centred(i, of(clean_));
  if (request_.fixed_pairs) {
    fixed_input(i, of(noisy_));
    fill_uniform({request_.seed, Purpose::train, kChoice + 1, static_cast<std::uint64_t>(i)}, 0, std::span(&level, 1));
  } else {
    add_normal({request_.seed, Purpose::train, static_cast<std::uint64_t>(slot), static_cast<std::uint64_t>(1 + t)}, 0,
               of(clean_), sigmas_.at(level), of(noisy_));
  }
  weights_[static_cast<std::size_t>(slot)] = request_.weight ? request_.weight(sigmas_.at(level)) : 1;
}

void Minibatch::draw(std::int64_t t) {
  const auto size = static_cast<std::size_t>(request_.size);
  std::vector<double> choice(2 * size);
  fill_uniform({request_.seed, Purpose::train, kChoice, static_cast<std::uint64_t>(1 + t)}, 0,
               std::span<double>(choice));
  const std::int64_t each = std::max<std::int64_t>(1, kDrawn / dim_);
  parallel_blocks((request_.size + each - 1) / each, [&](std::int64_t block) {
    for (std::int64_t slot = block * each; slot < std::min(request_.size, (block + 1) * each); ++slot)
      fill_pair(slot, t, choice[static_cast<std::size_t>(slot)], choice[size + static_cast<std::size_t>(slot)]);
  });
}

void Minibatch::part_gradient(std::int64_t first, std::int64_t count, std::span<double> out) const {
  parallel_blocks((dim_ + kTile - 1) / kTile, [&](std::int64_t tile) {
    const std::int64_t row = tile * kTile, rows = std::min(kTile, dim_ - row);
    gemm<double>(Op::plain, Op::transposed, dim_, rows, count, 1 / static_cast<double>(count),
                 noisy_.data() + first * dim_, dim_, errors_.data() + first * dim_ + row, dim_, 0,
                 out.data() + row * dim_, dim_);
  });
}

void Minibatch::gradient(std::span<const double> weights, std::span<double> out) {
  batch_product(false, dim_, dim_, weights.data(), request_.size, noisy_.data(), errors_.data());
  for (std::int64_t slot = 0; slot < request_.size; ++slot)
    for (std::int64_t j = slot * dim_; j < (slot + 1) * dim_; ++j) {
      const auto e = static_cast<std::size_t>(j);
      errors_[e] = weights_[static_cast<std::size_t>(slot)] * (errors_[e] - clean_[e]);
    }
  norms_ = {request_.size / 2, request_.size - request_.size / 2};
  part_gradient(norms_.first_size, norms_.second_size, out);
  if (norms_.first_size == 0) return;
  part_gradient(0, norms_.first_size, second_);
  norms_.first = square_of(second_);
  norms_.second = square_of(out);
  const double share = static_cast<double>(norms_.first_size) / static_cast<double>(request_.size);
  for (std::size_t i = 0; i < second_.size(); ++i) out[i] += share * (second_[i] - out[i]);
  norms_.whole = square_of(out);
}

}  // namespace noiseutils
