#include "metric/training_samples.hpp"

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "tensor/content_hash.hpp"

namespace noiseutils {

void TrainingSamples::refuse(const std::string& model, const std::vector<Tensor>& references) {
  if (model != model_) {
    model_ = model;
    hashes_.clear();
    const auto json = parse_json(model);
    if (json.is_object() && json.contains("samples") && json["samples"].is_array())
      for (const auto& hash : json["samples"])
        if (hash.is_string()) hashes_.insert(hash.get<std::string>());
  }
  if (hashes_.empty()) return;
  for (std::size_t i = 0; i < references.size(); ++i)
    if (hashes_.contains(content_hash_text(references[i])))
      throw DataError("reference." + std::to_string(i + 1) +
                      " is among the training samples of the model that made data: it is not independent of it");
}

}  // namespace noiseutils
