#pragma once

#include "sample/sampler.hpp"
#include "sample/spectral_filter.hpp"

namespace noiseutils {

/// alpha_bar = (1 - S^tau) / (1 - S), tau where S = 1: what is retained of the variance of a Fourier coefficient of
/// variance S, tau from 0, noise, to 1, data. Then the variance alpha_bar S + 1 - alpha_bar is S^tau, the geodesic of
/// Gaussians from N(0, 1) to N(0, S) under the Fisher-Rao metric, of length |log S| / sqrt(2); any other schedule that
/// keeps the variance is longer.
double shortest_path_retained(double s, double tau);

/// E[x_0 | x], x = F^-1 [g F x_0] + F^-1 [h F n], n white of variance 1, g and h by frequency.
template <class T>
class ColouredDenoiser {
 public:
  virtual ~ColouredDenoiser() = default;
  virtual void denoise(const std::vector<double>& g, const std::vector<double>& h, std::span<const T> x,
                       std::span<T> x0) const = 0;
};

/// Of stationary models, each coefficient by itself: mu + g S (x - g mu) / (g^2 S + h^2); of Gaussians, mixtures and
/// points with dense matrices. UsageError for other kinds. Model and filter must outlive it.
template <class T>
std::unique_ptr<ColouredDenoiser<T>> coloured_denoiser(const Model& model, const SpectralFilter<T>& filter);

/// The variance of each frequency's coefficient under a stationary model, averaged over channels; UsageError for
/// others.
std::vector<double> own_spectrum(const Model& model, const SpectralShape& shape);

}  // namespace noiseutils
