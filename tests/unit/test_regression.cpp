#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "denoise/model_as_denoiser.hpp"
#include "model/affine.hpp"
#include "model/linear_model.hpp"
#include "model/model_kinds.hpp"
#include "model/patch_geometry.hpp"
#include "random/random.hpp"
#include "train/trainer.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;
using Matrix = Eigen::MatrixXd;

Vector normals(std::size_t n, std::uint64_t sample) {
  Vector values(n);
  fill_normal({37, Purpose::probe, sample, 0}, 0, std::span<double>(values));
  return values;
}

Record batch(const Vector& data, const Shape& shape, const std::string& axes) {
  Record record;
  record.tensors["data"] = Tensor::of(shape, data);
  record.metadata["axes"] = axes;
  return record;
}

Record pairs(const Vector& data, const std::string& name, const Vector& target, const Shape& shape) {
  Record record = batch(data, shape, "ND");
  record.tensors[name] = Tensor::of(shape, target);
  return record;
}

using Options = std::vector<std::pair<std::string, std::string>>;

Trainer trainer_with(const Options& options, double sigma, std::int64_t patch = 0, std::int64_t stride = 1) {
  const TrainKind& kind = *find_entry(train_kinds(), "regression");
  TrainRequest request{patch, sigma, {}, stride};
  for (const OptionSpec& spec : kind.options) {
    std::vector<std::string> typed;
    for (const auto& option : options)
      if (option.first == spec.name) typed.push_back(option.second);
    request.options.set(spec, typed);
  }
  return {kind, request};
}

std::unique_ptr<Model> learned(const Options& options, const Record& record, double sigma, std::int64_t patch = 0,
                               std::int64_t stride = 1) {
  Trainer trainer = trainer_with(options, sigma, patch, stride);
  trainer.add(record, 0);
  return trainer.finish();
}

Vector denoised(const Model& model, double sigma, const Vector& y) {
  Vector x(y.size());
  model.denoise(sigma, std::span<const double>(y), std::span<double>(x));
  return x;
}

/// W of D(y) = W y + b, by its answers.
Matrix weights_of(const Model& model, double sigma) {
  const std::int64_t d = model.dim();
  Matrix weights(d, d);
  const Vector zero = denoised(model, sigma, Vector(static_cast<std::size_t>(d)));
  for (std::int64_t j = 0; j < d; ++j) {
    Vector unit(static_cast<std::size_t>(d));
    unit[static_cast<std::size_t>(j)] = 1;
    const Vector column = denoised(model, sigma, unit);
    for (std::int64_t i = 0; i < d; ++i)
      weights(i, j) = column[static_cast<std::size_t>(i)] - zero[static_cast<std::size_t>(i)];
  }
  return weights;
}

double largest(const Matrix& m) { return m.cwiseAbs().maxCoeff(); }

const Matrix kPrior = (Matrix(2, 2) << 1, 0.8, 0.8, 1).finished();  // of the fixture; its s2 is 1/2
const double kSigma = std::sqrt(0.5);

/// Rows +- sqrt(2) L e_k: mean 0 and covariance L L^T, exactly.
std::vector<Eigen::Vector2d> rows_with(const Matrix& covariance) {
  const Matrix root = covariance.llt().matrixL();
  std::vector<Eigen::Vector2d> rows;
  for (int k = 0; k < 2; ++k)
    for (const double sign : {1.0, -1.0}) rows.emplace_back(sign * std::sqrt(2.0) * root.col(k));
  return rows;
}

void append(Vector& to, const Eigen::Vector2d& row) { to.insert(to.end(), {row[0], row[1]}); }

/// Noisy samples alone, whose covariance is kPrior + I/2 and whose mean is (3, -1).
Record noisy_samples() {
  Vector y;
  for (const auto& row : rows_with(kPrior + 0.5 * Matrix::Identity(2, 2))) append(y, row + Eigen::Vector2d(3, -1));
  return batch(y, {4, 2}, "ND");
}

/// E (x_1 - (W y)_1)^2 where Cov(x) is kPrior.
double risk(const Matrix& w) {
  const Matrix noisy = kPrior + 0.5 * Matrix::Identity(2, 2);
  return (kPrior - 2 * w * kPrior + w * noisy * w.transpose())(0, 0);
}

Record one_dimensional(double mean, double variance) {
  return batch({mean + std::sqrt(variance), mean - std::sqrt(variance)}, {2, 1}, "ND");
}

}  // namespace

TEST_CASE("regression: the minimiser of SURE is the Wiener filter, from noisy samples alone") {
  const auto model = learned({{"loss", "sure"}}, noisy_samples(), kSigma);
  const Matrix w = weights_of(*model, kSigma);
  CHECK(w(0, 0) == doctest::Approx(0.5341615).epsilon(1e-7));
  CHECK(w(0, 1) == doctest::Approx(0.2484472).epsilon(1e-7));
  CHECK(risk(w) == doctest::Approx(0.2670807).epsilon(1e-7));
  CHECK(denoised(*model, kSigma, {3, -1})[0] == doctest::Approx(3).epsilon(1e-13));  // the mean stays
  const TrainKind& kind = *find_entry(train_kinds(), "gaussian");
  TrainRequest request{0, kSigma, {}};
  for (const OptionSpec& spec : kind.options)
    if (spec.name == "shrink") request.options.set(spec, {"none"});
  Trainer gaussian(kind, request);
  gaussian.add(noisy_samples(), 0);
  CHECK(largest(w - weights_of(*gaussian.finish(), kSigma)) < 1e-14);
}

TEST_CASE("regression: directions with less variance than the noise are shrunk to nothing, never below") {
  for (const char* loss : {"sure", "r2r", "ar-dae"}) {
    CAPTURE(loss);
    const auto model = learned({{"loss", loss}}, one_dimensional(0.5, 0.2), 0.5);
    CHECK(denoised(*model, 0.5, {7})[0] == doctest::Approx(0.5).epsilon(1e-14));
  }
}

TEST_CASE("regression: a blind spot predicts from the others, and with the centre it is the Wiener filter") {
  const Matrix blind = weights_of(*learned({{"loss", "blind-spot"}}, noisy_samples(), kSigma), kSigma);
  CHECK(blind(0, 0) == 0);
  CHECK(blind(0, 1) == doctest::Approx(0.5333333).epsilon(1e-7));
  CHECK(risk(blind) == doctest::Approx(0.5733333).epsilon(1e-7));
  const Options with_centre = {{"loss", "blind-spot"}, {"centre", "true"}, {"ridge", "0"}};
  const Matrix fused = weights_of(*learned(with_centre, noisy_samples(), kSigma), kSigma);
  const Matrix wiener = weights_of(*learned({{"loss", "sure"}}, noisy_samples(), kSigma), kSigma);
  CHECK(largest(fused - wiener) < 1e-13);
}

TEST_CASE("regression: a blind block is what least squares on all outside of it gives") {
  const std::int64_t n = 300, edge = 5, d = edge * edge;
  Vector y = normals(static_cast<std::size_t>(n * d), 1);
  for (std::size_t e = 1; e < y.size(); ++e) y[e] += 0.6 * y[e - 1];  // something to predict from
  const Options options = {{"loss", "blind-spot"}, {"block", "3"}, {"ridge", "0"}};
  const Matrix w = weights_of(*learned(options, batch(y, {n, edge, edge}, "NHW"), 0.1), 0.1);
  const Matrix rows = Eigen::Map<const Eigen::Matrix<double, -1, -1, Eigen::RowMajor>>(y.data(), n, d);
  const Matrix centred = rows.rowwise() - rows.colwise().mean();
  double wrong = 0;
  for (std::int64_t i = 0; i < d; ++i) {
    std::vector<Eigen::Index> outside;
    for (std::int64_t j = 0; j < d; ++j)
      if (std::abs(j / edge - i / edge) > 1 || std::abs(j % edge - i % edge) > 1) outside.push_back(j);
    const Eigen::VectorXd fit = Matrix(centred(Eigen::all, outside)).colPivHouseholderQr().solve(centred.col(i));
    Eigen::VectorXd expected = Eigen::VectorXd::Zero(d);
    for (std::size_t k = 0; k < outside.size(); ++k) expected[outside[k]] = fit[static_cast<Eigen::Index>(k)];
    wrong = std::max(wrong, (w.row(i).transpose() - expected).cwiseAbs().maxCoeff());
  }
  CHECK(wrong < 1e-11);
}

TEST_CASE("regression: recorrupted pairs shrink as a Wiener filter for (1 + alpha^2) times the noise") {
  const Record y = one_dimensional(0, 1.25);  // prior variance 1, noise 1/4
  const auto gain = [&](const Options& options) { return weights_of(*learned(options, y, 0.5), 0.5)(0, 0); };
  CHECK(gain({{"loss", "sure"}}) == doctest::Approx(0.8).epsilon(1e-13));
  CHECK(gain({{"loss", "r2r"}}) == doctest::Approx(0.7619048).epsilon(1e-7));
  CHECK(gain({{"loss", "r2r"}, {"alpha", "1"}}) == doctest::Approx(2.0 / 3).epsilon(1e-13));
}

TEST_CASE("regression: AR-DAE learns the score, of which Tweedie's formula makes the estimate") {
  const Record y = one_dimensional(0.5, 1.25);
  const auto at_2 = [&](const Options& options) { return denoised(*learned(options, y, 0.5), 0.5, {2})[0]; };
  CHECK(at_2({{"loss", "ar-dae"}}) == doctest::Approx(1.7).epsilon(1e-13));
  CHECK(at_2({{"loss", "ar-dae"}, {"smoothing", "0.1"}}) == doctest::Approx(1.7023810).epsilon(1e-7));
}

TEST_CASE("regression: clean targets and noisy ones give the same filter where they are independent of the noise") {
  // All combinations of samples, noise, and the noise of a second copy: exactly uncorrelated.
  const auto clean_rows = rows_with(kPrior), noise_rows = rows_with(0.5 * Matrix::Identity(2, 2));
  Vector y, clean, other;
  for (const auto& x : clean_rows)
    for (const auto& noise : noise_rows)
      for (const auto& second : noise_rows) {
        append(y, x + noise + Eigen::Vector2d(3, -1));
        append(clean, x + Eigen::Vector2d(3, -1));
        append(other, x + second + Eigen::Vector2d(3, -1));
      }
  const auto fit = [&](const std::string& loss, const Record& record) {
    return weights_of(*learned({{"loss", loss}, {"ridge", "0"}}, record, kSigma), kSigma);
  };
  const Matrix supervised = fit("supervised", pairs(y, "clean", clean, {64, 2}));
  const Matrix n2n = fit("n2n", pairs(y, "reference.1", other, {64, 2}));
  const Matrix expected = kPrior * (kPrior + 0.5 * Matrix::Identity(2, 2)).inverse();
  CHECK(largest(supervised - expected) < 1e-13);
  CHECK(largest(n2n - expected) < 1e-13);
  CHECK_THROWS_AS(fit("supervised", batch(y, {64, 2}, "ND")), DataError);
}

TEST_CASE("regression: Neighbor2Neighbor is least squares over all ways of drawing the two sub-images") {
  const std::int64_t height = 5, width = 6;
  const Vector image = normals(static_cast<std::size_t>(height * width), 2);
  const PatchGeometry geometry = patch_geometry("HW", {height, width}, 4);
  Vector patches(static_cast<std::size_t>(geometry.count() * 16));
  gather_patches(geometry, std::span<const double>(image), 0, std::span<double>(patches));
  // Pixels 01/23 of a cell: which of them is in g1, which in g2.
  const int pair_table[8][2] = {{0, 1}, {0, 2}, {1, 3}, {2, 3}, {1, 0}, {2, 0}, {3, 1}, {3, 2}};
  Vector first, second;
  for (std::int64_t p = 0; p < geometry.count(); ++p)
    for (int draw = 0; draw < 8 * 8 * 8 * 8; ++draw)
      for (int cell = 0; cell < 4; ++cell) {
        const int* pair = pair_table[draw >> (3 * cell) & 7];
        const auto pixel = [&](int k) {
          return patches[static_cast<std::size_t>(p * 16 + (cell / 2 * 2 + k / 2) * 4 + cell % 2 * 2 + k % 2)];
        };
        first.push_back(pixel(pair[0]));
        second.push_back(pixel(pair[1]));
      }
  const std::int64_t rows = geometry.count() * 4096;
  const Options drawn = {{"loss", "supervised"}, {"ridge", "0"}};
  const Matrix expected = weights_of(*learned(drawn, pairs(first, "clean", second, {rows, 4}), 0.1), 0.1);
  const auto model = learned({{"loss", "neighbor"}, {"ridge", "0"}}, batch(image, {height, width}, "HW"), 0.1, 2);
  CHECK(model->info().shape == Shape{2, 2});
  CHECK(largest(weights_of(*model, 0.1) - expected) < 1e-10);
}

TEST_CASE("regression: of two channels Neighbor2Neighbor draws the same pixels") {
  // One cell: W = C21 C11^-1 with the means over four pixels and over eight pairs.
  const std::int64_t side = 7;
  const Vector image = normals(static_cast<std::size_t>(2 * side * side), 3);
  const auto at = [&](std::int64_t c, std::int64_t y, std::int64_t x) {
    return image[static_cast<std::size_t>((c * side + y) * side + x)];
  };
  Eigen::Vector2d mean = Eigen::Vector2d::Zero();
  Matrix same = Matrix::Zero(2, 2), beside = Matrix::Zero(2, 2);
  const int pixels[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  for (std::int64_t y = 0; y + 1 < side; ++y)
    for (std::int64_t x = 0; x + 1 < side; ++x)
      for (int p = 0; p < 4; ++p) {
        const Eigen::Vector2d g1(at(0, y + pixels[p][0], x + pixels[p][1]), at(1, y + pixels[p][0], x + pixels[p][1]));
        mean += g1 / 4;
        same += g1 * g1.transpose() / 4;
        for (int q = 0; q < 4; ++q) {
          if ((p ^ q) != 1 && (p ^ q) != 2) continue;
          const Eigen::Vector2d g2(at(0, y + pixels[q][0], x + pixels[q][1]),
                                   at(1, y + pixels[q][0], x + pixels[q][1]));
          beside += g2 * g1.transpose() / 8;
        }
      }
  const double n = static_cast<double>((side - 1) * (side - 1));
  mean /= n;
  const Matrix expected = (beside / n - mean * mean.transpose()) * (same / n - mean * mean.transpose()).inverse();
  const auto model = learned({{"loss", "neighbor"}, {"ridge", "0"}}, batch(image, {2, side, side}, "CHW"), 0.1, 1);
  CHECK(largest(weights_of(*model, 0.1) - expected) < 1e-12);
}

TEST_CASE("regression: a denoiser fitted for one noise has its score and Jacobian there, and nothing elsewhere") {
  ModelInfo info;
  info.kind = "affine";
  info.axes = "D";
  info.shape = {3};
  info.count = 10;
  const Vector w = normals(9, 4), b = normals(3, 5), y = normals(6, 6), v = normals(6, 7);
  const auto built = affine_model(info, Tensor::of({3, 3}, w), b, {0.2, 0.2});
  const auto model = model_from_record(model_to_record(*built));
  const Vector x = denoised(*model, 0.2, y);
  Vector score(6), product(6);
  model->score(0.2 * (1 + 1e-7), std::span<const double>(y), std::span<double>(score));
  model->jacobian_product(0.2, std::span<const double>(y), std::span<const double>(v), std::span<double>(product));
  for (std::size_t i = 0; i < 6; ++i) {
    double wy = b[i % 3], wv = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      wy += w[i % 3 * 3 + j] * y[i / 3 * 3 + j];
      wv += w[i % 3 * 3 + j] * v[i / 3 * 3 + j];
    }
    CHECK(x[i] == doctest::Approx(wy).epsilon(1e-13));
    CHECK(score[i] == doctest::Approx((wy - y[i]) / 0.04).epsilon(1e-6));
    CHECK(product[i] == doctest::Approx(wv).epsilon(1e-13));
  }
  CHECK_THROWS_WITH_AS(
      denoised(*model, 0.3, y),
      "the model is a denoiser for noise of sigma 0.2, and is asked for sigma 0.3: train one for that noise",
      DataError);
  CHECK_THROWS_AS(model->log_density(0.2, std::span<const double>(y)), UsageError);
  Vector sample(6);
  CHECK_THROWS_AS(model->draw(std::span<const double>(y), std::span<double>(sample)), UsageError);
  Record record = model_to_record(*model);
  record.tensors["sigma"] = Tensor::of<double>({2}, {0.3, 0.2});
  CHECK_THROWS_AS(model_from_record(record), DataError);
}

TEST_CASE("regression: noise levels are those of the samples, or those asked for") {
  Trainer trainer = trainer_with({}, 0.2);
  trainer.add(noisy_samples(), 0);
  CHECK(dynamic_cast<const FittedDenoiser&>(*trainer.finish()).range().high == doctest::Approx(0.2).epsilon(1e-14));
  const auto wide = learned({{"valid", "0.1:0.5"}}, noisy_samples(), 0.2);
  CHECK(denoised(*wide, 0.4, {1, 2}) == denoised(*wide, 0.1, {1, 2}));
  CHECK_THROWS_AS(denoised(*wide, 0.6, {1, 2}), DataError);
  Trainer clean(*find_entry(train_kinds(), "regression"), {});
  CHECK_THROWS_WITH_AS(clean.add(noisy_samples(), 0), doctest::Contains("is clean"), DataError);
}

TEST_CASE("regression: any split, merged in any order, gives the single run to 1e-12") {
  const std::int64_t n = 3, side = 12;
  const Vector images = normals(static_cast<std::size_t>(n * side * side), 8);
  const Vector clean = normals(images.size(), 9);
  for (const std::string loss : {"supervised", "sure", "neighbor"}) {
    CAPTURE(loss);
    const auto part = [&](std::int64_t first, std::int64_t last) {
      Trainer trainer = trainer_with({{"loss", loss}}, 0.3, 3);
      for (std::int64_t i = first; i < last; ++i) {
        const auto begin = i * side * side, end = begin + side * side;
        Record record = batch({images.begin() + begin, images.begin() + end}, {side, side}, "HW");
        record.tensors["clean"] = Tensor::of({side, side}, Vector(clean.begin() + begin, clean.begin() + end));
        trainer.add(record, i);
      }
      return trainer.state();
    };
    Trainer merged(*find_entry(train_kinds(), "regression"), {}), single(*find_entry(train_kinds(), "regression"), {});
    merged.merge_state(part(2, 3));
    merged.merge_state(part(0, 2));
    single.merge_state(part(0, 3));
    CHECK(largest(weights_of(*merged.finish(), 0.3) - weights_of(*single.finish(), 0.3)) < 1e-12);
  }
}

TEST_CASE("stride: the patches of an image with a stride are those of its sub-images, and estimates likewise") {
  const std::int64_t height = 13, width = 11, stride = 2;
  const Vector image = normals(static_cast<std::size_t>(height * width), 10);
  const auto strided = learned({}, batch(image, {height, width}, "HW"), 0.2, 3, stride);
  CHECK(strided->info().stride == stride);
  Trainer trainer = trainer_with({}, 0.2, 3);
  std::vector<Record> parts;
  for (std::int64_t i = 0; i < stride; ++i)
    for (std::int64_t j = 0; j < stride; ++j) {
      Vector part;
      for (std::int64_t y = i; y < height; y += stride)
        for (std::int64_t x = j; x < width; x += stride) part.push_back(image[static_cast<std::size_t>(y * width + x)]);
      parts.push_back(batch(part, {(height - i + 1) / stride, (width - j + 1) / stride}, "HW"));
      trainer.add(parts.back(), static_cast<std::int64_t>(parts.size()));
    }
  const std::shared_ptr<const Model> by_hand = trainer.finish();
  CHECK(largest(weights_of(*strided, 0.2) - weights_of(*by_hand, 0.2)) < 1e-12);

  const std::shared_ptr<const Model> model = model_from_record(model_to_record(*strided));
  CHECK(model->info().stride == stride);
  const Tensor whole = model_as_denoiser(model)->estimate("HW", Tensor::of({height, width}, image), 0.2);
  double wrong = 0;
  for (std::int64_t i = 0; i < stride; ++i)
    for (std::int64_t j = 0; j < stride; ++j) {
      const Tensor& part = parts[static_cast<std::size_t>(i * stride + j)].require("data");
      const Tensor estimate = model_as_denoiser(by_hand)->estimate("HW", part, 0.2);
      for (std::int64_t y = 0; y < part.axis(0); ++y)
        for (std::int64_t x = 0; x < part.axis(1); ++x)
          wrong = std::max(
              wrong,
              std::abs(estimate.values<double>()[static_cast<std::size_t>(y * part.axis(1) + x)] -
                       whole.values<double>()[static_cast<std::size_t>((y * stride + i) * width + x * stride + j)]));
    }
  CHECK(wrong < 1e-12);
}

TEST_CASE("empirical training: keeps the samples in the order of their numbers, however they come, and refuses noise") {
  const TrainKind& kind = *find_entry(train_kinds(), "empirical");
  const Vector samples = normals(5 * 2, 11);
  const auto part = [&](std::int64_t first, std::int64_t last) {
    Trainer trainer(kind, {});
    trainer.add(batch({samples.begin() + 2 * first, samples.begin() + 2 * last}, {last - first, 2}, "ND"), first);
    return trainer.state();
  };
  Trainer merged(kind, {});
  for (const Record& state : {part(3, 5), part(0, 1), part(1, 3)}) merged.merge_state(state);
  const auto model = merged.finish();
  const Tensor kept = model->tensors().at("samples");
  CHECK(Vector(kept.values<double>().begin(), kept.values<double>().end()) == samples);
  CHECK(model->info().count == 5);
  Trainer noisy(kind, {0, 0.1, {}});
  CHECK_THROWS_WITH_AS(noisy.add(batch(samples, {5, 2}, "ND"), 0), doctest::Contains("--use clean"), DataError);
  Trainer small(kind, {});
  const Vector many(300000);
  TrainRequest request;
  request.options.set(kind.options.front(), {"1"});
  Trainer limited(kind, request);
  CHECK_THROWS_WITH_AS(limited.add(batch(many, {3000, 100}, "ND"), 0), doctest::Contains("more than 1 MiB"), DataError);
}
