// What a run leaves behind to go on from, or to merge: nothing lost, nothing counted twice.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "linalg/moments.hpp"
#include "model/linear_model.hpp"
#include "model/model_kinds.hpp"
#include "random/random.hpp"
#include "tensor/segments.hpp"
#include "train/sample_digest.hpp"
#include "train/trainer.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;
using Options = std::vector<std::pair<std::string, std::vector<std::string>>>;

template <class T>
std::vector<T> normals(std::int64_t n, std::uint64_t sample) {
  std::vector<double> values(static_cast<std::size_t>(n));
  fill_normal({77, Purpose::probe, sample, 0}, 0, std::span<double>(values));
  return {values.begin(), values.end()};
}

Record images(std::int64_t n, std::int64_t height, std::int64_t width, std::uint64_t sample = 1) {
  Record record;
  record.tensors["data"] = Tensor::of<float>({n, height, width}, normals<float>(n * height * width, sample));
  record.metadata["axes"] = "NHW";
  return record;
}

Trainer trainer_of(const std::string& name, const Options& given = {}, std::int64_t patch = 0,
                   std::optional<double> sigma = {}, bool unnumbered = false) {
  const TrainKind& kind = *find_entry(train_kinds(), name);
  TrainRequest request;
  request.patch = patch;
  request.sigma = sigma;
  request.unnumbered = unnumbered;
  for (const OptionSpec& spec : kind.options)
    for (const auto& [option, values] : given)
      if (option == spec.name) request.options.set(spec, values);
  return Trainer(kind, request);
}

void add(Trainer& trainer, const Record& all, std::int64_t first, std::int64_t last, std::int64_t number = 0) {
  for (std::int64_t i = first; i < last; i += 37)
    trainer.add(take_samples(all, i, std::min<std::int64_t>(37, last - i)), number + i);
}

void check_same(const Record& a, const Record& b) {
  CHECK(a.metadata == b.metadata);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (const auto& entry : a.tensors) {
    const Tensor &one = entry.second, &other = b.require(entry.first);
    CAPTURE(entry.first);
    REQUIRE(one.bytes() == other.bytes());
    CHECK(std::equal(one.raw(), one.raw() + one.bytes(), other.raw()));
  }
}

/// Mean and covariance over the count of rows n x d, as the definition says.
Moments naive(const Vector& rows, std::size_t d) {
  const std::size_t n = rows.size() / d;
  Moments found{static_cast<std::int64_t>(n), Vector(d), Vector(d * d)};
  for (std::size_t i = 0; i < rows.size(); ++i) found.mean[i % d] += rows[i] / static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t c = 0; c < d; ++c)
      for (std::size_t r = 0; r <= c; ++r)
        found.covariance[c * d + r] +=
            (rows[i * d + c] - found.mean[c]) * (rows[i * d + r] - found.mean[r]) / static_cast<double>(n);
  return found;
}

double relative_distance(const Vector& a, const Vector& b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    size += a[i] * a[i];
  }
  return std::sqrt(difference / size);
}

}  // namespace

TEST_CASE("moments: what goes on from an exact state ends in the same bits, wherever it was cut") {
  for (const std::int64_t dim : {3, 600}) {  // threads share out groups, or tiles
    const std::int64_t n = dim == 3 ? 40000 : 3000;
    const auto rows = normals<float>(n * dim, 2);
    MomentAccumulator<float> whole(dim);
    whole.add(100, rows);
    const Moments expected = whole.finish();
    for (const std::int64_t cut : {std::int64_t{1}, std::int64_t{156}, std::int64_t{300}, n / 2, n - 5}) {
      CAPTURE(cut);
      MomentAccumulator<float> first(dim);
      const auto middle = static_cast<std::ptrdiff_t>(cut * dim);
      first.add(100, std::span(rows).first(static_cast<std::size_t>(middle)));
      auto second = MomentAccumulator<float>::from_state(dim, first.exact_state());
      CHECK(second.count() == cut);
      second.add(100 + cut, std::span(rows).subspan(static_cast<std::size_t>(middle)));
      const Moments found = second.finish();
      CHECK(found.count == expected.count);
      CHECK(found.mean == expected.mean);
      CHECK(found.covariance == expected.covariance);
    }
  }
}

TEST_CASE("moments: a row left out keeps no other row waiting, in any order of shards") {
  const std::int64_t n = 1024;
  constexpr std::size_t d = 5;
  const Vector rows = normals<double>(n * static_cast<std::int64_t>(d), 3);
  const std::vector<std::int64_t> left_out = {0, 7, 255, 256, 700};
  Vector kept;
  for (std::int64_t i = 0; i < n; ++i)
    if (std::find(left_out.begin(), left_out.end(), i) == left_out.end())
      kept.insert(kept.end(), rows.begin() + i * 5, rows.begin() + (i + 1) * 5);
  const Moments expected = naive(kept, d);
  const auto shard = [&](std::int64_t first, std::int64_t last) {
    MomentAccumulator<double> part(5);
    for (std::int64_t i = first; i < last; ++i) {
      if (std::find(left_out.begin(), left_out.end(), i) != left_out.end())
        part.skip(i);
      else
        part.add(i, std::span(rows).subspan(static_cast<std::size_t>(i) * d, d));
    }
    return MomentAccumulator<double>::from_state(5, part.state());
  };
  MomentAccumulator<double> merged(5);
  merged.merge(shard(600, n));
  merged.merge(shard(0, 300));
  merged.merge(shard(300, 600));
  CHECK(merged.state().edge_index.empty());
  CHECK(merged.state().edge_skipped.empty());
  const Moments found = merged.finish();
  CHECK(found.count == n - 5);
  CHECK(relative_distance(expected.mean, found.mean) < 1e-12);
  CHECK(relative_distance(expected.covariance, found.covariance) < 1e-12);
}

TEST_CASE("moments: a closed accumulator keeps no rows, and its mean and covariance are those of all") {
  const Vector rows = normals<double>(300 * 4, 4);
  MomentAccumulator<double> moments(4);
  moments.add(200, rows);
  moments.close();
  CHECK(moments.state().edge_index.empty());
  CHECK(moments.count() == 300);
  const Moments expected = naive(rows, 4), found = moments.finish();
  CHECK(relative_distance(expected.mean, found.mean) < 1e-12);
  CHECK(relative_distance(expected.covariance, found.covariance) < 1e-12);
}

TEST_CASE("checkpoint: every kind that keeps one ends in the bytes of the uninterrupted run") {
  struct Case {
    std::string kind;
    Options options;
    std::int64_t patch = 0, samples = 600;
    std::optional<double> sigma = 0.5;
  };
  const std::vector<Case> cases = {
      {"gaussian", {}},
      {"gaussian", {{"shrink", {"lw"}}}},
      {"gaussian", {}, 3, 7},
      {"gaussian", {{"weigh", {""}}}},
      {"gaussian", {{"weigh", {""}}}, 3, 7},
      {"gaussian", {{"missing", {""}}, {"steps", {"2"}}}, 0, 60},
      {"gaussian", {{"sketch", {"4"}}}},
      {"gaussian", {{"sketch", {"4"}}}, 3, 7},
      {"gaussian", {{"sketch", {"4"}}, {"sketch-by", {"frequent-directions"}}}, 0, 600, std::nullopt},
      {"gaussian", {{"sketch", {"4"}}, {"sketch-by", {"frequent-directions"}}}, 3, 7, std::nullopt},
      {"stationary", {}},
      {"stationary", {}, 4, 7},
      {"regression", {}},
      {"regression", {{"loss", {"blind-spot"}}}, 3, 7},
      {"regression", {{"loss", {"neighbor"}}}, 3, 7},
      {"features", {{"features", {"8"}}}},
      {"empirical", {}, 0, 60, std::nullopt},
      {"kronecker", {}, 0, 600, std::nullopt},
      {"mixture", {{"components", {"2"}}, {"restarts", {"1"}}, {"iterations", {"3"}}, {"size-sample", {"200"}}}},
  };
  for (const Case& way : cases) {
    CAPTURE(way.kind);
    CAPTURE(way.patch);
    const Record all = way.patch > 0 ? images(way.samples, 15, 14) : images(way.samples, 4, 4);
    const auto fresh = [&] { return trainer_of(way.kind, way.options, way.patch, way.sigma); };
    Trainer whole = fresh();
    add(whole, all, 0, way.samples);
    const Record expected = model_to_record(*whole.finish());
    for (const std::int64_t cut : {std::int64_t{1}, way.samples / 2, way.samples}) {
      CAPTURE(cut);
      Trainer first = fresh(), second = fresh();
      // As a run does that is stopped twice; batches are those of the whole run but for the cut.
      add(first, all, 0, cut);
      second.resume(first.checkpoint());
      add(second, all, cut, way.samples);
      if (way.kind != "stationary" || cut % 37 == 0) {  // sums over a batch are those of its blocks
        check_same(model_to_record(*second.finish()), expected);
      } else {
        Trainer same = fresh();
        add(same, all, 0, cut);
        add(same, all, cut, way.samples);
        check_same(model_to_record(*second.finish()), model_to_record(*same.finish()));
      }
    }
  }
}

TEST_CASE("checkpoint: expectation-maximisation over several passes goes on within any of them to the same bytes") {
  struct Place {
    int pass;
    std::int64_t sample;
  };
  for (const std::int64_t patch : {0, 3}) {
    CAPTURE(patch);
    const std::int64_t n = patch > 0 ? 8 : 300;
    const Record all = patch > 0 ? images(n, 15, 14) : images(n, 2, 3);
    const Options options = {
        {"components", {"2"}}, {"restarts", {"1"}}, {"size-sample", {"100"}}, {"rank", {"2"}}, {"passes", {"3"}}};
    /// Stops at a place, if there is one, and goes on with another trainer.
    const auto run = [&](std::optional<Place> stop) {
      auto trainer = std::make_unique<Trainer>(trainer_of("mixture", options, patch, 0.5));
      int pass = 0;
      do {
        for (std::int64_t i = 0; i < n; ++i) {
          trainer->add(take_samples(all, i, 1), i);
          if (!stop || stop->pass != pass || stop->sample != i) continue;
          const Record left = trainer->checkpoint();
          trainer = std::make_unique<Trainer>(trainer_of("mixture", options, patch, 0.5));
          trainer->resume(left);
        }
        ++pass;
      } while (trainer->again());
      CHECK(pass > 2);
      return model_to_record(*trainer->finish());
    };
    const Record expected = run({});
    for (const Place& place : {Place{0, n / 2}, Place{0, n - 1}, Place{1, 0}, Place{1, n - 1}, Place{2, n / 3}}) {
      CAPTURE(place.pass);
      CAPTURE(place.sample);
      check_same(run(place), expected);
    }
  }
}

TEST_CASE("checkpoint: a kind that keeps none says so, and a damaged one is refused") {
  Trainer trainer = trainer_of("gaussian");
  CHECK_THROWS_AS(trainer.checkpoint(), UsageError);  // no sample yet
  add(trainer, images(300, 2, 2), 0, 300);
  Record damaged = trainer.checkpoint();
  damaged.tensors["queue_counts"] = Tensor::of<std::int64_t>({1}, {1000});
  Trainer other = trainer_of("gaussian");
  CHECK_THROWS_AS(other.resume(damaged), DataError);
}

TEST_CASE("digest: of the samples whatever their order; another where one is there twice") {
  SampleDigest one, other, twice;
  for (const std::uint64_t hash : {5u, 9u, 1u}) one.add(hash);
  for (const std::uint64_t hash : {1u, 5u, 9u}) other.add(hash);
  CHECK(one == other);
  CHECK(SampleDigest::from_text(one.text()) == one);
  for (const std::uint64_t hash : {1u, 5u, 9u, 9u}) twice.add(hash);
  CHECK(twice.text() != one.text());
  CHECK_THROWS_AS(SampleDigest::from_text("3-12"), DataError);
}

TEST_CASE("merge: shards without numbers are the law of all samples, and one given twice is known by its content") {
  const Record all = images(700, 2, 3, 6);
  const auto state = [&](std::int64_t first, std::int64_t last) {
    Trainer part = trainer_of("gaussian", {}, 0, {}, true);
    for (std::int64_t i = first; i < last; i += 50)
      part.add(take_samples(all, i, std::min<std::int64_t>(50, last - i)), i - first);
    return part.state();
  };
  Trainer merged = trainer_of("gaussian");
  const Record one = state(0, 300), two = state(300, 700);
  CHECK(one.require("edge_index").size() == 0);  // nothing waits for what will not come
  CHECK(merged.merge_state(one, "one") == 0);
  CHECK(merged.merge_state(two, "two") == 0);
  CHECK(merged.shards() == 2);
  CHECK(merged.ranges().empty());
  CHECK_THROWS_WITH_AS(merged.merge_state(one, "three"), doctest::Contains("is of the same samples as one"), DataError);
  Trainer again = trainer_of("gaussian");
  again.merge_state(state(0, 300));
  CHECK(again.merge_state(state(250, 700)) == 50);  // that the two have in common
}

TEST_CASE("merge: moments of shards without numbers are those of the single run to 1e-6, of numbered ones to 1e-12") {
  const Record all = images(900, 3, 3, 8);
  const auto moments = [](Record state) {
    return MomentAccumulator<float>::from_state(
               9, {state.require("count").values<std::int64_t>()[0], state.require("mean").values<double>(),
                   state.require("scatter").values<double>(), state.require("edge_index").values<std::int64_t>(),
                   state.require("edge_rows").values<float>()})
        .finish();
  };
  for (const bool unnumbered : {false, true}) {
    CAPTURE(unnumbered);
    Trainer single = trainer_of("gaussian"), merged = trainer_of("gaussian");
    add(single, all, 0, 900);
    for (const std::int64_t first : {500, 0, 333}) {
      const std::int64_t last = first == 0 ? 333 : first == 333 ? 500 : 900;
      Trainer part = trainer_of("gaussian", {}, 0, {}, unnumbered);
      add(part, all, first, last, unnumbered ? -first : 0);
      merged.merge_state(part.state());
    }
    const Moments expected = moments(single.state()), found = moments(merged.state());
    const double bound = unnumbered ? 1e-6 : 1e-12;
    CHECK(relative_distance(expected.mean, found.mean) < bound);
    CHECK(relative_distance(expected.covariance, found.covariance) < bound);
  }
}

TEST_CASE("skip: samples left out are counted, and merge as if they had not been there") {
  const Record all = images(400, 2, 2, 9);
  Trainer trainer = trainer_of("gaussian");
  trainer.skip(0);  // before there are statistics
  trainer.add(take_samples(all, 1, 199), 1);
  trainer.skip(200);
  trainer.add(take_samples(all, 201, 199), 201);
  CHECK(trainer.skipped() == 2);
  const Record state = trainer.state();
  CHECK(state.meta("samples.skipped") == "2");
  CHECK(state.meta("state.ranges") == "[[0,400]]");
  Trainer merged = trainer_of("gaussian");
  merged.merge_state(state);
  CHECK(merged.skipped() == 2);
  CHECK(merged.finish()->info().count == 398);
}

TEST_CASE("covariance: a rank that n samples cannot have is refused") {
  const auto learn = [](const std::string& rank, std::int64_t n) {
    Trainer trainer = trainer_of("gaussian", {{"rank", {rank}}});
    add(trainer, images(n, 3, 3), 0, n);
    return trainer.finish();
  };
  CHECK_THROWS_AS(learn("5", 5), DataError);
  CHECK(learn("4", 5)->linear()->eigenvalues().size() == 4);
  CHECK_THROWS_AS(learn("1", 1), DataError);  // no law of one sample
}

TEST_CASE("number: times with and without a unit") {
  CHECK(parse_duration("90") == 90);
  CHECK(parse_duration("30s") == 30);
  CHECK(parse_duration("5m") == 300);
  CHECK(parse_duration("1.5h") == 5400);
  CHECK(parse_duration("1/4h") == 900);
  CHECK(parse_duration("0") == 0);
  for (const char* wrong : {"", "s", "-1", "5d", "1 h", "nan", "h5"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_duration(wrong), UsageError);
  }
}
