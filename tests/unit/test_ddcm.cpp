#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "inversion_helpers.hpp"
#include "mixture_examples.hpp"
#include "sample/bit_packing.hpp"
#include "sample/codebook.hpp"
#include "sample/sample_source.hpp"

namespace noiseutils {
namespace {

Schedule karras(std::int64_t steps) {
  return make_schedule(karras_schedule(), steps, {{"sigma-min", 0.02}, {"sigma-max", 20}, {"rho", 7}});
}

OptionValues coded(std::int64_t entries, std::int64_t codes = 1) {
  return options_of(ddcm_sampler(), {{"codebook", std::to_string(entries)}, {"codes", std::to_string(codes)}});
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t e = 0; e < a.size(); ++e) sum += a[e] * b[e];
  return sum;
}

TEST_CASE("packed bits: the leading bit first, fields of their own widths, the last byte filled with zeros") {
  const std::vector<int> widths = {3, 5};
  const std::vector<std::int64_t> numbers = {5, 1, 2};  // 101 00001 010
  const auto bytes = pack_bits(numbers, widths);
  CHECK(bytes == std::vector<std::uint8_t>{0b10100001, 0b01000000});
  CHECK(unpack_bits(bytes, 3, widths) == numbers);
  CHECK(packed_bytes(3, widths) == 2);
  CHECK(packed_bytes(4, widths) == 2);
  CHECK(packed_bytes(5, widths) == 3);
  CHECK(pack_bits(std::vector<std::int64_t>{0, 0}, std::vector<int>{0}) == std::vector<std::uint8_t>{0});
  CHECK(unpack_bits(std::vector<std::uint8_t>{0}, 2, std::vector<int>{0}) == std::vector<std::int64_t>{0, 0});
  CHECK_THROWS_AS(pack_bits(std::vector<std::int64_t>{8}, widths), InternalError);
}

TEST_CASE("codebook: entry k of step i is the stream {seed, codebook, k, i}; a field has as many bits as it needs") {
  const Codebook book(7, 40, {5, 2, 3});
  std::vector<double> entry(40), expected(40);
  book.entry(3, 4, entry);
  fill_normal({7, static_cast<Purpose>(11), 4, 3}, 0, std::span<double>(expected));
  CHECK(entry == expected);
  CHECK(book.layout().widths() == std::vector<int>{3, 3, 3});
  CHECK(CodeLayout{1, 1, 3}.widths() == std::vector<int>{0});
  CHECK(CodeLayout{256, 2, 2}.widths() == std::vector<int>{8, 8, 2});
}

TEST_CASE("codebook: the code chosen has the largest inner product of all, of one entry and of the next beside it") {
  const std::int64_t dim = 30, entries = 21;
  const Codebook book(2, dim, {entries, 2, 3});
  const std::vector<double> residuals = test_normals(static_cast<std::size_t>(dim * 4), 9);
  std::vector<std::int64_t> fields(4 * 3);
  book.choose(6, residuals, fields);
  for (std::int64_t v = 0; v < 4; ++v) {
    const std::vector<double> r(residuals.begin() + v * dim, residuals.begin() + (v + 1) * dim);
    const std::vector<std::int64_t> own(fields.begin() + v * 3, fields.begin() + v * 3 + 3);
    std::vector<double> z(static_cast<std::size_t>(dim)), chosen(z.size());
    book.entry(6, own[0], z);
    const double first = dot(z, r);
    for (std::int64_t k = 0; k < entries; ++k) {
      book.entry(6, k, z);
      CHECK(dot(z, r) <= first);
    }
    book.noise(6, own, chosen);
    CHECK(dot(chosen, chosen) / static_cast<double>(dim) == doctest::Approx(1).epsilon(1e-12));
    for (std::int64_t k = 0; k < entries; ++k)
      for (std::int64_t weight = 0; weight < 8; ++weight) {
        book.noise(6, std::vector<std::int64_t>{own[0], k, weight}, z);
        CHECK(dot(z, r) <= dot(chosen, r) * (1 + 1e-12));
      }
  }
}

TEST_CASE("ddcm: with one entry in each codebook it is DDPM with fixed noise") {
  const double mu = 0.4, v = 0.8;
  const Schedule schedule = karras(12);
  const Codebook book(0, 3, {1, 1, 3});
  std::vector<double> x(3), z(3);
  book.entry(0, 0, x);
  for (double& value : x) value *= schedule.s(0);
  for (std::int64_t i = 0; i < 12; ++i) {
    const double a = schedule.s(i), b = schedule.s(i + 1), kept = b * b / (a * a),
                 std = b * std::sqrt(a * a - b * b) / a;
    book.entry(i + 1, 0, z);
    for (std::size_t e = 0; e < 3; ++e) {
      const double x0 = mu + v / (v + a * a) * (x[e] - mu);
      x[e] = x0 + kept * (x[e] - x0) + std * z[e];
    }
  }
  TestCompanions kept;
  std::vector<double> start(6, 1.0);  // of no meaning
  const auto made = run_one_way(inverse_of(ddcm_sampler()), coded(1), schedule, scalar_denoiser(mu, v), 3, start, kept);
  CHECK(kept["latent.codes"] == std::vector<double>(2 * 11, 0.0));
  for (std::size_t e = 0; e < 6; ++e) CHECK(made[e] == doctest::Approx(x[e % 3]).epsilon(1e-12));
}

/// Codes and what the encoder says that they decode to.
template <class T>
struct Encoded {
  std::vector<T> x;
  std::vector<SampleCompanions> companions;
};

template <class T>
Encoded<T> run_batch(Target& target, const SamplingPlan& plan, std::int64_t first, std::int64_t count) {
  Encoded<T> result{std::vector<T>(static_cast<std::size_t>(count * target.dim())),
                    std::vector<SampleCompanions>(static_cast<std::size_t>(count))};
  std::vector<SampleFacts> facts(static_cast<std::size_t>(count));
  SampleBatch<T> batch{first, result.x, &facts};
  batch.companions = &result.companions;
  sample_maker(target, plan)->make(batch);
  return result;
}

template <class T>
void check_decoding() {
  const MixtureModel model = random_mixture(10, {3, 5}, {0.05, 0.02}, 1.5);
  const auto target = target_of(model);
  std::vector<double> x(10 * 7);
  model.draw(std::span<const double>(test_normals(x.size(), 3)), std::span<double>(x));
  SamplingPlan plan{ddcm_sampler(), coded(24, 2), karras(8), 5};
  plan.invert = true;
  plan.start = [&](std::int64_t i, std::span<double> out) { std::copy_n(x.begin() + i * 10, 10, out.begin()); };
  const auto encoded = run_batch<T>(*target, plan, 0, 7);

  SamplingPlan back{ddcm_sampler(), coded(24, 2), karras(8), 5};
  back.companion = [&](std::int64_t i, const std::string& name, std::span<double> values) {
    const auto& codes = encoded.companions[static_cast<std::size_t>(i)].at(name);
    const Tensor doubles = codes.converted(DType::F64);
    const auto all = doubles.template values<double>();
    std::copy(all.begin(), all.end(), values.begin());
    return true;
  };
  const auto same = [&](const Encoded<T>& part, std::int64_t first) {
    return std::memcmp(part.x.data(), encoded.x.data() + first * 10, part.x.size() * sizeof(T)) == 0;
  };
  CHECK(same(run_batch<T>(*target, back, 0, 7), 0));
  CHECK(same(run_batch<T>(*target, back, 2, 3), 2));  // part of an array job
  CHECK(same(run_batch<T>(*target, plan, 4, 2), 4));  // and of the encoder
  set_thread_count(3);
  CHECK(same(run_batch<T>(*target, plan, 0, 7), 0));
  set_thread_count(1);
}

TEST_CASE("ddcm: what decodes is what the encoder had, to the last bit, of any thread, batch and type") {
  check_decoding<double>();
  check_decoding<float>();
}

TEST_CASE("ddcm: the error of what decodes falls with the codebook, from that of another draw") {
  const std::size_t dim = 128, count = 4;
  const std::vector<double> x = test_normals(dim * count, 21);
  const auto error = [&](std::int64_t entries, std::int64_t codes) {
    TestCompanions kept;
    const auto made = run_one_way(inverse_of(ddcm_sampler()), coded(entries, codes), karras(60), scalar_denoiser(0, 1),
                                  static_cast<std::int64_t>(dim), x, kept);
    double sum = 0;
    for (std::size_t e = 0; e < x.size(); ++e) sum += (made[e] - x[e]) * (made[e] - x[e]);
    return sum / dot(x, x);
  };
  // One entry: nothing is told of the sample, and two independent draws of unit variance are 2 apart. The start is the
  // same for all vectors, so that the mean is over `dim` terms: 4 standard errors are 4 sqrt(8 / dim).
  const double one = error(1, 1), two = error(2, 1), sixteen = error(16, 1), many = error(128, 1),
               pursuit = error(128, 3);
  CHECK(std::abs(one - 2) < 4 * std::sqrt(8.0 / static_cast<double>(dim)));
  CHECK(two < 0.8 * one);
  CHECK(sixteen < 0.6 * two);
  CHECK(many < 0.8 * sixteen);
  CHECK(pursuit < 0.8 * many);
}

}  // namespace
}  // namespace noiseutils
