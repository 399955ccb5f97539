#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/option.hpp"
#include "metric/gaussian_law.hpp"
#include "metric/metric.hpp"
#include "metric/sample_set.hpp"
#include "model/model.hpp"

namespace noiseutils {

/// What is compared: sets of samples by name ("data", "reference", and those a metric asks for besides), or models in
/// the place of the first two.
struct SetInput {
  std::map<std::string, std::shared_ptr<SampleSet>, std::less<>> sets;
  std::shared_ptr<const Model> model, reference_model;
  std::optional<GaussianLaw> law, reference_law;  ///< of data and reference, where the metric uses_laws
  std::uint64_t seed = 0;
  OptionValues options;

  /// The samples of a set. DataError, naming it, for fewer than `least`.
  const SampleRows& rows(std::string_view name, std::int64_t least = 2) const;
};

/// Figures of one row of output.
using Figures = std::vector<NamedValue>;

/// A metric between sets or models as the registry lists it.
struct SetMetricEntry {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> options;
  bool uses_laws = false;                         ///< compares Gaussian laws: fitted to samples, or models
  std::vector<std::string> sets = {"reference"};  ///< the sets that it compares data with
  bool compares_models = false;                   ///< compares what two models make of the same input
  /// The figures, the first of them under the metric's own name; mostly one row. Throws DataError if the input does not
  /// fit the metric.
  std::vector<Figures> (*measure)(const SetInput& input) = nullptr;
};

/// All metrics between sets or models, in the order of --help.
const std::vector<SetMetricEntry>& set_metrics();

/// --permutations: of a p-value.
OptionSpec permutations_option();
/// --ridge: a variance added to each covariance.
OptionSpec ridge_option();

/// Throws DataError, naming both, unless two sets have samples of equally many elements.
void require_equal_dim(std::int64_t data, std::int64_t reference, std::string_view reference_name = "reference");

}  // namespace noiseutils
