#include <doctest/doctest.h>

#include <algorithm>

#include "metric/frames.hpp"
#include "metric/paired_test.hpp"
#include "metric/pool_state.hpp"
#include "metric/subsample.hpp"
#include "unsupervised_helpers.hpp"

using namespace noiseutils;
using namespace noiseutils::test;

TEST_CASE("subsample: the four images hold the elements of every cell, in orders that are equally likely") {
  Values values(2 * 101 * 120);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  Record batch;
  batch.tensors["data"] = vector_of(values).reshaped({2, 101, 120});
  batch.tensors["clean"] = batch.tensors["data"];
  Record second;
  second.tensors["data"] = batch.tensors["data"].at(1);
  subsample(batch, 7, 3);
  subsample(second, 7, 4);
  const char* names[] = {"data", "reference.1", "reference.2", "reference.3"};
  std::map<std::string, int> orders;
  for (std::size_t i = 0; i < 2 * 50 * 60; ++i) {
    std::string order;
    for (const char* name : names) {
      CHECK(batch.require(name).shape() == Shape{2, 50, 60});
      const auto at = static_cast<std::size_t>(batch.require(name).values<double>()[i]);
      const std::size_t row = at / 120 % 101, column = at % 120;
      REQUIRE(row / 2 == i / 60 % 50);
      REQUIRE(column / 2 == i % 60);
      order += std::to_string(row % 2 * 2 + column % 2);
    }
    ++orders[order];
  }
  CHECK(orders.size() == 24);
  double statistic = 0;
  for (const auto& [order, count] : orders) {
    CHECK(std::set<char>(order.begin(), order.end()).size() == 4);
    statistic += std::pow(count - 250.0, 2) / 250;
  }
  CHECK(statistic < 23 + 5 * std::sqrt(2.0 * 23));  // chi-square of 23 degrees
  CHECK(std::ranges::equal(batch.require("clean").values<double>(), batch.require("data").values<double>()));
  for (const char* name : names)
    CHECK(std::ranges::equal(second.require(name).values<double>(), batch.require(name).at(1).values<double>()));
  CHECK_THROWS_WITH_AS(subsample(batch, 0, 0), doctest::Contains("has reference.1 already"), DataError);
}

TEST_CASE("subsample: of a ramp the bias bound is half the mean squared difference of neighbours") {
  // x = s (column + row): pairs within a cell differ by D = s^2 (1 + 1 + 1 + 1 + 4 + 0) / 6 on average; cells side by
  // side by 4 s^2 more: a ramp is smooth, so that the estimate is on the safe side.
  constexpr double kSlope = 0.01;
  Normal normal(6);
  Record record;
  Values values(256 * 256);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = kSlope * static_cast<double>(i % 256 + i / 256) + 0.05 * normal();
  record.tensors["data"] = vector_of(values).reshaped({256, 256});
  subsample(record, 0, 0);
  std::vector<Tensor> references;
  for (int k = 1; k < 4; ++k) references.push_back(record.require("reference." + std::to_string(k)));
  MetricSampleParts parts{"HW", record.require("data"), {}, references, 1.0};
  parts.subsampled = true;
  const auto metric = measured("umse-pairs", MetricSample(std::move(parts)));
  const double half = 8.0 / 6 * kSlope * kSlope / 2, bias = metric->finish()[4].value;
  CHECK(bias > half);
  CHECK(bias < 8 * half);
  CHECK(words_of(*metric).contains("subsample"));
}

TEST_CASE("frames: the two captures next in time, before the end those before") {
  CHECK(neighbouring_frames(0, 5) == std::vector<std::int64_t>{1, 2});
  CHECK(neighbouring_frames(2, 5) == std::vector<std::int64_t>{3, 4});
  CHECK(neighbouring_frames(3, 5) == std::vector<std::int64_t>{4, 2});
  CHECK(neighbouring_frames(4, 5) == std::vector<std::int64_t>{3, 2});
  const auto references = neighbours_in_stack(vector_of({0, 1, 10, 11, 20, 21}).reshaped({3, 2}));
  CHECK(std::ranges::equal(references[0].values<double>(), Values{10, 11, 20, 21, 10, 11}));
  CHECK(std::ranges::equal(references[1].values<double>(), Values{20, 21, 0, 1, 0, 1}));
  CHECK_THROWS_AS(neighbours_in_stack(vector_of({1, 2})), DataError);
}

TEST_CASE("metric state: merged parts give the figures of the single run; others are refused") {
  Normal normal(8);
  std::vector<MetricSample> samples;
  for (std::int64_t i = 0; i < 4; ++i) {
    const Values f = normal.values(200), x = f + Values(200, 1.0);
    MetricSampleParts parts{
        "D", vector_of(f), {}, {vector_of(x + normal.values(200)), vector_of(x + normal.values(200))}, 5.0};
    parts.index = i;
    samples.emplace_back(std::move(parts));
  }
  const MetricEntry& entry = *find_entry(metrics(), "upsnr");
  const OptionValues options = options_of(entry, {{"interval", "bootstrap"}});
  std::vector<MetricPool> whole, first, second;
  for (auto* pools : {&whole, &first, &second}) pools->emplace_back(entry, options);
  for (std::size_t i = 0; i < 4; ++i) {
    whole[0].add(samples[i]);
    (i < 3 ? first : second)[0].add(samples[i]);
  }
  MergedPools merged;
  merged.add(state_text(first));
  merged.add(state_text(second));
  const auto expected = whole[0].summary(), got = merged.pools()[0].summary();
  CHECK(merged.pools()[0].samples() == 4);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(got[i].name == expected[i].name);
    CHECK(got[i].value == doctest::Approx(expected[i].value).epsilon(1e-13));
  }
  const OptionValues wider = options_of(entry, {{"interval", "bootstrap"}, {"confidence", "0.9"}});
  std::vector<MetricPool> other;
  other.emplace_back(entry, wider);
  CHECK_THROWS_WITH_AS(merged.add(state_text(other)), doctest::Contains("other options"), DataError);
  for (const char* text : {"", "{}", "[]", "{\"format\":\"noiseutils-metric/2\",\"metrics\":[]}",
                           "{\"format\":\"noiseutils-metric/1\",\"metrics\":[{\"name\":\"mse\"}]}"})
    CHECK_THROWS_AS(merged.add(text), DataError);
}

TEST_CASE("paired test: p of sign flips, counted out") {
  // Of eight equal differences two of the 256 signings are as large.
  const PairedTest equal = paired_test(Values(8, 1.0), 0.95, 20000, 0);
  CHECK(std::abs(equal.p - 2.0 / 256) < 5 * std::sqrt(2.0 / 256 / 20000));
  CHECK(equal.sum == 8);
  CHECK(equal.half_width == 0);
  CHECK(paired_test({0, 0, 0}, 0.95, 1000, 0).p == 1);
  CHECK(paired_test({3}, 0.95, 1000, 0).p == 1);
  // Student's 95 % half-width of 11 degrees is 2.200985; differences of 1 to 12 have a variance of 13.
  Values steps(12);
  for (std::size_t i = 0; i < 12; ++i) steps[i] = static_cast<double>(i + 1);
  CHECK(paired_test(steps, 0.95, 1000, 0).half_width == doctest::Approx(2.200985 * std::sqrt(13.0 * 12)).epsilon(1e-3));
}

TEST_CASE("paired errors: differences by noisy references, errors those of umse-pairs") {
  Normal normal(9);
  const Values a = normal.values(500), b = normal.values(500), r = normal.values(500), s = normal.values(500);
  const PairedErrors errors = paired_errors(vector_of(a), vector_of(b), {vector_of(r), vector_of(s)}, 8);
  double difference = 0, expected = 0, total = 0;
  for (std::size_t i = 0; i < 500; ++i) {
    expected += (a[i] - r[i]) * (a[i] - s[i]);
    difference += (a[i] - r[i]) * (a[i] - s[i]) - (b[i] - r[i]) * (b[i] - s[i]);
  }
  for (const double block : errors.differences) total += block;
  CHECK(errors.error_a == doctest::Approx(expected).epsilon(1e-12));
  CHECK(total == doctest::Approx(difference).epsilon(1e-11));
  CHECK(errors.differences.size() == 125);  // blocks of 4: of 8 there are fewer than 64
}

TEST_CASE("umse: merged samples have the standard error of a sum of independent parts; frames that share count twice") {
  Normal normal(10);
  const MetricEntry& entry = *find_entry(metrics(), "umse-pairs");
  for (const bool shares : {false, true}) {
    const auto all = entry.make(options_of(entry));
    double variance = 0, n = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      MetricSampleParts parts{"D",
                              vector_of(normal.values(100 + i)),
                              {},
                              {vector_of(normal.values(100 + i)), vector_of(normal.values(100 + i))}};
      parts.shares_references = shares;
      const MetricSample sample(std::move(parts));
      const auto own = measured("umse-pairs", sample);
      all->merge(*own);
      variance += std::pow(own->finish()[3].value * sample.elements(), 2) * (shares ? 2 : 1);
      n += sample.elements();
    }
    CHECK(all->finish()[3].value == doctest::Approx(std::sqrt(variance) / n).epsilon(1e-13));
  }
}
