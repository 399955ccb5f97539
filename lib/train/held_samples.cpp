#include "train/held_samples.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "model/model_tensors.hpp"
#include "train/companion.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMebi = 1 << 20;
constexpr std::int64_t kMaxNumber = std::int64_t{1} << 62;  // of a sample

void refuse_noise(double variance) { require_clean(variance > 0, "this kind keeps its samples as they are"); }

}  // namespace

OptionSpec max_size_option() {
  return integer("max-size", "MIB",
                 "the most memory that the samples may take, of float64 as float64, else as float32, in MiB; more is "
                 "an error")
      .otherwise("4096")
      .at_least(1)
      .at_most(1 << 30);
}

HeldSamples::HeldSamples(const VectorLayout& layout, const OptionValues& given)
    : VectorStatistics(layout), limit_(given.integer("max-size") * kMebi) {}

void HeldSamples::add_rows(std::int64_t first, const Tensor& rows, std::span<const double> variances) {
  for (const double variance : variances) refuse_noise(variance);
  keep(whole_[first], rows);
}

void HeldSamples::add_patches(const Tensor& rows, double variance) {
  refuse_noise(variance);
  keep(patches_, rows);
}

void HeldSamples::merge(const Statistics& other) {
  const auto* same = dynamic_cast<const HeldSamples*>(&other);
  if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
  for (const auto& [first, rows] : same->whole_)
    for (const Tensor& part : rows) keep(whole_[first], part);
  for (const Tensor& part : same->patches_) keep(patches_, part);
}

void HeldSamples::save(Record& state) {
  std::vector<Tensor> whole;
  std::vector<std::int64_t> index;
  for (const auto& [first, rows] : whole_)
    for (const Tensor& part : rows) {
      for (std::int64_t i = 0; i < part.axis(0); ++i) index.push_back(first + i);
      whole.push_back(part);
    }
  state.tensors["sample_index"] = Tensor::of({static_cast<std::int64_t>(index.size())}, index);
  state.tensors["samples"] = joined(whole);
  state.tensors["patches"] = joined(patches_);
}

void HeldSamples::load(const Record& state) {
  const auto rows = [&](const char* name, std::int64_t n) {
    const Tensor& found = require_tensor(state, name, layout().dtype, {n, layout().dim()});
    require_finite(found, name);
    return found;
  };
  const std::int64_t n = state.require("sample_index").size();
  const Tensor& index = require_tensor(state, "sample_index", DType::I64, {n});
  const Tensor samples = rows("samples", n);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t number = index.values<std::int64_t>()[static_cast<std::size_t>(i)];
    if (number < 0 || number >= kMaxNumber || whole_.contains(number))
      throw DataError("tensor \"sample_index\" holds " + std::to_string(number) +
                      (whole_.contains(number) ? " twice" : ""));
    keep(whole_[number], samples.slice(i, 1));
  }
  if (const Tensor& patches = state.require("patches"); patches.size() > 0)
    keep(patches_, rows("patches", patches.size() / layout().dim()));
}

Tensor HeldSamples::rows() const {
  std::vector<Tensor> all;
  for (const auto& [first, parts] : whole_) all.insert(all.end(), parts.begin(), parts.end());
  all.insert(all.end(), patches_.begin(), patches_.end());
  return joined(all);
}

void HeldSamples::keep(std::vector<Tensor>& to, const Tensor& rows) {
  bytes_ += static_cast<std::int64_t>(rows.bytes());
  count_ += rows.axis(0);
  if (bytes_ > limit_)
    throw DataError("the samples are more than " + std::to_string(limit_ / kMebi) +
                    " MiB, and this kind keeps them all: give fewer, or raise --max-size");
  to.push_back(rows);
}

Tensor HeldSamples::joined(const std::vector<Tensor>& parts) const {
  std::int64_t rows = 0;
  for (const Tensor& part : parts) rows += part.axis(0);
  Tensor all(layout().dtype, {rows, layout().dim()});
  std::byte* to = rows > 0 ? all.mutable_raw() : nullptr;
  for (const Tensor& part : parts) to = std::copy_n(part.raw(), part.bytes(), to);
  return all;
}

}  // namespace noiseutils
