#include <algorithm>
#include <cmath>

#include "noise/operator_argument.hpp"
#include "noise/operators.hpp"
#include "noise/parallel_items.hpp"
#include "noise/plane_operator.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMostAngles = 100000;

/// One ray: where it crosses the line with coordinate u across the direction it is stepped in, at v0 + slope u, and the
/// length that each crossing stands for.
struct Projection {
  double sine, cosine;
  bool by_rows;  ///< steps from row to row and interpolates along the row; else from column to column
  double step() const { return 1 / std::abs(by_rows ? cosine : sine); }
};

/// Sums along parallel rays {x cos t + y sin t = s}, x to the right and y down from the centre of the image, at angles
/// t = pi k / ANGLES and detectors s = -D/2 ... D/2, one a pixel. Rays go from row to row where |cos t| >= |sin t|,
/// else from column to column, with linear interpolation between the two pixels next to the crossing and 1 / |cos t| or
/// 1 / |sin t| pixels of length a step.  Joseph, "An improved algorithm for reprojecting rays through pixel images",
/// IEEE Trans. Medical Imaging 1 (1982).
class Radon : public PlaneOperator {
 public:
  Radon(const SampleLayout& sample, std::int64_t angles, std::int64_t detectors)
      : PlaneOperator(sample, resized(sample, angles, detectors)), detectors_(detectors) {
    for (std::int64_t k = 0; k < angles; ++k) {
      const auto [sine, cosine] = portable::sincos_of_turns(static_cast<double>(k) / (2 * static_cast<double>(angles)));
      projections_.push_back({sine, cosine, std::abs(cosine) >= std::abs(sine)});
    }
  }

 protected:
  void apply_plane(const double* x, double* y) const override {
    parallel_items(static_cast<std::int64_t>(projections_.size()), image().pixels(), [&](std::int64_t k) {
      const Projection& projection = projections_[static_cast<std::size_t>(k)];
      double* out = y + k * detectors_;
      std::fill_n(out, detectors_, 0.0);
      const std::int64_t lines = projection.by_rows ? image().height : image().width;
      for (std::int64_t line = 0; line < lines; ++line)
        crossings(projection, line, [&](std::int64_t detector, std::int64_t pixel, double weight) {
          out[detector] += weight * x[pixel];
        });
    });
  }
  void adjoint_plane(const double* y, double* x) const override {
    std::fill_n(x, image().pixels(), 0.0);
    const std::int64_t steps = detectors_ * static_cast<std::int64_t>(projections_.size());
    // A line is written by its own rays only, so lines may go side by side; each pixel sums the angles in order.
    for (const bool by_rows : {true, false})
      parallel_items(by_rows ? image().height : image().width, steps, [&](std::int64_t line) {
        for (std::size_t k = 0; k < projections_.size(); ++k) {
          if (projections_[k].by_rows != by_rows) continue;
          const double* in = y + static_cast<std::int64_t>(k) * detectors_;
          crossings(projections_[k], line, [&](std::int64_t detector, std::int64_t pixel, double weight) {
            x[pixel] += weight * in[detector];
          });
        }
      });
  }

 private:
  /// Calls visit(detector, pixel, weight) for all rays of a projection where they cross row (or column) `line`.
  template <class Visit>
  void crossings(const Projection& projection, std::int64_t line, Visit&& visit) const {
    const bool by_rows = projection.by_rows;
    const std::int64_t lines = by_rows ? image().height : image().width;
    const std::int64_t length = by_rows ? image().width : image().height;
    const std::int64_t pixel_step = by_rows ? 1 : image().width;
    const std::int64_t first_pixel = by_rows ? line * image().width : line;
    const double main = by_rows ? projection.cosine : projection.sine;
    const double other = by_rows ? projection.sine : projection.cosine;
    const double across = (static_cast<double>(line) - static_cast<double>(lines - 1) / 2) * other;
    const double centre = static_cast<double>(length - 1) / 2, half = static_cast<double>(detectors_ - 1) / 2;
    const double weight = projection.step();
    // The detectors that see pixels -1 ... length of this line.
    const double one = across + (-1 - centre) * main + half, two = across + (centre + 1) * main + half;
    const auto begin = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(std::min(one, two))));
    const auto end = std::min<std::int64_t>(detectors_, static_cast<std::int64_t>(std::ceil(std::max(one, two))) + 1);
    for (std::int64_t detector = begin; detector < end; ++detector) {
      const double at = (static_cast<double>(detector) - half - across) / main + centre;
      const double below = std::floor(at);
      const auto i = static_cast<std::int64_t>(below);
      const double fraction = at - below;
      if (i >= 0 && i < length) visit(detector, first_pixel + i * pixel_step, weight * (1 - fraction));
      if (i + 1 >= 0 && i + 1 < length) visit(detector, first_pixel + (i + 1) * pixel_step, weight * fraction);
    }
  }

  std::int64_t detectors_;
  std::vector<Projection> projections_;
};

OperatorRecipe parse_radon(const std::string& argument, const Tensor*) {
  const std::int64_t angles = whole_number(argument, "ANGLES", 1, kMostAngles);
  return {[angles](const SampleLayout& sample, const StreamKey&) -> std::shared_ptr<const Operator> {
    const ImageLayout image = image_layout(sample);
    const auto height = static_cast<double>(image.height), width = static_cast<double>(image.width);
    const double diagonal = std::sqrt(height * height + width * width);
    return std::make_shared<Radon>(sample, angles, 2 * static_cast<std::int64_t>(std::ceil(diagonal / 2)) + 1);
  }};
}

}  // namespace

OperatorKind radon_operator() {
  return {"radon", "radon:ANGLES", "sums along parallel rays at ANGLES angles over 180 degrees", false, parse_radon};
}

}  // namespace noiseutils
