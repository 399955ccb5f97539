#include "train/weighed.hpp"

#include <cmath>
#include <map>

#include "base/error.hpp"
#include "train/covariance.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBlock = MomentAccumulator<double>::kBlock;
constexpr std::int64_t kClean = -2000;  // the level of variance 0, below that of every double

std::int64_t level_of(double variance) {
  return variance > 0 ? static_cast<std::int64_t>(std::floor(std::log2(variance))) : kClean;
}

/// Rows of one level of noise, in the order in which they came.
template <class T>
struct Level {
  explicit Level(std::int64_t dim) : moments(dim) {}
  MomentAccumulator<T> moments;
  std::vector<T> waiting;  // rows of a block that is not full
  double variance_sum = 0;

  void add(std::span<const T> row, double variance) {
    waiting.insert(waiting.end(), row.begin(), row.end());
    variance_sum += variance;
    if (static_cast<std::int64_t>(waiting.size()) == kBlock * moments.dim()) flush();
  }
  void flush() {
    if (!waiting.empty()) moments.add_whole(waiting);
    waiting.clear();
  }
};

template <class T>
class WeighedStatistics : public VectorStatistics {
 public:
  WeighedStatistics(const VectorLayout& layout, const CovarianceRequest& request)
      : VectorStatistics(layout), request_(request) {
    if (request.shrinker->name == "lw") throw UsageError("--weigh keeps no fourth moments for --shrink lw; take oas");
  }

  std::int64_t count() const override {
    std::int64_t sum = 0;
    for (const auto& [number, level] : levels_)
      sum += level.moments.count() + static_cast<std::int64_t>(level.waiting.size()) / layout().dim();
    return sum;
  }
  void add_rows(std::int64_t, const Tensor& rows, std::span<const double> variances) override {
    const auto dim = static_cast<std::size_t>(layout().dim());
    for (std::size_t i = 0; i < variances.size(); ++i)
      level(level_of(variances[i])).add(rows.values<T>().subspan(i * dim, dim), variances[i]);
  }
  void add_patches(const Tensor& rows, double variance) override {
    Level<T>& own = level(level_of(variance));
    own.moments.add_whole(rows.values<T>());
    own.variance_sum += static_cast<double>(rows.axis(0)) * variance;
  }
  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const WeighedStatistics<T>*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    for (const auto& [number, theirs] : same->levels_) {
      Level<T> copy = theirs;
      copy.flush();
      Level<T>& own = level(number);
      own.flush();
      own.moments.merge(copy.moments);
      own.variance_sum += copy.variance_sum;
    }
  }
  void save(Record& state) override {
    std::vector<std::int64_t> numbers, counts;
    std::vector<double> variances, means, scatters;
    for (auto& [number, level] : levels_) {
      level.flush();
      const auto saved = level.moments.state();
      numbers.push_back(number);
      counts.push_back(saved.count);
      variances.push_back(level.variance_sum);
      means.insert(means.end(), saved.mean.begin(), saved.mean.end());
      scatters.insert(scatters.end(), saved.scatter.begin(), saved.scatter.end());
    }
    const auto n = static_cast<std::int64_t>(numbers.size());
    const std::int64_t dim = layout().dim();
    state.tensors["level"] = Tensor::of<std::int64_t>({n}, numbers);
    state.tensors["level_count"] = Tensor::of<std::int64_t>({n}, counts);
    state.tensors["level_variance_sum"] = Tensor::of<double>({n}, variances);
    state.tensors["mean"] = Tensor::of<double>({n, dim}, means);
    state.tensors["scatter"] = Tensor::of<double>({n, dim * (dim + 1) / 2}, scatters);
  }
  bool resumable() const override { return true; }
  /// The rows that wait: of each level first those in whole blocks, then those of the block that is not full.
  void save_exactly(Record& state) override {
    WeighedStatistics<T> without(layout(), request_);
    std::vector<std::int64_t> queued, counts, waiting;
    std::vector<T> rows;
    for (const auto& [number, level] : levels_) {
      auto saved = level.moments.exact_state();
      queued.push_back(std::ssize(saved.queue_counts));
      counts.insert(counts.end(), saved.queue_counts.begin(), saved.queue_counts.end());
      waiting.push_back(std::ssize(level.waiting) / layout().dim());
      rows.insert(rows.end(), saved.queue_rows.begin(), saved.queue_rows.end());
      rows.insert(rows.end(), level.waiting.begin(), level.waiting.end());
      saved.queue_counts.clear();
      Level<T>& bare = without.level(number);
      bare.moments = MomentAccumulator<T>::from_state(layout().dim(), saved);
      bare.variance_sum = level.variance_sum;
    }
    without.save(state);
    state.tensors["level_queued"] = Tensor::of<std::int64_t>({std::ssize(queued)}, queued);
    state.tensors["queue_counts"] = Tensor::of<std::int64_t>({std::ssize(counts)}, counts);
    state.tensors["level_waiting"] = Tensor::of<std::int64_t>({std::ssize(waiting)}, waiting);
    state.tensors["waiting_rows"] = Tensor::of<T>({std::ssize(rows) / layout().dim(), layout().dim()}, rows);
  }
  void load(const Record& state) {
    const std::int64_t n = state.require("level").size(), dim = layout().dim(), half = dim * (dim + 1) / 2;
    const auto numbers = require_tensor(state, "level", DType::I64, {n}).values<std::int64_t>(),
               counts = require_tensor(state, "level_count", DType::I64, {n}).values<std::int64_t>();
    const auto variances = require_tensor(state, "level_variance_sum", DType::F64, {n}).values<double>();
    const Tensor &means = require_tensor(state, "mean", DType::F64, {n, dim}),
                 &scatters = require_tensor(state, "scatter", DType::F64, {n, half});
    const bool is_checkpoint = state.find("level_queued") != nullptr;
    const std::int64_t least = is_checkpoint ? 0 : 1;
    for (std::int64_t k = 0; k < n; ++k) {
      const auto at = static_cast<std::size_t>(k);
      if (counts[at] < least || counts[at] > kMaxVectors)
        throw DataError("tensor \"level_count\" holds " + std::to_string(counts[at]));
      const Tensor mean = means.at(k), scatter = scatters.at(k);
      typename MomentAccumulator<T>::State saved;
      saved.count = counts[at];
      saved.mean.assign(mean.values<double>().begin(), mean.values<double>().end());
      saved.scatter.assign(scatter.values<double>().begin(), scatter.values<double>().end());
      Level<T>& own = level(numbers[at]);
      own.moments = MomentAccumulator<T>::from_state(dim, saved);
      own.variance_sum = variances[at];
    }
    if (is_checkpoint) load_waiting(state, numbers);
  }
  std::unique_ptr<Model> finish(ModelInfo info, double) override {
    std::vector<Part> parts;
    for (auto& [number, level] : levels_) {
      level.flush();
      Part part{level.moments.finish(), 0};
      part.variance = level.variance_sum / static_cast<double>(part.moments.count);
      parts.push_back(std::move(part));
    }
    const CovarianceSample plain = combined(parts, std::vector<double>(parts.size(), 1.0));
    const std::int64_t dim = layout().dim();
    double mean_eigenvalue = 0;
    for (std::int64_t i = 0; i < dim; ++i)
      mean_eigenvalue += plain.moments.covariance[static_cast<std::size_t>(i * dim + i)] / static_cast<double>(dim);
    mean_eigenvalue = std::max(0.0, mean_eigenvalue - plain.noise_variance);
    std::vector<double> weights;
    for (const Part& part : parts) {
      const double spread = part.variance + mean_eigenvalue;
      weights.push_back(spread > 0 ? 1 / (spread * spread) : 1);
    }
    return covariance_model(std::move(info), layout().dtype, combined(parts, weights), request_);
  }

 private:
  /// The rows that save_exactly() wrote beside the sums.
  void load_waiting(const Record& state, std::span<const std::int64_t> numbers) {
    const std::int64_t n = std::ssize(numbers), dim = layout().dim();
    const auto queued = require_tensor(state, "level_queued", DType::I64, {n}).values<std::int64_t>(),
               waiting = require_tensor(state, "level_waiting", DType::I64, {n}).values<std::int64_t>(),
               counts = require_tensor(state, "queue_counts", DType::I64, {state.require("queue_counts").size()})
                            .values<std::int64_t>();
    const std::int64_t all = state.require("waiting_rows").size() / dim;
    auto rows = require_tensor(state, "waiting_rows", DTypeOf<T>::value, {all, dim}).template values<T>();
    const auto take = [&](std::int64_t count) {
      if (count < 0 || count > kBlock || count * dim > std::ssize(rows))
        throw DataError("is a damaged checkpoint: its rows that wait do not make sense");
      const auto taken = rows.first(static_cast<std::size_t>(count * dim));
      rows = rows.subspan(taken.size());
      return taken;
    };
    std::size_t block = 0;
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      Level<T>& own = level(numbers[k]);
      for (std::int64_t b = 0; b < queued[k]; ++b)
        own.moments.add_whole(take(block < counts.size() ? counts[block++] : -1));
      const auto rest = take(waiting[k]);
      own.waiting.assign(rest.begin(), rest.end());
    }
  }

  struct Part {
    Moments moments;
    double variance = 0;  // of the noise, mean
  };

  Level<T>& level(std::int64_t number) { return levels_.try_emplace(number, layout().dim()).first->second; }

  /// Moments with a weight for each part; the effective number of vectors is (sum w)^2 / sum w^2.
  static CovarianceSample combined(const std::vector<Part>& parts, const std::vector<double>& weights) {
    const std::size_t dim = parts.front().moments.mean.size();
    CovarianceSample result{{0, std::vector<double>(dim), std::vector<double>(dim * dim)}, 1, 0, {}};
    double total = 0, squares = 0;
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const auto n = static_cast<double>(parts[k].moments.count);
      total += weights[k] * n;
      squares += weights[k] * weights[k] * n;
      result.moments.count += parts[k].moments.count;
    }
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const double share = weights[k] * static_cast<double>(parts[k].moments.count) / total;
      result.noise_variance += share * parts[k].variance;
      for (std::size_t i = 0; i < dim; ++i) result.moments.mean[i] += share * parts[k].moments.mean[i];
    }
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const double share = weights[k] * static_cast<double>(parts[k].moments.count) / total;
      const Moments& own = parts[k].moments;
      for (std::size_t c = 0; c < dim; ++c)
        for (std::size_t r = 0; r <= c; ++r)
          result.moments.covariance[c * dim + r] +=
              share * (own.covariance[c * dim + r] +
                       (own.mean[c] - result.moments.mean[c]) * (own.mean[r] - result.moments.mean[r]));
    }
    result.degrees = std::max(1.0, total * total / squares - 1);
    return result;
  }

  CovarianceRequest request_;
  std::map<std::int64_t, Level<T>> levels_;
};

template <class T>
std::unique_ptr<Statistics> made(const VectorLayout& layout, const OptionValues& given, const Record* state) {
  auto statistics = std::make_unique<WeighedStatistics<T>>(layout, covariance_request(given));
  if (state != nullptr) statistics->load(*state);
  return statistics;
}

}  // namespace

std::unique_ptr<Statistics> weighed_statistics(const VectorLayout& layout, const OptionValues& given) {
  return layout.dtype == DType::F64 ? made<double>(layout, given, nullptr) : made<float>(layout, given, nullptr);
}

std::unique_ptr<Statistics> weighed_statistics(const VectorLayout& layout, const OptionValues& given,
                                               const Record& state) {
  return layout.dtype == DType::F64 ? made<double>(layout, given, &state) : made<float>(layout, given, &state);
}

}  // namespace noiseutils
