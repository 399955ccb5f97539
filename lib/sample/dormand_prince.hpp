#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace noiseutils {

/// How large the estimated error of one step may be, element by element: absolute + relative |y|.
struct Tolerance {
  double relative = 1e-5;
  double absolute = 1e-5;
};

/// Root mean square of error / (absolute + relative max(|before|, |after|)): a step is good where it is at most 1.
template <class T>
double scaled_error(std::span<const T> error, std::span<const T> before, std::span<const T> after,
                    const Tolerance& tolerance);

/// Solves dy/dt = f(t, y) by the embedded Runge-Kutta pair of Dormand and Prince, of order 5 with an error estimate of
/// order 4, in steps as long as the tolerance lets them be: after an error e, which is 1 at the tolerance, the next
/// step is longer by the factor 0.9 e^(-1/5), within 0.2 and 10. Six calls of f a step, since the last stage of one is
/// the first of the next.
/// One object follows one solution: a batch of vectors takes an object each where no vector may depend on the others.
/// Source: Dormand, Prince, "A family of embedded Runge-Kutta formulae", 1980; the control of steps and the first step
/// as in Hairer, Norsett, Wanner, "Solving ordinary differential equations I", II.4.
template <class T>
class DormandPrince {
 public:
  using Derivative = std::function<void(double t, std::span<const T> y, std::span<T> dydt)>;
  /// The size of an error on the scale of a tolerance; scaled_error by default.
  using ErrorNorm =
      std::function<double(std::span<const T> error, std::span<const T> before, std::span<const T> after)>;

  DormandPrince(Derivative f, const Tolerance& tolerance, ErrorNorm norm = {});

  /// y(from) -> y(to) in place, forwards or backwards. Where `from` and y are what the last call ended with, it goes on
  /// with its step and its last stage; everything else starts anew after restart(). Throws DataError where no step is
  /// short enough, as with an f that is not finite.
  void integrate(double from, double to, std::span<T> y);
  void restart() { step_ = 0; }

  /// Is shown each step that is taken, from y at t to t + h, before y changes; may ask for what lies within.
  using Watcher = std::function<void(double t, double h, std::span<const T> y)>;
  void watch(Watcher watcher) { watcher_ = std::move(watcher); }
  /// The solution at t + theta h, 0 <= theta <= 1, to fourth order without further calls of f, of a step that is being
  /// watched. Source: Hairer, Norsett, Wanner, equation II.6.12.
  void within(double theta, double h, std::span<const T> y, std::span<T> out) const;

  std::int64_t calls() const { return calls_; }        ///< of f so far
  std::int64_t accepted() const { return accepted_; }  ///< steps
  std::int64_t rejected() const { return rejected_; }

 private:
  void evaluate(double t, std::span<const T> y, std::vector<T>& dydt);
  double first_step(double t, double to, std::span<const T> y);
  /// A step of length h from y: fills next_ and the stages; the size of its error.
  double attempt(double t, double h, std::span<const T> y);

  Derivative f_;
  ErrorNorm norm_;
  Watcher watcher_;
  std::array<std::vector<T>, 7> k_;  ///< k_[0] is f at the present state, where step_ > 0
  std::vector<T> stage_, next_;
  double step_ = 0;  ///< length that the next step may have; 0: nothing is known
  std::int64_t calls_ = 0, accepted_ = 0, rejected_ = 0;
};

extern template class DormandPrince<float>;
extern template class DormandPrince<double>;

}  // namespace noiseutils
