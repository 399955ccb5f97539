#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "base/threads.hpp"
#include "mixture_examples.hpp"
#include "model/mixture_at.hpp"
#include "model/mixture_gate.hpp"
#include "model/model_kinds.hpp"
#include "train/mixture_em.hpp"
#include "train/trainer.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;

/// Draws of a model plus sigma times normals, n x d.
Vector draws(const Model& model, std::int64_t n, double sigma, std::uint64_t sample) {
  const auto size = static_cast<std::size_t>(n * model.dim());
  const Vector z = test_normals(size, sample), noise = test_normals(size, sample + 1);
  Vector x(size);
  model.draw(std::span<const double>(z), std::span<double>(x));
  for (std::size_t i = 0; i < size; ++i) x[i] += sigma * noise[i];
  return x;
}

/// K disjoint subspaces of dimension `rank` of one orthonormal basis, unit eigenvalues, no means, equal weights.
MixtureModel subspaces(std::int64_t dim, std::int64_t components, std::int64_t rank) {
  MixtureLaw law;
  law.eigenvectors = Tensor::of({components * rank, dim}, random_basis(components * rank, dim, 3));
  law.eigenvalues.assign(static_cast<std::size_t>(components * rank), 1.0);
  law.means.assign(static_cast<std::size_t>(components * dim), 0.0);
  law.weights.assign(static_cast<std::size_t>(components), 1.0 / static_cast<double>(components));
  law.ranks.assign(static_cast<std::size_t>(components), rank);
  law.residual_variances.assign(static_cast<std::size_t>(components), 0.0);
  return MixtureModel(mixture_info(dim), std::move(law));
}

/// The largest distance |(I - V V^T) u|^2, averaged over a component's u, of each true component to the learned one
/// that is nearest to it.
double subspace_error(const MixtureModel& truth, const MixtureModel& found) {
  const std::int64_t d = truth.dim();
  double worst = 0;
  for (std::int64_t k = 0; k < truth.components(); ++k) {
    double nearest = 1;
    for (std::int64_t l = 0; l < found.components(); ++l) {
      double kept = 0;
      for (std::int64_t a = truth.first_row(k); a < truth.first_row(k + 1); ++a)
        for (std::int64_t b = found.first_row(l); b < found.first_row(l + 1); ++b) {
          const double* const u = truth.basis<double>().data() + a * d;
          const double* const v = found.basis<double>().data() + b * d;
          const double c = std::inner_product(u, u + d, v, 0.0);
          kept += c * c;
        }
      nearest = std::min(nearest, 1 - kept / static_cast<double>(truth.law().ranks[static_cast<std::size_t>(k)]));
    }
    worst = std::max(worst, nearest);
  }
  return worst;
}

Trainer trainer_of(const std::vector<std::pair<std::string, std::string>>& words, std::int64_t patch = 0,
                   std::optional<double> sigma = {}) {
  const TrainKind& kind = *find_entry(train_kinds(), "mixture");
  OptionValues options;
  for (const OptionSpec& spec : kind.options)
    for (const auto& [name, value] : words)
      if (spec.name == name) options.set(spec, {value});
  return {kind, {patch, sigma, options}};
}

Record batch(const Vector& values, std::int64_t dim) {
  Record record;
  record.tensors["data"] = Tensor::of({static_cast<std::int64_t>(values.size()) / dim, dim}, values);
  record.metadata["axes"] = "ND";
  return record;
}

std::unique_ptr<Model> learned(const Vector& values, std::int64_t dim,
                               const std::vector<std::pair<std::string, std::string>>& words,
                               std::optional<double> sigma = {}) {
  Trainer trainer = trainer_of(words, 0, sigma);
  trainer.add(batch(values, dim), 0);
  return trainer.finish();
}

void check_rises(const MixtureFit& fit, double rounding) {
  REQUIRE(fit.objective.size() > 2);
  for (std::size_t i = 1; i < fit.objective.size(); ++i)
    CHECK(fit.objective[i] - fit.objective[i - 1] >= -rounding * std::abs(fit.objective[i]));
}

}  // namespace

TEST_CASE("train mixture: subspaces of the low-rank mixture are found, of known rank and of rank auto") {
  const MixtureModel truth = subspaces(48, 2, 6);
  const Vector x = draws(truth, 700, 0, 21);
  for (const char* rank : {"6", "auto"}) {
    CAPTURE(rank);
    const auto model = learned(x, 48, {{"components", "2"}, {"rank", rank}});
    REQUIRE(model->mixture() != nullptr);
    CHECK(model->mixture()->law().ranks == std::vector<std::int64_t>{6, 6});
    CHECK(subspace_error(truth, *model->mixture()) < 1e-6);
  }
}

TEST_CASE("train mixture: the likelihood, with its prior, rises at every step") {
  const MixtureModel truth = random_mixture(8, {2, 4, 3}, {0.05, 0.1, 0.02}, 1);
  const Vector y = draws(truth, 900, 0.2, 31);
  const std::vector<float> single(y.begin(), y.end());
  for (const double prior : {0.0, 8.0})
    for (const bool fitted : {false, true})
      for (const std::int64_t rank : {2, 5}) {
        MixtureRequest request;
        request.components = 3;
        request.rank = rank;
        request.iterations = 60;
        request.noise_variance = 0.04;
        request.fit_noise = fitted;
        request.prior_count = prior;
        CAPTURE(prior);
        CAPTURE(fitted);
        CAPTURE(rank);
        check_rises(fit_mixture(MixtureRows<double>{y.data(), 900, 8}, request), 1e-10);
        request.zero_means = true;
        request.iterations = 20;  // float: as long as it rises by more than rounding
        check_rises(fit_mixture(MixtureRows<float>{single.data(), 900, 8}, request), 1e-5);
      }
}

TEST_CASE("train mixture: from noisy vectors, the law of clean ones") {
  const MixtureModel truth = subspaces(30, 3, 4);
  const double sigma = 0.2;
  const Vector few = draws(truth, 600, sigma, 41);
  const auto model = learned(few, 30, {{"components", "3"}, {"rank", "4"}}, sigma);
  // .0077 would be |U U^T - V V^T|_F = .088 (2 r error = its square) of the methods' run, other draws.
  CHECK(subspace_error(truth, *model->mixture()) < 0.01);
  // Sample eigenvalues of n = 4000 a component: sd (1 + t) sqrt(2/n), spread by r/n: within .1.
  const auto sharper = learned(draws(truth, 12000, sigma, 43), 30, {{"components", "3"}, {"rank", "4"}}, sigma);
  const MixtureLaw& law = sharper->mixture()->law();
  for (const double lambda : law.eigenvalues) CHECK(std::abs(lambda - 1) < 0.1);
  for (const double rho : law.residual_variances) CHECK(rho < 0.002);
  for (const double weight : law.weights) CHECK(std::abs(weight - 1.0 / 3) < 0.02);
}

TEST_CASE("train mixture: the noise variance can be fitted, and the rank found under noise") {
  const MixtureModel truth = subspaces(30, 3, 4);
  const Vector y = draws(truth, 3000, 0.2, 51);
  const auto fitted = learned(y, 30, {{"components", "3"}, {"rank", "4"}, {"noise", "fit"}});
  // t-hat has sd t sqrt(2 / (n (d - r))): .0002.
  const std::string noise = fitted->info().noise;
  const double sigma = parse_number(noise.substr(noise.rfind(':') + 1, noise.rfind('}') - noise.rfind(':') - 1));
  CHECK(std::abs(sigma * sigma - 0.04) < 0.001);
  CHECK(subspace_error(truth, *fitted->mixture()) < 0.002);
  const auto found = learned(y, 30, {{"components", "3"}, {"rank", "auto"}}, 0.2);
  CHECK(subspace_error(truth, *found->mixture()) < 0.002);
}

TEST_CASE("train mixture: the Bayes information criterion is least at the true number of components") {
  const MixtureModel truth = random_mixture(6, {6, 6, 6}, {0, 0, 0}, 3);
  const Vector x = draws(truth, 1500, 0, 61);
  std::vector<double> bic;
  for (const char* components : {"1", "2", "3", "4", "5"}) {
    const auto model =
        learned(x, 6, {{"components", components}, {"rank", "6"}, {"restarts", "5"}, {"iterations", "100"}});
    bic.push_back(parse_number(model->metadata().at("model.bic")));
  }
  CHECK(std::min_element(bic.begin(), bic.end()) - bic.begin() == 2);
}

TEST_CASE("train mixture: one component has the sample's mean and covariance, of rank R its largest eigenpairs") {
  const MixtureModel law = random_mixture(6, {6}, {0}, 1);
  const Vector x = draws(law, 400, 0, 71);
  const TrainKind& kind = *find_entry(train_kinds(), "gaussian");
  for (const char* rank : {"6", "3"}) {
    OptionValues options;
    for (const OptionSpec& spec : kind.options)
      if (spec.name == "shrink" || spec.name == "rank") options.set(spec, {spec.name == "rank" ? rank : "none"});
    Trainer trainer(kind, {0, {}, options});
    trainer.add(batch(x, 6), 0);
    const auto gaussian = trainer.finish();
    const auto mixture = learned(x, 6, {{"components", "1"}, {"rank", rank}});
    const Vector y = test_normals(60, 72);
    Vector a(60), b(60);
    gaussian->denoise(0.5, std::span<const double>(y), std::span<double>(a));
    mixture->denoise(0.5, std::span<const double>(y), std::span<double>(b));
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-8));
    const Vector at_zero = mixture->log_density(0, std::span<const double>(x));
    const double mean = std::accumulate(at_zero.begin(), at_zero.end(), 0.0) / 400;
    CHECK(parse_number(mixture->metadata().at("model.log_likelihood")) == doctest::Approx(mean).epsilon(1e-6));
  }
}

TEST_CASE("train mixture: parts in any order, and any number of threads, give the model of the single run") {
  const MixtureModel truth = random_mixture(5, {2, 3}, {0.05, 0.1}, 1);
  const Vector x = draws(truth, 500, 0, 81);
  const std::vector<std::pair<std::string, std::string>> words = {
      {"components", "2"}, {"rank", "2"}, {"restarts", "2"}, {"size-sample", "300"}};
  const auto whole = learned(x, 5, words)->tensors();
  const auto part = [&](std::int64_t first, std::int64_t count) {
    Trainer trainer = trainer_of(words);
    trainer.add(batch({x.begin() + first * 5, x.begin() + (first + count) * 5}, 5), first);
    return trainer.state();
  };
  Trainer merged = trainer_of(words);
  for (const auto& [first, count] : {std::pair{320, 180}, std::pair{0, 130}, std::pair{130, 190}})
    merged.merge_state(part(first, count));
  const int threads = thread_count();
  set_thread_count(3);
  const auto from_parts = merged.finish()->tensors();
  set_thread_count(threads);
  for (const auto& entry : whole) {
    CAPTURE(entry.first);
    if (entry.first == "ranks") continue;
    const auto expected = entry.second.values<double>(), got = from_parts.at(entry.first).values<double>();
    CHECK(std::equal(expected.begin(), expected.end(), got.begin(), got.end()));
  }
}

TEST_CASE("train mixture: of patches, the level is apart: it moves the estimate and nothing else") {
  Record image;
  Vector pixels = test_normals(64 * 64, 91);
  for (std::size_t i = 64; i < pixels.size(); ++i) pixels[i] = 0.9 * pixels[i - 64] + 0.3 * pixels[i];
  image.tensors["data"] = Tensor::of({64, 64}, pixels);
  image.metadata["axes"] = "HW";
  Trainer trainer = trainer_of({{"components", "4"}, {"rank", "3"}}, 4);
  trainer.add(image, 0);
  const auto model = trainer.finish();
  const MixtureLaw& law = model->mixture()->law();
  CHECK(law.level_rows == 1);
  const double level_variance = law.eigenvalues[0];
  Vector y = test_normals(16, 92), moved = y, x(16), moved_x(16);
  for (double& value : moved) value += 5;
  model->denoise(0.5, std::span<const double>(y), std::span<double>(x));
  model->denoise(0.5, std::span<const double>(moved), std::span<double>(moved_x));
  for (std::size_t i = 0; i < 16; ++i)
    CHECK(moved_x[i] - x[i] == doctest::Approx(5 * level_variance / (level_variance + 0.25)).epsilon(1e-10));
  const Record record = model_to_record(*model);
  CHECK(record.meta("model.levels") == "1");
  CHECK(model_from_record(record)->mixture()->law().level_rows == 1);
}

TEST_CASE("mixture gate: the exact densities in single precision, with means and levels, and their largest") {
  const std::int64_t d = 9, n = 300;
  for (const bool levels : {false, true}) {
    MixtureModel model = random_mixture(d, {3, 9, 1}, {0.05, 0, 0.4}, levels ? 0 : 0.7);
    Vector y = draws(model, n, 0.5, 95);
    if (levels) {  // the constant vector leads each component, the others are orthogonal to it
      MixtureLaw law;
      law.weights = {0.3, 0.7};
      law.means.assign(18, 0.0);
      law.level_rows = 1;
      Vector rows;
      for (const auto& [j, variance] : {std::pair{1, 2.0}, std::pair{4, 0.7}}) {
        rows.insert(rows.end(), 9, 1.0 / 3);
        for (int i = 0; i < 9; ++i) rows.push_back(i == j ? std::sqrt(0.5) : i == j + 1 ? -std::sqrt(0.5) : 0);
        law.eigenvalues.insert(law.eigenvalues.end(), {3.0, variance});
        law.ranks.push_back(2);
        law.residual_variances.push_back(0.1 * j);
      }
      law.eigenvectors = Tensor::of({4, 9}, rows);
      model = MixtureModel(mixture_info(d), law);
      for (std::int64_t i = 0; i < n; ++i) {
        const double mean = std::accumulate(y.begin() + i * d, y.begin() + (i + 1) * d, 0.0) / 9;
        for (std::int64_t j = 0; j < d; ++j) y[static_cast<std::size_t>(i * d + j)] -= mean;
      }
    }
    const MixtureAt<double> at(model, 0.5);
    MixtureBlock<double> block;
    at.load(y.data(), n, block);
    const MixtureGate gate(model.law(), d, 0.25);
    std::vector<float> planar(y.size()), joint(static_cast<std::size_t>(n * model.components()));
    for (std::size_t i = 0; i < y.size(); ++i)
      planar[i % 9 * static_cast<std::size_t>(n) + i / 9] = static_cast<float>(y[i]);
    gate.log_joint(n, planar.data(), joint.data());
    std::vector<std::int32_t> labels(static_cast<std::size_t>(n));
    gate.labels(n, planar.data(), labels.data());
    const auto exact = model.labels(0.5, std::span<const double>(y));
    // The level's own density, at its mean, is what the gate leaves out.
    const double level = levels ? -0.5 * std::log(2 * 3.14159265358979 * 3.25) : 0;
    const auto components = static_cast<std::size_t>(model.components());
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      CHECK(labels[i] == exact[i]);
      for (std::size_t k = 0; k < components; ++k)
        CHECK(static_cast<double>(joint[k * static_cast<std::size_t>(n) + i]) + level ==
              doctest::Approx(block.log_joint[i * components + k]).epsilon(1e-4));
    }
  }
}

TEST_CASE("train mixture: what cannot be learned is said") {
  const Vector x = test_normals(40, 97);
  CHECK_THROWS_WITH_AS(learned(x, 4, {{"components", "9"}}),
                       "9 components want at least 18 vectors to learn from; there are 10", DataError);
  CHECK_THROWS_WITH_AS(learned(Vector(40, 1.0), 4, {{"components", "2"}}),
                       "nothing varies: there is no mixture to learn", DataError);
  CHECK_THROWS_AS(learned(x, 4, {{"components", "1"}, {"rank", "2"}}, 100.0), DataError);
  CHECK_THROWS_AS(learned(x, 4, {{"components", "1"}, {"rank", "two"}}), UsageError);
  CHECK_THROWS_AS(learned(x, 4, {{"components", "1"}, {"noise", "fit"}}), UsageError);
}
