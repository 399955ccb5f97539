#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/ranks.hpp"
#include "cli/filter.hpp"
#include "cli/metric_verbs.hpp"
#include "cli/rank_rows.hpp"
#include "cli/warnings.hpp"
#include "denoise/model_as_denoiser.hpp"
#include "metric/pool_state.hpp"

namespace noiseutils {
namespace {

/// The figures of one sample. Input that is not finite is found by its figures, which it spoils: reading all tensors
/// for it beforehand would take as long again as the figures themselves.
std::vector<NamedValue> measure(const MetricSample& sample, std::vector<MetricPool>& pools, Verdict* verdict,
                                bool allow_nonfinite) {
  std::vector<NamedValue> all;
  bool finite = true;
  for (MetricPool& pool : pools) {
    const auto figures = with_context(pool.entry().name, [&] { return pool.add(sample); });
    if (verdict != nullptr) verdict->judge(pool, figures.front().value);
    for (const NamedValue& figure : figures) finite = finite && std::isfinite(figure.value);
    all.insert(all.end(), figures.begin(), figures.end());
  }
  if (!finite && !allow_nonfinite)
    if (const std::string what = sample.nonfinite(); !what.empty())
      throw DataError(what + " (--allow-nonfinite takes it as it is)");
  return all;
}

std::vector<MetricPool> make_pools(const std::vector<const MetricEntry*>& asked, const OptionValues& options) {
  std::vector<MetricPool> pools;
  for (const MetricEntry* entry : asked) pools.emplace_back(*entry, options);
  return pools;
}

/// The warnings of the sample that was last added to the pools, as a word for its row.
std::string warn(Warnings& warnings, const std::string& id, const std::vector<MetricPool>& pools) {
  std::vector<ReferenceFinding> findings;
  for (const MetricPool& pool : pools) findings.insert(findings.end(), pool.findings().begin(), pool.findings().end());
  return warnings.add(id, findings);
}

/// What all ranks accumulated, on the first: true there.
bool gather_ranks(std::vector<MetricPool>& pools, Verdict& verdict, Warnings& warnings) {
  return reduce_to_first(
      ranks(),
      [&] {
        const std::string text = nlohmann::json{
            {"pools", state_text(pools)},
            {"missed", verdict.missed()},
            {"warned", warnings.samples()},
            {"unsaid",
             warnings.unsaid()}}.dump();
        const auto bytes = std::as_bytes(std::span(text));
        return std::vector<std::byte>(bytes.begin(), bytes.end());
      },
      [&](std::span<const std::byte> theirs) {
        const auto json =
            nlohmann::json::parse(std::string(reinterpret_cast<const char*>(theirs.data()), theirs.size()));
        merge_state_text(pools, json.at("pools").get<std::string>());
        verdict.add_missed(json.at("missed").get<std::int64_t>());
        warnings.add_others(json.at("warned").get<std::int64_t>(), json.at("unsaid").get<std::int64_t>());
      });
}

void refuse_what_ranks_cannot(const Invocation& call) {
  if (call.options.flag("per-record")) refuse_ranks("--per-record");
  if (call.options.flag("frames")) refuse_ranks("--frames");
}

}  // namespace

int measure_samples(const Invocation& call, const std::vector<const MetricEntry*>& asked) {
  const bool summary = call.options.flag("summary"), per_record = call.options.flag("per-record");
  if (summary && per_record) throw UsageError("--summary and --per-record exclude each other");
  refuse_what_ranks_cannot(call);
  const bool rows = !summary && !per_record, allow_nonfinite = call.options.flag("allow-nonfinite");
  const bool can_warn =
      std::any_of(asked.begin(), asked.end(), [](auto* entry) { return entry->needs_references > 0; });
  const RankInput given = open_rank_input(call, read_options(call), 1);
  MetricInput input = open_references(call, asked, given);
  const auto denoiser = call.options.declared("denoiser") ? make_denoiser(call.options) : nullptr;
  input.judge(denoiser.get());
  std::vector<MetricPool> pools = make_pools(asked, call.options);
  RankRows output(call.options.text("format"), call.options.text("output"));
  std::unique_ptr<TextOutput> state;
  if (call.options.has("state") && ranks().is_first()) state = std::make_unique<TextOutput>(call.options.text("state"));
  std::int64_t index = call.options.integer("first-index") + given.share.from;
  Verdict verdict;
  Warnings warnings("metric");

  while (const auto record = given.reader->next()) {
    check_record(*record, true, index);
    const auto ids = sample_ids(*record, index);
    std::vector<MetricPool> of_record = make_pools(per_record ? asked : decltype(asked){}, call.options);
    for (std::int64_t i = 0; i < sample_count(*record); ++i, ++index) {
      const std::string& id = ids[static_cast<std::size_t>(i)];
      const auto figures = with_context("sample " + id, [&] {
        const MetricSample sample = input.sample(*record, i, index);
        if (per_record) measure(sample, of_record, nullptr, allow_nonfinite);
        return measure(sample, pools, rows ? &verdict : nullptr, allow_nonfinite);
      });
      const std::string words = warn(warnings, id, pools);
      if (!rows) continue;
      Row row{{"id", id}, {"index", index}};
      append(row, figures);
      if (can_warn) row.emplace_back("warnings", words);
      output.add(row);
    }
    if (per_record) output.add(summary_row(of_record, verdict));
    output.flush();
  }
  input.finish();
  output.gather();
  if (!gather_ranks(pools, verdict, warnings)) return 0;
  if (summary) {
    Row row = summary_row(pools, verdict);
    if (can_warn) row.emplace_back("warned", warnings.samples());
    output.add(row);
  }
  if (state) {
    state->write(state_text(pools));
    state->finish();
  }
  warnings.finish();
  output.finish();
  return verdict.exit_code();
}

}  // namespace noiseutils
