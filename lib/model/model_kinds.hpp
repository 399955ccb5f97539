#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/model.hpp"

namespace noiseutils {

/// A kind of model: one entry of model_kinds(), made in one file of this folder.
struct ModelKind {
  std::string name;
  std::string summary;
  /// Checks the tensors and makes the model. Throws DataError: tensor "mean" has shape [64], expected [784].
  std::unique_ptr<Model> (*from_tensors)(ModelInfo info, const Record& record);
};

const std::vector<ModelKind>& model_kinds();

/// A model as one record, layout in noiseutils-model(5), and back. Throws DataError if the record is no model, is of an
/// unknown kind, or does not keep what its kind promises.
Record model_to_record(const Model& model);
std::unique_ptr<Model> model_from_record(const Record& record);

/// The model in FILE, which holds exactly one record. Errors name the file.
std::unique_ptr<Model> load_model(const std::string& path);

}  // namespace noiseutils
