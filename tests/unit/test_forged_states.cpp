// States and checkpoints that are not what a run wrote: refused as data, before memory is taken or anything overflows.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "mixture_examples.hpp"
#include "train/distilled_level.hpp"
#include "train/mixture_passes.hpp"
#include "train/pass_start.hpp"
#include "train/trainer.hpp"

using namespace noiseutils;

namespace {

using Values = std::vector<double>;
using Options = std::vector<std::pair<std::string, std::string>>;

OptionValues options_of(const TrainKind& kind, const Options& given) {
  OptionValues options;
  for (const OptionSpec& spec : kind.options) {
    std::vector<std::string> typed;
    for (const auto& [name, value] : given)
      if (spec.name == name) typed = {value};
    options.set(spec, typed);
  }
  return options;
}

Trainer trainer_of(const std::string& name, const Options& given = {}, bool unnumbered = false) {
  const TrainKind& kind = *find_entry(train_kinds(), name);
  TrainRequest request;
  request.options = options_of(kind, given);
  request.unnumbered = unnumbered;
  return Trainer(kind, request);
}

Record vectors(std::int64_t n, std::int64_t dim) {
  Record record;
  record.tensors["data"] = Tensor::of({n, dim}, test_normals(static_cast<std::size_t>(n * dim), 3));
  record.metadata["axes"] = "ND";
  return record;
}

Trainer learned(const std::string& name, const Options& given = {}, bool unnumbered = false) {
  Trainer trainer = trainer_of(name, given, unnumbered);
  trainer.add(vectors(300, 4), 0);
  return trainer;
}

void check_refused(const Record& state) {
  Trainer trainer(Trainer::kind_of_state(state), TrainRequest{});
  CHECK_THROWS_AS(trainer.merge_state(state), DataError);
}

Tensor whole(std::int64_t value) { return Tensor::of<std::int64_t>({}, {value}); }

}  // namespace

TEST_CASE("forged states: vectors of no values, or of more than can be counted") {
  for (const char* shape : {"[0]", "[4,0]", "[4294967296]", "[65536,65536]", "[9223372036854775807,2]"}) {
    CAPTURE(shape);
    Record state = learned("gaussian").state();
    state.metadata["state.shape"] = shape;
    state.metadata["state.axes"] = std::string(shape).find(',') == std::string::npos ? "D" : "HW";
    CHECK_THROWS_WITH_AS(Trainer::kind_of_state(state), doctest::Contains("state.shape"), DataError);
  }
}

TEST_CASE("forged states: no memory is taken for what their tensors do not hold") {
  Record state = learned("gaussian").state();
  state.metadata["state.kind"] = "distill";
  state.metadata["state.shape"] = "[100000000]";
  state.metadata["state.options"] = R"({"sigma":["0.1"]})";
  check_refused(state);

  const std::int64_t dim = 1 << 22;  // 2 l d doubles would be a terabyte
  Record sketch = learned("gaussian", {{"sketch", "4"}, {"sketch-by", "frequent-directions"}}).state();
  sketch.metadata["state.shape"] = shape_text({dim});
  sketch.metadata["state.options"] = R"({"sketch":["16000"],"sketch-by":["frequent-directions"]})";
  sketch.tensors["mean"] = Tensor(DType::F64, {dim});
  sketch.tensors["directions"] = Tensor(DType::F64, {0, dim});
  sketch.tensors["waiting"] = Tensor(DType::F64, {0, dim});
  Trainer trainer = trainer_of("gaussian");
  CHECK_NOTHROW(trainer.merge_state(sketch));
}

TEST_CASE("forged states: a sum of noise variances that cannot be one") {
  for (const double sum : {std::nan(""), -1e300, -1e-9, std::numeric_limits<double>::infinity()}) {
    CAPTURE(sum);
    Record state = learned("gaussian").state(), checkpoint = learned("gaussian").checkpoint();
    state.tensors["noise_variance_sum"] = checkpoint.tensors["noise_variance_sum"] = Tensor::of<double>({}, {sum});
    check_refused(state);
    Trainer other = trainer_of("gaussian");
    CHECK_THROWS_AS(other.resume(checkpoint), DataError);
  }
}

TEST_CASE("forged states: sums and rows that are no numbers are called by name") {
  const std::vector<std::pair<Options, std::vector<std::string>>> cases = {
      {{}, {"mean", "scatter", "edge_rows"}},
      {{{"sketch", "3"}}, {"mean", "squares", "product", "edge_rows"}},
      {{{"sketch", "3"}, {"sketch-by", "frequent-directions"}}, {"mean", "squares", "directions", "waiting"}},
  };
  for (const auto& way : cases)
    for (const std::string& name : way.second) {
      CAPTURE(name);
      Record state = learned("gaussian", way.first).state();
      Tensor& tensor = state.tensors.at(name);
      REQUIRE(tensor.size() > 0);
      tensor.mutable_values<double>()[0] = std::nan("");
      Trainer other = trainer_of("gaussian");
      CHECK_THROWS_WITH_AS(other.merge_state(state), doctest::Contains(name.c_str()), DataError);
    }
}

TEST_CASE("forged checkpoints: numbers and layouts that are not those of the run") {
  using Case = std::pair<const char*, const char*>;
  for (const Case& change :
       {Case{"checkpoint.base", "zz"}, Case{"checkpoint.base", "-1"}, Case{"checkpoint.base", "9223372036854775807"},
        Case{"checkpoint.vectors_before", "many"}, Case{"checkpoint.vectors_before", "-7"},
        Case{"state.kind", "regression"}, Case{"state.patch", "2"}, Case{"state.stride", "3"}}) {
    CAPTURE(change.first);
    Record checkpoint = learned("gaussian", {}, true).checkpoint();
    checkpoint.metadata[change.first] = change.second;
    Trainer other = trainer_of("gaussian", {}, true);
    CHECK_THROWS_AS(other.resume(checkpoint), DataError);
  }
}

TEST_CASE("forged checkpoints: passes of a mixture") {
  const MixtureModel start = random_mixture(4, {2, 2}, {0.1, 0.2}, 1);
  const VectorLayout layout{DType::F64, "D", {4}, 0, 1};
  const OptionValues options = options_of(mixture_training(), {{"start", "m"}, {"online", "20"}});
  const auto statistics = mixture_passes(layout, options, start, std::nullopt);
  statistics->add({vectors(50, 4), "D", {4}, 0, Values(50, 0.0)});
  Record good;
  statistics->save_exactly(good);
  CHECK_NOTHROW(mixture_passes(layout, options, good));
  REQUIRE(good.require("pass_buffer").shape() == Shape{10, 4});
  const auto check_bad = [&](const std::string& name, Tensor tensor) {
    CAPTURE(name);
    Record bad = good;
    bad.tensors[name] = std::move(tensor);
    CHECK_THROWS_AS(mixture_passes(layout, options, bad), DataError);
  };
  check_bad("pass_buffer", Tensor(DType::F64, {20, 4}));
  check_bad("pass_buffer", Tensor::of<double>({1, 4}, {0, 0, std::nan(""), 0}));
  check_bad("pass_count", whole(-1));
  check_bad("pass_count", whole(std::numeric_limits<std::int64_t>::max()));
  check_bad("noise_variance", Tensor::of<double>({}, {-1}));
  check_bad("start_fitted_noise", Tensor::of<double>({}, {-1}));
  check_bad("pass_level_rows", whole(1));
  const auto numbers = good.require("pass_numbers").values<double>();
  for (const std::size_t k : {0U, 2U, 3U, 4U}) {
    Values wrong(numbers.begin(), numbers.end());
    wrong[k] = -5;
    check_bad("pass_numbers", Tensor::of({6}, wrong));
  }
  Record other;  // of one component more
  const auto larger = mixture_passes(layout, options, random_mixture(4, {2, 2, 1}, {0.1, 0.2, 0.3}, 1), std::nullopt);
  larger->add({vectors(50, 4), "D", {4}, 0, Values(50, 0.0)});
  larger->save_exactly(other);
  for (const auto& [name, tensor] : good.tensors)
    if (name.starts_with("start_")) other.tensors[name] = tensor;
  for (auto it = other.tensors.begin(); it != other.tensors.end();)
    it = it->first.starts_with("start_") && !good.tensors.contains(it->first) ? other.tensors.erase(it) : std::next(it);
  CHECK_THROWS_AS(mixture_passes(layout, options, other), DataError);
}

TEST_CASE("passes of a mixture: starts that differ in their levels alone are two starts") {
  PassStart one{random_mixture(4, {2, 2}, {0.1, 0.2}, 1).law(), 0};
  PassStart other = one;
  CHECK(same_start(one, other));
  other.law.level_rows = 1;
  CHECK_FALSE(same_start(one, other));
  const VectorLayout layout{DType::F32, "HW", {2, 2}, 2, 1};
  CHECK(pass_start_name(one, layout) != pass_start_name(other, layout));
}

TEST_CASE("forged states: samples that are held, under numbers that cannot be") {
  const Record good = learned("empirical").state();
  const auto index = good.require("sample_index").values<std::int64_t>();
  for (const std::int64_t number : {std::int64_t{-1}, std::int64_t{1} << 62, index[1]}) {
    CAPTURE(number);
    Record state = good;
    std::vector<std::int64_t> numbers(index.begin(), index.end());
    numbers[0] = number;
    state.tensors["sample_index"] = Tensor::of({std::ssize(numbers)}, numbers);
    check_refused(state);
  }
  Record state = good;
  state.tensors.at("samples").mutable_values<double>()[7] = std::nan("");
  check_refused(state);
}

TEST_CASE("distill: each copy of a sample has a number, also where the sample has none among those of other runs") {
  CHECK(first_copy(3, 5) == 15);
  const std::int64_t most = std::int64_t{1} << 62;
  for (const std::int64_t copies : {1, 8, 4096}) {
    const std::int64_t own = (std::int64_t{1} << 60) + ((std::int64_t{1} << 56) - 256);
    const std::int64_t first = first_copy(own, copies);
    CHECK(first >= 0);
    CHECK(first < most - 4096);
    CHECK(first_copy(own + 1, copies) == first + copies);
    CHECK(first % 256 == 0);  // a block begins where the samples' does
  }
  CHECK_THROWS_AS(first_copy(kMaxVectors - 1, 4096), DataError);
}
