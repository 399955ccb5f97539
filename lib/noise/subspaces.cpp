#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "noise/source.hpp"
#include "noise/source_tools.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Orthonormal rows, the subspaces of all components one after the other: normals of a stream of its own, made
/// orthogonal by Gram and Schmidt's method done twice, which leaves rounding alone (Giraud et al. 2005).
ImageValues orthonormal_rows(std::uint64_t seed, std::int64_t rows, std::int64_t dim) {
  ImageValues basis = normals_of({seed, Purpose::source, 0, 2}, index(rows * dim));
  for (std::int64_t row = 0; row < rows; ++row) {
    double* const u = basis.data() + row * dim;
    for (std::int64_t twice = 0; twice < 2; ++twice)
      for (std::int64_t before = 0; before < row; ++before) {
        const double* const v = basis.data() + before * dim;
        double along = 0;
        for (std::int64_t i = 0; i < dim; ++i) along += u[i] * v[i];
        for (std::int64_t i = 0; i < dim; ++i) u[i] -= along * v[i];
      }
    double square = 0;
    for (std::int64_t i = 0; i < dim; ++i) square += u[i] * u[i];
    for (std::int64_t i = 0; i < dim; ++i) u[i] /= std::sqrt(square);
  }
  return basis;
}

struct Subspaces {
  std::int64_t height, width, components, rank;
};

/// The basis of the last seed: the same for all samples of a run.
struct Basis {
  std::uint64_t seed = 0;
  ImageValues rows;
};

Record draw(const Subspaces& law, Basis& basis, std::uint64_t seed, std::uint64_t sample) {
  const std::int64_t dim = law.height * law.width;
  if (basis.rows.empty() || basis.seed != seed) basis = {seed, orthonormal_rows(seed, law.components * law.rank, dim)};
  const auto component = static_cast<std::int64_t>(sample % static_cast<std::uint64_t>(law.components));
  const ImageValues a = normals_of(parameter_stream(seed, sample), index(law.rank));
  ImageValues image(index(dim), 0.0);
  for (std::int64_t j = 0; j < law.rank; ++j) {
    const double* const u = basis.rows.data() + (component * law.rank + j) * dim;
    for (std::int64_t i = 0; i < dim; ++i) image[index(i)] += a[index(j)] * u[i];
  }
  return image_record(image, law.height, law.width, {{"name", "subspaces"}, {"component", component}});
}

}  // namespace

/// The mixture of low-rank Gaussians, x = U_k a with a ~ N(0, I), of subspaces orthogonal to each other: Wang, Zhang,
/// Zhang, Chen, Ma, Qu 2024 (arXiv 2409.02426), section 3; their experiments have 48 elements and 2 subspaces.
ImageGenerator subspaces_source() {
  return {"subspaces", "images of K random subspaces of R dimensions, orthogonal to each other, in turn",
          [] {
            std::vector<OptionSpec> options = size_options("8", 1);
            options.push_back(integer("components", "K", "subspaces").otherwise("2").at_least(1).at_most(4096));
            options.push_back(integer("rank", "R", "dimensions of each").otherwise("6").at_least(1).at_most(4096));
            return options;
          }(),
          [](const OptionValues& options) -> std::function<Record(std::uint64_t, std::uint64_t)> {
            const Subspaces law{options.integer("height"), options.integer("width"), options.integer("components"),
                                options.integer("rank")};
            if (law.components * law.rank > law.height * law.width)
              throw UsageError("--components times --rank must be at most the pixels, --height times --width");
            if (law.components * law.rank * law.height * law.width > std::int64_t{1} << 27)
              throw UsageError("the subspaces have more than 2^27 numbers; ask for fewer or smaller images");
            return [law, basis = Basis()](std::uint64_t seed, std::uint64_t sample) mutable {
              return draw(law, basis, seed, sample);
            };
          }};
}

}  // namespace noiseutils
