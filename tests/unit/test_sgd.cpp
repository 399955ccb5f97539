#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "base/threads.hpp"
#include "model/model_kinds.hpp"
#include "random/random.hpp"
#include "train/loss_weight.hpp"
#include "train/minibatch.hpp"
#include "train/sgd_run.hpp"
#include "train/sigma_law.hpp"
#include "train/trainer.hpp"

using namespace noiseutils;

namespace {

using Options = std::vector<std::pair<std::string, std::string>>;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::int64_t kDim = 4;

/// n draws of a Gaussian with variances 4, 1, 1/4, 1/16 in a basis that is not that of the axes, and mean (1, 2, 3, 4).
RowMatrix gaussian_rows(std::int64_t n) {
  RowMatrix rows(n, kDim);
  fill_normal({12, Purpose::probe, 0, 0}, 0, std::span<double>(rows.data(), static_cast<std::size_t>(rows.size())));
  RowMatrix mixing(kDim, kDim);
  mixing << 1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, -1, 1, -1, -1, 1;
  rows = rows * Eigen::Vector4d(2, 1, 0.5, 0.25).asDiagonal() * mixing / 2;
  rows.rowwise() += Eigen::RowVector4d(1, 2, 3, 4);
  return rows;
}

Record record_of(const RowMatrix& rows) {
  Record record;
  record.tensors["data"] =
      Tensor::of({rows.rows(), rows.cols()}, std::vector<double>(rows.data(), rows.data() + rows.size()));
  record.metadata["axes"] = "ND";
  return record;
}

Trainer sgd_trainer(const Options& options) {
  const TrainKind& kind = *find_entry(train_kinds(), "sgd");
  TrainRequest request;
  for (const OptionSpec& spec : kind.options) {
    std::vector<std::string> typed;
    for (const auto& option : options)
      if (option.first == spec.name) typed.push_back(option.second);
    request.options.set(spec, typed);
  }
  return {kind, request};
}

/// W and offset of what is learned of some rows.
struct Learned {
  RowMatrix weights;
  Eigen::VectorXd offset;
  double excess;
};

Learned finished(Trainer& trainer) {
  const auto model = trainer.finish();
  const auto tensors = model->tensors();
  const auto weights = tensors.at("weights").values<double>();
  const auto offset = tensors.at("offset").values<double>();
  return {Eigen::Map<const RowMatrix>(weights.data(), kDim, kDim),
          Eigen::Map<const Eigen::VectorXd>(offset.data(), kDim), parse_number(model->info().notes.at("excess"))};
}

Learned learned(const Options& options, const RowMatrix& rows) {
  Trainer trainer = sgd_trainer(options);
  trainer.add(record_of(rows), 0);
  return finished(trainer);
}

RowMatrix covariance_of(const RowMatrix& rows) {
  const RowMatrix centred = rows.rowwise() - rows.colwise().mean();
  return centred.transpose() * centred / static_cast<double>(rows.rows());
}

/// S (S + s^2 I)^-1
RowMatrix wiener(const RowMatrix& covariance, double variance) {
  return covariance * (covariance + variance * RowMatrix::Identity(kDim, kDim)).inverse();
}

}  // namespace

TEST_CASE(
    "sgd: with the rates of theory it comes to the Wiener filter of its samples, and says by how much it missed") {
  const RowMatrix rows = gaussian_rows(2000), s = covariance_of(rows);
  const Learned found = learned({{"level", "0.5"}, {"schedule", "theory"}, {"steps", "3000"}}, rows);
  const RowMatrix delta = found.weights - wiener(s, 0.25);
  CHECK(delta.norm() < 0.05);
  const RowMatrix c = s + 0.25 * RowMatrix::Identity(kDim, kDim);
  CHECK(found.excess == doctest::Approx((delta * c * delta.transpose()).trace() / 2).epsilon(1e-9));
  // D(mean) = mean, whatever W is.
  const Eigen::VectorXd mean = rows.colwise().mean();
  CHECK((found.weights * mean + found.offset - mean).norm() < 1e-12);
}

TEST_CASE("sgd: every optimizer, average and depth lowers the error to a small part of what it was") {
  const RowMatrix rows = gaussian_rows(500);
  const double start = learned({{"level", "0.5"}, {"learning-rate", "1e-30"}, {"steps", "1"}}, rows).excess;
  for (const char* name :
       {"sgd", "momentum", "nesterov", "adagrad", "adam", "amsgrad", "adopt", "diffgrad", "dog", "psgd"}) {
    CAPTURE(name);
    CHECK(learned({{"level", "0.5"}, {"optimizer", name}, {"steps", "2000"}}, rows).excess < 0.05 * start);
  }
  CHECK(learned({{"level", "0.5"}, {"average", "tail"}, {"schedule", "constant"}}, rows).excess < 0.01 * start);
  CHECK(learned({{"level", "0.5"}, {"depth", "3"}}, rows).excess < 0.02 * start);
  CHECK(learned({{"level", "0.5"}, {"clip", "1"}}, rows).excess < 0.02 * start);
}

TEST_CASE("sgd: the weight of one level changes not a bit, over a law of levels it moves the optimum where it should") {
  const RowMatrix rows = gaussian_rows(500), s = covariance_of(rows);
  const Learned plain = learned({{"level", "0.5"}, {"steps", "50"}}, rows);
  for (const LossWeight& weight : loss_weights())
    CHECK(learned({{"level", "0.5"}, {"steps", "50"}, {"weight", weight.name}}, rows).weights == plain.weights);
  // log sigma uniform on [A, B]: E sigma^2 = (B^2 - A^2) / (2 ln(B/A)), E 1 / sigma^2 = (A^-2 - B^-2) / (2 ln(B/A)).
  const Options law = {{"sigma-law", "uniform"}, {"sigma-range", "0.2:1"}, {"schedule", "theory"}, {"steps", "4000"}};
  const double span = 2 * std::log(5), square = (1 - 0.04) / span, inverse = (25 - 1) / span;
  Options by_snr = law;
  by_snr.emplace_back("weight", "noise");
  const RowMatrix uniform = wiener(s, square), weighted = wiener(s, 1 / inverse);
  CHECK((uniform - weighted).norm() > 0.25);
  CHECK((learned(law, rows).weights - uniform).norm() < 0.06);
  CHECK((learned(by_snr, rows).weights - weighted).norm() < 0.06);
}

TEST_CASE("sgd: the mean curve of many runs is the expected one, within what the number of runs leaves open") {
  // The theory is of Gaussian data: of many draws, whose fourth moments are near those of their law.
  const RowMatrix rows = gaussian_rows(20000), covariance = covariance_of(rows);
  const Tensor samples = Tensor::of({rows.rows(), kDim}, std::vector<double>(rows.data(), rows.data() + rows.size()));
  const Eigen::VectorXd mean = rows.colwise().mean();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);
  const std::vector<double> values(solver.eigenvalues().data(), solver.eigenvalues().data() + kDim);
  const std::vector<double> vectors(solver.eigenvectors().data(), solver.eigenvectors().data() + kDim * kDim);
  const SigmaLaw& uniform = *find_entry(sigma_laws(), "uniform");
  struct Case {
    const char* optimizer;
    SigmaSampler sigmas;
  };
  for (const Case& run : {Case{"sgd", SigmaSampler(0.5)}, Case{"momentum", SigmaSampler(0.5)},
                          Case{"nesterov", SigmaSampler(0.5)}, Case{"sgd", {uniform, {}, {0.2, 1.5}}}}) {
    CAPTURE(run.optimizer);
    std::vector<MatchingLaw::Level> levels;
    for (const SigmaSampler::Node& node : run.sigmas.nodes()) levels.push_back({node.sigma, node.probability, 1});
    const MatchingLaw law(values, levels);
    const LearningGround ground{law, vectors};
    const OptimizerKind& kind = *find_entry(optimizer_kinds(), run.optimizer);
    OptionValues numbers;
    for (const OptionSpec& spec : kind.options) numbers.set(spec, {spec.name == "momentum" ? "0.8" : spec.fallback});
    const double momentum = numbers.declared("momentum") ? 0.8 : 0;
    SgdPlan plan;
    plan.shape = {1, kDim};
    plan.steps = 80;
    plan.rows = 6;
    for (int t = 0; t < 80; ++t) plan.rates.push_back((t < 40 ? 0.1 : 0.05) * (1 - momentum));  // step decay
    plan.theory = [&] {
      const bool looks_ahead = kind.name == "nesterov";
      return std::make_unique<ExpectedLearning>(law, ExpectedLearning::Rule{momentum, looks_ahead, 4}, 0);
    };
    const int runs = 400;
    std::vector<double> sums, squares, expected;
    for (std::uint64_t seed = 0; seed < runs; ++seed) {
      Minibatch pairs(samples, std::span(mean.data(), kDim), run.sigmas, {4, seed, false, {}});
      const auto optimizer = kind.make(plan.shape, numbers, 0);
      const SgdResult result = run_sgd(plan, ground, pairs, *optimizer);
      sums.resize(result.curve.size());
      squares.resize(sums.size());
      for (std::size_t i = 0; i < sums.size(); ++i) {
        sums[i] += result.curve[i].excess / runs;
        squares[i] += std::pow(result.curve[i].excess, 2) / runs;
        if (seed == 0) expected.push_back(result.curve[i].theory.value());
      }
    }
    for (std::size_t i = 1; i < sums.size(); ++i) {
      const double error = std::sqrt((squares[i] - sums[i] * sums[i]) / (runs - 1));
      CHECK(std::abs(sums[i] - expected[i]) < 4 * error);
      CHECK(error < 0.1 * expected[i]);
    }
  }
}

TEST_CASE("sgd: the gradient of a minibatch is that of its own pairs") {
  const RowMatrix rows = gaussian_rows(50);
  const Tensor samples = Tensor::of({50, kDim}, std::vector<double>(rows.data(), rows.data() + rows.size()));
  const Eigen::VectorXd mean = rows.colwise().mean();
  Minibatch batch(samples, std::span(mean.data(), kDim), SigmaSampler(0.5), {7, 3, true, {}});
  batch.draw(2);
  // Of fixed pairs y is known: the gradient is linear in W, so that its change with W tells Y^T Y / B.
  std::vector<double> at_zero(16), at_one(16), unit(16), zero(16);
  for (std::size_t i = 0; i < 4; ++i) unit[5 * i] = 1;
  batch.gradient(zero, at_zero);
  const SplitNorms norms = batch.norms();
  batch.gradient(unit, at_one);
  RowMatrix square = Eigen::Map<RowMatrix>(at_one.data(), 4, 4) - Eigen::Map<RowMatrix>(at_zero.data(), 4, 4);
  CHECK((square - square.transpose()).norm() < 1e-14);
  std::vector<double> choice(14);
  fill_uniform({3, Purpose::train, (std::uint64_t{1} << 62) + 1, 3}, 0, std::span<double>(choice));
  RowMatrix expected = RowMatrix::Zero(4, 4), cross = expected;
  std::vector<double> y(4);
  for (std::size_t slot = 0; slot < 7; ++slot) {
    const auto i = static_cast<Eigen::Index>(choice[slot] * 50);
    batch.fixed_input(i, y);
    const Eigen::Map<const Eigen::VectorXd> noisy(y.data(), 4);
    expected += noisy * noisy.transpose() / 7;
    cross -= (rows.row(i).transpose() - mean) * noisy.transpose() / 7;
  }
  CHECK((square - expected).norm() < 1e-13);
  CHECK((Eigen::Map<RowMatrix>(at_zero.data(), 4, 4) - cross).norm() < 1e-13);
  CHECK(norms.whole == doctest::Approx(cross.squaredNorm()));
  CHECK(norms.first_size == 3);
  CHECK(norms.second_size == 4);
}

TEST_CASE("sgd: the same bytes for one thread and three, and from parts that were merged") {
  const RowMatrix rows = gaussian_rows(300);
  const Options options = {{"level", "0.5"}, {"steps", "40"}, {"optimizer", "psgd"}, {"batch", "70"}};
  const int before = thread_count();
  set_thread_count(1);
  const Learned one = learned(options, rows);
  set_thread_count(3);
  const Learned three = learned(options, rows);
  set_thread_count(before);
  CHECK(one.weights == three.weights);
  Trainer front = sgd_trainer(options), back = sgd_trainer(options), merged = sgd_trainer({});
  front.add(record_of(rows.topRows(100)), 0);
  back.add(record_of(rows.bottomRows(200)), 100);
  merged.merge_state(back.state());
  merged.merge_state(front.state());
  const Learned whole = finished(merged);
  CHECK(whole.weights == one.weights);
  CHECK(whole.offset == one.offset);
}

TEST_CASE("sgd: fixed pairs are overfitted, and the kernel rule stops before") {
  const RowMatrix rows = gaussian_rows(30);
  const Options pairs = {{"level", "1"},    {"pairs", "fixed"}, {"schedule", "constant"}, {"learning-rate", "0.02"},
                         {"steps", "4000"}, {"batch", "30"}};
  Options stopped = pairs;
  stopped.emplace_back("early-stop", "true");
  Trainer trainer = sgd_trainer(stopped);
  trainer.add(record_of(rows), 0);
  const auto model = trainer.finish();
  CHECK(parse_integer(model->info().notes.at("steps")) < 4000);
  CHECK(learned(stopped, rows).excess < learned(pairs, rows).excess);
}

TEST_CASE("sgd: what cannot be learned so is refused") {
  const RowMatrix rows = gaussian_rows(20);
  const Options level = {{"level", "0.5"}};
  const auto with = [&](const Options& more) {
    Options all = level;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  CHECK_THROWS_AS(learned({}, rows), UsageError);
  CHECK_THROWS_AS(learned(with({{"sigma-law", "uniform"}}), rows), UsageError);
  CHECK_THROWS_AS(learned(with({{"sigma-mean", "1"}}), rows), UsageError);
  CHECK_THROWS_AS(learned(with({{"beta2", "0.9"}}), rows), UsageError);
  CHECK_THROWS_AS(learned(with({{"period", "10"}}), rows), UsageError);
  CHECK_THROWS_AS(learned(with({{"schedule", "theory"}, {"optimizer", "adam"}}), rows), UsageError);
  CHECK_THROWS_AS(learned(with({{"schedule", "theory"}, {"learning-rate", "0.1"}}), rows), UsageError);
  CHECK_THROWS_AS(learned(with({{"theory", "true"}, {"optimizer", "adam"}}), rows), UsageError);
  CHECK_THROWS_AS(learned(with({{"depth", "2"}, {"init", "0"}}), rows), UsageError);
  CHECK_THROWS_AS(learned(with({{"early-stop", "true"}}), rows), UsageError);
  CHECK_THROWS_AS(learned(with({{"learning-rate", "50"}}), rows), UsageError);  // diverges
  CHECK_THROWS_AS(learned(level, RowMatrix::Ones(20, kDim)), DataError);
  Record noisy = record_of(rows);
  noisy.metadata["noise"] = R"({"family":"gaussian","sigma":0.1})";
  Trainer trainer = sgd_trainer(level);
  CHECK_THROWS_AS(trainer.add(noisy, 0), DataError);
}

TEST_CASE("sgd: samples that are all the same vary by the rounding of their mean alone: nothing to learn from") {
  // Without an exact mean of equal doubles: a third, and the roots of 2, 3 and 5.
  RowMatrix rows(700, kDim);
  rows.rowwise() = Eigen::RowVector4d(1.0 / 3, std::sqrt(2.0), std::sqrt(3.0), std::sqrt(5.0));
  Trainer trainer = sgd_trainer({{"level", "1"}, {"steps", "5"}});
  trainer.add(record_of(rows), 0);
  CHECK_THROWS_WITH_AS(trainer.finish(), "the samples are all the same: there is no law to learn", DataError);
}
