#include "metric/frames.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"

namespace noiseutils {
namespace {

constexpr const char* kTooFew = "needs at least three frames: one to measure and two references";

}  // namespace

std::vector<std::int64_t> neighbouring_frames(std::int64_t t, std::int64_t count) {
  if (t + 2 < count) return {t + 1, t + 2};
  if (t + 1 < count) return {t + 1, t - 1};
  return {t - 1, t - 2};
}

std::vector<Tensor> neighbours_in_stack(const Tensor& stack) {
  const std::int64_t count = stack.axis(0);
  if (count < 3) throw DataError("--frames " + std::string(kTooFew));
  const std::size_t bytes = stack.bytes() / static_cast<std::size_t>(count);
  std::vector<Tensor> references(2, Tensor(stack.dtype(), stack.shape()));
  for (std::size_t k = 0; k < 2; ++k) {
    references[k] = Tensor(stack.dtype(), stack.shape());
    std::byte* const to = references[k].mutable_raw();
    for (std::int64_t t = 0; t < count; ++t)
      std::memcpy(to + static_cast<std::size_t>(t) * bytes,
                  stack.raw() + static_cast<std::size_t>(neighbouring_frames(t, count)[k]) * bytes, bytes);
  }
  return references;
}

void FrameWindow::read_to(std::int64_t frame) {
  while (!ended_ && read_ <= frame) {
    if (!frames_.next()) {
      ended_ = true;
      break;
    }
    held_.push_back(sample_of(frames_.record(), "data", frames_.place()));
    if (read_++ == 0) stacks_ = sample_axes(frames_.record()).starts_with("T");
    if (stacks_) break;
  }
}

std::vector<Tensor> FrameWindow::next() {
  read_to(at_ + 2);
  if (at_ >= read_) throw DataError(name_ + " has only " + std::to_string(read_) + " samples, data has more");
  if (stacks_) {
    const Tensor stack = held_.back();
    held_.clear();
    ++at_;
    return with_context(name_, [&] { return neighbours_in_stack(stack); });
  }
  if (read_ < 3) throw DataError(name_ + ": --frames " + kTooFew);
  std::vector<Tensor> references;
  for (const std::int64_t frame : neighbouring_frames(at_, ended_ ? read_ : at_ + 3))
    references.push_back(held_[static_cast<std::size_t>(frame - first_)]);
  ++at_;
  while (first_ + 2 < at_) {
    held_.pop_front();
    ++first_;
  }
  return references;
}

void FrameWindow::finish() {
  read_to(at_);
  if (read_ > at_) throw DataError(name_ + " has more samples than data, which has " + std::to_string(at_));
}

}  // namespace noiseutils
