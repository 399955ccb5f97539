#include "cli/model_report.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/rows.hpp"

namespace noiseutils {
namespace {

Row row_of(const nlohmann::ordered_json& object) {
  Row row;
  for (const auto& [key, value] : object.items()) {
    if (value.is_number_integer())
      row.emplace_back(key, value.get<std::int64_t>());
    else if (value.is_number())
      row.emplace_back(key, value.get<double>());
    else
      row.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return row;
}

}  // namespace

void write_model_report(const Invocation& call, const Record& model) {
  const std::string text = model.meta("model.report"), model_file = call.options.text("output");
  std::string path = call.options.declared("report") ? call.options.text("report") : "";
  if (text.empty()) {
    if (!path.empty()) throw UsageError("--report: the statistics of this kind make no report");
    return;
  }
  const bool model_on_stdout = model_file.empty() || model_file == "-";
  if (path.empty() && model_on_stdout) return;
  if (path == "-" && model_on_stdout) throw UsageError("--report - and the model exclude each other: give it -o FILE");
  RowOutput output("auto", path);
  for (const auto& object : nlohmann::ordered_json::parse(text)) output.add(row_of(object));
  output.finish();
  if (model.meta("model.loss") == "distill")
    std::fprintf(
        stderr,
        "train-linear: note: of an exact posterior mean the fit is the Gaussian model of the data whatever the "
        "law: a small gap proves nothing by itself, look at the residual\n");
}

}  // namespace noiseutils
