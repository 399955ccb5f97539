#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/tensor.hpp"

namespace noiseutils {

/// What an operator takes or gives: the axis letters and the shape of one sample.
struct SampleLayout {
  std::string axes;
  Shape shape;

  std::int64_t size() const { return element_count(shape); }
  bool operator==(const SampleLayout&) const = default;
};

/// A linear map A of one sample, between the clean sample and the noise: y = N(A x).
/// All vectors are the elements of a sample in row-major order, in double.
class Operator {
 public:
  Operator(SampleLayout input, SampleLayout output) : input_(std::move(input)), output_(std::move(output)) {}
  virtual ~Operator() = default;
  const SampleLayout& input() const { return input_; }
  const SampleLayout& output() const { return output_; }

  /// y = A x; x has input().size() elements, y output().size().
  virtual void apply(std::span<const double> x, std::span<double> y) const = 0;
  /// x = A^T y, so that <A x, y> = <x, A^T y> to rounding: the transpose of what apply() does, not of what it stands
  /// for.
  virtual void adjoint(std::span<const double> y, std::span<double> x) const = 0;

  /// ||A|| = max |A x| / |x|: a closed form where there is one, else power_iteration().
  virtual double norm() const;

  /// True where pseudo_inverse() is there.
  virtual bool has_pseudo_inverse() const { return false; }
  /// x = A^+ y: of the x with the least |A x - y| the shortest. InternalError where there is none.
  virtual void pseudo_inverse(std::span<const double> y, std::span<double> x) const;

 private:
  SampleLayout input_, output_;
};

/// ||A|| by at most 300 steps of the power method on A^T A, from a start that is always the same; it ends early where a
/// step changes the norm by less than 1e-12 of it. A lower bound: closely clustered singular values cost digits.
double power_iteration(const Operator& map);

/// A = A_n ... A_2 A_1, the first of `maps` next to the sample; at least one. Has a pseudo-inverse only where it is of
/// one operator: that of a product is not the product of theirs.
class Composition : public Operator {
 public:
  explicit Composition(std::vector<std::shared_ptr<const Operator>> maps);
  void apply(std::span<const double> x, std::span<double> y) const override;
  void adjoint(std::span<const double> y, std::span<double> x) const override;
  double norm() const override;
  bool has_pseudo_inverse() const override;
  void pseudo_inverse(std::span<const double> y, std::span<double> x) const override;

 private:
  std::vector<std::shared_ptr<const Operator>> maps_;
};

}  // namespace noiseutils
