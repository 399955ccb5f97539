#include "base/error.hpp"
#include "cli/direction_filter.hpp"
#include "cli/jacobian_verbs.hpp"
#include "cli/standard_options.hpp"
#include "denoise/direction_file.hpp"
#include "score/jacobian_samples.hpp"
#include "score/posterior_covariance.hpp"

namespace noiseutils {
namespace {

struct Along {
  std::vector<double> vectors;
  std::int64_t iterations = 0;  // of the search for them, if there was one
  double change = 0;
  bool settled = true;
  CovarianceAlong found;
};

class CovarianceRun {
 public:
  explicit CovarianceRun(const Invocation& call) : call_(call), unsettled_(call), denoiser_(asked_jacobian(call)) {
    if (!call.options.given("vectors")) return;
    if (call.options.given("top")) throw UsageError("--vectors and --top exclude each other");
    file_ = std::make_unique<DirectionFile>(call.options.text("vectors"), read_options(call), true);
  }

  std::vector<Along> of(const Record& record, std::int64_t first) {
    const DirectionSearch search = asked_search(call_);
    std::vector<Along> all(static_cast<std::size_t>(sample_count(record)));
    for (std::size_t i = 0; file_ && i < all.size(); ++i) {
      const Tensor& own = file_->of_sample(first + static_cast<std::int64_t>(i), sample_shape(record));
      all[i].vectors.assign(own.values<double>().begin(), own.values<double>().end());
    }
    for_jacobians(denoiser_, record, asked_level(call_), [&](std::int64_t i, const JacobianAt& jacobian) {
      Along& along = all[static_cast<std::size_t>(i)];
      if (!file_) find(jacobian, search, first + i, along);
      along.found = covariance_along(jacobian, along.vectors);
    });
    for (std::size_t i = 0; i < all.size(); ++i)
      if (!all[i].settled) unsettled_.add(first + static_cast<std::int64_t>(i), all[i].change);
    return all;
  }
  void finish() const { unsettled_.finish(); }

 private:
  static void find(const JacobianAt& jacobian, const DirectionSearch& search, std::int64_t sample, Along& along) {
    SingularDirections found = jacobian_spectrum(jacobian, search, sample).directions;
    along.iterations = found.iterations;
    along.change = found.change;
    along.settled = found.has_settled(search.power);
    along.vectors = std::move(found.vectors);
  }

  const Invocation& call_;
  UnsettledSearches unsettled_;
  JacobianOfDenoiser denoiser_;
  std::unique_ptr<DirectionFile> file_;
};

std::vector<Row> rows_of(const std::vector<Along>& all) {
  std::vector<Row> rows;
  for (const Along& along : all)
    for (std::size_t k = 0; k < along.found.moments.size(); ++k) {
      const CentralMoments& m = along.found.moments[k];
      rows.push_back({{"k", static_cast<std::int64_t>(k + 1)},
                      {"variance", along.found.matrix[k * along.found.moments.size() + k]},
                      {"third", m.third},
                      {"fourth", m.fourth},
                      {"asymmetry", along.found.asymmetry},
                      {"iterations", along.iterations},
                      {"change", along.change}});
    }
  return rows;
}

Record record_of(const Record& noisy, const std::vector<Along>& all, std::int64_t first) {
  const std::int64_t count = all.front().found.count;
  DirectionRecord result(noisy, count, "posterior-direction", first);
  result.declare("covariance", count);
  result.declare("moments", 3);
  result.declare_search();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    std::vector<double> moments;
    for (const CentralMoments& m : all[i].found.moments) moments.insert(moments.end(), {m.second, m.third, m.fourth});
    result.put_vectors(at, all[i].vectors);
    result.put("covariance", at, all[i].found.matrix);
    result.put("moments", at, moments);
    result.put_search(at, all[i].iterations, all[i].change);
  }
  return result.finish();
}

int run_covariance(const Invocation& call) {
  CovarianceRun run(call);
  const auto find = [&](const Record& record, std::int64_t first) { return run.of(record, first); };
  const int code = run_direction_filter(call, find, rows_of, record_of);
  run.finish();
  return code;
}

}  // namespace

Verb posterior_covariance_verb() {
  const std::vector<OptionSpec> own = {
      file("vectors", "FILE", "directions: the same for all samples, or as score spectrum and directions write them"),
      flag("rows", "print a row for each direction instead of a record"),
      format_option(),
  };
  return {{"covariance", "covariance of the clean sample given the noisy one along directions, and moments",
           joined(jacobian_options(), search_options(), own)},
          run_covariance,
          {"resume"}};
}

}  // namespace noiseutils
