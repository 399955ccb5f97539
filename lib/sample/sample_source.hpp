#pragma once

#include <cstdint>

#include "sample/sample_maker.hpp"

namespace noiseutils {

/// Hands out the samples 0, 1, ... end - 1 that a maker makes, one at a time, made in batches of bounded size.
class SampleSource {
 public:
  struct Sample {
    Tensor data;        ///< with `trajectory` all states one after the other, N + 1 of them along a leading axis T
    SampleFacts facts;  ///< beyond the plan
    SampleCompanions companions;
    double seconds = 0;  ///< that its batch took, divided by the samples in it
  };

  /// `shape` of one sample; F32 or F64. states: 0, or N + 1 for trajectories. companions: where they are wanted, about
  /// how many vectors are kept beside a sample; -1: they are not.
  SampleSource(SampleMaker& maker, Shape shape, DType dtype, std::int64_t end, std::int64_t states = 0,
               std::int64_t companions = -1);

  /// Sample i < end. Makes the following ones along with it where it is not at hand.
  Sample sample(std::int64_t i);
  /// Whether it is made already.
  bool at_hand(std::int64_t i) const { return i >= first_ && i < first_ + count_; }

 private:
  template <class T>
  void make_batch();

  SampleMaker& maker_;
  Shape shape_;
  DType dtype_;
  std::int64_t end_, states_, companion_vectors_;
  std::int64_t first_ = 0, count_ = 0;  // samples at hand
  Tensor batch_;
  std::vector<SampleFacts> facts_;
  std::vector<SampleCompanions> companions_;
  double seconds_ = 0;
};

}  // namespace noiseutils
