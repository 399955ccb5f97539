#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "base/threads.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "model/linear_model.hpp"
#include "model/model_kinds.hpp"
#include "model/patch_geometry.hpp"
#include "random/random.hpp"
#include "tensor/content_hash.hpp"
#include "train/trainer.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;

Vector normals(std::size_t n, std::uint64_t sample) {
  Vector values(n);
  fill_normal({13, Purpose::probe, sample, 0}, 0, std::span<double>(values));
  return values;
}

Record batch(const Vector& values, Shape shape, const std::string& axes, DType dtype = DType::F64) {
  Record record;
  record.tensors["data"] = Tensor::of(std::move(shape), values).converted(dtype);
  record.metadata["axes"] = axes;
  return record;
}

/// Without shrinkage, so that eigenvalues are the sample's own.
Trainer trainer_of(const std::string& name, std::int64_t patch = 0, std::optional<double> sigma = {}) {
  const TrainKind& kind = *find_entry(train_kinds(), name);
  OptionValues options;
  for (const OptionSpec& spec : kind.options)
    if (spec.name == "shrink") options.set(spec, {"none"});
  return {kind, {patch, sigma, options}};
}

std::unique_ptr<Model> learned(const std::string& kind, const Record& record, std::int64_t patch = 0,
                               std::optional<double> sigma = {}) {
  Trainer trainer = trainer_of(kind, patch, sigma);
  trainer.add(record, 0);
  return trainer.finish();
}

/// 2 d samples with covariance exactly sum lambda_k u_k u_k^T: mean +- sqrt(d lambda_k) u_k.
Vector samples_with(const Vector& mean, const Vector& eigenvalues) {
  const std::size_t d = mean.size();
  Vector basis = normals(d * d, 1), values(d), samples;
  for (std::size_t c = 0; c < d; ++c)
    for (std::size_t r = 0; r < c; ++r) basis[r * d + c] = basis[c * d + r];
  symmetric_eigen(static_cast<std::int64_t>(d), basis.data(), values.data());
  for (std::size_t k = 0; k < d; ++k)
    for (const double sign : {1.0, -1.0})
      for (std::size_t i = 0; i < d; ++i)
        samples.push_back(mean[i] + sign * std::sqrt(static_cast<double>(d) * eigenvalues[k]) * basis[k * d + i]);
  return samples;
}

Vector values_of(const Tensor& tensor) {
  const Tensor wide = tensor.converted(DType::F64);
  return {wide.values<double>().begin(), wide.values<double>().end()};
}

double largest_difference(const Vector& a, const Vector& b) {
  double largest = a.size() == b.size() ? 0 : HUGE_VAL;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

/// The Wiener filter of the model as d x d numbers: free of the signs and of the order of eigenvectors.
Vector filter_of(const Model& model, double sigma) {
  const auto d = static_cast<std::size_t>(model.dim());
  Vector unit(d * d), filter(d * d);
  for (std::size_t i = 0; i < d; ++i) unit[i * d + i] = 1;
  model.linear()
      ->gain_map(model.linear()->wiener_gains(sigma), MeanUse::none, 1)
      ->apply(std::span<const double>(unit), std::span<double>(filter));
  return filter;
}

}  // namespace

TEST_CASE("train: a covariance known in closed form is found, mean and eigenvalues falling") {
  const Vector mean = {1, -2, 3, 0.5, 0, 7}, eigenvalues = {9, 4, 2, 1, 0.5, 0};
  const auto model = learned("gaussian", batch(samples_with(mean, eigenvalues), {12, 2, 3}, "NHW"));
  CHECK(model->info().count == 12);
  CHECK(model->info().axes == "HW");
  CHECK(model->info().shape == Shape{2, 3});
  CHECK(largest_difference(model->linear()->eigenvalues(), eigenvalues) < 1e-13);
  CHECK(largest_difference({model->linear()->mean().begin(), model->linear()->mean().end()}, mean) < 1e-14);
}

TEST_CASE("train: the variance of the noise is taken off and eigenvalues stop at 0") {
  const Vector mean(5), eigenvalues = {9, 4, 2, 1, 0.1};
  const auto model = learned("gaussian", batch(samples_with(mean, eigenvalues), {10, 5}, "ND"), 0, std::sqrt(0.5));
  CHECK(largest_difference(model->linear()->eigenvalues(), {8.5, 3.5, 1.5, 0.5, 0}) < 1e-13);
  Record record = batch(samples_with(mean, eigenvalues), {10, 5}, "ND");
  record.metadata["noise"] = R"({"family":"gaussian","seed":3,"sigma":1})";
  CHECK(largest_difference(learned("gaussian", record)->linear()->eigenvalues(), {8, 3, 1, 0, 0}) < 1e-13);
}

TEST_CASE("train: a stationary law is that of the Gaussian law averaged over all periodic shifts") {
  const std::int64_t n = 7, c = 2, h = 3, w = 4, d = c * h * w;
  const Vector values = normals(static_cast<std::size_t>(n * d), 2);
  Vector shifted;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t dy = 0; dy < h; ++dy)
      for (std::int64_t dx = 0; dx < w; ++dx)
        for (std::int64_t ch = 0; ch < c; ++ch)
          for (std::int64_t y = 0; y < h; ++y)
            for (std::int64_t x = 0; x < w; ++x)
              shifted.push_back(values[static_cast<std::size_t>(((i * c + ch) * h + (y + dy) % h) * w + (x + dx) % w)]);
  const auto stationary = learned("stationary", batch(values, {n, c, h, w}, "NCHW"));
  const auto gaussian = learned("gaussian", batch(shifted, {n * h * w, c, h, w}, "NCHW"));
  CHECK(largest_difference(filter_of(*stationary, 0.6), filter_of(*gaussian, 0.6)) < 1e-12);
  CHECK(largest_difference({stationary->linear()->mean().begin(), stationary->linear()->mean().end()},
                           {gaussian->linear()->mean().begin(), gaussian->linear()->mean().end()}) < 1e-13);
}

TEST_CASE("train: a stationary law of patches is the Gaussian one of patches, averaged over shifts within the patch") {
  const Vector image = normals(20 * 21, 3);
  const PatchGeometry geometry = patch_geometry("HW", {20, 21}, 4);
  Vector patches(static_cast<std::size_t>(geometry.count() * 16));
  gather_patches(geometry, std::span<const double>(image), 0, std::span<double>(patches));
  const auto direct = learned("stationary", batch(patches, {geometry.count(), 4, 4}, "NHW"));
  const auto of_image = learned("stationary", batch(image, {20, 21}, "HW"), 4);
  CHECK(of_image->info().patch == 4);
  CHECK(of_image->info().count == geometry.count());
  CHECK(largest_difference(filter_of(*direct, 0.5), filter_of(*of_image, 0.5)) < 1e-13);
}

TEST_CASE("train: float samples, split over states and merged in another order, give the single run to 1e-12") {
  const std::int64_t n = 1500, d = 12;
  const Vector values = normals(static_cast<std::size_t>(n * d), 4);
  const auto part = [&](const std::string& kind, std::int64_t first, std::int64_t last) {
    Trainer trainer = trainer_of(kind);
    for (std::int64_t i = first; i < last; i += 11) {
      const std::int64_t count = std::min<std::int64_t>(11, last - i);
      trainer.add(batch({values.begin() + i * d, values.begin() + (i + count) * d}, {count, 3, 4}, "NHW", DType::F32),
                  i);
    }
    return trainer.state();
  };
  for (const std::string kind : {"gaussian", "stationary"}) {
    Trainer merged = trainer_of(kind), single = trainer_of(kind);
    for (const Record& state : {part(kind, 700, 1500), part(kind, 0, 100), part(kind, 100, 700)})
      merged.merge_state(state);
    single.merge_state(part(kind, 0, n));
    const Record expected = single.state(), found = merged.state();
    for (const auto& entry : expected.tensors) {
      const std::string& name = entry.first;  // clang 14 cannot capture structured bindings
      const Tensor& tensor = entry.second;
      CAPTURE(name);
      const Vector one = values_of(tensor), other = values_of(found.require(name));
      CHECK(largest_difference(one, other) <= 1e-12 * largest_difference(one, Vector(one.size())));
    }
    CHECK(merged.finish()->info().count == n);
  }
}

TEST_CASE("train: the same bits on one thread and on three") {
  const Vector image = normals(150 * 170, 5);
  for (const std::string kind : {"gaussian", "stationary"}) {
    const auto run = [&](int threads) {
      const int before = thread_count();
      set_thread_count(threads);
      const auto model = learned(kind, batch(image, {150, 170}, "HW", DType::F32), 6);
      set_thread_count(before);
      return model->tensors();
    };
    const auto one = run(1), three = run(3);
    for (const auto& entry : one) {
      const std::string& name = entry.first;  // clang 14 cannot capture structured bindings
      const Tensor& tensor = entry.second;
      CAPTURE(name);
      CHECK(std::memcmp(tensor.raw(), three.at(name).raw(), tensor.bytes()) == 0);
    }
  }
}

TEST_CASE("train: a model remembers what it was trained on") {
  const Vector values = normals(3 * 6, 6);
  const Record record = batch(values, {3, 2, 3}, "NHW", DType::F32);
  const auto model = learned("gaussian", record);
  std::vector<std::string> expected;
  for (std::int64_t i = 0; i < 3; ++i) expected.push_back(content_hash_text(sample_of(record, "data", i)));
  std::sort(expected.begin(), expected.end());
  auto found = model->info().samples;
  std::sort(found.begin(), found.end());
  CHECK(found == expected);
}

TEST_CASE("train: what cannot be learned is refused") {
  CHECK_THROWS_AS(learned("gaussian", batch(normals(6, 7), {1, 6}, "ND")), DataError);
  CHECK_THROWS_AS(learned("stationary", batch(normals(24, 7), {2, 3, 2, 2}, "NTHW")), DataError);
  CHECK_THROWS_AS(learned("gaussian", batch(normals(24, 7), {2, 12}, "ND"), 3), DataError);
  Trainer trainer = trainer_of("gaussian");
  trainer.add(batch(normals(12, 7), {2, 6}, "ND"), 0);
  CHECK_THROWS_AS(trainer.add(batch(normals(12, 7), {2, 2, 3}, "NHW"), 2), DataError);
}

TEST_CASE("train: a state that claims counts beyond reason is refused, before anything overflows") {
  Trainer trainer = trainer_of("gaussian");
  trainer.add(batch(normals(12, 7), {2, 6}, "ND"), 0);
  Record state = trainer.state();
  for (const std::int64_t count : {std::int64_t{-1}, std::int64_t{1} << 62}) {
    state.tensors["count"] = Tensor::of<std::int64_t>({}, {count});
    Trainer other = trainer_of("gaussian");
    CHECK_THROWS_AS(other.merge_state(state), DataError);
  }
  state = trainer.state();
  state.metadata["state.kind"] = "stationary";
  state.metadata["state.axes"] = "CHW";  // of a shape with one axis
  Trainer stationary = trainer_of("stationary");
  CHECK_THROWS_WITH_AS(stationary.merge_state(state), doctest::Contains("CHW"), DataError);
  state = trainer.state();
  for (const char* ranges : {"[[-5,3]]", "[[9,3]]", "[[0,9223372036854775808]]"}) {
    state.metadata["state.ranges"] = ranges;
    Trainer other = trainer_of("gaussian");
    CHECK_THROWS_AS(other.merge_state(state), DataError);
  }
}

TEST_CASE("train: what a kind notes of its model comes back from the model file, beside the keys of every model") {
  const auto model = learned("gaussian", batch(normals(12, 7), {2, 6}, "ND"));
  Record file = model_to_record(*model);
  file.metadata["model.bic"] = "-12.5";
  const auto read = model_from_record(file);
  CHECK(read->info().notes == std::map<std::string, std::string, std::less<>>{{"bic", "-12.5"}});
  CHECK(model_to_record(*read).metadata == file.metadata);
}
