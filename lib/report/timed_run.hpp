#pragma once

#include <chrono>
#include <vector>

#include "sample/sample_maker.hpp"

namespace noiseutils {

template <class T>
struct TimedRun {
  std::vector<T> samples;
  std::vector<SampleFacts> facts;
  double seconds = 0;
};

/// Samples 0 ... count - 1 of a maker in one batch, and the wall time it took.
template <class T>
TimedRun<T> timed_run(SampleMaker& maker, std::int64_t dim, std::int64_t count) {
  TimedRun<T> run;
  run.samples.resize(static_cast<std::size_t>(count * dim));
  run.facts.resize(static_cast<std::size_t>(count));
  SampleBatch<T> batch;
  batch.x = run.samples;
  batch.facts = &run.facts;
  const auto begin = std::chrono::steady_clock::now();
  maker.make(batch);
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return run;
}

}  // namespace noiseutils
