#pragma once

#include <optional>

#include "cli/program.hpp"
#include "cli/rows.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// The report that a model file carries (metadata model.report), a row each, where --report FILE says; without it on
/// standard output, unless the model goes there.
class ModelReport {
 public:
  /// Opens FILE: a wrong name must not be learned after hours. UsageError if standard output were to take both, or if
  /// no model is made but a state.
  explicit ModelReport(const Invocation& call);
  /// UsageError if --report was given, and the model has none.
  void write(const Record& model);

 private:
  const Invocation& call_;
  std::optional<RowOutput> output_;  ///< to FILE
};

}  // namespace noiseutils
