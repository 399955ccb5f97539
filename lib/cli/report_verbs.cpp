#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/filter.hpp"
#include "cli/text_output.hpp"
#include "cli/verb.hpp"
#include "tensor/describe.hpp"
#include "tensor/sample_counts.hpp"

namespace noiseutils {
namespace {

int info(const Invocation& call) {
  const std::string format = call.options.text("format");
  const std::string path = call.options.text("output");
  const bool as_text = format == "text" || (format == "auto" && path.empty() && isatty(STDOUT_FILENO));
  const auto reader = open_input(call);
  TextOutput output(path);
  for (std::int64_t number = 0; const auto record = reader->next(); ++number)
    output.write(as_text ? describe_as_text(*record, number) : describe_as_json(*record, number));
  return output.finish(), 0;
}

int history(const Invocation& call) {
  const auto reader = open_input(call);
  TextOutput output(call.options.text("output"));
  while (const auto record = reader->next()) {
    const std::string steps = record->meta("history");
    if (steps.empty()) throw DataError("the record has no history");
    output.write((call.options.flag("as-json") ? steps : history_as_pipeline(steps)) + "\n");
  }
  return output.finish(), 0;
}

int check(const Invocation& call) {
  const ReadOptions options = read_options(call);
  const StreamCheck found = check_files(call.files, options);
  if (found.nonfinite > 0 && !options.allow_nonfinite)
    throw DataError(std::to_string(found.nonfinite) + " values are not finite (--allow-nonfinite counts them only)");
  TextOutput output(call.options.text("output"));
  nlohmann::ordered_json line{
      {"records", found.records}, {"samples", found.samples}, {"bytes", found.bytes}, {"nonfinite", found.nonfinite}};
  output.write(line.dump() + "\n");
  return output.finish(), 0;
}

int count(const Invocation& call) {
  if (call.files.empty()) throw UsageError("count takes FILEs: what comes on a pipe cannot be read twice");
  const ReadOptions options = read_options(call);
  TextOutput output(call.options.text("output"));
  for (const std::string& path : call.files) {
    nlohmann::ordered_json line{{"samples", samples_in_file(path, options)}, {"file", path}};
    output.write(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  }
  return output.finish(), 0;
}

}  // namespace

std::vector<Verb> report_verbs() {
  return {
      {{"info",
        "what each record holds: tensors, ranges of values, metadata",
        {choice("format", {"auto", "text", "json"}, "for people or JSON Lines; auto: by the terminal")
             .otherwise("auto")}},
       info},
      {{"history",
        "what was done to each record, as a shell pipeline",
        {flag("as-json", "as the JSON list that the record carries")}},
       history},
      {{"check", "read everything as the other programs would, and count", {}}, check},
      {{"count", "how many samples each FILE holds, by its headers alone", {}}, count},
  };
}

}  // namespace noiseutils
