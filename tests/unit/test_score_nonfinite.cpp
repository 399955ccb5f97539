#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/extremes.hpp"
#include "mixture_examples.hpp"
#include "score/checks.hpp"
#include "score/divergence.hpp"
#include "score/flow_densities.hpp"
#include "score/path_geometry.hpp"
#include "score/posterior_covariance.hpp"
#include "score/spectrum.hpp"
#include "small_law.hpp"

// What is not finite in a noisy sample, or in a path, comes out as NaN in every figure, and not as a number.

namespace noiseutils {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

std::shared_ptr<const Model> gaussian() {
  return std::make_shared<SmallLaw>(6, std::vector<double>{2, 0.5, 0.03}, 0.1);
}
std::shared_ptr<const Model> mixture() {
  return std::make_shared<MixtureModel>(random_mixture(5, {2, 3}, {0.2, 0.1}, 0.5));
}

void check_unknown_at(const std::shared_ptr<const Model>& model, double bad) {
  const std::int64_t dim = model->dim();
  std::vector<double> values(static_cast<std::size_t>(dim), 0.3);
  values[1] = bad;
  JacobianOfDenoiser denoiser(model, 0.01);
  denoiser.prepare("D", {dim});
  const JacobianAt at = denoiser.at(Tensor::of<double>({dim}, values), {1, 0.4});
  CHECK_FALSE(at.is_finite());

  DirectionSearch search;
  const JacobianSpectrum spectrum = jacobian_spectrum(at, search, 0);
  CHECK(std::isnan(spectrum.directions.values[0]));
  CHECK(std::isnan(spectrum.directions.vectors[0]));
  CHECK(std::isnan(spectrum.residuals[0]));

  std::vector<double> along(static_cast<std::size_t>(dim), 0.0);
  along[0] = 1;
  const CovarianceAlong covariance = covariance_along(at, along);
  CHECK(std::isnan(covariance.matrix[0]));
  CHECK(std::isnan(covariance.asymmetry));
  CHECK(std::isnan(covariance.moments[0].second));
  CHECK(std::isnan(covariance_along(at, spectrum.directions.vectors).matrix[0]));

  CHECK(std::isnan(exact_divergence(at).denoiser));
  CHECK(std::isnan(exact_divergence(at).error));
  CHECK(std::isnan(probed_divergence(at, 3, 1, 0).denoiser));
  CHECK(std::isnan(probed_divergence(at, 3, 1, 0).error));

  CheckSummary summary;
  const JacobianAt good =
      denoiser.at(Tensor::of<double>({dim}, test_normals(static_cast<std::size_t>(dim), 7)), {1, 0.4});
  CheckSettings settings;
  summary.add(check_sample(good, {}, settings, 0));
  summary.add(check_sample(at, {}, settings, 1));
  summary.add(check_sample(good, {}, settings, 2));
  for (const double figure :
       {summary.asymmetry(), summary.homogeneity(), summary.gain(), summary.least_gain(), summary.stein().value(),
        summary.sure().value(), *summary.score_error(), *summary.covariance_error()})
    CHECK(std::isnan(figure));
}

}  // namespace

TEST_CASE("not finite: extremes keep NaN on either side") {
  CHECK(larger_or_nan(1, 2) == 2);
  CHECK(smaller_or_nan(1, 2) == 1);
  for (const auto& extreme : {larger_or_nan, smaller_or_nan}) {
    CHECK(std::isnan(extreme(kNan, 1)));
    CHECK(std::isnan(extreme(1, kNan)));
  }
}

TEST_CASE("not finite: every figure of a Jacobian is NaN, of a linear law as of a mixture") {
  for (const double bad : {kNan, kInf}) {
    check_unknown_at(gaussian(), bad);
    check_unknown_at(mixture(), bad);
  }
}

TEST_CASE("not finite: every figure of a path is NaN, and the states' squares may overflow") {
  for (const double bad : {kNan, -kInf}) {
    const PathGeometry path = path_geometry(std::vector<double>{0, 0, 1, bad, 2, 2, 3, 1}, 2, 2);
    CHECK(path.steps == 3);
    for (const double figure : {path.length, path.chord, path.stretch(), path.turning, path.largest_angle,
                                path.curvature, path.deviation, path.explained.at(0), path.explained.at(1)})
      CHECK(std::isnan(figure));
  }
  CHECK(std::isnan(path_geometry(std::vector<double>{0, 0, 1e200, 0, 0, 1e200}, 2, 1).explained.at(0)));
}

TEST_CASE("not finite: the flow does not start, and the samples beside are as alone") {
  const auto law = gaussian();
  const std::int64_t dim = law->dim();
  std::vector<double> values = test_normals(static_cast<std::size_t>(2 * dim), 3);
  Record alone, both;
  const std::vector<double> second(values.begin() + dim, values.end());
  alone.tensors["data"] = Tensor::of<double>({dim}, second);
  alone.metadata["axes"] = "D";
  values[2] = kNan;
  both.tensors["data"] = Tensor::of<double>({2, dim}, values);
  both.metadata["axes"] = "ND";
  const auto found = flow_densities_of_samples(both, *law, {1.0, 0.5}, {}, 0);
  CHECK(std::isnan(found[0].log_density));
  CHECK(found[0].calls == 0);
  CHECK(found[1].log_density == flow_densities_of_samples(alone, *law, {1.0, 0.5}, {}, 1)[0].log_density);
}

}  // namespace noiseutils
