#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "model/linear_model.hpp"
#include "random/random.hpp"
#include "train/fourth_moment.hpp"
#include "train/trainer.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;

/// n x d, column j of variance 1 / (1 + j) about `offset`.
Vector rows_of(std::size_t n, std::size_t d, double offset, std::uint64_t seed) {
  Vector values(n * d);
  fill_normal({31, Purpose::probe, seed, 0}, 0, std::span<double>(values));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = offset + values[i] / std::sqrt(1 + static_cast<double>(i % d));
  return values;
}

Moments moments_of(const Vector& rows, std::size_t d) {
  MomentAccumulator<double> moments(static_cast<std::int64_t>(d));
  moments.add_whole(rows);
  return moments.finish();
}

double fourth_of(const Vector& rows, const Moments& moments) {
  const std::size_t d = moments.mean.size();
  double sum = 0;
  for (std::size_t i = 0; i < rows.size(); i += d) {
    double square = 0;
    for (std::size_t j = 0; j < d; ++j) square += std::pow(rows[i + j] - moments.mean[j], 2);
    sum += square * square;
  }
  return sum / static_cast<double>(moments.count);
}

Trainer trainer_with(const std::vector<std::pair<std::string, std::string>>& typed, std::optional<double> sigma = {}) {
  const TrainKind& kind = *find_entry(train_kinds(), "gaussian");
  OptionValues options;
  for (const auto& entry : typed)
    for (const OptionSpec& spec : kind.options)
      if (spec.name == entry.first) options.set(spec, {entry.second});
  return {kind, {0, sigma, options}};
}

Record batch(const Vector& values, std::int64_t d, DType dtype = DType::F64) {
  Record record;
  record.tensors["data"] = Tensor::of({static_cast<std::int64_t>(values.size()) / d, d}, values).converted(dtype);
  record.metadata["axes"] = "ND";
  return record;
}

std::unique_ptr<Model> learned(const Vector& values, std::int64_t d,
                               const std::vector<std::pair<std::string, std::string>>& typed,
                               std::optional<double> sigma = {}) {
  Trainer trainer = trainer_with(typed, sigma);
  trainer.add(batch(values, d), 0);
  return trainer.finish();
}

const Vector& values_of(const std::unique_ptr<Model>& model) { return model->linear()->eigenvalues(); }

}  // namespace

TEST_CASE("covariance: the fourth moment is that of a second pass, far from 0 too, and merged from parts") {
  for (const double offset : {0.0, 1e6}) {
    CAPTURE(offset);
    const std::size_t d = 5;
    const Vector rows = rows_of(90, d, offset, 1);
    const Moments all = moments_of(rows, d);
    const double expected = fourth_of(rows, all);
    FourthMoment single, merged;
    single.add(std::span<const double>(rows), 5);
    const double rounding = offset > 0 ? 1e-7 : 1e-13;  // of numbers near 1e6 that are about 1 apart
    CHECK(single.mean(all) == doctest::Approx(expected).epsilon(rounding));
    const std::size_t cuts[] = {0, 7, 60, 90};
    for (const std::size_t part : {2UL, 0UL, 1UL}) {
      const Vector piece(rows.begin() + static_cast<std::ptrdiff_t>(cuts[part] * d),
                         rows.begin() + static_cast<std::ptrdiff_t>(cuts[part + 1] * d));
      FourthMoment own;
      own.add(std::span<const double>(piece), 5);
      merged.merge(own, moments_of(piece, d));
    }
    CHECK(merged.mean(all) == doctest::Approx(expected).epsilon(rounding));
  }
}

TEST_CASE("covariance: lw is Ledoit and Wolf's formula entry by entry, merged from states or not") {
  const std::size_t n = 30, d = 6;
  const Vector rows = rows_of(n, d, 3, 2);
  const Moments all = moments_of(rows, d);
  // pi = sum over entries of mean x_i^2 x_j^2 - s_ij^2, gamma = |S - m I|^2, S over the degrees of freedom.
  Vector s(d * d);
  double pi = 0, gamma = 0, mean = 0;
  for (std::size_t a = 0; a < d; ++a)
    for (std::size_t b = 0; b < d; ++b) {
      double product = 0, square = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const double ab = (rows[i * d + a] - all.mean[a]) * (rows[i * d + b] - all.mean[b]);
        product += ab;
        square += ab * ab;
      }
      s[a * d + b] = product / static_cast<double>(n - 1);
      pi += square / static_cast<double>(n) - s[a * d + b] * s[a * d + b];
      if (a == b) mean += s[a * d + b] / static_cast<double>(d);
    }
  for (std::size_t a = 0; a < d; ++a)
    for (std::size_t b = 0; b < d; ++b) gamma += std::pow(s[a * d + b] - (a == b ? mean : 0), 2);
  const double rho = pi / (static_cast<double>(n - 1) * gamma);
  REQUIRE(rho < 1);
  Vector expected = values_of(learned(rows, 6, {{"shrink", "none"}}));
  for (double& value : expected) value = (1 - rho) * value * 30 / 29 + rho * mean;

  const auto close = [&](const Vector& found) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t k = 0; k < d; ++k) CHECK(found[k] == doctest::Approx(expected[k]).epsilon(1e-12));
  };
  close(values_of(learned(rows, 6, {{"shrink", "lw"}})));
  Trainer merged = trainer_with({});
  for (const std::size_t first : {20UL, 0UL, 10UL}) {
    Trainer part = trainer_with({{"shrink", "lw"}});
    part.add(batch({rows.begin() + static_cast<std::ptrdiff_t>(first * d),
                    rows.begin() + static_cast<std::ptrdiff_t>((first + 10) * d)},
                   6),
             static_cast<std::int64_t>(first));
    merged.merge_state(part.state());
  }
  close(values_of(merged.finish()));
}

TEST_CASE("covariance: of rank R the largest eigenvalues stay, and the mean of the others, less the noise") {
  const Vector rows = rows_of(200, 8, 0, 3);
  const Vector all = values_of(learned(rows, 8, {{"shrink", "none"}}));
  const auto model = learned(rows, 8, {{"shrink", "none"}, {"rank", "3"}});
  CHECK(model->linear()->rank() == 3);
  for (std::size_t k = 0; k < 3; ++k) CHECK(values_of(model)[k] == all[k]);
  const double rest = std::accumulate(all.begin() + 3, all.end(), 0.0) / 5;
  CHECK(model->linear()->residual_variance() == doctest::Approx(rest).epsilon(1e-14));
  const auto noisy = learned(rows, 8, {{"shrink", "none"}, {"rank", "3"}}, 0.2);
  CHECK(noisy->linear()->residual_variance() == doctest::Approx(rest - 0.04).epsilon(1e-14));
  CHECK(values_of(noisy)[0] == doctest::Approx(all[0] - 0.04).epsilon(1e-14));
  CHECK(learned(rows, 8, {{"shrink", "none"}, {"rank", "8"}})->linear()->residual_variance() == 0);
  CHECK(learned(rows, 8, {{"rank", "30"}})->linear()->rank() == 8);
  for (const std::string bad : {"0", "-1", "2.5", "many"})
    CHECK_THROWS_AS(learned(rows, 8, {{"rank", bad}}), UsageError);
}

TEST_CASE("covariance: --rank auto finds what stands out of white noise, and is spiked unless told otherwise") {
  Vector rows(100 * 60);
  fill_normal({31, Purpose::probe, 4, 0}, 0, std::span<double>(rows));
  Vector loads(100 * 2);
  fill_normal({31, Purpose::probe, 5, 0}, 0, std::span<double>(loads));
  for (std::size_t i = 0; i < 100; ++i)
    for (std::size_t j = 0; j < 60; ++j)  // two orthogonal directions of variance 120 and 60
      rows[i * 60 + j] += (j < 30 ? 2.0 : 0.0) * loads[2 * i] + (j < 30 ? 0.0 : std::sqrt(2.0)) * loads[2 * i + 1];
  const auto by_rank = learned(rows, 60, {{"rank", "auto"}}), by_shrinker = learned(rows, 60, {{"shrink", "spiked"}});
  CHECK(by_rank->linear()->rank() == 2);
  CHECK(values_of(by_rank) == values_of(by_shrinker));
  CHECK(by_rank->linear()->residual_variance() == by_shrinker->linear()->residual_variance());
  CHECK(by_rank->linear()->residual_variance() == doctest::Approx(1).epsilon(0.1));
  // Clean data of variance 0 outside of them, from noisy samples.
  CHECK(learned(rows, 60, {{"rank", "auto"}}, 1.0)->linear()->residual_variance() < 0.1);
}

TEST_CASE("covariance: what never varies stays without variance however few the samples") {
  const std::size_t n = 10, d = 24;
  for (const DType dtype : {DType::F32, DType::F64}) {
    Vector rows = rows_of(n, d, 0.5, 6);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 16; j < d; ++j) rows[i * d + j] = 0.1 * static_cast<double>(j);
    Trainer trainer = trainer_with({});
    trainer.add(batch(rows, 24, dtype), 0);
    const auto model = trainer.finish();
    CHECK(values_of(model)[15] > 0);  // the null ones among those that vary have their share
    CHECK(values_of(model)[16] == 0);
    Vector unit(d, 1.0), image(d);
    model->linear()
        ->gain_map(model->linear()->wiener_gains(1), MeanUse::none, 1)
        ->apply(std::span<const double>(unit), std::span<double>(image));
    for (std::size_t j = 16; j < d; ++j) CHECK(image[j] == 0);
  }
}

TEST_CASE("covariance: nothing that varies, or nothing beyond the noise, is an error") {
  CHECK_THROWS_AS(learned(Vector(30, 2.0), 3, {}), DataError);
  CHECK_THROWS_AS(learned(rows_of(50, 3, 0, 7), 3, {}, 10.0), DataError);
}

TEST_CASE(
    "covariance: spectra drawn to their rings keep the ring's mean, and are nearer to an isotropic law than alone") {
  // White images: P = 1 everywhere, and the sample's own scatter about it is 1/n.
  const std::int64_t n = 4, h = 12, w = 15;
  Vector values(static_cast<std::size_t>(n * h * w));
  fill_normal({31, Purpose::probe, 9, 0}, 0, std::span<double>(values));
  Record record;
  record.tensors["data"] = Tensor::of({n, h, w}, values);
  record.metadata["axes"] = "NHW";
  const TrainKind& kind = *find_entry(train_kinds(), "stationary");
  std::map<std::string, Vector> power;
  for (const std::string how : {"none", "ring"}) {
    OptionValues options;
    for (const OptionSpec& spec : kind.options) options.set(spec, {how});
    Trainer trainer(kind, {0, {}, options});
    trainer.add(record, 0);
    const auto tensors = trainer.finish()->tensors();
    const auto found = tensors.find("power")->second.values<double>();
    power[how] = {found.begin(), found.end()};
  }
  double alone = 0, drawn = 0, sum_alone = 0, sum_drawn = 0;
  for (std::size_t f = 1; f < power["none"].size(); ++f) {
    alone += std::pow(power["none"][f] - 1, 2);
    drawn += std::pow(power["ring"][f] - 1, 2);
    sum_alone += power["none"][f];
    sum_drawn += power["ring"][f];
  }
  CHECK(sum_drawn == doctest::Approx(sum_alone).epsilon(1e-12));
  CHECK(power["ring"][0] == power["none"][0]);
  CHECK(alone / static_cast<double>(power["none"].size()) == doctest::Approx(1.0 / n).epsilon(0.35));
  CHECK(drawn < 0.25 * alone);
}
