#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/threads.hpp"
#include "noise/operator_argument.hpp"
#include "noise/operators.hpp"
#include "sample/cold.hpp"

namespace noiseutils {
namespace {

/// map(in, out) of each of the vectors.
template <class Map>
void each_vector(std::int64_t dim, std::span<const double> x, std::span<double> out, Map&& map) {
  const auto d = static_cast<std::size_t>(dim);
  parallel_blocks(static_cast<std::int64_t>(x.size() / d), [&](std::int64_t v) {
    const std::size_t begin = static_cast<std::size_t>(v) * d;
    map(x.subspan(begin, d), out.subspan(begin, d));
  });
}

class GrowingBlur : public Degradation {
 public:
  GrowingBlur(double sigma, SampleLayout sample) : sigma_(sigma), sample_(std::move(sample)) { at(1); }

  void apply(double t, std::span<const double> x, std::span<double> out) const override {
    const double sigma = sigma_ * std::sqrt(t);
    if (sigma < kNone) {
      std::copy(x.begin(), x.end(), out.begin());
      return;
    }
    const auto blur = at(t);
    each_vector(sample_.size(), x, out,
                [&](std::span<const double> in, std::span<double> blurred) { blur->apply(in, blurred); });
  }

 private:
  static constexpr double kNone = 0.02;  // pixels; of the neighbours' weights, exp(-1250), nothing is left
  std::shared_ptr<const Operator> at(double t) const {
    return parse_operator("blur:" + format_number(sigma_ * std::sqrt(t))).make(sample_, {});
  }
  double sigma_;
  SampleLayout sample_;
};

class Mix : public Degradation {
 public:
  Mix(const std::string& text, std::shared_ptr<const Operator> a, const SampleLayout& sample)
      : a_(std::move(a)), keeps_layout_(a_->output() == sample) {
    if (!keeps_layout_ && !a_->has_pseudo_inverse())
      throw UsageError("--operator " + text + ": the samples change their layout, and there is no way back");
  }

  void apply(double t, std::span<const double> x, std::span<double> out) const override {
    each_vector(a_->input().size(), x, out, [&](std::span<const double> in, std::span<double> mixed) {
      if (keeps_layout_) {
        a_->apply(in, mixed);
      } else {
        std::vector<double> y(static_cast<std::size_t>(a_->output().size()));
        a_->apply(in, y);
        a_->pseudo_inverse(y, mixed);
      }
      for (std::size_t i = 0; i < in.size(); ++i) mixed[i] = (1 - t) * in[i] + t * mixed[i];
    });
  }

 private:
  std::shared_ptr<const Operator> a_;
  bool keeps_layout_;
};

}  // namespace

std::unique_ptr<Degradation> operator_degradation(const std::string& text, const SampleLayout& sample) {
  const OperatorChoice choice = parse_operator(text);
  if (choice.recipe.random)
    throw UsageError("--operator " + text + " is drawn anew for each sample, and cold diffusion has one for all");
  if (choice.kind->name == "blur" && looks_like_number(choice.argument))
    return std::make_unique<GrowingBlur>(parse_number(choice.argument), sample);
  return std::make_unique<Mix>(text, choice.make(sample, {}), sample);
}

}  // namespace noiseutils
