#include "score/field.hpp"

#include "base/error.hpp"

namespace noiseutils {
namespace {

/// Both halves of y = alpha x0 + sigma eps.
struct Halves {
  double x0, eps;
};

Halves halves_of(Field from, const NoiseLevel& level, double y, double value) {
  const double alpha = level.alpha, sigma = level.sigma;
  const auto from_eps = [&](double eps) { return Halves{(y - sigma * eps) / alpha, eps}; };
  switch (from) {
    case Field::denoiser:
      return {value, (y - alpha * value) / sigma};
    case Field::eps:
      return from_eps(value);
    case Field::score:
      return from_eps(-sigma * value);
    case Field::velocity:
      return {(y - sigma * value) / (alpha + sigma), (y + alpha * value) / (alpha + sigma)};
    case Field::v:
      break;
  }
  const double norm = alpha * alpha + sigma * sigma;  // 1 only where the process preserves variance
  return {(alpha * y - sigma * value) / norm, (sigma * y + alpha * value) / norm};
}

double field_of(Field to, const NoiseLevel& level, const Halves& halves) {
  switch (to) {
    case Field::denoiser:
      return halves.x0;
    case Field::eps:
      return halves.eps;
    case Field::score:
      return -halves.eps / level.sigma;
    case Field::velocity:
      return halves.eps - halves.x0;
    case Field::v:
      break;
  }
  return level.alpha * halves.eps - level.sigma * halves.x0;
}

}  // namespace

const std::vector<FieldEntry>& fields() {
  static const std::vector<FieldEntry> all = {
      {"score", "grad log p(y), the gradient of the log-density of noisy samples", Field::score},
      {"denoiser", "x0 = E[x_0 | y], the posterior mean", Field::denoiser},
      {"eps", "E[n | y] = (y - alpha x0) / sigma, the noise", Field::eps},
      {"v", "alpha eps - sigma x0", Field::v},
      {"velocity", "E[n - x_0 | y] = eps - x0, what flow matching learns", Field::velocity},
  };
  return all;
}

template <class T>
void convert_field(Field from, Field to, const NoiseLevel& level, std::span<const T> y, std::span<const T> in,
                   std::span<T> out) {
  if (!(level.alpha > 0) || !(level.sigma > 0)) throw UsageError("conversions need sigma and alpha above 0");
  if (y.size() != in.size() || in.size() != out.size()) throw InternalError("convert_field: sizes differ");
  for (std::size_t e = 0; e < in.size(); ++e)
    out[e] = static_cast<T>(
        field_of(to, level, halves_of(from, level, static_cast<double>(y[e]), static_cast<double>(in[e]))));
}

template void convert_field<float>(Field, Field, const NoiseLevel&, std::span<const float>, std::span<const float>,
                                   std::span<float>);
template void convert_field<double>(Field, Field, const NoiseLevel&, std::span<const double>, std::span<const double>,
                                    std::span<double>);

}  // namespace noiseutils
