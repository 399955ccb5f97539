#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cmath>

#include "base/error.hpp"
#include "linalg/patch_grid.hpp"
#include "model/cascade.hpp"
#include "model/guided_means.hpp"
#include "random/random.hpp"
#include "train/average_regression.hpp"
#include "train/cascade_fit.hpp"

using namespace noiseutils;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

std::vector<float> normals(std::int64_t n, std::uint64_t sample) {
  std::vector<float> values(static_cast<std::size_t>(n));
  fill_normal({11, Purpose::probe, sample, 0}, 0, std::span<float>(values));
  return values;
}

/// A field with edges and slopes and a little noise.
PaddedPlane scene(std::int64_t height, std::int64_t width, std::uint64_t sample) {
  std::vector<float> values = normals(height * width, sample);
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      float& value = values[static_cast<std::size_t>(y * width + x)];
      value = 0.3F * value + 0.2F * static_cast<float>(x + static_cast<std::int64_t>(sample)) +
              ((x + 2 * y) / 9 % 2 == 0 ? 3.0F : -3.0F);
    }
  return padded(values, height, width);
}

std::vector<PatchPlace> places_of(const PatchGrid& grid) {
  std::vector<PatchPlace> places;
  for (std::int64_t row = 0; row < grid.rows(); ++row)
    for (std::int64_t i = 0; i < grid.columns(row); ++i)
      places.push_back({static_cast<std::int32_t>(grid.top(row)), static_cast<std::int32_t>(grid.left(row) + 2 * i)});
  return places;
}

/// K covariances with well separated eigenvalues.
PatchMixture mixture(std::int64_t patch, std::int64_t components) {
  const std::int64_t d = patch * patch;
  std::vector<double> weights, covariances;
  for (std::int64_t k = 0; k < components; ++k) {
    const auto values = normals(d * d, 100 + static_cast<std::uint64_t>(k));
    const MatrixXd g = Eigen::Map<const Eigen::MatrixXf>(values.data(), d, d).cast<double>();
    VectorXd scale(d);
    for (std::int64_t j = 0; j < d; ++j) scale[j] = 6 * std::pow(0.6, static_cast<double>(j));
    const MatrixXd q = Eigen::HouseholderQR<MatrixXd>(g).householderQ();
    const MatrixXd c = q * scale.asDiagonal() * q.transpose();
    covariances.insert(covariances.end(), c.data(), c.data() + c.size());
    weights.push_back(static_cast<double>(k + 1) / static_cast<double>(components * (components + 1) / 2));
  }
  return patch_mixture(patch, weights, covariances);
}

VectorXd centred_patch(const PaddedPlane& plane, std::int64_t patch, PatchPlace place) {
  VectorXd y(patch * patch);
  for (std::int64_t i = 0; i < patch * patch; ++i) y[i] = plane.row(place.top + i / patch)[place.left + i % patch];
  return y.array() - y.mean();
}

MatrixXd covariance_of(const PatchMixture& law, std::int64_t k) {
  const std::int64_t d = law.dim();
  const MatrixXd u = Eigen::Map<const Eigen::MatrixXf>(law.basis_of(k), d, d).cast<double>();
  return u * Eigen::Map<const VectorXd>(law.eigenvalues_of(k), d).asDiagonal() * u.transpose();
}

StageInput noisy_input(const PatchGrid& grid, const PaddedPlane& image, std::int64_t components) {
  const HardGate gate(mixture(grid.patch(), components), grid.patch(), 1);
  return {grid, label_all(gate, image, grid), {image}};
}

}  // namespace

TEST_CASE("patch grid: every pixel is covered by a quarter of the places, and the adjoint is one") {
  for (const std::int64_t parity : {0, 1})
    for (const std::int64_t height : {8, 9, 83}) {
      const PatchGrid grid(height, 21, 8, parity);
      const auto places = places_of(grid);
      REQUIRE(static_cast<std::int64_t>(places.size()) == grid.count());
      BandSums ones(grid), sums(grid);
      PaddedPlane image(height, 21);
      const auto r = normals(height * 21, 3);
      for (std::int64_t y = 0; y < height; ++y) std::copy_n(r.data() + y * 21, 21, image.row(y));
      const std::vector<float> one(64, 1.0F);
      double patch_side = 0;  // <z, A^T r>
      std::size_t place = 0;
      for (std::int64_t band = 0; band < bands_of(grid); ++band) {
        PaddedPlane &count = ones.make(band), &sum = sums.make(band);
        const std::int64_t last = std::min(grid.rows(), (band + 1) * kBandRows);
        for (const std::int64_t end = grid.first_of(last); place < static_cast<std::size_t>(end); ++place) {
          const auto z = normals(64, 1000 + place);
          std::vector<float> gathered(64);
          gather_patch(image, 8, places[place], gathered.data());
          for (std::size_t i = 0; i < 64; ++i)
            patch_side += static_cast<double>(z[i]) * static_cast<double>(gathered[i]) / 16;
          PatchPlace in_band = places[place];
          in_band.top -= static_cast<std::int32_t>(ones.first_row(band));
          scatter_patch(one.data(), 8, in_band, count);
          scatter_patch(z.data(), 8, in_band, sum);
        }
      }
      const PaddedPlane covered = ones.average(), average = sums.average();
      double image_side = 0;  // <A z, r>
      for (std::int64_t y = 0; y < height; ++y)
        for (std::int64_t x = 0; x < 21; ++x) {
          CHECK(covered.row(y)[x] == 1.0F);
          image_side += static_cast<double>(average.row(y)[x]) * static_cast<double>(image.row(y)[x]);
        }
      CHECK(image_side == doctest::Approx(patch_side).epsilon(1e-5));
    }
}

TEST_CASE("padded plane: mirrored at the centres of the outer pixels, however small the image") {
  CHECK(reflected_place(-1, 5) == 1);
  CHECK(reflected_place(5, 5) == 3);
  CHECK(reflected_place(-9, 5) == 1);
  CHECK(reflected_place(-16, 1) == 0);
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const PaddedPlane plane = padded(values, 2, 3);
  CHECK(plane.row(-1)[-1] == 5);
  CHECK(plane.row(2)[3] == 2);
  CHECK(plane.row(-16)[0] == 1);
}

TEST_CASE("hard gate: the label is that of the largest log posterior under rank and flat tail") {
  constexpr std::int64_t kPatch = 4, kRank = 5;
  const double s = 0.7;
  const PatchMixture law = mixture(kPatch, 6);
  const PaddedPlane image = scene(30, 41, 1);
  const PatchGrid grid(30, 41, kPatch, 1);
  const HardGate gate(law, kRank, s);
  std::vector<std::int64_t> used(6);
  for (const LabelledPlaces& band : label_all(gate, image, grid))
    for (std::size_t k = 0; k < 6; ++k)
      for (auto i = band.begin[k]; i < band.begin[k + 1]; ++i) {
        const VectorXd y = centred_patch(image, kPatch, band.places[static_cast<std::size_t>(i)]);
        VectorXd scores(6);
        for (std::int64_t j = 0; j < 6; ++j) {
          VectorXd values = Eigen::Map<const VectorXd>(law.eigenvalues_of(j), 15);
          values.tail(15 - kRank).setConstant(values.tail(15 - kRank).mean());
          const MatrixXd u = Eigen::Map<const Eigen::MatrixXf>(law.basis_of(j), 16, 15).cast<double>();
          const VectorXd c = u.transpose() * y;
          scores[j] = std::log(law.weights[static_cast<std::size_t>(j)]) -
                      0.5 * (c.array().square() / (values.array() + s) + (values.array() + s).log()).sum();
        }
        ++used[k];
        CHECK(scores[static_cast<std::int64_t>(k)] >= scores.maxCoeff() - 1e-4);
      }
  CHECK(used[0] + used[1] + used[2] + used[3] + used[4] + used[5] == grid.count());
  CHECK(std::count(used.begin(), used.end(), 0) < 5);  // a test that could fail
}

TEST_CASE("guided means: equal the sums over pairs of pixels, image edges and bands included") {
  const std::int64_t height = 70, width = 23;
  const PaddedPlane guide = scene(height, width, 2), noisy = scene(height, width, 3);
  const GuidedMeans means = guided_means(guide, noisy, 2.0F, 6.0F);
  for (const std::int64_t y : {0, 5, 62, 66, 69})
    for (std::int64_t x = 0; x < width; ++x)
      for (const bool wide : {false, true}) {
        const double tau = wide ? 6 : 2;
        double sum = 0, total = 0;
        for (std::int64_t v = std::max<std::int64_t>(0, y - 10); v <= std::min(height - 1, y + 10); ++v)
          for (std::int64_t u = std::max<std::int64_t>(0, x - 10); u <= std::min(width - 1, x + 10); ++u) {
            double distance = 0;
            for (std::int64_t a = -3; a <= 3; ++a)
              for (std::int64_t b = -3; b <= 3; ++b)
                distance += std::pow(static_cast<double>(guide.row(y + a)[x + b] - guide.row(v + a)[u + b]), 2) / 49;
            const double w = std::pow(std::max(0.0, 1 - distance / tau), 2);
            sum += w * static_cast<double>(noisy.row(v)[u]);
            total += w;
          }
        const float found = (wide ? means.wide : means.narrow).row(y)[x];
        CHECK(static_cast<double>(found) == doctest::Approx(sum / total).epsilon(1e-4));
      }
}

TEST_CASE("adapted Wiener: each component's covariance is shrunk to the prior by nu patches") {
  constexpr std::int64_t kPatch = 4;
  const PatchMixture law = mixture(kPatch, 3);
  const PaddedPlane noisy = scene(24, 26, 4), estimate = scene(24, 26, 5);
  const PatchGrid grid(24, 26, kPatch, 0);
  const auto bands = label_all(HardGate(law, 4, 1), estimate, grid);
  const PaddedPlane found = adapted_wiener(law, 30, 1.5, estimate, noisy, grid, bands);
  MatrixXd expected = MatrixXd::Zero(24, 26);
  for (std::int64_t k = 0; k < 3; ++k) {
    MatrixXd scatter = 30 * covariance_of(law, k);
    double count = 30;
    const auto each = [&](const auto& visit) {
      for (const LabelledPlaces& band : bands)
        for (auto i = band.begin[static_cast<std::size_t>(k)]; i < band.begin[static_cast<std::size_t>(k + 1)]; ++i)
          visit(band.places[static_cast<std::size_t>(i)]);
    };
    each([&](PatchPlace place) {
      const VectorXd x = centred_patch(estimate, kPatch, place);
      scatter += x * x.transpose();
      ++count;
    });
    const MatrixXd c = scatter / count;
    const MatrixXd wiener = c * (c + 1.5 * MatrixXd::Identity(16, 16)).inverse();
    each([&](PatchPlace place) {
      const VectorXd y = centred_patch(noisy, kPatch, place);
      double mean = 0;
      for (std::int64_t i = 0; i < 16; ++i)
        mean += static_cast<double>(noisy.row(place.top + i / 4)[place.left + i % 4]) / 16;
      const VectorXd z = (wiener * y).array() + mean;
      for (std::int64_t i = 0; i < 16; ++i)
        if (const std::int64_t r = place.top + i / 4, q = place.left + i % 4; r >= 0 && r < 24 && q >= 0 && q < 26)
          expected(r, q) += z[i] / 4;
    });
  }
  for (std::int64_t y = 0; y < 24; ++y)
    for (std::int64_t x = 0; x < 26; ++x)
      CHECK(static_cast<double>(found.row(y)[x]) == doctest::Approx(expected(y, x)).epsilon(2e-4));
}

TEST_CASE("averaged least squares: conjugate gradients reach the minimum that a dense solver finds") {
  constexpr std::int64_t kPatch = 2, kSide = 18, kComponents = 2;
  constexpr std::int64_t kEntries = 4 * 5, kUnknowns = kComponents * kEntries;
  std::vector<RegressionImage> images;
  MatrixXd design = MatrixXd::Zero(2 * kSide * kSide, kUnknowns);
  VectorXd target(2 * kSide * kSide);
  for (std::int64_t n = 0; n < 2; ++n) {
    const auto sample = static_cast<std::uint64_t>(n);
    const PaddedPlane clean = scene(kSide, kSide, 20 + sample);
    PaddedPlane noisy = clean;
    const auto noise = normals(static_cast<std::int64_t>(noisy.values.size()), 30 + sample);
    for (std::size_t i = 0; i < noise.size(); ++i) noisy.values[i] += noise[i];
    reflect_margin(noisy);
    const PatchGrid grid(kSide, kSide, kPatch, 0);
    images.push_back({noisy_input(grid, noisy, kComponents), clean});
    for (std::int64_t i = 0; i < kSide * kSide; ++i)
      target[n * kSide * kSide + i] = static_cast<double>(clean.row(i / kSide)[i % kSide]);
    for (const LabelledPlaces& band : images.back().input.bands)
      for (std::int64_t k = 0; k < kComponents; ++k)
        for (auto p = band.begin[static_cast<std::size_t>(k)]; p < band.begin[static_cast<std::size_t>(k + 1)]; ++p) {
          const PatchPlace place = band.places[static_cast<std::size_t>(p)];
          VectorXd phi(5);
          phi << centred_patch(noisy, kPatch, place), 1;
          double mean = 0;
          for (std::int64_t i = 0; i < 4; ++i)
            mean += static_cast<double>(noisy.row(place.top + i / 2)[place.left + i % 2]) / 4;
          for (std::int64_t i = 0; i < 4; ++i) {
            const std::int64_t r = place.top + i / 2, c = place.left + i % 2;
            if (r < 0 || r >= kSide || c < 0 || c >= kSide) continue;
            const std::int64_t equation = (n * kSide + r) * kSide + c;
            target[equation] -= mean;  // P^2 / 4 = 1 patch covers a pixel
            for (std::int64_t f = 0; f < 5; ++f) design(equation, k * kEntries + f * 4 + i) += phi[f];
          }
        }
  }
  // Centred patches are of rank 3: many W fit equally; what they predict is unique.
  const VectorXd best = design * design.completeOrthogonalDecomposition().solve(target);
  const auto family = full_filters(kPatch, kComponents);
  const std::vector<double> w = fit_average(*family, images, 60);
  const VectorXd found = design * Eigen::Map<const VectorXd>(w.data(), kUnknowns);
  CHECK((found - best).norm() < 1e-3 * best.norm());
  CHECK((found - target).squaredNorm() == doctest::Approx((best - target).squaredNorm()).epsilon(1e-4));
}

TEST_CASE("diagonal filters: the gradient is the transpose of the expansion") {
  const PatchMixture law = mixture(4, 3);
  const auto family = diagonal_filters(law, 2, 0.1);
  std::vector<double> s, dense;
  for (const float value : normals(3 * 16 * 2, 40)) s.push_back(static_cast<double>(value));
  for (const float value : normals(3 * 16 * 33, 41)) dense.push_back(static_cast<double>(value));
  const PatchFilters filters = family->filters(s);
  const std::vector<double> gradient = family->gradient(dense);
  double one = 0, other = 0;
  for (std::size_t i = 0; i < dense.size(); ++i) one += static_cast<double>(filters.weights[i]) * dense[i];
  for (std::size_t i = 0; i < s.size(); ++i) other += s[i] * gradient[i];
  CHECK(one == doctest::Approx(other).epsilon(1e-5));
}

namespace {

CascadeModel learned(std::int64_t stages, const std::vector<double>& sigmas) {
  std::vector<CleanImage> images;
  for (std::int64_t i = 0; i < 6; ++i) images.push_back({i, scene(40, 36, 50 + static_cast<std::uint64_t>(i))});
  const PatchMixture law = mixture(4, 3);
  std::vector<CascadeLevel> levels;
  for (const double sigma : sigmas) levels.push_back(fit_cascade(law, images, {stages, 4, sigma, 7}));
  ModelInfo info;
  info.kind = "cascade";
  info.axes = "HW";
  info.shape = {4, 4};
  info.patch = 4;
  info.count = 6;
  return {info, law, 4, levels};
}

double squared_error(const PaddedPlane& a, const PaddedPlane& b) {
  double sum = 0;
  for (std::int64_t y = 0; y < a.height; ++y)
    for (std::int64_t x = 0; x < a.width; ++x) sum += std::pow(static_cast<double>(a.row(y)[x] - b.row(y)[x]), 2);
  return sum / static_cast<double>(a.height * a.width);
}

}  // namespace

TEST_CASE("cascade: a learned stage takes noise off an image that it never saw, and each later one some more") {
  const CascadeModel model = learned(3, {1});
  const PaddedPlane clean = scene(60, 50, 90);
  PaddedPlane noisy = clean;
  const auto noise = normals(static_cast<std::int64_t>(noisy.values.size()), 91);
  for (std::size_t i = 0; i < noise.size(); ++i) noisy.values[i] += noise[i];
  reflect_margin(noisy);
  double before = 1;
  CascadeLevel level = model.level_for(1);
  const auto gains = level.gains;
  for (std::size_t later = 0; later <= 2; ++later) {
    level.gains.assign(gains.begin(), gains.begin() + static_cast<std::ptrdiff_t>(later));
    const double error = squared_error(model.run(level).estimate(noisy), clean);
    CHECK(error < 0.9 * before);
    before = error;
  }
}

TEST_CASE("cascade: comes back from its tensors, chooses the nearest level, and refuses what it was not learned for") {
  const CascadeModel model = learned(2, {0.5, 1});
  Record record;
  record.tensors = model.tensors();
  const auto back = cascade_from_tensors(model.info(), record);
  CHECK(back->tensors().at("filters").values<float>()[7] == record.tensors.at("filters").values<float>()[7]);
  const auto* cascade = dynamic_cast<const CascadeModel*>(back.get());
  REQUIRE(cascade != nullptr);
  CHECK(cascade->level_for(0.54).sigma == 0.5);
  CHECK(cascade->level_for(0.93).sigma == 1);
  CHECK_THROWS_WITH_AS(cascade->level_for(0.7), "the cascade was learned for noise of sigma 0.5, 1, not 0.7",
                       DataError);
  const PaddedPlane image = scene(20, 20, 95);
  CHECK(cascade->run(cascade->level_for(1)).estimate(image).values ==
        model.run(model.level_for(1)).estimate(image).values);
  CHECK_THROWS_AS(static_cast<void>(back->denoiser(1, 1)), UsageError);
  record.tensors["filters"] = Tensor::of<float>({1}, {0.0F});
  CHECK_THROWS_AS(cascade_from_tensors(model.info(), record), DataError);
}
