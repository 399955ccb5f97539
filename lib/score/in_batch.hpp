#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/error.hpp"

namespace noiseutils {

/// Calls work(), which is about sample i of a record, counted from 0. The callers name the first sample of the record
/// in front of an Error: of a later one this adds which it is.
template <class Work>
decltype(auto) in_batch(std::int64_t i, Work&& work) {
  if (i == 0) return std::forward<Work>(work)();
  return with_context("no. " + std::to_string(i + 1) + " of its batch", std::forward<Work>(work));
}

}  // namespace noiseutils
