#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "mixture_examples.hpp"
#include "model/affine.hpp"
#include "model/model_kinds.hpp"
#include "random/random.hpp"
#include "train/distill_figures.hpp"
#include "train/linearity.hpp"
#include "train/moment_state.hpp"
#include "train/noisy_copies.hpp"
#include "train/teacher.hpp"
#include "train/trainer.hpp"

using namespace noiseutils;

namespace {

using Values = std::vector<double>;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Function = std::function<void(std::span<const double> y, std::span<double> out)>;

/// A denoiser of vectors that is a function.
class FunctionDenoiser : public Denoiser {
 public:
  FunctionDenoiser(std::int64_t dim, Function f) : dim_(static_cast<std::size_t>(dim)), f_(std::move(f)) {}
  Tensor estimate(const std::string&, const Tensor& noisy, double) override {
    Tensor result(DType::F64, noisy.shape());
    const auto in = noisy.values<double>();
    const auto out = result.mutable_values<double>();
    for (std::size_t at = 0; at < in.size(); at += dim_) f_(in.subspan(at, dim_), out.subspan(at, dim_));
    return result;
  }

 private:
  std::size_t dim_;
  Function f_;
};

Teacher teacher_of(std::int64_t dim, Function f) {
  return {std::make_unique<FunctionDenoiser>(dim, std::move(f)), "D", {dim}};
}

Teacher teacher_of(const Model& model, double sigma) {
  return teacher_of(model.dim(), [&model, sigma](auto y, auto out) { model.denoise(sigma, y, out); });
}

/// n draws of a model.
Values draws(const Model& model, std::int64_t n) {
  Values x = test_normals(static_cast<std::size_t>(n * model.dim()), 900);
  model.draw(std::span<const double>(x), std::span<double>(x));
  return x;
}

/// What distillation of a teacher on clean vectors sums up.
DistilledMoments moments_of(Teacher& teacher, const Values& clean, double sigma) {
  const std::int64_t d = teacher.dim(), n = static_cast<std::int64_t>(clean.size()) / d;
  const Values y = NoisyCopies{3, 0, 1, d}.of(clean, sigma, 0), estimates = teacher.estimates(y, sigma);
  MomentAccumulator<double> joint(2 * d), own(d);
  own.add(0, clean);
  for (std::int64_t i = 0; i < n; ++i) {
    Values row(y.begin() + i * d, y.begin() + (i + 1) * d);
    row.insert(row.end(), estimates.begin() + i * d, estimates.begin() + (i + 1) * d);
    joint.add(i, row);
  }
  return {d, sigma, finite_moments(joint), finite_moments(own)};
}

/// Three Gaussians in the plane, far apart.
MixtureModel three_clusters() {
  return plane_mixture({0.5, 0.3, 0.2}, {-3, 0, 3, 1, 1, -3},
                       {{0.2, 0.05, 0.05, 0.1}, {0.1, 0, 0, 0.3}, {0.2, 0, 0, 0.2}});
}

double linearity_of(Teacher teacher, const Values& clean, double sigma, const Values& centre = {}) {
  const std::size_t half = clean.size() / 2;
  const Values y = NoisyCopies{5, 0, 1, teacher.dim()}.of(clean, sigma, 0), d = teacher.estimates(y, sigma);
  const auto part = [half](const Values& all, std::size_t at) { return std::span(all).subspan(at, half); };
  const Values of_centre = centre.empty() ? Values{} : teacher.estimates(centre, sigma);
  LinearityScore score;
  score.add(teacher, sigma, part(y, 0), part(y, half), part(d, 0), part(d, half), centre, of_centre);
  return score.value();
}

}  // namespace

TEST_CASE("distill: an affine denoiser is found again, with nothing left over") {
  const Matrix w = (Matrix(2, 2) << 0.6, 0.3, -0.1, 0.4).finished();
  Teacher teacher = teacher_of(2, [&](auto y, auto out) {
    out[0] = w(0, 0) * y[0] + w(0, 1) * y[1] + 2;
    out[1] = w(1, 0) * y[0] + w(1, 1) * y[1] - 1;
  });
  const DistilledMoments moments = moments_of(teacher, test_normals(400, 1), 0.5);
  const AffineForm form = distilled_form(moments, 1e-8);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(std::abs(form.weights[i] - w(static_cast<int>(i / 2), static_cast<int>(i % 2))) < 1e-6);
  CHECK(std::abs(form.offset[0] - 2) < 1e-6);
  const DistillFigures figures = distill_figures(moments, form);
  CHECK(figures.residual < 1e-12);
  CHECK(figures.gap_floor < 1e-6);
  // |W - W^T| = sqrt(2) 0.4
  CHECK(figures.asymmetry == doctest::Approx(std::numbers::sqrt2 * 0.4 / w.norm()).epsilon(1e-6));
}

TEST_CASE("distill: the gap of two affine denoisers is the closed form, and the errors are those of the moments") {
  // Clean values +-1: mean 0, variance 1 exactly. At sigma = 1 the Wiener filter is y / 2; the teacher is y + 1:
  // gap^2 = (1/2)^2 (1 + 1) + 1.
  Values clean;
  for (int i = 0; i < 200; ++i) clean.push_back(i % 2 == 0 ? 1 : -1);
  Teacher teacher = teacher_of(1, [](auto y, auto out) { out[0] = y[0] + 1; });
  const DistilledMoments moments = moments_of(teacher, clean, 1);
  const DistillFigures figures = distill_figures(moments, distilled_form(moments, 0));
  CHECK(figures.gap == doctest::Approx(std::sqrt(1.5)).epsilon(1e-10));
  const double m = moments.joint.mean[0], v = moments.joint.covariance[0];
  const double error = v / 4 + (m / 2 + 1) * (m / 2 + 1);  // E (y / 2 + 1)^2
  CHECK(figures.gaussian_explained == doctest::Approx(1 - error / v).epsilon(1e-10));
  CHECK(figures.score_rmse == doctest::Approx(std::sqrt(error)).epsilon(1e-10));
  CHECK(std::isnan(figures.score_explained));  // D - y = 1 does not vary: no share of that is explained
}

TEST_CASE(
    "distill: the fit of an exact posterior mean is the Wiener filter of the law, be it ever so far from linear") {
  const MixtureModel law = three_clusters();
  // Its moments: mean = sum w m, covariance = sum w (C + m m^T) - mean mean^T.
  Eigen::Vector2d mean = Eigen::Vector2d::Zero();
  Matrix covariance = Matrix::Zero(2, 2);
  const Values w = {0.5, 0.3, 0.2};
  const std::vector<Eigen::Vector2d> m = {{-3, 0}, {3, 1}, {1, -3}};
  const std::vector<Matrix> c = {(Matrix(2, 2) << 0.2, 0.05, 0.05, 0.1).finished(),
                                 (Matrix(2, 2) << 0.1, 0, 0, 0.3).finished(),
                                 (Matrix(2, 2) << 0.2, 0, 0, 0.2).finished()};
  for (std::size_t k = 0; k < 3; ++k) {
    mean += w[k] * m[k];
    covariance += w[k] * (c[k] + m[k] * m[k].transpose());
  }
  covariance -= mean * mean.transpose();
  const double sigma = 2;
  Teacher teacher = teacher_of(law, sigma);
  const DistilledMoments moments = moments_of(teacher, draws(law, 20000), sigma);
  const AffineForm form = distilled_form(moments, 1e-8);
  const DistillFigures figures = distill_figures(moments, form);
  CHECK(figures.residual > 0.02);  // not linear at all
  const Matrix noisy = covariance + sigma * sigma * Matrix::Identity(2, 2), wiener = covariance * noisy.inverse();
  const Matrix fit = Eigen::Map<const Matrix>(form.weights.data(), 2, 2);
  const Eigen::Vector2d b(form.offset[0], form.offset[1]);
  const double gap = std::sqrt(
      (((fit - wiener) * noisy * (fit - wiener).transpose()).trace() + (fit * mean + b - mean).squaredNorm()) / 2);
  CHECK(gap < 3 * figures.gap_floor);
  CHECK(gap > figures.gap_floor / 4);  // the floor is an error, not a bound that anything meets
}

TEST_CASE(
    "distill: of a denoiser that has nothing to do with y the residual is 1 on average, however few the vectors") {
  // A least-squares fit to n = 40 vectors explains d / (n - 1), half of it, by chance.
  Teacher teacher = teacher_of(20, [](auto y, auto out) {
    double sum = 0;
    for (const double value : y) sum += value * value;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::cos(1e4 * sum + static_cast<double>(i));
  });
  double mean = 0;
  for (std::uint64_t k = 0; k < 40; ++k) {
    const DistilledMoments moments = moments_of(teacher, test_normals(40 * 20, 40 + k), 1);
    mean += distill_figures(moments, distilled_form(moments, 0)).residual / 40;
  }
  CHECK(std::abs(mean - 1) < 0.1);
  const DistilledMoments few = moments_of(teacher, test_normals(21 * 20, 1), 1);
  CHECK_THROWS_AS(distilled_form(few, 1e-8), DataError);
}

TEST_CASE("distill: the linearity score is 1 of a linear map, and about its centre of an affine one") {
  const auto linear = [](auto y, auto out) {
    out[0] = 0.7 * y[0] - 0.2 * y[1];
    out[1] = 0.1 * y[0] + 0.3 * y[1];
  };
  const auto affine = [&](auto y, auto out) {
    linear(y, out);
    out[0] += 4;
  };
  const Values clean = test_normals(400, 2);
  CHECK(1 - linearity_of(teacher_of(2, linear), clean, 1) < 1e-15);
  CHECK(linearity_of(teacher_of(2, affine), clean, 1) < 0.999);
  CHECK(1 - linearity_of(teacher_of(2, affine), clean, 1, {5, -3}) < 1e-14);
}

TEST_CASE("distill: a mixture's denoiser is least linear at noise of the size of its structure") {
  MixtureModel law = plane_mixture({0.5, 0.5}, {-2, 1, 2, -1}, {{0.3, 0, 0, 0.2}, {0.1, 0, 0, 0.3}});
  const Values clean = draws(law, 4000);
  Values scores;
  for (const double sigma : {0.03, 1.0, 30.0}) scores.push_back(linearity_of(teacher_of(law, sigma), clean, sigma));
  CHECK(scores[0] > 0.97);
  CHECK(scores[1] < scores[0] - 0.03);
  CHECK(scores[1] < scores[2] - 0.03);
  CHECK(scores[2] > 0.99);
}

TEST_CASE("affine: of several levels the nearest counts, as long as it is within a tenth") {
  ModelInfo info = mixture_info(2);
  info.kind = "affine";
  std::vector<AffineLevel> levels;
  for (const double sigma : {0.5, 0.1})
    levels.push_back({sigma, Tensor::of<double>({2, 2}, {sigma, 0, 0, sigma}), {1, 2}});
  const auto model = model_from_record(model_to_record(*affine_levels_model(info, levels)));
  const Values y = {10, 20};
  Values x(2);
  for (const double sigma : {0.1, 0.105, 0.5, 0.46}) {
    CAPTURE(sigma);
    const double gain = sigma < 0.2 ? 0.1 : 0.5;
    model->denoise(sigma, std::span<const double>(y), std::span<double>(x));
    CHECK(x[0] == doctest::Approx(10 * gain + 1).epsilon(1e-15));
    model->jacobian_product(sigma, std::span<const double>(y), std::span<const double>(y), std::span<double>(x));
    CHECK(x[1] == doctest::Approx(20 * gain).epsilon(1e-15));
  }
  CHECK_THROWS_AS(model->denoiser(0.2, 1), DataError);
  CHECK_THROWS_AS(model->denoiser(0.6, 1), DataError);
  levels.push_back(levels.front());
  CHECK_THROWS_AS(affine_levels_model(info, levels), DataError);  // one level twice
  levels = {{0.1, Tensor::of<double>({2, 1}, {1, 1}), {1, 2}}};
  CHECK_THROWS_AS(affine_levels_model(info, levels), DataError);
}

TEST_CASE("levels are numbers above 0") {
  CHECK(parse_levels("sigma", "1,25/255") == Values{1, 25.0 / 255});
  CHECK(parse_levels("sigma", "").empty());
  for (const char* text : {"1,,2", "1,", "0", "-1", "nan", "a"})
    CHECK_THROWS_AS(parse_levels("sigma", text), UsageError);
}
