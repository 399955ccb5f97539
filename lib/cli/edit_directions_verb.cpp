#include "base/error.hpp"
#include "cli/direction_filter.hpp"
#include "cli/filter.hpp"
#include "cli/jacobian_verbs.hpp"
#include "cli/standard_options.hpp"
#include "score/edit_directions.hpp"
#include "score/edit_mask.hpp"
#include "score/jacobian_samples.hpp"

namespace noiseutils {
namespace {

/// The one record of a FILE, whose axes need not be those of samples.
Record only_record(const std::string& path, ReadOptions options) {
  options.axes.clear();
  const auto reader = open_records({path}, options);
  auto record = reader->next();
  if (!record) throw DataError(path + ": holds no mask");
  if (reader->next()) throw DataError(path + ": holds more than one record; one mask is for all samples");
  return *record;
}

class EditRun {
 public:
  explicit EditRun(const Invocation& call)
      : call_(call),
        unsettled_(call),
        denoiser_(asked_jacobian(call)),
        mask_file_(call.options.text("mask")),
        mask_(only_record(mask_file_, read_options(call))) {}

  std::vector<EditDirections> of(const Record& record, std::int64_t first) {
    const auto mask =
        with_context(mask_file_, [&] { return edit_mask(mask_, sample_axes(record), sample_shape(record)); });
    DirectionSearch search = asked_search(call_);
    if (call_.options.given("directions")) search.power.count = call_.options.integer("directions");
    const std::int64_t null = call_.options.integer("null");
    std::vector<EditDirections> found(static_cast<std::size_t>(sample_count(record)));
    for_jacobians(denoiser_, record, asked_level(call_), [&](std::int64_t i, const JacobianAt& jacobian) {
      found[static_cast<std::size_t>(i)] = edit_directions(jacobian, mask, null, search, first + i);
    });
    for (std::size_t i = 0; i < found.size(); ++i)
      if (!found[i].settled) unsettled_.add(first + static_cast<std::int64_t>(i), found[i].change);
    return found;
  }
  void finish() const { unsettled_.finish(); }

 private:
  const Invocation& call_;
  UnsettledSearches unsettled_;
  JacobianOfDenoiser denoiser_;
  std::string mask_file_;
  Record mask_;
};

std::vector<Row> rows_of(const std::vector<EditDirections>& all) {
  std::vector<Row> rows;
  for (const EditDirections& of : all)
    for (std::size_t k = 0; k < of.gains.size(); ++k)
      rows.push_back({{"k", static_cast<std::int64_t>(k + 1)},
                      {"gain", of.gains[k]},
                      {"inside", of.inside[k]},
                      {"outside", of.outside[k]},
                      {"null_rank", of.null_rank},
                      {"iterations", of.iterations},
                      {"change", of.change}});
  return rows;
}

Record record_of(const Record& noisy, const std::vector<EditDirections>& all, std::int64_t first) {
  DirectionRecord result(noisy, static_cast<std::int64_t>(all.front().gains.size()), "edit-direction", first);
  for (const char* name : {"gains", "inside", "outside"}) result.declare(name);
  result.declare_search();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    result.put_vectors(at, all[i].vectors);
    result.put("gains", at, all[i].gains);
    result.put("inside", at, all[i].inside);
    result.put("outside", at, all[i].outside);
    result.put_search(at, all[i].iterations, all[i].change);
  }
  return result.finish();
}

int run_directions(const Invocation& call) {
  if (!call.options.given("mask")) throw UsageError("--mask FILE is needed: where is the estimate to change?");
  if (call.options.given("directions") && call.options.given("top"))
    throw UsageError("--directions and --top exclude each other: both tell how many");
  EditRun run(call);
  const auto find = [&](const Record& record, std::int64_t first) { return run.of(record, first); };
  const int code = run_direction_filter(call, find, rows_of, record_of);
  run.finish();
  return code;
}

}  // namespace

Verb edit_directions_verb() {
  const std::vector<OptionSpec> own = {
      file("mask", "FILE", "where the estimate is to change: one sample, or HW for all channels, not 0 there"),
      integer("null", "K", "directions that change what lies outside the mask, taken out")
          .otherwise("0")
          .at_least(0)
          .at_most(1024),
      integer("directions", "K", "the same as --top K; chooses the word directions, where no word is given")
          .at_least(1)
          .at_most(1024),
      flag("rows", "print a row for each direction instead of a record"),
      format_option(),
  };
  return {{"directions", "directions of y that change the estimate inside a mask, and little outside",
           joined(jacobian_options(), search_options(), own)},
          run_directions,
          {"resume"}};
}

}  // namespace noiseutils
