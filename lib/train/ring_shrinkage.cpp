#include "train/ring_shrinkage.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace noiseutils {
namespace {

std::int64_t ring_of(const SpectralShape& shape, std::int64_t frequency) {
  const std::int64_t row = frequency / shape.half_width(), column = frequency % shape.half_width();
  const auto down = static_cast<double>(std::min(row, shape.height - row)) / static_cast<double>(shape.height);
  const auto across = static_cast<double>(column) / static_cast<double>(shape.width);
  return std::llround(std::hypot(down, across) * static_cast<double>(std::min(shape.height, shape.width)));
}

}  // namespace

void shrink_to_rings(const SpectralShape& shape, double degrees, std::vector<Eigen::MatrixXcd>& cross) {
  std::map<std::int64_t, std::vector<std::size_t>> rings;
  for (std::int64_t f = 1; f < shape.frequencies(); ++f)  // the mean level is no wave
    rings[ring_of(shape, f)].push_back(static_cast<std::size_t>(f));
  for (const auto& [radius, members] : rings) {
    Eigen::MatrixXcd mean = Eigen::MatrixXcd::Zero(shape.channels, shape.channels);
    for (const std::size_t f : members) mean += cross[f] / static_cast<double>(members.size());
    double scatter = 0, away = 0;
    for (const std::size_t f : members) {
      const double trace = cross[f].trace().real();
      scatter += trace * trace / (degrees + 1);
      away += (cross[f] - mean).squaredNorm();
    }
    if (!(away > 0)) continue;
    const double rho = std::min(1.0, scatter / away);
    // A mean over +f and -f is real where f is its own opposite, which one over a half spectrum need not be.
    for (const std::size_t f : members) {
      const bool own_opposite = shape.mirrored(static_cast<std::int64_t>(f)) == static_cast<std::int64_t>(f);
      const Eigen::MatrixXcd target = own_opposite ? Eigen::MatrixXcd(mean.real().cast<std::complex<double>>()) : mean;
      cross[f] = (1 - rho) * cross[f] + rho * target;
    }
  }
}

}  // namespace noiseutils
