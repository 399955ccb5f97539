#include "cli/model_report.hpp"

#include <unistd.h>

#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.hpp"

namespace noiseutils {
namespace {

Row row_of(const nlohmann::ordered_json& object) {
  Row row;
  for (const auto& [key, value] : object.items()) {
    if (value.is_number_integer())
      row.emplace_back(key, value.get<std::int64_t>());
    else if (value.is_number())
      row.emplace_back(key, value.get<double>());
    else if (value.is_null())  // how JSON writes what is not finite
      row.emplace_back(key, std::numeric_limits<double>::quiet_NaN());
    else
      row.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return row;
}

bool goes_to_stdout(const std::string& path) { return path.empty() || path == "-"; }

/// Whether somebody follows the run: else standard error is left to what went wrong.
bool is_watched(const Invocation& call) {
  const std::string how = call.options.declared("progress") ? call.options.text("progress") : "none";
  return how == "line" || (how == "auto" && isatty(STDERR_FILENO) != 0);
}

}  // namespace

ModelReport::ModelReport(const Invocation& call) : call_(call) {
  const std::string path = call.options.declared("report") ? call.options.text("report") : "";
  if (path.empty()) return;
  if (call.options.has("state")) throw UsageError("--report is of a model, and --state writes none");
  if (path == "-" && goes_to_stdout(call.options.text("output")))
    throw UsageError("--report - and the model exclude each other: give it -o FILE");
  output_.emplace("auto", path);
}

void ModelReport::write(const Record& model) {
  const std::string text = model.meta("model.report");
  if (text.empty()) {
    if (output_) throw UsageError("--report: the statistics of this kind make no report");
    return;
  }
  if (!output_ && goes_to_stdout(call_.options.text("output"))) return;
  if (!output_) output_.emplace("auto", "");
  for (const auto& object : nlohmann::ordered_json::parse(text)) output_->add(row_of(object));
  output_->finish();
  if (model.meta("model.loss") == "distill" && is_watched(call_))
    std::fprintf(
        stderr,
        "train-linear: note: of an exact posterior mean the fit is the Gaussian model of the data whatever the "
        "law: a small gap proves nothing by itself, look at the residual\n");
}

}  // namespace noiseutils
