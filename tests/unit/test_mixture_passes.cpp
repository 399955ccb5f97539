#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "base/threads.hpp"
#include "mixture_examples.hpp"
#include "train/mixture_passes.hpp"
#include "train/mixture_sums.hpp"
#include "train/mixture_units.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;
using Words = std::vector<std::pair<std::string, std::string>>;

Vector draws(const MixtureModel& model, std::int64_t n, double sigma, std::uint64_t sample) {
  const auto size = static_cast<std::size_t>(n * model.dim());
  const Vector z = test_normals(size, sample), noise = test_normals(size, sample + 1);
  Vector x(size);
  model.draw(std::span<const double>(z), std::span<double>(x));
  for (std::size_t i = 0; i < size; ++i) x[i] += sigma * noise[i];
  return x;
}

OptionValues options_of(const Words& words) {
  OptionValues options;
  for (const OptionSpec& spec : mixture_options()) {
    std::vector<std::string> typed;
    for (const auto& [name, value] : words)
      if (spec.name == name) typed = {value};
    options.set(spec, typed);
  }
  return options;
}

VectorLayout whole_layout(std::int64_t dim) { return {DType::F64, "D", {dim}, 0, 1}; }

void add_vectors(Statistics& statistics, const Vector& values, std::int64_t dim, double sigma = 0,
                 std::int64_t first = 0) {
  const auto n = std::ssize(values) / dim;
  Record record;
  record.tensors["data"] = Tensor::of({n, dim}, values);
  record.metadata["axes"] = "ND";
  statistics.add({record, "D", {dim}, first, Vector(static_cast<std::size_t>(n), sigma * sigma)});
}

std::unique_ptr<Model> model_of(Statistics& statistics, std::int64_t dim) {
  ModelInfo info = mixture_info(dim);
  info.count = statistics.count();
  return statistics.finish(info, 0);
}

/// One pass over the values.
std::unique_ptr<Model> next_of(const MixtureModel& start, const Vector& values, const Words& words, double sigma = 0) {
  const auto statistics = mixture_passes(whole_layout(start.dim()), options_of(words), start, std::nullopt);
  add_vectors(*statistics, values, start.dim(), sigma);
  return model_of(*statistics, start.dim());
}

double likelihood_of(const Model& model) { return parse_number(model.metadata().at("model.log_likelihood")); }

double sigma_of(const Model& model) { return parse_json(model.info().noise)["sigma"].get<double>(); }

/// U diag(lambda) U^T + rho (I - U U^T) of component k, d x d.
Vector covariance_of(const MixtureModel& model, std::int64_t k) {
  const std::int64_t d = model.dim();
  Vector covariance(static_cast<std::size_t>(d * d), 0.0);
  const double rho = model.law().residual_variances[static_cast<std::size_t>(k)];
  for (std::int64_t j = 0; j < d; ++j) covariance[static_cast<std::size_t>(j * d + j)] = rho;
  for (std::int64_t a = model.first_row(k); a < model.first_row(k + 1); ++a) {
    const double* const u = model.basis<double>().data() + a * d;
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j < d; ++j)
        covariance[static_cast<std::size_t>(i * d + j)] +=
            (model.law().eigenvalues[static_cast<std::size_t>(a)] - rho) * u[i] * u[j];
  }
  return covariance;
}

double largest_gap(const Vector& a, const Vector& b) {
  REQUIRE(a.size() == b.size());
  double gap = 0;
  for (std::size_t i = 0; i < a.size(); ++i) gap = std::max(gap, std::abs(a[i] - b[i]));
  return gap;
}

/// The laws are the same whatever the signs of their eigenvectors.
void check_same(const MixtureModel& a, const MixtureModel& b, double tolerance) {
  REQUIRE(a.components() == b.components());
  CHECK(largest_gap(a.law().weights, b.law().weights) <= tolerance);
  CHECK(largest_gap(a.law().means, b.law().means) <= tolerance);
  for (std::int64_t k = 0; k < a.components(); ++k)
    CHECK(largest_gap(covariance_of(a, k), covariance_of(b, k)) <= tolerance);
}

const MixtureModel& example() {
  static const MixtureModel model = random_mixture(6, {2, 4, 3}, {0.05, 0.1, 0.2}, 1);
  return model;
}

/// A start that is not the example: other means, unit covariances.
MixtureModel rough_start() {
  MixtureLaw law = example().law();
  for (std::size_t i = 0; i < law.means.size(); ++i) law.means[i] += i % 2 == 0 ? 0.3 : -0.2;
  std::fill(law.eigenvalues.begin(), law.eigenvalues.end(), 1.0);
  return MixtureModel(mixture_info(6), law);
}

/// Patches of one image: layout, image, and a start learned nowhere.
struct PatchExample {
  VectorLayout layout{DType::F32, "HW", {4, 4}, 4, 1};
  Vector pixels;
  MixtureModel start;

  PatchExample() : pixels(test_normals(40 * 40, 300)), start(start_model()) {
    for (std::size_t i = 40; i < pixels.size(); ++i) pixels[i] = 0.9 * pixels[i - 40] + 0.3 * pixels[i];
  }
  static MixtureModel start_model() {
    ModelInfo info;
    info.kind = "mixture";
    info.axes = "HW";
    info.shape = {4, 4};
    info.patch = 4;
    MixtureLaw law;
    Vector rows;
    for (const int j : {1, 3}) {  // the level, and two waves that have none
      rows.insert(rows.end(), 16, 0.25);
      for (const int horizontal : {0, 1})
        for (int i = 0; i < 16; ++i) {
          const int at = horizontal == 1 ? i % 4 : i / 4;
          rows.push_back(std::sqrt(0.125) * std::cos(3.14159265358979 * j * (2 * at + 1) / 8));
        }
      law.eigenvalues.insert(law.eigenvalues.end(), {1.0, 0.5 * j, 0.2});
      law.ranks.push_back(3);
      law.residual_variances.push_back(0.05 * j);
    }
    law.eigenvectors = Tensor::of({6, 16}, rows);
    law.means.assign(32, 0.0);
    law.weights = {0.4, 0.6};
    law.level_rows = 1;
    return MixtureModel(info, law);
  }
  /// One full component's law of one image.
  std::unique_ptr<Model> pass_of_one(const Words& words) const {
    MixtureLaw law = start.law();
    law.means.resize(16);
    law.weights = {1};
    law.ranks = {3};
    law.residual_variances.resize(1);
    law.eigenvalues.resize(3);
    law.eigenvectors = law.eigenvectors.slice(0, 3);
    const auto pass = mixture_passes(layout, options_of(words), MixtureModel(start.info(), law), std::nullopt);
    add(*pass, 0, 1);
    ModelInfo info = start.info();
    info.count = pass->count();
    return pass->finish(info, 0);
  }
  /// Variance along the first wave of the start (that along columns) over that along the second.
  double ratio_of_waves(const MixtureModel& model) const;
  void add(Statistics& statistics, std::int64_t first, std::int64_t images) const {
    Record record;
    Vector all;
    for (std::int64_t i = first; i < first + images; ++i)
      for (std::size_t p = 0; p < pixels.size(); ++p)
        all.push_back(pixels[(p + static_cast<std::size_t>(i) * 531) % pixels.size()]);
    record.tensors["data"] = Tensor::of({images, 40, 40}, all).converted(DType::F32);
    record.metadata["axes"] = "NHW";
    statistics.add({record, "HW", {40, 40}, first, Vector(static_cast<std::size_t>(images), 0.0)});
  }
};

double PatchExample::ratio_of_waves(const MixtureModel& model) const {
  const Vector covariance = covariance_of(model, 0);
  Vector along;
  for (const std::size_t row : {std::size_t{1}, std::size_t{2}}) {
    const double* const u = start.basis<double>().data() + row * 16;
    double sum = 0;
    for (std::size_t i = 0; i < 256; ++i) sum += covariance[i] * u[i / 16] * u[i % 16];
    along.push_back(sum);
  }
  return along[0] / along[1];
}

}  // namespace

TEST_CASE("mixture passes: one pass is the EM step written out, of full rank and no noise") {
  const MixtureModel start = plane_mixture({0.4, 0.6}, {-1, 0, 1, 0.5}, {{1, 0.2, 0.2, 0.5}, {0.7, -0.3, -0.3, 1}});
  const Vector y = draws(start, 400, 0.3, 11);
  Vector weights(800);
  start.responsibilities(0, std::span<const double>(y), weights);
  const auto next = next_of(start, y, {});
  for (std::size_t k = 0; k < 2; ++k) {
    Vector mean(2), covariance(4);
    double count = 0;
    for (std::size_t i = 0; i < 400; ++i) {
      count += weights[2 * i + k];
      for (std::size_t j = 0; j < 2; ++j) mean[j] += weights[2 * i + k] * y[2 * i + j];
    }
    for (double& value : mean) value /= count;
    for (std::size_t i = 0; i < 400; ++i)
      for (std::size_t a = 0; a < 4; ++a)
        covariance[a] +=
            weights[2 * i + k] * (y[2 * i + a / 2] - mean[a / 2]) * (y[2 * i + a % 2] - mean[a % 2]) / count;
    const MixtureModel& law = *next->mixture();  // weights are held as floats: 6e-8 relative
    CHECK(law.law().weights[k] == doctest::Approx(count / 400).epsilon(1e-6));
    CHECK(largest_gap(mean, {law.law().means.begin() + static_cast<std::ptrdiff_t>(2 * k),
                             law.law().means.begin() + static_cast<std::ptrdiff_t>(2 * k) + 2}) < 1e-6);
    CHECK(largest_gap(covariance, covariance_of(law, static_cast<std::int64_t>(k))) < 1e-6);
  }
  const Vector densities = start.log_density(0, std::span<const double>(y));
  CHECK(likelihood_of(*next) ==
        doctest::Approx(std::accumulate(densities.begin(), densities.end(), 0.0) / 400).epsilon(1e-12));
}

TEST_CASE("mixture passes: one pass is the step that the fit in memory takes, of known noise and of fitted") {
  const Vector y = draws(example(), 700, 0.2, 21);
  Vector centred = y, mean(6);
  for (std::size_t i = 0; i < y.size(); ++i) mean[i % 6] += y[i] / 700;
  for (std::size_t i = 0; i < y.size(); ++i) centred[i] -= mean[i % 6];
  for (const bool fitted : {false, true})
    for (const double prior : {0.0, 5.0}) {
      CAPTURE(fitted);
      CAPTURE(prior);
      MixtureRequest request;
      request.components = 3;
      request.rank = 2;
      request.fit_noise = fitted;
      request.noise_variance = fitted ? 0 : 0.04;
      request.prior_count = prior;
      std::vector<MixtureModel> fits;
      for (const std::int64_t iterations : {6, 7}) {
        request.iterations = iterations;
        MixtureFit fit = fit_mixture(MixtureRows<double>{centred.data(), 700, 6}, request);
        for (std::size_t i = 0; i < fit.law.means.size(); ++i) fit.law.means[i] += mean[i % 6];
        ModelInfo info = mixture_info(6);
        info.noise = json_text({{"family", "gaussian"}, {"sigma", std::sqrt(fit.noise_variance)}});
        fits.emplace_back(info, fit.law);
      }
      const auto next =
          next_of(fits[0], y, {{"prior", format_number(prior)}, {"noise", fitted ? "fit" : "known"}}, fitted ? 0 : 0.2);
      check_same(*next->mixture(), fits[1], 1e-10);
      if (fitted) CHECK(sigma_of(*next) == doctest::Approx(sigma_of(fits[1])).epsilon(1e-10));
    }
}

TEST_CASE("mixture passes: the likelihood rises from pass to pass, clean and noisy, and they end") {
  for (const double sigma : {0.0, 0.3}) {
    CAPTURE(sigma);
    const Vector y = draws(example(), 800, sigma, 31);
    std::unique_ptr<Model> model = next_of(rough_start(), y, {}, sigma);
    for (int pass = 0; pass < 12; ++pass) {
      auto next = next_of(*model->mixture(), y, {}, sigma);
      CHECK(likelihood_of(*next) > likelihood_of(*model) - 1e-7 * std::abs(likelihood_of(*model)));
      model = std::move(next);
    }
    const auto passes =
        mixture_passes(whole_layout(6), options_of({{"iterations", "13"}}), rough_start(), std::nullopt);
    do add_vectors(*passes, y, 6, sigma);
    while (passes->again(sigma * sigma));
    check_same(*model_of(*passes, 6)->mixture(), *model->mixture(), 1e-9);
    const auto still =
        mixture_passes(whole_layout(6), options_of({{"iterations", "5000"}}), rough_start(), std::nullopt);
    int readings = 0;
    do {
      add_vectors(*still, y, 6, sigma);
      ++readings;
    } while (still->again(sigma * sigma));
    CHECK(readings > 13);  // passes 12 and 13 still gained
    CHECK(readings < 2000);
    const auto end = model_of(*still, 6);  // the law whose likelihood it says
    const Vector densities = end->log_density(sigma, std::span<const double>(y));
    CHECK(likelihood_of(*end) == doctest::Approx(std::accumulate(densities.begin(), densities.end(), 0.0) / 800));
  }
}

TEST_CASE("mixture passes: in other units of the data the same passes, to the same law in those units") {
  const Vector y = draws(example(), 400, 0.2, 35);
  std::vector<int> readings;
  std::vector<std::unique_ptr<Model>> ends;
  for (const double unit : {1.0, 4096.0}) {
    MixtureLaw law = rough_start().law();
    for (double& value : law.means) value *= unit;
    for (double& value : law.eigenvalues) value *= unit * unit;
    for (double& value : law.residual_variances) value *= unit * unit;
    Vector scaled = y;
    for (double& value : scaled) value *= unit;
    const auto passes = mixture_passes(whole_layout(6), options_of({{"iterations", "1000"}, {"prior", "3"}}),
                                       MixtureModel(mixture_info(6), law), std::nullopt);
    readings.push_back(0);
    do {
      add_vectors(*passes, scaled, 6, 0.2 * unit);
      ++readings.back();
    } while (passes->again(0.04 * unit * unit));
    ends.push_back(model_of(*passes, 6));
  }
  CHECK(readings[0] < 500);
  CHECK(readings[0] == readings[1]);
  CHECK(largest_gap(ends[0]->mixture()->law().weights, ends[1]->mixture()->law().weights) < 1e-9);
  CHECK(likelihood_of(*ends[0]) - likelihood_of(*ends[1]) == doctest::Approx(6 * std::log(4096.0)).epsilon(1e-9));
}

TEST_CASE("mixture passes: parts in any order, at any number of threads, are the single pass to 1e-12") {
  const Vector y = draws(example(), 900, 0, 41);
  const MixtureModel start = rough_start();
  const OptionValues options = options_of({});
  const auto single = next_of(start, y, {});
  const auto loaded = [&](std::int64_t first, std::int64_t count) {
    const auto part = mixture_passes(whole_layout(6), options, start, std::nullopt);
    add_vectors(*part, {y.begin() + first * 6, y.begin() + (first + count) * 6}, 6, 0, first);
    Record state;
    part->save(state);
    CHECK(is_pass_state(state));
    return mixture_passes(whole_layout(6), options, state);
  };
  const int threads = thread_count();
  set_thread_count(3);
  const auto merged = loaded(510, 390);
  merged->merge(*loaded(0, 77));
  merged->merge(*loaded(77, 433));
  set_thread_count(threads);
  CHECK(merged->count() == 900);
  check_same(*model_of(*merged, 6)->mixture(), *single->mixture(), 1e-12);
}

TEST_CASE("mixture passes: a state of any pass, read back, goes on as if it had not been") {
  const Vector y = draws(example(), 400, 0.2, 43);
  const OptionValues options = options_of({{"iterations", "4"}});
  const auto whole = mixture_passes(whole_layout(6), options, rough_start(), std::nullopt);
  do add_vectors(*whole, y, 6, 0.2);
  while (whole->again(0.04));
  auto stopped = mixture_passes(whole_layout(6), options, rough_start(), std::nullopt);
  int pass = 0;
  do {
    add_vectors(*stopped, {y.begin(), y.begin() + 600}, 6, 0.2);
    if (++pass == 3) {
      Record state;
      stopped->save(state);
      stopped = mixture_passes(whole_layout(6), options, state);
    }
    add_vectors(*stopped, {y.begin() + 600, y.end()}, 6, 0.2, 100);
  } while (stopped->again(0.04));
  CHECK(pass == 4);
  check_same(*model_of(*whole, 6)->mixture(), *model_of(*stopped, 6)->mixture(), 1e-12);
}

TEST_CASE("mixture passes: of patches, turned by chance, images in parts are the single pass to 1e-12") {
  const PatchExample example;
  const auto pass = [&](const std::vector<std::pair<std::int64_t, std::int64_t>>& parts) {
    std::unique_ptr<Statistics> all;
    for (const auto& [first, images] : parts) {
      auto part = mixture_passes(example.layout, options_of({{"seed", "5"}}), example.start, std::nullopt);
      example.add(*part, first, images);
      if (all)
        all->merge(*part);
      else
        all = std::move(part);
    }
    ModelInfo info = example.start.info();
    info.count = all->count();
    return all->finish(info, 0);
  };
  const auto single = pass({{0, 4}}), merged = pass({{3, 1}, {0, 2}, {2, 1}});
  check_same(*single->mixture(), *merged->mixture(), 1e-12);
  CHECK(single->mixture()->law().level_rows == 1);
  CHECK(single->info().count == 4 * 37 * 37);
  // The image is smooth along its columns alone. Turned patches have as much of the wave along rows as of that along
  // columns (1369 strongly overlapping patches, a half of them transposed); upright ones far less.
  CHECK(example.ratio_of_waves(*example.pass_of_one({})->mixture()) == doctest::Approx(1).epsilon(0.25));
  CHECK(example.ratio_of_waves(*example.pass_of_one({{"upright", ""}})->mixture()) < 0.5);
}

TEST_CASE("mixture passes: what a law expects of a vector is a fixed point of the M-step") {
  const double t = 0.3;
  for (const double prior : {0.0}) {
    MixtureRequest request;
    request.noise_variance = t;
    request.prior_count = prior;
    request.rank = 4;
    const MixtureSums sums = expected_sums(example().law(), 6, t);
    const MixtureFit fit = maximised(sums, example().law(), request, t, false);
    check_same(MixtureModel(mixture_info(6), fit.law), example(), 1e-12);
    // E |y|^2 of one component at 0 is its trace.
    const MixtureModel one = random_mixture(6, {2}, {0.5}, 0);
    const double trace = std::accumulate(one.law().eigenvalues.begin(), one.law().eigenvalues.end(), 4 * 0.5);
    CHECK(expected_sums(one.law(), 6, t).square == doctest::Approx(trace + 6 * t).epsilon(1e-12));
  }
}

TEST_CASE("mixture passes: sums move from means to means as if they had been about them") {
  const Vector y = draws(example(), 300, 0, 51);
  const MixtureLaw& law = example().law();
  Vector others = law.means;
  for (std::size_t i = 0; i < others.size(); ++i) others[i] += 0.1 * static_cast<double>(i % 5);
  const Density<double> density(law, 6, 0.1, nullptr);
  MixtureSums a(3, 6), b(3, 6);
  a.add(density, law.means, false, MixtureRows<double>{y.data(), 300, 6});
  b.add(density, others, false, MixtureRows<double>{y.data(), 300, 6});
  a.move(law.means, others);
  CHECK(largest_gap(a.shifts, b.shifts) < 1e-11);
  CHECK(largest_gap(a.scatters, b.scatters) < 1e-11);
  CHECK(a.counts == b.counts);
}

TEST_CASE("mixture passes --online: one reading in minibatches comes to the law, within the noise of its last gain") {
  MixtureLaw law = random_mixture(3, {3, 3}, {0, 0}, 0).law();
  law.means = {-2, 0, 0, 2, 0, 0};
  law.weights = {0.3, 0.7};
  const MixtureModel truth(mixture_info(3), law);
  MixtureLaw rough = law;
  rough.means = {-1, 0.5, 0, 1, 0, 0.5};
  rough.weights = {0.5, 0.5};
  std::fill(rough.eigenvalues.begin(), rough.eigenvalues.end(), 1.0);
  const MixtureModel start(mixture_info(3), rough);
  const std::int64_t batch = 400, n = 40000;
  const Vector y = draws(truth, n, 0, 61);
  const auto batch_law = mixture_passes(whole_layout(3), options_of({}), start, std::nullopt);
  do add_vectors(*batch_law, y, 3);
  while (batch_law->again(0));
  const auto whole = model_of(*batch_law, 3);
  const auto online = next_of(start, y, {{"online", "400"}});
  CHECK(online->info().count == n);
  // A running mean with gain g over batches of B has the variance v g / ((2 - g) B) of one term; a component of weight
  // pi sees pi B of them, less by what overlaps: five times that.
  const double gain = std::pow(n / batch + 1, -0.6), spread = std::sqrt(gain / (2 - gain) / static_cast<double>(batch));
  for (std::size_t k = 0; k < 2; ++k) {
    const double share = std::sqrt(law.weights[k]), sd = std::sqrt(2 + 0.25 * static_cast<double>(k));
    CHECK(std::abs(online->mixture()->law().weights[k] - whole->mixture()->law().weights[k]) < 5 * spread / 2);
    for (std::size_t j = 0; j < 3; ++j)
      CHECK(std::abs(online->mixture()->law().means[3 * k + j] - whole->mixture()->law().means[3 * k + j]) <
            5 * spread * sd / share);
    CHECK(largest_gap(covariance_of(*online->mixture(), static_cast<std::int64_t>(k)),
                      covariance_of(*whole->mixture(), static_cast<std::int64_t>(k))) <
          5 * spread * std::sqrt(2) * sd * sd / share);
  }
  // The start itself is further away.
  CHECK(std::abs(rough.means[0] - whole->mixture()->law().means[0]) > 5 * spread * 2);
}

TEST_CASE("mixture passes: a component of no vectors is dropped") {
  MixtureLaw law = example().law();
  for (std::size_t j = 0; j < 6; ++j) law.means[j] = 1000;
  const auto next = next_of(MixtureModel(mixture_info(6), law), draws(example(), 500, 0, 71), {});
  CHECK(next->mixture()->components() == 2);
}

TEST_CASE("mixture passes: what does not fit together is refused, and says what") {
  const MixtureModel start = rough_start();
  const auto pass = [&](const MixtureModel& from, const Words& words = {}) {
    return mixture_passes(whole_layout(6), options_of(words), from, std::nullopt);
  };
  const Vector y = draws(example(), 20, 0, 81);
  const auto a = pass(start), b = pass(example());
  add_vectors(*a, y, 6);
  add_vectors(*b, y, 6);
  CHECK_THROWS_WITH_AS(a->merge(*b), doctest::Contains("was made under start model"), DataError);
  CHECK_THROWS_WITH_AS(add_vectors(*a, y, 6, 0.1), doctest::Contains("want one for all (--sigma)"), DataError);
  CHECK_THROWS_WITH_AS(mixture_passes(whole_layout(5), options_of({}), start, std::nullopt),
                       "is a law of D[6], the samples are D[5]", DataError);
  CHECK_THROWS_AS(pass(start, {{"noise", "fit"}}), DataError);
  using Case = std::pair<Words, bool>;
  for (const auto& [words, state] :
       {Case{{{"online", "9"}}, false}, Case{{{"passes", "2"}}, true}, Case{{{"start", "m"}, {"rank", "2"}}, false},
        Case{{{"start", "m"}, {"passes", "2"}}, false}, Case{{{"start", "m"}, {"online", "9"}}, true},
        Case{{{"start", "m"}, {"iterations", "2"}}, true},
        Case{{{"start", "m"}, {"online", "9"}, {"iterations", "2"}}, false}})
    CHECK_THROWS_AS(mixture_reads_again(options_of(words), state), UsageError);
  CHECK(mixture_reads_again(options_of({{"start", "m"}}), true).empty());
  CHECK(mixture_reads_again(options_of({{"start", "m"}, {"iterations", "1"}}), false).empty());
  CHECK(!mixture_reads_again(options_of({{"start", "m"}}), false).empty());
}
