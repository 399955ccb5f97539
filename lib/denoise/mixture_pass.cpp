#include "denoise/mixture_pass.hpp"

#include <algorithm>
#include <cmath>

#include "base/threads.hpp"
#include "linalg/blas.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "model/mixture_gate.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBandRows = 8;  // rows of patches that one thread takes
constexpr std::int64_t kChunk = 1024;  // patches at a time: their products stay in the second cache

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::int64_t mirrored(std::int64_t i, std::int64_t n) {
  const std::int64_t period = std::max<std::int64_t>(1, 2 * (n - 1));
  i = ((i % period) + period) % period;
  return i < n ? i : period - i;
}

/// The image with P - 1 more pixels on each side.
std::vector<FloatPlane> continued(const std::vector<FloatPlane>& image, std::int64_t margin) {
  std::vector<FloatPlane> all;
  for (const FloatPlane& plane : image) {
    FloatPlane wide(plane.height + 2 * margin, plane.width + 2 * margin);
    for (std::int64_t y = 0; y < wide.height; ++y) {
      const float* const from = plane.row(mirrored(y - margin, plane.height));
      for (std::int64_t x = 0; x < wide.width; ++x) wide.row(y)[x] = from[mirrored(x - margin, plane.width)];
    }
    all.push_back(std::move(wide));
  }
  return all;
}

/// The places of patches on a continued image.
class PatchGrid {
 public:
  PatchGrid(const std::vector<FloatPlane>& image, std::int64_t patch, const MixturePass& pass)
      : image_(image), patch_(patch), pass_(pass) {}

  std::int64_t dim() const { return std::ssize(image_) * patch_ * patch_; }
  std::int64_t grid_rows() const { return (image_[0].height - patch_) / pass_.stride + 1; }
  std::int64_t bands() const { return (grid_rows() + kBandRows - 1) / kBandRows; }
  std::int64_t top(std::int64_t band) const { return band * kBandRows * pass_.stride; }
  std::int64_t patch() const { return patch_; }
  const std::vector<FloatPlane>& image() const { return image_; }

  struct Place {
    std::int32_t y, x;
  };
  std::vector<Place> places(std::int64_t band) const {
    std::vector<Place> all;
    for (std::int64_t r = band * kBandRows; r < std::min(grid_rows(), (band + 1) * kBandRows); ++r) {
      const std::int64_t shift = (r % 2 == 1) != pass_.shifted ? pass_.stride / 2 : 0;
      for (std::int64_t x = shift; x + patch_ <= image_[0].width; x += pass_.stride)
        all.push_back({static_cast<std::int32_t>(r * pass_.stride), static_cast<std::int32_t>(x)});
    }
    return all;
  }

  /// Planar: element j of patch i at out[j * n + i].
  void gather(const Place* places, std::int64_t n, float* out) const {
    for (const FloatPlane& plane : image_)
      for (std::int64_t y = 0; y < patch_; ++y)
        for (std::int64_t x = 0; x < patch_; ++x, out += n)
          for (std::int64_t i = 0; i < n; ++i) out[i] = plane.row(places[i].y + y)[places[i].x + x];
  }

 private:
  const std::vector<FloatPlane>& image_;
  std::int64_t patch_;
  MixturePass pass_;
};

/// z = patches without the levels of their channels, planar.
void without_levels(std::int64_t channels, std::int64_t dim, std::int64_t n, const float* patches,
                    std::vector<float>& z) {
  z.assign(patches, patches + dim * n);
  const std::int64_t pixels = channels > 0 ? dim / channels : dim;
  std::vector<float> level(index(n));
  for (std::int64_t c = 0; c < channels; ++c) {
    std::fill(level.begin(), level.end(), 0.0F);
    float* const first = z.data() + c * pixels * n;
    for (std::int64_t j = 0; j < pixels; ++j)
      for (std::int64_t i = 0; i < n; ++i) level[index(i)] += first[j * n + i];
    for (float& value : level) value /= static_cast<float>(pixels);
    for (std::int64_t j = 0; j < pixels; ++j)
      for (std::int64_t i = 0; i < n; ++i) first[j * n + i] -= level[index(i)];
  }
}

/// Calls use(k, members, their values planar) for the components of each chunk of a band's patches.
template <class Use>
void for_each_group(const PatchGrid& grid, std::int64_t band, const MixtureGate& gate, std::int64_t levels, Use use) {
  const std::int64_t d = grid.dim();
  const std::vector<PatchGrid::Place> places = grid.places(band);
  std::vector<float> patches, z, group;
  std::vector<std::int32_t> labels, order, starts;
  for (std::int64_t first = 0; first < std::ssize(places); first += kChunk) {
    const std::int64_t n = std::min(kChunk, std::ssize(places) - first);
    patches.resize(index(n * d));
    labels.resize(index(n));
    grid.gather(places.data() + first, n, patches.data());
    without_levels(levels, d, n, patches.data(), z);
    gate.labels(n, z.data(), labels.data());
    starts.assign(index(gate.components() + 1), 0);
    order.resize(index(n));
    for (const std::int32_t label : labels) ++starts[static_cast<std::size_t>(label) + 1];
    for (std::size_t k = 1; k < starts.size(); ++k) starts[k] += starts[k - 1];
    std::vector<std::int32_t> next(starts.begin(), starts.end() - 1);
    for (std::int64_t i = 0; i < n; ++i)
      order[static_cast<std::size_t>(next[static_cast<std::size_t>(labels[index(i)])]++)] =
          static_cast<std::int32_t>(i);
    for (std::int64_t k = 0; k < gate.components(); ++k) {
      const std::int64_t begin = starts[index(k)], count = starts[index(k + 1)] - begin;
      if (count == 0) continue;
      group.resize(index(count * d));
      for (std::int64_t j = 0; j < d; ++j)
        for (std::int64_t i = 0; i < count; ++i)
          group[index(j * count + i)] = patches[index(j * n + order[index(begin + i)])];
      std::vector<PatchGrid::Place> members;
      for (std::int64_t i = 0; i < count; ++i) members.push_back(places[index(first + order[index(begin + i)])]);
      use(k, members, group);
    }
  }
}

/// x^ = W_k y + b_k of each component, and the weight of its estimates.
struct Filters {
  std::vector<float> maps, offsets, weights;

  Filters(const MixtureModel& model, double t, bool by_variance) {
    const std::int64_t d = model.dim();
    const MixtureLaw& law = model.law();
    const auto gain = [&](double lambda) { return lambda > 0 ? lambda / (lambda + t) : 0; };
    std::vector<double> map(index(d * d)), scaled;
    for (std::int64_t k = 0; k < model.components(); ++k) {
      const std::int64_t first = model.first_row(k), rank = model.first_row(k + 1) - first;
      const double tail = rank < d ? gain(law.residual_variances[index(k)]) : 0;
      const double* const u = model.basis<double>().data() + first * d;
      scaled.assign(u, u + rank * d);
      double trace = static_cast<double>(d - rank) * tail;
      for (std::int64_t j = 0; j < rank; ++j) {
        const double g = gain(law.eigenvalues[index(first + j)]);
        trace += g;
        for (std::int64_t i = 0; i < d; ++i) scaled[index(j * d + i)] *= g - tail;
      }
      // Rows of u are columns in BLAS' order: W = U diag(g - tail) U^T + tail I.
      gemm<double>(Op::plain, Op::transposed, d, d, rank, 1, scaled.data(), d, u, d, 0, map.data(), d);
      for (std::int64_t i = 0; i < d; ++i) map[index(i * d + i)] += tail;
      for (std::int64_t i = 0; i < d; ++i) {
        double offset = law.means[index(k * d + i)];
        for (std::int64_t j = 0; j < d; ++j) offset -= map[index(j * d + i)] * law.means[index(k * d + j)];
        offsets.push_back(static_cast<float>(offset));
      }
      for (const double value : map) maps.push_back(static_cast<float>(value));
      const double mean = std::max(trace / static_cast<double>(d), 1e-6);
      weights.push_back(by_variance ? static_cast<float>(1 / mean) : 1.0F);
    }
  }
};

/// Sums of weighted estimates and of weights over the rows of one band.
struct BandSums {
  std::vector<FloatPlane> estimates;
  FloatPlane weights;
};

BandSums band_sums(const PatchGrid& grid, std::int64_t band, const MixtureGate& gate, std::int64_t levels,
                   const Filters& filters) {
  const std::int64_t d = grid.dim(), p = grid.patch(), width = grid.image()[0].width, top = grid.top(band);
  const std::int64_t height = std::min(grid.top(band + 1) + p, grid.image()[0].height) - top;
  BandSums sums{std::vector<FloatPlane>(grid.image().size(), FloatPlane(height, width)), FloatPlane(height, width)};
  std::vector<float> estimate;
  for_each_group(grid, band, gate, levels,
                 [&](std::int64_t k, const std::vector<PatchGrid::Place>& members, const std::vector<float>& group) {
                   const auto n = std::ssize(members);
                   estimate.resize(group.size());
                   gemm<float>(Op::plain, Op::plain, n, d, d, 1, group.data(), n, filters.maps.data() + k * d * d, d, 0,
                               estimate.data(), n);
                   const float weight = filters.weights[index(k)];
                   const float* const offset = filters.offsets.data() + k * d;
                   for (std::int64_t i = 0; i < n; ++i) {
                     const std::int64_t y = members[index(i)].y - top, x = members[index(i)].x;
                     std::int64_t j = 0;
                     for (FloatPlane& plane : sums.estimates)
                       for (std::int64_t r = 0; r < p; ++r) {
                         float* const to = plane.row(y + r) + x;
                         for (std::int64_t c = 0; c < p; ++c, ++j)
                           to[c] += weight * (estimate[index(j * n + i)] + offset[j]);
                       }
                     for (std::int64_t r = 0; r < p; ++r)
                       for (std::int64_t c = 0; c < p; ++c) sums.weights.row(y + r)[x + c] += weight;
                   }
                 });
  return sums;
}

}  // namespace

std::vector<FloatPlane> mixture_pass(const MixtureModel& model, const std::vector<FloatPlane>& image, double variance,
                                     const MixturePass& pass) {
  const std::int64_t patch = model.info().patch, margin = patch - 1;
  const std::vector<FloatPlane> wide = continued(image, margin);
  const PatchGrid grid(wide, patch, pass);
  const MixtureGate gate(model.law(), model.dim(), variance);
  const Filters filters(model, variance, pass.by_variance);
  std::vector<BandSums> bands(index(grid.bands()));
  parallel_blocks(grid.bands(), [&](std::int64_t band) {
    bands[index(band)] = band_sums(grid, band, gate, model.law().level_rows, filters);
  });
  std::vector<FloatPlane> total(image.size(), FloatPlane(wide[0].height, wide[0].width));
  FloatPlane weights(wide[0].height, wide[0].width);
  const auto add = [](const FloatPlane& part, std::int64_t top, FloatPlane& to) {
    for (std::size_t i = 0; i < part.values.size(); ++i) to.values[index(top * to.width) + i] += part.values[i];
  };
  for (std::int64_t band = 0; band < grid.bands(); ++band) {
    for (std::size_t c = 0; c < total.size(); ++c) add(bands[index(band)].estimates[c], grid.top(band), total[c]);
    add(bands[index(band)].weights, grid.top(band), weights);
  }
  std::vector<FloatPlane> result(image.size(), FloatPlane(image[0].height, image[0].width));
  for (std::size_t c = 0; c < result.size(); ++c)
    for (std::int64_t y = 0; y < result[c].height; ++y)
      for (std::int64_t x = 0; x < result[c].width; ++x)
        result[c].row(y)[x] = total[c].row(y + margin)[x + margin] / weights.row(y + margin)[x + margin];
  return result;
}

MixtureModel adapted_mixture(const MixtureModel& model, const std::vector<FloatPlane>& estimate, double variance,
                             double nu, std::int64_t stride) {
  const std::int64_t d = model.dim(), components = model.components(), levels = model.law().level_rows;
  MixtureLaw law = model.law();
  const PatchGrid grid(estimate, model.info().patch, {stride, false, false});
  const MixtureGate gate(law, d, variance);
  std::vector<float> centres(law.means.begin(), law.means.end());  // without levels
  for (std::int64_t k = 0; k < components; ++k)
    for (std::int64_t j = 0; j < levels; ++j) {
      const double* const u = model.basis<double>().data() + (model.first_row(k) + j) * d;
      double level = 0;
      for (std::int64_t i = 0; i < d; ++i) level += u[i] * law.means[index(k * d + i)];
      for (std::int64_t i = 0; i < d; ++i) centres[index(k * d + i)] -= static_cast<float>(level * u[i]);
    }
  std::vector<std::vector<float>> members(index(components));  // patches about mu_k, without levels, row-major
  std::vector<std::vector<std::vector<float>>> parts(index(grid.bands()));
  parallel_blocks(grid.bands(), [&](std::int64_t band) {
    auto& part = parts[index(band)];
    part.resize(index(components));
    std::vector<float> z;
    for_each_group(grid, band, gate, levels,
                   [&](std::int64_t k, const std::vector<PatchGrid::Place>& places, const std::vector<float>& group) {
                     const auto n = std::ssize(places);
                     without_levels(levels, d, n, group.data(), z);
                     for (std::int64_t i = 0; i < n; ++i)
                       for (std::int64_t j = 0; j < d; ++j)
                         part[index(k)].push_back(z[index(j * n + i)] - centres[index(k * d + j)]);
                   });
  });
  for (const auto& part : parts)
    for (std::size_t k = 0; k < part.size(); ++k) members[k].insert(members[k].end(), part[k].begin(), part[k].end());
  double total = 0;
  for (const auto& rows : members) total += static_cast<double>(rows.size()) / static_cast<double>(d);
  Tensor vectors = law.eigenvectors.converted(DType::F64);
  const auto basis = vectors.mutable_values<double>();
  parallel_blocks(components, [&](std::int64_t k) {
    const auto& rows = members[index(k)];
    const std::int64_t n = std::ssize(rows) / d, first = model.first_row(k), rank = model.first_row(k + 1) - first;
    law.weights[index(k)] = (static_cast<double>(n) + nu * law.weights[index(k)]) / (total + nu);
    if (n == 0) return;
    std::vector<float> sums(index(d * d), 0.0F);
    syrk<float>(Op::plain, d, n, 1, rows.data(), d, 0, sums.data(), d);
    const double share = 1 / (static_cast<double>(n) + nu), rho = rank < d ? law.residual_variances[index(k)] : 0;
    std::vector<double> covariance(index(d * d)), values(index(d));
    double trace = 0;
    for (std::int64_t c = 0; c < d; ++c)
      for (std::int64_t r = 0; r <= c; ++r) {
        double prior = r == c ? rho : 0;
        for (std::int64_t j = levels; j < rank; ++j)
          prior += (law.eigenvalues[index(first + j)] - rho) * basis[index((first + j) * d + r)] *
                   basis[index((first + j) * d + c)];
        for (std::int64_t j = 0; j < levels; ++j)
          prior -= rho * basis[index((first + j) * d + r)] * basis[index((first + j) * d + c)];
        covariance[index(c * d + r)] = share * (static_cast<double>(sums[index(c * d + r)]) + nu * prior);
        if (r == c) trace += covariance[index(c * d + r)];
      }
    for (std::int64_t c = 0; c < d; ++c)  // the levels come first, to be told from the others
      for (std::int64_t r = 0; r <= c; ++r)
        for (std::int64_t j = 0; j < levels; ++j)
          covariance[index(c * d + r)] +=
              10 * trace * basis[index((first + j) * d + r)] * basis[index((first + j) * d + c)];
    symmetric_eigen(d, covariance.data(), values.data());
    for (std::int64_t j = levels; j < rank; ++j) {
      law.eigenvalues[index(first + j)] = std::max(0.0, values[index(d - 1 - j)]);
      std::copy_n(covariance.data() + (d - 1 - j) * d, d, basis.data() + (first + j) * d);
    }
    double tail = 0;
    for (std::int64_t j = rank; j < d; ++j) tail += std::max(0.0, values[index(d - 1 - j)]);
    if (rank < d) law.residual_variances[index(k)] = tail / static_cast<double>(d - rank);
  });
  law.eigenvectors = vectors;
  return MixtureModel(model.info(), std::move(law));
}

}  // namespace noiseutils
