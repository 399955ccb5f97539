#include <limits>

#include "base/error.hpp"
#include "base/number.hpp"
#include "cli/filter.hpp"
#include "cli/verb.hpp"
#include "tensor/grey.hpp"
#include "tensor/montage.hpp"
#include "tensor/segments.hpp"

namespace noiseutils {
namespace {

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
  if (!numbered_path(pattern, 0)) {
    if (call.options.given("samples"))
      throw UsageError("--samples is a number a file: put %d into the name given to -o");
    return copy_split(*reader, static_cast<std::int64_t>(kMany), [&] { return open_output(call); }), 0;
  }
  std::int64_t number = 0;
  copy_split(*reader, group, [&] { return open_writer(*numbered_path(pattern, number++), write_options(call)); });
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
  std::int64_t samples = 0;
  while (auto record = reader->next()) {
    check_record(*record, call.options.flag("allow-nonfinite"), samples);  // as an integer, NaN would become 0
    samples += sample_count(*record);
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
  const std::vector<std::string> names = split_list(call.options.text("show"));
  const std::vector<Record> tiles = collect_tiles(*reader, names);
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

}  // namespace

std::vector<Verb> stream_verbs() {
  return {
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
  };
}

}  // namespace noiseutils
