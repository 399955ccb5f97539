#include "train/sgd_run.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/signals.hpp"
#include "train/deep_linear.hpp"
#include "train/iterate_average.hpp"

namespace noiseutils {
namespace {

/// Scales a gradient down to the norm `bound`, if it is larger.
void clip(std::span<double> gradient, double bound) {
  double square = 0;
  for (const double value : gradient) square += value * value;
  const double norm = std::sqrt(square);
  if (!(norm > bound)) return;
  for (double& value : gradient) value *= bound / norm;
}

/// One run: what optimizer and curve need of each step.
class Run {
 public:
  Run(const SgdPlan& plan, const LearningGround& ground, Minibatch& minibatch, Optimizer& optimizer)
      : plan_(plan),
        ground_(ground),
        minibatch_(minibatch),
        parameters_(initial_layers(plan.shape, plan.gain)),
        of_product_(plan.shape.layer_size()),
        average_(plan.average, plan.steps),
        optimizer_(optimizer) {
    if (plan.theory) expected_ = plan.theory();
  }

  SgdResult go() {
    SgdResult result;
    const std::vector<std::int64_t> marks = curve_steps(plan_.steps, plan_.rows);
    auto mark = marks.begin();
    for (std::int64_t t = 0; t <= plan_.steps; ++t) {
      stop_if_requested();
      if (mark != marks.end() && t == *mark) {
        result.curve.push_back(point(t));
        ++mark;
      }
      if (t < plan_.steps) step(t);
      if (plan_.progress) plan_.progress(t);
    }
    result.weights = plan_.average == "none" ? product(parameters_) : average_.value();
    return result;
  }

 private:
  void step(std::int64_t t) {
    const double rate = plan_.rates[static_cast<std::size_t>(t)];
    minibatch_.draw(t);
    bool measured = false;
    optimizer_.step(rate, parameters_, [&](std::span<const double> at, std::span<double> gradient) {
      if (plan_.shape.layers == 1) {
        minibatch_.gradient(at, gradient);
      } else {
        minibatch_.gradient(product(at), of_product_);
        layer_gradients(plan_.shape, at, of_product_, gradient);
      }
      if (!measured && minibatch_.size() > 1) noise_.add(minibatch_.norms());
      measured = true;
      if (plan_.clip) clip(gradient, *plan_.clip);
    });
    if (!std::isfinite(minibatch_.norms().whole)) throw diverged(t + 1);
    if (plan_.average != "none") average_.add(t + 1, product(parameters_));
    if (expected_) expected_->step(rate);
  }

  LearningPoint point(std::int64_t t) const {
    LearningPoint found;
    found.step = t;
    found.rate = plan_.rates.empty() ? 0 : plan_.rates[static_cast<std::size_t>(std::max<std::int64_t>(0, t - 1))];
    const ErrorMoments error = ground_.error_of(product(parameters_));
    found.excess = ground_.law.excess(error);
    if (!std::isfinite(found.excess)) throw diverged(t);
    found.exact = {ground_.law.gradient_trace(error), ground_.law.gradient_square(error)};
    if (noise_.known()) found.estimated = {noise_.trace(), noise_.square()};
    if (expected_) found.theory = expected_->excess();
    if (plan_.average != "none" && t > 0) found.average = ground_.law.excess(ground_.error_of(average_.value()));
    return found;
  }

  UsageError diverged(std::int64_t steps) const {
    return UsageError("the error grew beyond all bounds within " + std::to_string(steps) +
                      " steps, of a learning rate of " + format_number(plan_.rates.front()) +
                      " at first: give a smaller --learning-rate, or --clip");
  }

  std::vector<double> product(std::span<const double> parameters) const {
    return layer_product(plan_.shape, parameters);
  }

  const SgdPlan& plan_;
  const LearningGround& ground_;
  Minibatch& minibatch_;
  std::vector<double> parameters_, of_product_;
  IterateAverage average_;
  NoiseScale noise_;
  Optimizer& optimizer_;
  std::unique_ptr<ExpectedCurve> expected_;
};

}  // namespace

ErrorMoments LearningGround::error_of(std::span<const double> weights) const {
  const std::int64_t d = law.dim();
  std::vector<double> images(weights.size());  // row k: W u_k
  square_product(d, Op::plain, eigenvectors.data(), Op::transposed, weights.data(), images.data());
  ErrorMoments error;
  for (std::int64_t k = 0; k < d; ++k) {
    const double gain = law.gains()[static_cast<std::size_t>(k)];
    double square = 0, mean = 0;
    for (std::int64_t j = 0; j < d; ++j) {
      const double u = eigenvectors[static_cast<std::size_t>(k * d + j)];
      const double e = images[static_cast<std::size_t>(k * d + j)] - gain * u;
      square += e * e;
      mean += u * e;
    }
    error.second.push_back(square);
    error.mean.push_back(mean);
  }
  return error;
}

std::vector<std::int64_t> curve_steps(std::int64_t steps, std::int64_t rows) {
  std::vector<std::int64_t> marks = {0};
  for (std::int64_t k = 1; k <= rows; ++k) {
    const double share = static_cast<double>(k) / static_cast<double>(rows);
    const auto mark = static_cast<std::int64_t>(std::llround(std::pow(static_cast<double>(steps), share)));
    if (mark > marks.back()) marks.push_back(std::min(mark, steps));
  }
  if (marks.back() < steps) marks.push_back(steps);
  return marks;
}

SgdResult run_sgd(const SgdPlan& plan, const LearningGround& ground, Minibatch& minibatch, Optimizer& optimizer) {
  return Run(plan, ground, minibatch, optimizer).go();
}

}  // namespace noiseutils
