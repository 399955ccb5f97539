#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "cli/filter.hpp"
#include "cli/metric_verbs.hpp"
#include "metric/interval.hpp"
#include "metric/paired_test.hpp"

namespace noiseutils {

bool runs_a_denoiser(const MetricEntry& metric) {
  return std::any_of(metric.options.begin(), metric.options.end(), [](auto& spec) { return spec.name == "denoiser"; });
}

namespace {

/// Differences of squared errors within samples, or of figures between samples.
struct Comparison {
  std::vector<double> blocks;   // of all samples
  std::vector<double> samples;  // one a sample
  double a = 0, b = 0, elements = 0;
};

bool in_decibels(const MetricEntry& metric) { return metric.squared_error && metric.higher_is_better; }

const MetricEntry& asked_metric(const Invocation& call, const Record& record) {
  if (call.words.size() > 2) throw UsageError("compare takes one metric");
  if (call.words.size() == 2) {
    const MetricEntry* entry = find_entry(metrics(), call.words[1]);
    if (entry == nullptr) throw UsageError("compare takes a metric of samples, not " + call.words[1]);
    if (runs_a_denoiser(*entry))
      throw UsageError(entry->name + " runs a denoiser of its own: compare takes metrics of estimates that are there");
    return *entry;
  }
  const std::size_t given = call.options.list("reference").size();
  const bool clean = given == 1 ? !call.options.flag("frames") : given == 0 && record.find("clean") != nullptr;
  return *find_entry(metrics(), clean ? "mse" : "umse-pairs");
}

void add_squared_errors(Comparison& all, const MetricSample& sample, const Tensor& b, const MetricEntry& metric,
                        std::int64_t side) {
  const std::vector<Tensor> references = metric.needs_clean ? std::vector{sample.clean()} : sample.references();
  if (static_cast<int>(references.size()) < std::max(1, metric.needs_references))
    throw DataError("needs " + std::to_string(metric.needs_references) + " noisy references, has " +
                    std::to_string(references.size()));
  if (!metric.needs_clean)  // throws where they cannot be independent of A
    sample.unsupervised(metric.needs_references > 2 ? UnsupervisedForm::three : UnsupervisedForm::pairs, side);
  const double unit = in_decibels(metric) ? sample.range() * sample.range() : 1;
  for (std::size_t k = 0; k < references.size() && !metric.needs_clean; ++k)
    if (same_values(references[k], b))
      throw DataError("reference." + std::to_string(k + 1) +
                      " equals --b: a reference must be a measurement of its own");
  PairedErrors errors = paired_errors(sample.data(), b, references, side);
  double sum = 0;
  for (double& difference : errors.differences) sum += difference /= unit;
  all.blocks.insert(all.blocks.end(), errors.differences.begin(), errors.differences.end());
  all.samples.push_back(sum);
  all.a += errors.error_a / unit;
  all.b += errors.error_b / unit;
  all.elements += errors.elements;
}

double figure_of(const MetricEntry& metric, const OptionValues& options, const MetricSample& sample) {
  const auto accumulator = metric.make(options);
  accumulator->add(sample);
  return accumulator->finish().front().value;
}

Row row_of(const Comparison& all, const MetricEntry& metric, const std::string& unit, const PairedTest& test) {
  const double n = all.elements, difference = test.sum / n, half_width = test.half_width / n;
  const auto& units = unit == "block" ? all.blocks : all.samples;
  Row row{{"metric", metric.name},
          {"samples", static_cast<std::int64_t>(all.samples.size())},
          {"unit", unit},
          {"units", static_cast<std::int64_t>(units.size())}};
  if (in_decibels(metric)) {
    // The mean error is held, its parts move: rises with -difference.
    const double mean = (all.a + all.b) / (2 * n);
    const auto gain = [&](double d) { return decibels((mean - d / 2) / (mean + d / 2)); };
    row.insert(row.end(), {{"a", decibels(n / all.a)},
                           {"b", decibels(n / all.b)},
                           {"difference", gain(difference)},
                           {"difference_low", gain(difference + half_width)},
                           {"difference_high", gain(difference - half_width)}});
  } else {
    row.insert(row.end(), {{"a", all.a / n},
                           {"b", all.b / n},
                           {"difference", difference},
                           {"difference_low", difference - half_width},
                           {"difference_high", difference + half_width}});
  }
  row.emplace_back("p", test.p);
  return row;
}

int compare(const Invocation& call) {
  if (!call.options.has("a") || !call.options.has("b")) throw UsageError("compare needs --a FILE and --b FILE");
  if (!call.files.empty())
    throw UsageError("\"" + call.files.front() + "\" is no metric, and compare reads no FILE but --a and --b");
  SampleReader a(open_records({call.options.text("a")}, read_options(call)));
  SampleReader b(open_records({call.options.text("b")}, read_options(call)));
  const std::int64_t side = call.options.integer("block");
  Comparison all;
  const MetricEntry* metric = nullptr;
  std::optional<MetricInput> input;
  while (a.next()) {
    const Record& record = a.record();
    if (!metric) {
      metric = &asked_metric(call, record);
      input.emplace(open_references(call, {metric}));
    }
    if (!b.next()) throw DataError("--b has only " + std::to_string(b.count()) + " samples, --a has more");
    if (a.place() == 0) with_context("--a", [&] { check_record(record, false, a.count() - 1); });
    if (b.place() == 0) with_context("--b", [&] { check_record(b.record(), false, b.count() - 1); });
    with_context("sample " + std::to_string(a.count() - 1), [&] {
      const Tensor other = sample_of(b.record(), "data", b.place());
      MetricSampleParts parts = input->parts(record, a.place(), a.count() - 1);
      if (parts.data.shape() != other.shape())
        throw DataError("--a has shape " + shape_text(parts.data.shape()) + ", --b " + shape_text(other.shape()));
      if (metric->squared_error) {
        const MetricSample sample(parts);
        add_squared_errors(all, sample, other.converted(sample.data().dtype()), *metric, side);
        return;
      }
      const double figure_a = figure_of(*metric, call.options, MetricSample(parts));
      parts.data = other;
      const double figure_b = figure_of(*metric, call.options, MetricSample(parts));
      if (!std::isfinite(figure_a) || !std::isfinite(figure_b))
        throw DataError(metric->name + " of --a is " + format_number(figure_a) + ", of --b " + format_number(figure_b) +
                        ": there is no difference to test");
      all.samples.push_back(figure_a - figure_b);
      all.a += figure_a;
      all.b += figure_b;
      all.elements += 1;
    });
  }
  if (b.next()) throw DataError("--b has more samples than --a, which has " + std::to_string(a.count()));
  if (!metric) throw DataError("there are no samples to compare");
  input->finish();

  std::string unit = call.options.text("unit");
  if (unit == "auto") unit = metric->squared_error && all.samples.size() < 20 ? "block" : "sample";
  if (unit == "block" && !metric->squared_error) throw UsageError(metric->name + " has no blocks: --unit sample");
  const PairedTest test = paired_test(unit == "block" ? all.blocks : all.samples, call.options.number("confidence"),
                                      call.options.integer("resamples"), call.options.seed());
  const bool favours_a = metric->higher_is_better && !metric->squared_error ? test.sum > 0 : test.sum < 0;
  const bool better = favours_a && test.p <= 1 - call.options.number("confidence");
  RowOutput output(call.options.text("format"), call.options.text("output"));
  Row row = row_of(all, *metric, unit, test);
  row.emplace_back("better", better ? std::string("yes") : std::string("no"));
  output.add(row);
  output.finish();
  if (better) return 0;
  std::fprintf(stderr, "metric: A is not significantly better than B (p = %s)\n", format_number(test.p).c_str());
  return static_cast<int>(ExitCode::threshold_missed);
}

}  // namespace

Verb compare_verb() {
  return {{"compare",
           "is A better than B? Paired difference, interval and p-value; exit 1 if not",
           {file("a", "FILE", "estimates that should be better; companions come from here"),
            file("b", "FILE", "estimates to compare with"),
            choice("unit", {"auto", "block", "sample"},
                   "what is exchanged in the test; auto: samples if there are 20, else blocks within samples")
                .otherwise("auto"),
            confidence_option(), block_option(), resamples_option(), resampling_seed_option()}},
          compare,
          // Halves of an image are cut beforehand, by tensor subsample: A and B must be cut alike.
          {"subsample", "summary", "per-record", "state", "first-index", "allow-nonfinite"}};
}

}  // namespace noiseutils
