// tensor: plumbing for streams of records.
#include <unistd.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/number.hpp"
#include "cli/filter.hpp"
#include "cli/program.hpp"
#include "cli/standard_options.hpp"
#include "cli/text_output.hpp"
#include "tensor/describe.hpp"
#include "tensor/grey.hpp"
#include "tensor/montage.hpp"
#include "tensor/segments.hpp"

namespace {

using namespace noiseutils;

constexpr double kMany = 1e15;

OptionSpec samples_option(const std::string& help) {
  return integer("samples", "N", help).short_name('n').at_least(1).at_most(kMany);
}

int cat(const Invocation& call) {
  const auto total = call.options.flag("restream") ? count_samples(call.files, read_options(call)) : std::nullopt;
  const auto reader = open_input(call);
  const auto writer = open_output(call);
  if (call.options.flag("restream")) return copy_restreamed(*reader, *writer, total), 0;
  while (const auto record = reader->next()) writer->write(*record);
  return writer->finish(), 0;
}

int head(const Invocation& call) {
  const auto reader = open_input(call);
  const auto writer = open_output(call);
  return copy_slice(*reader, *writer, 0, call.options.integer("samples")), 0;
}

int tail(const Invocation& call) {
  const auto reader = open_input(call);
  const auto writer = open_output(call);
  return copy_tail(*reader, *writer, call.options.integer("samples")), 0;
}

int slice(const Invocation& call) {
  const std::int64_t from = call.options.integer("from");
  const std::int64_t to =
      call.options.has("to") ? call.options.integer("to") : std::numeric_limits<std::int64_t>::max();
  if (to <= from) throw UsageError("--to must be above --from");
  const auto reader = open_input(call);
  const auto writer = open_output(call);
  return copy_slice(*reader, *writer, from, to - from), 0;
}

int split(const Invocation& call) {
  const std::string pattern = call.options.text("output");
  const std::int64_t group = call.options.integer("samples");
  const auto reader = open_input(call);
  if (pattern.empty())
    return copy_split(*reader, static_cast<std::int64_t>(kMany), [&] { return open_output(call); }), 0;
  const auto percent = pattern.find("%d");
  if (percent == std::string::npos)
    throw UsageError("-o " + pattern + ": split writes many files; put %d into the name");
  std::int64_t number = 0;
  copy_split(*reader, group, [&] {
    return open_writer(pattern.substr(0, percent) + std::to_string(number++) + pattern.substr(percent + 2),
                       write_options(call));
  });
  return 0;
}

int stack(const Invocation& call) {
  const auto reader = open_input(call);
  const auto writer = open_output(call);
  return copy_stacked(*reader, *writer, call.options.has("samples") ? call.options.integer("samples") : 0), 0;
}

int convert(const Invocation& call) {
  const auto reader = open_input(call);
  const auto writer = open_output(call);
  while (auto record = reader->next()) {
    if (call.options.flag("grey")) make_grey(*record);
    if (call.options.has("dtype")) {
      Tensor& data = record->require("data");
      data = data.converted(*dtype_from_name(call.options.text("dtype")));
    }
    if (call.options.flag("grey") || call.options.has("dtype")) add_history(*record, call);
    writer->write(*record);
  }
  return writer->finish(), 0;
}

int make_montage(const Invocation& call) {
  const auto reader = open_input(call);
  const auto writer = open_output(call);
  std::vector<std::string> names;
  const std::string show = call.options.text("show") + ",";
  for (std::size_t begin = 0; begin < show.size(); begin = show.find(',', begin) + 1)
    names.push_back(show.substr(begin, show.find(',', begin) - begin));
  std::vector<Record> tiles;
  while (const auto record = reader->next())
    for (std::int64_t i = 0; i < sample_count(*record); ++i) {
      const Record sample = sample_record(*record, i);
      for (const std::string& name : names) {
        Record tile;
        tile.tensors["data"] = sample.require(name);
        tile.metadata["axes"] = axes_of(sample);
        tiles.push_back(std::move(tile));
      }
    }
  MontageLayout layout{static_cast<std::int64_t>(names.size()), call.options.integer("gap"),
                       call.options.number("background")};
  if (call.options.has("columns"))
    layout.columns = call.options.integer("columns");
  else if (names.size() == 1)
    layout.columns = 0;
  Record result = montage(tiles, layout);
  set_stream_position(result, {0, 1, true});
  add_history(result, call);
  writer->write(result);
  return writer->finish(), 0;
}

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

struct Verb {
  Word word;
  int (*run)(const Invocation& call);
};

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all = {
      {{"info",
        "what each record holds: tensors, ranges of values, metadata",
        {choice("format", {"auto", "text", "json"}, "for people or JSON Lines; auto: by the terminal")
             .otherwise("auto")}},
       info},
      {{"cat",
        "records of all inputs, one after the other",
        {flag("restream", "make one segment of all: parts of an array job become the whole")}},
       cat},
      {{"head", "the first samples", {samples_option("how many").otherwise("1")}}, head},
      {{"tail", "the last samples", {samples_option("how many").otherwise("1")}}, tail},
      {{"slice",
        "a range of samples",
        {integer("from", "A", "first sample, from 0").otherwise("0").at_least(0).at_most(kMany),
         integer("to", "B", "sample to stop before; default: the end").at_least(1).at_most(kMany)}},
       slice},
      {{"split",
        "every sample as a record of its own; with -o part-%d.nst into many files",
        {samples_option("samples a file").otherwise("1")}},
       split},
      {{"stack", "samples as batches with a leading N", {samples_option("samples a batch; default: all")}}, stack},
      {{"convert",
        "any format into any other, by the suffix of -o",
        {choice("dtype", {"F64", "F32", "F16", "BF16", "I64", "U64", "I32", "U32", "I16", "U16", "I8", "U8"},
                "type of data; default: as it is"),
         flag("grey", "colour to luminance, 0.2126 R + 0.7152 G + 0.0722 B")}},
       convert},
      {{"montage",
        "all images on one canvas",
        {integer("columns", "N", "images in a row").at_least(1).at_most(1e4),
         integer("gap", "PIXELS", "between images").otherwise("4").at_least(0).at_most(1e4),
         number("background", "V", "value of the gaps").otherwise("1"),
         text("show", "NAMES", "tensors to show of each sample, e.g. noisy,data,clean").otherwise("data")}},
       make_montage},
      {{"history",
        "what was done to each record, as a shell pipeline",
        {flag("as-json", "as the JSON list that the record carries")}},
       history},
      {{"check", "read everything as the other programs would, and count", {}}, check},
  };
  return all;
}

int run(const Invocation& call) {
  for (const Verb& verb : verbs())
    if (verb.word.name == call.words.front()) return verb.run(call);
  throw InternalError("a verb without code");
}

}  // namespace

int main(int argc, char** argv) {
  Program self;
  self.name = "tensor";
  self.summary = "plumbing for streams of tensors: look, cut, join, convert";
  self.word_kind = "verb";
  self.word_use = Program::Words::exactly_one;
  for (const Verb& verb : verbs()) self.words.push_back(verb.word);
  self.options = joined(input_options(), output_options());
  self.run = run;
  return tool_main(argc, argv, self);
}
