#pragma once

#include <memory>
#include <optional>

#include "denoise/sample_denoiser.hpp"
#include "score/model_field.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// What the samples of a record are said to be: y = alpha x_0 + sigma n.
struct GivenLevel {
  std::optional<double> alpha;  ///< else from the metadata, as long as sigma is; else 1
  std::optional<double> sigma;  ///< else from the metadata
};

/// The metadata text of the noise that samples are taken to have: what `measurement` gives, alpha where it is not 1 as
/// noise diffuse writes it, else what `noise` says.
std::string used_noise(const Record& record, const GivenLevel& measurement);
/// Metadata `noise` becomes used_noise(), where a level is given.
void note_level(Record& record, const GivenLevel& measurement);

/// Replaces `data` of each sample, y, by the field of a model, or of another denoiser, there. `data` keeps its shape,
/// F64 stays F64, all else becomes F32. Metadata: `field` names it, `noise` moves to `noise.removed`. Throws DataError
/// if the model does not fit or the noise is unknown.
class FieldOfSamples {
 public:
  FieldOfSamples(std::shared_ptr<const Model> model, const FieldEntry& field, const GivenLevel& measurement);
  /// Of any denoiser D of samples: the field that follows from x0 = D(y / alpha; sigma / alpha).
  FieldOfSamples(std::unique_ptr<SampleDenoiser> denoiser, const FieldEntry& field, const GivenLevel& measurement)
      : field_(field), measurement_(measurement), images_(std::move(denoiser)) {}
  void apply(Record& record);

 private:
  template <class T>
  Tensor of_vectors(const Tensor& noisy, const std::vector<NoiseLevel>& levels);
  template <class T>
  Tensor of_images(const Tensor& noisy, const std::vector<NoiseLevel>& levels);

  std::shared_ptr<const Model> model_;  ///< null: another denoiser's
  FieldEntry field_;
  GivenLevel measurement_;
  std::optional<ModelField> vectors_;  ///< where a sample is one vector of the model; made for alpha_
  double alpha_ = 0;
  std::unique_ptr<SampleDenoiser> images_;  ///< where it is an image and the model one of its patches, or none
};

/// Turns `data`, a field of the companion `noisy`, into another one. The sigma is `measurement`'s, else that of the
/// metadata `noise.removed`, else `noise`; alpha likewise. `from` nullptr: what metadata `field` names. Throws
/// DataError if `noisy` is missing or of another shape, or if the noise or the field is unknown.
void convert_field_of_samples(Record& record, const FieldEntry* from, const FieldEntry& to,
                              const GivenLevel& measurement);

/// Throws DataError unless the model is a law of such samples: a law of patches has no density of images.
void check_has_densities(const Record& record, const Model& model);
/// log p(y) of each sample, where check_has_densities() has nothing to say.
std::vector<double> log_densities_of_samples(const Record& record, const Model& model, const GivenLevel& measurement);

}  // namespace noiseutils
