#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "cli/filter.hpp"
#include "cli/text_output.hpp"
#include "cli/verb.hpp"
#include "estimate/estimate.hpp"

namespace noiseutils {
namespace {

using Json = nlohmann::ordered_json;

/// A number, or the text "nan", which JSON has no number for.
Json figure(double value) { return std::isfinite(value) ? Json(value) : Json(std::isnan(value) ? "nan" : "inf"); }

void put(Json& line, const std::string& name, const Estimated& estimated) {
  line[name] = figure(estimated.value);
  line[name + "_se"] = figure(estimated.error);
}

template <class Items, class Of>
void put_list(Json& line, const std::string& name, const Items& items, const Of& of) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back(of(item));
  line[name] = std::move(list);
}

void put_correlation(Json& line, const Correlation& correlation) {
  put_list(line, "lag_row", correlation_lags(), [](const Lag& lag) { return lag.rows; });
  put_list(line, "lag_column", correlation_lags(), [](const Lag& lag) { return lag.columns; });
  put_list(line, "lag_correlation", correlation.lags, [](const Estimated& lag) { return figure(lag.value); });
  put_list(line, "lag_se", correlation.lags, [](const Estimated& lag) { return figure(lag.error); });
  line["whiteness_p"] = figure(correlation.whiteness_p());
}

void put_drift(Json& line, const Drift& drift) {
  put(line, "drift_brightness_max", drift.largest_brightness());
  put(line, "drift_shift_max", drift.largest_shift());
  const auto value = [](const Estimated& estimated) { return figure(estimated.value); };
  put_list(line, "drift_brightness", drift.brightness, value);
  put_list(line, "drift_rows", drift.rows, value);
  put_list(line, "drift_columns", drift.columns, value);
}

/// One object: what heads it, then the estimate.
std::string line_of(Json line, const NoiseEvidence& evidence, const std::string& family) {
  const NoiseEstimate estimate = conclude(evidence, family);
  line["method"] = evidence.method;
  line["family"] = estimate.family;
  put(line, "sigma", estimate.sigma);
  for (const auto& [name, parameter] : estimate.parameters) put(line, name, parameter);
  if (estimate.family == "poisson-gaussian") put(line, "intercept", estimate.intercept);
  line["clipped"] = evidence.facts.clipped_fraction;
  if (!estimate.curve.empty()) {
    put(line, "exponent", estimate.power);
    line["misfit"] = estimate.misfit;
    put_list(line, "curve_mean", estimate.curve, [](const CurvePoint& point) { return point.mean; });
    put_list(line, "curve_variance", estimate.curve, [](const CurvePoint& point) { return point.variance; });
    put_list(line, "curve_count", estimate.curve,
             [](const CurvePoint& point) { return static_cast<std::int64_t>(point.count); });
  }
  if (evidence.finding.correlation) put_correlation(line, *evidence.finding.correlation);
  line["captures"] = evidence.captures;
  if (evidence.drift) put_drift(line, *evidence.drift);
  return line.dump() + "\n";
}

/// The captures that one sample holds: data and its references; or, with `frames`, the frames along T.
Captures captures_of(const Record& record, std::int64_t i, bool frames) {
  Captures captures;
  const Tensor data = sample_of(record, "data", i);
  const std::string axes = sample_axes(record);
  if (frames) {
    for (std::int64_t t = 0; t < data.axis(0); ++t)
      captures.captures.push_back(
          with_context("frame " + std::to_string(t), [&] { return planes_of(data.at(t), axes.substr(1)); }));
    return captures;
  }
  captures.captures.push_back(planes_of(data, axes));
  for (int k = 1;; ++k) {
    const std::string name = "reference." + std::to_string(k);
    if (record.find(name) == nullptr) return captures;
    const Tensor reference = sample_of(record, name, i);
    if (reference.shape() != data.shape())
      throw DataError(name + " has shape " + shape_text(reference.shape()) + ", data " + shape_text(data.shape()));
    captures.captures.push_back(with_context(name, [&] { return planes_of(reference, axes); }));
  }
}

Captures channel_of(const Captures& captures, std::size_t channel) {
  Captures result;
  for (const auto& capture : captures.captures) result.captures.push_back({capture.at(channel)});
  return result;
}

/// Writes the lines of `noise estimate`, or gathers what --pool puts into one.
class Report {
 public:
  explicit Report(const Invocation& call)
      : family_(call.options.text("family")),
        method_(call.options.text("method")),
        per_channel_(call.options.flag("per-channel")),
        pool_(call.options.flag("pool")),
        output_(call.options.text("output")) {}

  void add(const Json& head, const Captures& captures) {
    const std::size_t channels = per_channel_ ? captures.first().size() : 1;
    pooled_.resize(std::max(pooled_.size(), channels));
    for (std::size_t channel = 0; channel < channels; ++channel) {
      NoiseEvidence evidence = gather_evidence(per_channel_ ? channel_of(captures, channel) : captures, method_);
      if (!pool_) {
        output_.write(line_of(head_of(head, channel), evidence, family_));
      } else if (auto& pooled = pooled_[channel]) {
        pooled->merge(evidence);
      } else {
        pooled = std::move(evidence);
      }
    }
    ++samples_;
  }
  void finish() {
    if (pool_ && samples_ == 0) throw DataError("there are no samples to pool");
    for (std::size_t channel = 0; pool_ && channel < pooled_.size(); ++channel)
      output_.write(line_of(head_of({{"samples", samples_}}, channel), *pooled_[channel], family_));
    output_.finish();
  }

 private:
  Json head_of(Json head, std::size_t channel) const {
    if (per_channel_) head["channel"] = channel;
    return head;
  }
  std::string family_, method_;
  bool per_channel_, pool_;
  TextOutput output_;
  std::vector<std::optional<NoiseEvidence>> pooled_;  // a channel, or one of all
  std::int64_t samples_ = 0;
};

/// --repeats promises several: one alone is a mistake in the list of files, not a wish for another method.
void check_repeated(const Captures& captures) {
  if (captures.captures.size() < 2) throw DataError("--repeats needs two captures of the scene at least, there is one");
}

bool has_frames(const Record& record) { return sample_axes(record).starts_with("T"); }

int report(const Invocation& call) {
  const auto reader = open_input(call);
  const bool repeats = call.options.flag("repeats");
  Report report(call);
  Captures scene;  // samples that are captures
  std::string scene_id;
  std::int64_t index = call.options.integer("first-index");
  while (const auto record = reader->next()) {
    check_record(*record, false, index, "");
    const auto ids = sample_ids(*record, index);
    for (std::int64_t i = 0; i < sample_count(*record); ++i, ++index) {
      const std::string& id = ids[static_cast<std::size_t>(i)];
      with_context("sample " + id, [&] {
        if (!repeats || has_frames(*record)) {
          const Captures captures = captures_of(*record, i, repeats);
          if (repeats) check_repeated(captures);
          report.add({{"id", id}, {"index", index}}, captures);
          return;
        }
        scene.captures.push_back(planes_of(sample_of(*record, "data", i), sample_axes(*record)));
        if (scene.captures.size() == 1) scene_id = id;
      });
    }
  }
  if (!scene.captures.empty())
    with_context("sample " + scene_id, [&] {
      check_repeated(scene);
      report.add({{"id", scene_id}, {"index", call.options.integer("first-index")}}, scene);
    });
  report.finish();
  return 0;
}

/// Passes the records on, with the estimate as their noise.
int tag(const Invocation& call) {
  for (const char* other : {"pool", "repeats", "per-channel"})
    if (call.options.flag(other))
      throw UsageError(std::string("--tag names the noise of each sample as it passes; --") + other + " cannot");
  return run_filter(call, [&](Record& record, LazyTensors&, std::int64_t) {
    std::vector<std::string> all;
    for (std::int64_t i = 0; i < sample_count(record); ++i) {
      const NoiseEvidence evidence = gather_evidence(captures_of(record, i, false), call.options.text("method"));
      all.push_back(estimated_noise_metadata(conclude(evidence, call.options.text("family"))));
    }
    record.metadata["noise"] = is_batch(record) ? nlohmann::json(all).dump() : all.front();
  });
}

int run(const Invocation& call) { return call.options.flag("tag") ? tag(call) : report(call); }

std::vector<std::string> with_auto(std::vector<std::string> names) {
  names.insert(names.begin(), "auto");
  return names;
}

}  // namespace

Verb estimate_verb() {
  std::vector<std::string> methods;
  for (const EstimateMethod& method : estimate_methods()) methods.push_back(method.name);
  return {{"estimate",
           "measure noise: its family, parameters, curve and correlation; one JSON object a sample",
           {choice("family", with_auto(curve_families()), "law to fit; auto: the one that the data speak for")
                .otherwise("auto"),
            choice("method", with_auto(methods), "how noise is told from signal; auto: repeats where there are, or dct")
                .otherwise("auto"),
            flag("repeats", "samples, or the frames of a stack, are captures of one scene"),
            flag("pool", "one object for all samples together"),
            flag("per-channel", "one object a channel, instead of one for all channels of a sample"),
            flag("tag", "pass the samples on, with the estimate as their metadata noise")}},
          run};
}

}  // namespace noiseutils
