#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/option.hpp"
#include "denoise/principal.hpp"
#include "denoise/sample_denoiser.hpp"
#include "model/model.hpp"
#include "model/posterior.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// What is to be told of the law of x given y, beyond its mean.
struct PosteriorRequest {
  std::int64_t draws = 0;      ///< exact draws
  bool variance = false;       ///< of every element
  std::int64_t principal = 0;  ///< principal axes
  std::int64_t probes = 0, iterations = 0;
  double epsilon = 0;  ///< step of differences, in standard deviations of the noise
  std::uint64_t seed = 0;

  bool any() const { return draws > 0 || variance || principal > 0; }
};

/// --draws --variance --principal --probes --iterations --epsilon; --seed is declared by the program.
std::vector<OptionSpec> posterior_options();
/// UsageError for an option that belongs to another which was not given.
PosteriorRequest posterior_request(const OptionValues& options);

/// Adds to records, as companions in the type of their estimates, what PosteriorRequest asks for:
///   draw.1 ... draw.K     exact draws from p(x | y)
///   variance              Var(x_i | y); where it is probed, variance.error beside it
///   principal.vectors     the first K eigenvectors of C = Cov(x | y), one a row along a leading axis
///   principal.values      their eigenvalues, K
///   principal.moments     K x 3, the central moments 2, 3, 4 of v^T x given y
///   principal.residuals   K, |C v - value v|: an eigenvalue lies as near as that
/// Ways, the first that applies:
///   whole samples     in closed form (Posterior); axes that depend on y by exact products with C
///   patches           variance: the average over the patches that cover a pixel of its variance under each, with equal
///                     weights. As the square is convex, its mean over y bounds the mean squared error of the average
///                     of the patches' means from above, if the law of patches is right. Axes as for any denoiser;
///                     draws: UsageError.
///   any denoiser      C = sigma^2 dD/dy by differences of its estimates, which is Cov(x | y) only as far as D is the
///                     posterior mean; draws: UsageError.
/// Numbers of a sample are keyed by its global index: {seed, posterior, i, k} the normals of draw k;
/// {seed, probe, i, 2^32 + j} vector j that the search for axes starts from; probes as in probed_variance().
class PosteriorCompanions {
 public:
  /// `model`: what `denoiser` estimates by, or nullptr; `denoiser` must outlive it.
  PosteriorCompanions(PosteriorRequest request, std::shared_ptr<const Model> model, SampleDenoiser& denoiser);

  /// noisy: `data` of the record, whose denoiser is prepared for it; noises: one a sample; first_sample: the global
  /// number of its first sample. Throws DataError unless the noise is white, Gaussian, of one sigma > 0 in a sample.
  void add(Record& record, const Tensor& noisy, std::span<const KnownNoise> noises, std::int64_t first_sample);

 private:
  /// Samples with equal noise.
  struct Run;
  void prepare(double sigma);
  void draw(Record& record, const Run& run) const;
  void tell_variance(Record& record, const Run& run);
  void tell_axes(Record& record, const Run& run);
  FoundAxes axes_at(const Tensor& y, std::int64_t sample);

  PosteriorRequest request_;
  std::shared_ptr<const Model> model_;
  SampleDenoiser& denoiser_;
  double sigma_ = 0;
  std::unique_ptr<Posterior> posterior_;  ///< of sigma_, kept while samples with the same noise come
  bool closed_ = false;                   ///< whether samples are whole vectors of the model
};

}  // namespace noiseutils
