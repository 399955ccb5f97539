#pragma once

#include <vector>

namespace noiseutils {

/// Noise of a camera: z = gain Poisson(x / gain) + offset + read n, with n standard normal.
struct CameraNoise {
  double gain = 1;  ///< > 0
  double read = 0;  ///< >= 0
  double offset = 0;
};

/// The generalised Anscombe transform, whose values have a variance of about 1:
///   f(z) = 2 / a sqrt(max(0, a (z - g) + 3/8 a^2 + s^2)),  a = gain, s = read, g = offset.
/// Throws UsageError unless gain > 0 and read >= 0, all finite.
/// Source: Starck, Murtagh, Bijaoui, "Image processing and data analysis", 1998, eq. 2.39.
double anscombe(double z, const CameraNoise& noise);
/// f^-1, the algebraic inverse: biased low where it is given an average of values. D < 0 counts as 0.
double algebraic_inverse_anscombe(double d, const CameraNoise& noise);

/// The exact unbiased inverse of the generalised Anscombe transform: the x, offset included, for which E[f(z) | x] is
/// the given value,
///   E[f | x] = sum_n Poisson(n; x / a) Integral f(a n + s t + g) phi(t) dt,
/// tabulated up to 1000 counts and inverted by monotone cubic interpolation; beyond, the closed form of the source.
/// Values below E[f | 0] give the offset.
/// Source: Makitalo, Foi, "Optimal inversion of the generalized Anscombe transformation for Poisson-Gaussian noise",
/// 2013.
class ExactInverseAnscombe {
 public:
  explicit ExactInverseAnscombe(const CameraNoise& noise);
  double operator()(double d) const;

 private:
  CameraNoise noise_;
  std::vector<double> counts_, values_, slopes_;  // x / a against E f, and dx/dE f at each
};

/// E[f(z) | x] for mean count lambda = x / a, and read noise sigma = s / a in counts.
double expected_anscombe(double lambda, double sigma);
/// The closed-form approximation of the exact unbiased inverse, in counts:
///   D^2/4 + sqrt(3/2)/4 D^-1 - 11/8 D^-2 + 5 sqrt(3/2)/8 D^-3 - 1/8 - sigma^2; 0 below D = 2 sqrt(3/8) of sigma = 0.
/// Source: as above, eq. 10.
double closed_form_inverse_anscombe(double d, double sigma);

}  // namespace noiseutils
