#include "train/sketch.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>

#include "base/error.hpp"
#include "base/number.hpp"
#include "linalg/frequent_directions.hpp"
#include "linalg/nystrom_sketch.hpp"
#include "model/gaussian.hpp"
#include "model/model_tensors.hpp"
#include "train/moment_state.hpp"

namespace noiseutils {
namespace {

constexpr const char* kFrequentDirections = "frequent-directions";

struct SketchRequest {
  std::int64_t size = 0, rank = 0;  // L, R
  bool by_directions = false;
  std::uint64_t seed = 0;
};

SketchRequest sketch_request(const OptionValues& given) {
  if (given.flag("missing") || given.flag("weigh"))
    throw UsageError(std::string("--sketch sees each sample once and all alike: no --") +
                     (given.flag("missing") ? "missing" : "weigh"));
  if (given.has("shrink") && given.text("shrink") != "none")
    throw UsageError("--sketch knows the largest eigenvalues alone, --shrink " + given.text("shrink") +
                     " needs all of them; take none");
  SketchRequest request;
  request.size = given.integer("sketch");
  request.by_directions = given.text("sketch-by") == kFrequentDirections;
  if (given.has("seed")) request.seed = given.seed();
  const std::string rank = given.text("rank");
  if (rank == "auto") throw UsageError("--rank auto needs all eigenvalues, --sketch knows the largest alone");
  request.rank = rank.empty() ? std::max<std::int64_t>(1, (request.size - 10) / 2)
                              : with_context("--rank", [&] { return parse_integer(rank); });
  if (request.rank < 1 || request.rank > request.size)
    throw UsageError("--rank " + rank + ": expected a number from 1 to that of --sketch, " +
                     std::to_string(request.size));
  return request;
}

/// The law of clean samples from the sketch of noisy ones.
template <class T>
std::unique_ptr<Model> sketched_model(ModelInfo info, SketchedCovariance found, std::int64_t wanted,
                                      double noise_variance) {
  if (!std::isfinite(found.trace))
    throw DataError("the moments are beyond what " + std::string(dtype_name(DTypeOf<T>::value)) +
                    " can hold; bring the data to a smaller scale (--scale)");
  require_variation(found.eigenvalues.empty() ? 0 : found.trace, found.mean);
  const std::int64_t dim = found.eigenvectors.dim, rank = std::min(wanted, found.eigenvectors.columns);
  double residual = found.trace;
  for (const double value : found.eigenvalues) residual -= value;
  residual = rank < dim ? std::max(0.0, std::max(0.0, residual) / static_cast<double>(dim - rank) - noise_variance) : 0;
  const double largest = found.eigenvalues.front();
  for (double& value : found.eigenvalues) value = std::max(0.0, value - noise_variance);
  if (found.eigenvalues.front() <= 0)
    throw DataError("the noise, of variance " + format_number(noise_variance) +
                    ", is all that varies: no eigenvalue of the samples' covariance is above it (the largest is " +
                    format_number(largest) + ")");
  Tensor vectors(DTypeOf<T>::value, {rank, dim});
  const auto to = vectors.mutable_values<T>();
  for (std::int64_t j = 0; j < dim; ++j)
    for (std::int64_t k = 0; k < rank; ++k)
      to[static_cast<std::size_t>(k * dim + j)] =
          static_cast<T>(found.eigenvectors.values[static_cast<std::size_t>(j * found.eigenvectors.leading + k)]);
  return gaussian_model(std::move(info), std::move(found.mean), std::move(vectors), std::move(found.eigenvalues),
                        residual);
}

/// Finite, where they are no whole numbers.
template <class T>
std::span<const T> numbers(const Record& state, std::string_view name, const Shape& shape) {
  const Tensor& tensor = require_tensor(state, name, DTypeOf<T>::value, shape);
  if constexpr (std::is_floating_point_v<T>) require_finite(tensor, std::string(name));
  return tensor.template values<T>();
}

template <class T>
std::vector<T> vector_of(const Record& state, std::string_view name, const Shape& shape) {
  const auto values = numbers<T>(state, name, shape);
  return {values.begin(), values.end()};
}

/// What both sketches save: the count, the mean and the trace times the count.
template <class State>
void save_common(const State& saved, Record& state) {
  state.tensors["count"] = Tensor::of<std::int64_t>({}, {saved.count});
  state.tensors["mean"] = Tensor::of<double>({std::ssize(saved.mean)}, saved.mean);
  state.tensors["squares"] = Tensor::of<double>({}, {saved.squares});
}

template <class State>
void load_common(const Record& state, std::int64_t dim, State& saved) {
  saved.count = require_count(state);
  saved.mean = vector_of<double>(state, "mean", {dim});
  saved.squares = numbers<double>(state, "squares", {})[0];
  if (saved.squares < 0) throw DataError("tensor \"squares\" is " + format_number(saved.squares));
}

template <class T>
class NystromStatistics : public VectorStatistics {
 public:
  NystromStatistics(const VectorLayout& layout, const SketchRequest& request)
      : VectorStatistics(layout), request_(request), sketch_(layout.dim(), request.size, request.seed) {}
  std::int64_t count() const override { return sketch_.count(); }
  void add_rows(std::int64_t first, const Tensor& rows, std::span<const double>) override {
    sketch_.add(first, rows.values<T>());
  }
  void add_patches(const Tensor& rows, double) override { sketch_.add_whole(rows.values<T>()); }
  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const NystromStatistics<T>*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    sketch_.merge(same->sketch_);
  }
  void skip(std::int64_t number) override {
    if (layout().patch == 0) sketch_.skip(number);
  }
  void close() override { sketch_.close(); }
  bool resumable() const override { return true; }
  void save(Record& state) override {
    const auto saved = sketch_.state();
    const std::int64_t dim = sketch_.dim();
    save_common(saved, state);
    state.tensors["product"] = Tensor::of<double>({dim, request_.size}, saved.product);
    state.tensors["edge_index"] = Tensor::of<std::int64_t>({std::ssize(saved.edge_index)}, saved.edge_index);
    state.tensors["edge_rows"] = Tensor::of<T>({std::ssize(saved.edge_index), dim}, saved.edge_rows);
    state.tensors["edge_skipped"] = Tensor::of<std::int64_t>({std::ssize(saved.edge_skipped)}, saved.edge_skipped);
  }
  void load(const Record& state) {
    const std::int64_t dim = sketch_.dim(), rows = state.require("edge_index").size();
    typename NystromSketch<T>::State saved;
    load_common(state, dim, saved);
    saved.product = vector_of<double>(state, "product", {dim, request_.size});
    saved.edge_index = vector_of<std::int64_t>(state, "edge_index", {rows});
    saved.edge_rows = vector_of<T>(state, "edge_rows", {rows, dim});
    saved.edge_skipped = vector_of<std::int64_t>(state, "edge_skipped", {state.require("edge_skipped").size()});
    sketch_ = NystromSketch<T>::from_state(dim, request_.size, request_.seed, saved);
  }
  std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) override {
    return sketched_model<T>(std::move(info), sketch_.finish(request_.rank), request_.rank, noise_variance);
  }

 private:
  SketchRequest request_;
  NystromSketch<T> sketch_;
};

template <class T>
class DirectionsStatistics : public VectorStatistics {
 public:
  DirectionsStatistics(const VectorLayout& layout, const SketchRequest& request)
      : VectorStatistics(layout), request_(request), sketch_(layout.dim(), request.size) {}
  std::int64_t count() const override { return sketch_.count(); }
  void add_rows(std::int64_t, const Tensor& rows, std::span<const double>) override { sketch_.add(rows.values<T>()); }
  void add_patches(const Tensor& rows, double) override { sketch_.add(rows.values<T>()); }
  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const DirectionsStatistics<T>*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    sketch_.merge(same->sketch_);
  }
  bool resumable() const override { return true; }
  void save(Record& state) override {
    const auto saved = sketch_.state();
    save_common(saved, state);
    const std::int64_t rows = std::ssize(saved.rows) / sketch_.dim();
    state.tensors["directions"] = Tensor::of<double>({rows, sketch_.dim()}, saved.rows);
    const std::int64_t waiting = std::ssize(saved.waiting) / sketch_.dim();
    state.tensors["waiting"] = Tensor::of<T>({waiting, sketch_.dim()}, saved.waiting);
  }
  void load(const Record& state) {
    const std::int64_t dim = sketch_.dim(), rows = state.require("directions").size() / dim;
    if (rows > 2 * request_.size) throw DataError("tensor \"directions\" has more rows than the sketch");
    typename FrequentDirections<T>::State saved;
    load_common(state, dim, saved);
    saved.rows = vector_of<double>(state, "directions", {rows, dim});
    const std::int64_t waiting = state.require("waiting").size() / dim;
    saved.waiting = vector_of<T>(state, "waiting", {waiting, dim});
    sketch_ = FrequentDirections<T>::from_state(dim, request_.size, saved);
  }
  std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) override {
    return sketched_model<T>(std::move(info), sketch_.finish(request_.rank), request_.rank, noise_variance);
  }

 private:
  SketchRequest request_;
  FrequentDirections<T> sketch_;
};

template <class Made>
std::unique_ptr<Statistics> made_as(const VectorLayout& layout, const SketchRequest& request, const Record* state) {
  auto statistics = std::make_unique<Made>(layout, request);
  if (state != nullptr) statistics->load(*state);
  return statistics;
}

std::unique_ptr<Statistics> made(const VectorLayout& layout, const OptionValues& given, const Record* state) {
  const SketchRequest request = sketch_request(given);
  if (request.size > layout.dim())
    throw DataError("--sketch " + std::to_string(request.size) + " is above the dimension, " +
                    std::to_string(layout.dim()) + ": there is nothing to gain; leave it out");
  if (state != nullptr) {  // it must hold what its metadata claim before memory is taken for that
    require_tensor(*state, "mean", DType::F64, {layout.dim()});
    if (!request.by_directions) require_tensor(*state, "product", DType::F64, {layout.dim(), request.size});
  }
  const bool f64 = layout.dtype == DType::F64;
  if (request.by_directions)
    return f64 ? made_as<DirectionsStatistics<double>>(layout, request, state)
               : made_as<DirectionsStatistics<float>>(layout, request, state);
  return f64 ? made_as<NystromStatistics<double>>(layout, request, state)
             : made_as<NystromStatistics<float>>(layout, request, state);
}

}  // namespace

std::vector<OptionSpec> sketch_options() {
  OptionSpec seed = text("seed", "S", "with --sketch: of its random matrix, 0 to 2^64-1, or random; default: 0");
  seed.type = OptionType::seed;
  return {
      integer("sketch", "L", "keep a sketch of the covariance, d L numbers; for dimensions d up to a million")
          .at_least(2)
          .at_most(16000),
      choice("sketch-by", {"nystrom", kFrequentDirections}, "with --sketch: the method; default: nystrom"),
      seed,
  };
}

bool wants_sketch(const OptionValues& given) {
  if (given.has("sketch")) return true;
  if (given.has("sketch-by")) throw UsageError("--sketch-by is of a sketch: give --sketch too");
  return false;
}

std::unique_ptr<Statistics> sketch_statistics(const VectorLayout& layout, const OptionValues& given) {
  return made(layout, given, nullptr);
}

std::unique_ptr<Statistics> sketch_statistics(const VectorLayout& layout, const OptionValues& given,
                                              const Record& state) {
  return made(layout, given, &state);
}

}  // namespace noiseutils
