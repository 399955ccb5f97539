#pragma once

#include <deque>
#include <string>
#include <vector>

#include "tensor/sample_reader.hpp"

namespace noiseutils {

/// The two frames that stand in for frame t of `count`: t+1 and t+2, near the end those before, t+1 and t-1, or t-1 and
/// t-2: captures as close in time as can be, since scenes drift. count >= 3.
std::vector<std::int64_t> neighbouring_frames(std::int64_t t, std::int64_t count);

/// References of every frame of a stack along its leading axis: two tensors of its shape. DataError below three frames.
std::vector<Tensor> neighbours_in_stack(const Tensor& stack);

/// The neighbours of each sample of a stream, one sample after the other; holds five of them.
class FrameWindow {
 public:
  explicit FrameWindow(SampleReader frames, std::string name) : frames_(std::move(frames)), name_(std::move(name)) {}
  /// The references of the next frame, its two neighbours. A sample that is a stack itself (a leading axis T) gives
  /// its own, as neighbours_in_stack(). DataError if there is no such frame, or fewer than three.
  std::vector<Tensor> next();
  /// After the last: DataError if the stream has more.
  void finish();

 private:
  void read_to(std::int64_t frame);

  SampleReader frames_;
  std::string name_;
  std::deque<Tensor> held_;  // frames first_ ... read_ - 1
  std::int64_t first_ = 0, read_ = 0, at_ = 0;
  bool ended_ = false, stacks_ = false;
};

}  // namespace noiseutils
