#include "train/law_tensors.hpp"

#include <numeric>

#include "base/error.hpp"
#include "model/model_tensors.hpp"
#include "train/statistics.hpp"

namespace noiseutils {

void save_law(const MixtureLaw& law, std::int64_t d, const std::string& prefix, Record& state) {
  const std::int64_t components = law.components(), rows = std::ssize(law.eigenvalues);
  const auto store = [&](const char* name, const Shape& shape, const std::vector<double>& values) {
    state.tensors[prefix + name] = Tensor::of<double>(shape, values);
  };
  store("weights", {components}, law.weights);
  store("means", {components, d}, law.means);
  store("eigenvalues", {rows}, law.eigenvalues);
  store("residual_variances", {components}, law.residual_variances);
  state.tensors[prefix + "ranks"] = Tensor::of<std::int64_t>({components}, law.ranks);
  state.tensors[prefix + "level_rows"] = Tensor::of<std::int64_t>({}, {law.level_rows});
  state.tensors[prefix + "eigenvectors"] = law.eigenvectors;
}

MixtureLaw load_law(std::int64_t d, const std::string& prefix, const Record& state) {
  MixtureLaw law;
  const std::int64_t components = state.require(prefix + "weights").size();
  law.weights = require_values(state, prefix + "weights", {components});
  law.means = require_values(state, prefix + "means", {components, d});
  law.residual_variances = require_values(state, prefix + "residual_variances", {components});
  const auto ranks = require_tensor(state, prefix + "ranks", DType::I64, {components}).values<std::int64_t>();
  law.ranks.assign(ranks.begin(), ranks.end());
  for (const std::int64_t rank : law.ranks)
    if (rank < 0 || rank > d) throw DataError("is a damaged checkpoint: a component has rank " + std::to_string(rank));
  const std::int64_t rows = std::accumulate(law.ranks.begin(), law.ranks.end(), std::int64_t{0});
  law.eigenvalues = require_values(state, prefix + "eigenvalues", {rows});
  law.level_rows = require_tensor(state, prefix + "level_rows", DType::I64, {}).values<std::int64_t>()[0];
  law.eigenvectors = state.require(prefix + "eigenvectors");
  const DType type = law.eigenvectors.dtype();
  if ((type != DType::F32 && type != DType::F64) || law.eigenvectors.shape() != Shape{rows, d})
    throw DataError("is a damaged checkpoint: its eigenvectors do not make sense");
  if (law.level_rows < 0 || law.level_rows > d)
    throw DataError("is a damaged checkpoint: its levels do not make sense");
  return law;
}

}  // namespace noiseutils
