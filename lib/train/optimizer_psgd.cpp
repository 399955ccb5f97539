#include <Eigen/Dense>
#include <cmath>

#include "random/random.hpp"
#include "train/optimizer.hpp"

namespace noiseutils {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double kProbe = 1e-4;                                 // size of the probing step
constexpr std::uint64_t kProbeStream = std::uint64_t{1} << 62;  // beyond any number of a minibatch's vector

/// The preconditioner of one layer, P = (L^T L) (x) (R^T R) with triangular L, R: G -> L^T L G R^T R.
struct Preconditioner {
  Matrix left, right;

  /// One step of relative size `rate` down the gradient of the criterion tr(dg^T P dg) + tr(dx^T P^-1 dx), whose
  /// minimum has P H H P = 1 for the Hessian H that makes dg = H dx:
  ///   A = L dg R^T, B = L^-T dx R^-1,  L <- L - rate T L / max|T|, T = triu(A A^T - B B^T), R by A^T A - B^T B.
  void learn(double rate, const Matrix& change, const Matrix& probe) {
    const Matrix a = left * change * right.transpose();
    Matrix b = left.transpose().triangularView<Eigen::Lower>().solve(probe);
    right.triangularView<Eigen::Upper>().solveInPlace<Eigen::OnTheRight>(b);
    const Matrix of_left = a * a.transpose() - b * b.transpose();
    const Matrix of_right = a.transpose() * a - b.transpose() * b;
    turn(rate, of_left, left);
    turn(rate, of_right, right);
  }
  Matrix apply(const Matrix& gradient) const {
    return left.transpose() * (left * gradient * right.transpose()) * right;
  }

 private:
  static void turn(double rate, const Matrix& difference, Matrix& factor) {
    const Matrix upper = difference.triangularView<Eigen::Upper>();
    const double largest = upper.cwiseAbs().maxCoeff();
    if (largest > 0) factor -= rate / largest * (upper * factor);
  }
};

/// Preconditioned SGD, theta <- theta - h P g, with P learned from how the gradient on the same minibatch changes with
/// a random small step: a Newton method that needs no Hessian, and bears noise.
class PreconditionedDescent : public Optimizer {
 public:
  PreconditionedDescent(const ParameterShape& shape, double rate, std::uint64_t seed)
      : shape_(shape), rate_(rate), seed_(seed), gradient_(shape.size()), moved_(shape.size()), change_(shape.size()) {
    const Matrix identity = Matrix::Identity(shape.dim, shape.dim);
    layers_.assign(static_cast<std::size_t>(shape.layers), {identity, identity});
  }

  void step(double rate, std::span<double> parameters, const GradientOf& gradient) override {
    gradient(parameters, gradient_);
    std::vector<double> probe(parameters.size());
    fill_normal({seed_, Purpose::train, kProbeStream, ++steps_}, 0, std::span<double>(probe));
    for (std::size_t i = 0; i < probe.size(); ++i) moved_[i] = parameters[i] + kProbe * probe[i];
    gradient(moved_, change_);
    for (std::size_t i = 0; i < probe.size(); ++i) change_[i] = (change_[i] - gradient_[i]) / kProbe;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const auto layer = [&](std::vector<double>& all) {
        return Eigen::Map<Matrix>(all.data() + l * shape_.layer_size(), shape_.dim, shape_.dim);
      };
      layers_[l].learn(rate_, layer(change_), layer(probe));
      const Matrix step = layers_[l].apply(layer(gradient_));
      Eigen::Map<Matrix>(parameters.data() + l * shape_.layer_size(), shape_.dim, shape_.dim) -= rate * step;
    }
  }

 private:
  ParameterShape shape_;
  double rate_;
  std::uint64_t seed_, steps_ = 0;
  std::vector<Preconditioner> layers_;
  std::vector<double> gradient_, moved_, change_;
};

}  // namespace

OptimizerKind psgd_optimizer() {
  return {"psgd",
          "preconditioned by two triangular factors a layer, learned from changes of the gradient",
          "Li 2018, Preconditioned stochastic gradient descent",
          {number("preconditioner-rate", "R", "relative size of the steps of the preconditioner")
               .otherwise("0.05")
               .above(0)
               .at_most(0.5)},
          // Half of the limit where the preconditioner is C^-1, and all curvatures are 1.
          [](const RateGround& ground, const OptionValues&) {
            return static_cast<double>(ground.batch) / static_cast<double>(ground.dim + ground.batch + 1);
          },
          [](const ParameterShape& shape, const OptionValues& given, std::uint64_t seed) -> std::unique_ptr<Optimizer> {
            return std::make_unique<PreconditionedDescent>(shape, given.number("preconditioner-rate"), seed);
          }};
}

}  // namespace noiseutils
