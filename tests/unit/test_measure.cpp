// Operators on records, and from their metadata back to the operators.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "image_file.hpp"
#include "noise/apply.hpp"
#include "noise/measure.hpp"
#include "random_helpers.hpp"

namespace noiseutils {
namespace {

Record record_of(const std::string& axes, const Shape& shape, std::uint64_t seed = 1) {
  Record record;
  const auto n = static_cast<std::size_t>(element_count(shape));
  record.tensors.insert_or_assign("data", Tensor::of(shape, test::normals<double>({seed, Purpose::probe, 0, 0}, 0, n)));
  record.metadata["axes"] = axes;
  return record;
}

Record sample_with(const std::string& noise) {
  Record record;
  record.metadata["noise"] = noise;
  return record;
}

/// What noise --operator does, without noise: the metadata of a law of noise are there, its draws are not.
void measure(Record& record, const std::vector<std::string>& specs, std::int64_t first_sample, std::uint64_t seed = 5) {
  Measurement measurement(specs, seed);
  LazyTensors lazy;
  const auto notes = measurement.apply(record, lazy, first_sample, true);
  CHECK(lazy.empty());
  CHECK(notes.size() == static_cast<std::size_t>(sample_count(record)));
  const auto noise = noise_from_metadata(R"({"family":"gaussian","sigma":1})");
  record.metadata["noise"] = extended_noise_metadata(record.meta("noise"), *noise.front(), 0, false);
  note_operators(record, notes);
}

TEST_CASE("operator_of_sample: rebuilds the operator of each sample") {
  for (const std::vector<std::string>& specs : {std::vector<std::string>{"mask:0.5"},
                                                {"fourier:0.4", "mask:0.7"},
                                                {"mask:0.5", "mask:0.5", "random:20"},
                                                {"box:1,1,2,3", "blur:1.5", "bicubic:2"},
                                                {"downsample:2", "radon:3"},
                                                {"motion:3,40", "fourier:1/3,points"}}) {
    CAPTURE(specs.front());
    Record batch = record_of("NCHW", {3, 2, 6, 8});
    const Record clean = batch;
    measure(batch, specs, 10);
    CHECK(batch.require("clean").shape() == Shape{3, 2, 6, 8});
    for (std::int64_t i = 0; i < 3; ++i) {
      const Record sample = sample_record(batch, i);
      const auto map = operator_of_sample(sample);
      REQUIRE(map != nullptr);
      CHECK(map->input() == SampleLayout{"CHW", {2, 6, 8}});
      CHECK(map->output() == SampleLayout{sample_axes(sample), sample_shape(sample)});
      std::vector<double> y(static_cast<std::size_t>(map->output().size()));
      map->apply(sample_of(clean, "data", i).values<double>(), y);
      const auto data = sample.require("data").values<double>();
      CHECK(std::equal(y.begin(), y.end(), data.begin(), data.end()));
      // The same sample by itself has the same values and metadata.
      Record alone = sample_record(clean, i);
      measure(alone, specs, 10 + i);
      CHECK(alone.meta("noise") == sample.meta("noise"));
      const auto own = alone.require("data").values<double>();
      CHECK(std::equal(own.begin(), own.end(), data.begin(), data.end()));
    }
  }
}

TEST_CASE("measurement: the same operator twice in a row draws anew, on noisy data as well") {
  Record record = record_of("D", {1000});
  measure(record, {"mask:0.5", "mask:0.5"}, 0);
  measure(record, {"mask:0.5"}, 0);
  const auto data = record.require("data").values<double>();
  const auto kept = std::count_if(data.begin(), data.end(), [](double value) { return value != 0; });
  CHECK(std::abs(static_cast<double>(kept) - 125) < 4.5 * std::sqrt(1000 * 0.125 * 0.875));
  const auto map = operator_of_sample(record);
  std::vector<double> y(1000);
  map->apply(record.require("clean").values<double>(), y);
  CHECK(std::equal(y.begin(), y.end(), data.begin(), data.end()));
}

TEST_CASE("operator_of_sample: a file comes along as a companion, and must be the one that was used") {
  const ImageFile mask(2, 3, {1, 0, 2, 0, 0, -1}), kernel(1, 2, {1, 3});
  Record record = record_of("CHW", {2, 2, 3});
  const Record clean = record;
  measure(record, {"mask:" + mask.path(), "blur:" + kernel.path()}, 0);
  measure(record, {"blur:" + kernel.path()}, 0);
  for (const char* name : {"operator.0", "operator.1", "operator.0.1"}) CHECK(record.find(name) != nullptr);
  CHECK(record.meta("noise").find('/') == std::string::npos);
  const auto map = operator_of_sample(record);
  std::vector<double> y(12);
  map->apply(clean.require("data").values<double>(), y);
  const auto data = record.require("data").values<double>();
  CHECK(std::equal(y.begin(), y.end(), data.begin(), data.end()));
  Record other = record;
  other.tensors.insert_or_assign("operator.1", Tensor::of<float>({1, 2}, {1, 2}));
  CHECK_THROWS_AS(operator_of_sample(other), DataError);
  record.tensors.erase("operator.0");
  CHECK_THROWS_AS(operator_of_sample(record), DataError);
}

TEST_CASE("measurement: types, ranges, and what is kept") {
  Record record;
  record.tensors.insert_or_assign("data", Tensor::of<std::uint8_t>({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}));
  record.metadata["range"] = "255";
  Record projected = record;
  measure(record, {"downsample:2"}, 0);
  CHECK(record.require("data").dtype() == DType::F32);
  CHECK(record.require("data").values<float>()[1] == 5.5F);
  CHECK(record.require("clean").dtype() == DType::F32);
  CHECK(record.meta("range") == "255");
  measure(projected, {"downsample:2", "random:3"}, 0);
  CHECK(projected.meta("range").empty());
  CHECK(axes_of(projected) == "D");
}

TEST_CASE("operator_of_sample: what is malformed is a data error, no operator is none") {
  CHECK(operator_of_sample(sample_with("")) == nullptr);
  CHECK(operator_of_sample(sample_with(R"({"family":"gaussian","sigma":1})")) == nullptr);
  const std::string mask = R"({"name":"mask","argument":"0.5","axes":"D","shape":[9],"seed":1,"sample":2})";
  CHECK(operator_of_sample(sample_with(R"({"family":"gaussian","operator":[)" + mask + "]}")) != nullptr);
  for (const std::string list :
       {R"("mask")", R"([3])", R"([{"name":"mask"}])", R"([{"name":"banana","argument":"1","axes":"D","shape":[9]}])",
        R"([{"name":"mask","argument":"0.5","axes":"D","shape":[9],"seed":1}])",
        R"([{"name":"mask","argument":"0.5","axes":"D","shape":[9],"seed":1,"sample":"x"}])",
        R"([{"name":"mask","argument":"7","axes":"D","shape":[9],"seed":1,"sample":2}])",
        R"([{"name":"mask","argument":"/etc/hostname","axes":"D","shape":[9]}])",
        R"([{"name":"mask:/etc/hostname","argument":"1","axes":"D","shape":[9]}])",
        R"([{"name":"blur","argument":"k.npy","axes":"HW","shape":[9,9],"tensor":"operator.0","content":"0"}])",
        R"([{"name":"blur","argument":"1","axes":"D","shape":[9]}])",
        R"([{"name":"blur","argument":"1","axes":"HW","shape":[9]}])",
        R"([{"name":"blur","argument":"1","axes":"HW","shape":[9,0]}])",
        R"([{"name":"blur","argument":"1","axes":"HW","shape":[-9,3]}])",
        R"([{"name":"blur","argument":"1","axes":"HW","shape":"big"}])",
        R"([{"name":"downsample","argument":"3","axes":"HW","shape":[9,9]},)"
        R"({"name":"blur","argument":"1","axes":"HW","shape":[9,9]}])"}) {
    CAPTURE(list);
    CHECK_THROWS_AS(operator_of_sample(sample_with(R"({"family":"gaussian","operator":)" + list + "}")), DataError);
  }
  CHECK_THROWS_AS(operator_of_sample(sample_with("variable")), DataError);
  CHECK_THROWS_AS(operator_of_sample(sample_with("{")), DataError);
}

}  // namespace
}  // namespace noiseutils
