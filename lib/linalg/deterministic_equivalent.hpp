#pragma once

#include <optional>
#include <vector>

namespace noiseutils {

/// What a sample covariance S of n degrees of freedom does at noise t = sigma^2, for n and d large:
///   S (S + t)^-1 ~ Sigma (Sigma + kappa)^-1,   kappa = t + kappa / n  sum_i lambda_i / (lambda_i + kappa)
/// "finite data renormalise the noise": kappa >= t, and kappa -> t as n grows.
struct EffectiveNoise {
  double t = 0, kappa = 0;
  double df1 = 0;        ///< sum lambda / (lambda + kappa), which is tr S (S + t)^-1
  double df2 = 0;        ///< sum lambda^2 / (lambda + kappa)^2
  double curvature = 0;  ///< sum lambda / (lambda + kappa)^2
  double slope = 0;      ///< d kappa / d t = 1 / (1 - df2 / n)
};

/// The eigenvalues lambda of a covariance Sigma as deterministic equivalents see them: known, or, without bias for n
/// and d large, through the eigenvalues l of a sample covariance over N degrees, N at least the n asked about. Then
/// kappa = tau / (1 - f(tau) / N), f(tau) = sum l / (l + tau), has sum lambda / (lambda + kappa) = f(tau): no spectrum
/// of Sigma need be made up. Source: Silverstein 1995; for denoisers Wang, Zavatone-Veth, Pehlevan 2026
/// (arXiv 2602.02908), section 3; Hastie, Montanari, Rosset, Tibshirani 2022.
class EquivalentSpectrum {
 public:
  /// The variances themselves, each `multiplicity` times (empty: once). InternalError where the lists differ.
  static EquivalentSpectrum known(std::vector<double> lambda, std::vector<double> multiplicity = {});
  /// Eigenvalues above 0 of a sample covariance over `degrees`, of vectors of `dim` elements.
  static EquivalentSpectrum sampled(std::vector<double> eigenvalues, double degrees, double dim);

  double dim() const { return dim_; }
  double trace() const { return trace_; }
  /// (tr Sigma)^2 / tr Sigma^2, in how many directions the law varies; d for white laws.
  double effective_dim() const;
  /// t >= 0; n, `degrees`, > 0 and, of a sampled spectrum, at most its own.
  EffectiveNoise at(double t, double degrees) const;
  /// sum lambda / (lambda + kappa), kappa > 0; nullopt where so small a kappa is beyond what the sample tells.
  std::optional<double> degrees_of_freedom(double kappa) const;

  const std::vector<double>& values() const { return values_; }  ///< lambda or l, falling
  const std::vector<double>& multiplicity() const { return multiplicity_; }
  double inverse_degrees() const { return inverse_degrees_; }  ///< 1 / N; 0 if known

 private:
  EffectiveNoise at_tau(double tau, double t, double inverse_n) const;
  double solve(double t, double inverse_n) const;

  std::vector<double> values_, multiplicity_;
  double dim_ = 0, trace_ = 0, inverse_degrees_ = 0;
};

/// What one noise level, of t = sigma^2, does to denoisers D(y) = m + S (S + t)^-1 (y - m) learned from n vectors each:
/// S over n - 1, m the sample mean. Sums over all d elements; x ~ Sigma, y = x + sigma n.
///   V    = kappa^2 / (n - 1 - df2)  [sum lambda / (lambda + kappa)^2]  [sum lambda (lambda + t) / (lambda + kappa)^2]
///   A    = sum lambda^2 (lambda + t) / (lambda + kappa)^2
///   M    = kappa^2 [sum lambda / (lambda + kappa)^2] (n - 1) / (n - 1 - df2) / n, of the mean
/// Source: arXiv 2602.02908; M by the same equivalents, since |(I - W)(m - mu)|^2 has it as its mean.
struct SplitDenoisers {
  double gap = 0;        ///< E |D1 - D2|^2 = 2 (V + M) of two disjoint halves
  double cosine = 0;     ///< of D1 - mu and D2 - mu: A / (A + V + M)
  double test_mse = 0;   ///< E |D - x|^2 = sum lambda kappa^2/(lambda+kappa)^2 + t df2 + V + M
  double train_mse = 0;  ///< of the vectors learned from, with fresh noise: t df1 - t^2 / n tr S (S + t)^-2
};
SplitDenoisers split_denoisers(const EquivalentSpectrum& spectrum, double t, double count);

/// S^(1/2) ~ diag(s) in the basis of Sigma, s_i = (2 / pi) int_0^inf lambda_i / (lambda_i + kappa(u^2)) du, for each of
/// the values of a known spectrum.
std::vector<double> root_gains(const EquivalentSpectrum& spectrum, double degrees);

/// q = E tr S1^(1/2) S2^(1/2) / tr Sigma = sum s_i^2 / sum lambda_i: the similarity of samples S^(1/2) z of two models
/// learned from disjoint data and given the same z. From kappa alone, since
///   sum lambda^2 / ((lambda + kappa)(lambda + kappa')) = (kappa df1 - kappa' df1') / (kappa - kappa').
/// Source: Maillard, Goldt 2026 (arXiv 2605.21402); arXiv 2602.02908.
double sample_similarity(const EquivalentSpectrum& spectrum, double degrees);

}  // namespace noiseutils
