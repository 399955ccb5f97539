#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "model/cascade_stage.hpp"

namespace noiseutils {

/// One image of an aggregation-aware least squares problem: what the stage sees of it, and the clean image,
/// mirrored margins and all.
struct RegressionImage {
  StageInput input;
  PaddedPlane clean;
};

/// How the filters of the components are parametrised: linear maps between parameters and dense filters, and a
/// preconditioner from the patches' own second moments.
class FilterFamily {
 public:
  virtual ~FilterFamily() = default;
  /// Looks at all images once, before anything else.
  virtual void prepare(const std::vector<RegressionImage>& images) = 0;
  virtual std::vector<double> start() const = 0;
  /// The dense filters of parameters.
  virtual PatchFilters filters(const std::vector<double>& parameters) const = 0;
  /// The transpose of filters(): the gradient of the parameters from that of the dense filters (K x (d C + 1) x d).
  virtual std::vector<double> gradient(const std::vector<double>& dense) const = 0;
  /// An approximation of the inverse of the Hessian, symmetric and positive definite.
  virtual std::vector<double> precondition(const std::vector<double>& gradient) const = 0;
};

/// Every entry of W_k free. Starts from, and preconditions by, the least squares of the patches one by one:
///   W_k = (G_k + 300 G / N + rho n_k I)^-1 (H_k + 300 H / N),  G_k = sum phi phi^T, H_k = sum phi (c - m)^T over the
/// n_k patches of component k, G, H, N the sums over all, c the clean patch; rho = 1.6e-5.
std::unique_ptr<FilterFamily> full_filters(std::int64_t patch, std::int64_t components);

/// W_kc = U_k^T diag(s_k.c) U_k: C gains for each direction of the component's eigenbasis (filters_of_gains()). Starts
/// from the Wiener gains l / (l + gate_variance) of the last channel and 0 of the others; preconditions by the C x C
/// second moments of the channels in each direction, + (8e-5 n_k + 1.6e-3) I.
std::unique_ptr<FilterFamily> diagonal_filters(const PatchMixture& mixture, std::int64_t channels,
                                               double gate_variance);

/// The parameters w that, from the family's start, `iterations` steps of preconditioned conjugate gradients lead to on
///   min_w sum over images of | c - A (m + W(w) phi) |^2,
/// c the clean image, A the average over the patches that cover each pixel: what is fitted is the averaged image, not
/// each patch. Stopping early regularises. Source: normal equations of a linear map, Hestenes and Stiefel 1952.
std::vector<double> fit_average(FilterFamily& family, const std::vector<RegressionImage>& images, int iterations,
                                const std::function<void(int, double)>& report = {});

}  // namespace noiseutils
