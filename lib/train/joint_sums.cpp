#include "base/error.hpp"
#include "train/moment_state.hpp"
#include "train/regression_sums.hpp"

namespace noiseutils {
namespace {

template <class T>
class JointSums : public RegressionSums {
 public:
  JointSums(std::int64_t dim, bool with_target) : dim_(dim), moments_(with_target ? 2 * dim : dim) {}

  std::int64_t count() const override { return moments_.count(); }
  void add(std::int64_t first, const Tensor& rows) override { moments_.add(first, rows.values<T>()); }
  void add_whole(const Tensor& rows) override { moments_.add_whole(rows.values<T>()); }
  void merge(const RegressionSums& other) override {
    const auto* same = dynamic_cast<const JointSums<T>*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    moments_.merge(same->moments_);
  }
  void save(Record& state) override { save_moments(moments_, state); }
  void save_exactly(Record& state) const override { save_moments_exactly(moments_, state); }
  void skip(std::int64_t number) override { moments_.skip(number); }
  void close() override { moments_.close(); }
  void load(const Record& state) override { moments_ = load_moments<T>(moments_.dim(), state); }

  RegressionMoments finish() override {
    const Moments joint = finite_moments(moments_);
    const std::int64_t all = moments_.dim();
    RegressionMoments moments;
    moments.dim = dim_;
    moments.mean.assign(joint.mean.begin(), joint.mean.begin() + dim_);
    moments.target_mean.assign(joint.mean.end() - dim_, joint.mean.end());
    for (std::int64_t i = 0; i < dim_; ++i) {
      const auto y = joint.covariance.begin() + i * all, target = joint.covariance.begin() + (all - dim_ + i) * all;
      moments.covariance.insert(moments.covariance.end(), y, y + dim_);
      moments.target_cross.insert(moments.target_cross.end(), target, target + dim_);
    }
    return moments;
  }

 private:
  std::int64_t dim_;
  MomentAccumulator<T> moments_;
};

}  // namespace

std::unique_ptr<RegressionSums> joint_sums(const VectorLayout& layout, bool with_target) {
  if (layout.dtype == DType::F64) return std::make_unique<JointSums<double>>(layout.dim(), with_target);
  return std::make_unique<JointSums<float>>(layout.dim(), with_target);
}

}  // namespace noiseutils
