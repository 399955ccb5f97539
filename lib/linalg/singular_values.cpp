#include "linalg/singular_values.hpp"

#include <Eigen/SVD>
#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "linalg/blas_turn.hpp"

#ifdef NOISEUTILS_OPENBLAS
extern "C" void dgesdd_(const char*, const int*, const int*, double*, const int*, double*, double*, const int*, double*,
                        const int*, double*, const int*, int*, int*);
#endif

namespace noiseutils {
namespace {

constexpr std::int64_t kLargest = 32000;  // as for symmetric_eigen: LAPACK counts its workspace in an int

}  // namespace

void singular_values(std::int64_t m, std::int64_t n, double* a, double* values) {
  const std::int64_t k = std::min(m, n);
  if (k == 0) return;
  if (std::max(m, n) > kLargest)
    throw DataError("singular values of a " + std::to_string(m) + " x " + std::to_string(n) +
                    " matrix: more than 32000 dimensions are beyond LAPACK");
#ifdef NOISEUTILS_OPENBLAS
  const auto lock = blas_turn();
  const int rows = static_cast<int>(m), cols = static_cast<int>(n), one = 1, ask = -1;
  int info = 0, length = 0;
  double unused = 0, best = 0;
  std::vector<int> integers(static_cast<std::size_t>(8 * k));
  dgesdd_("N", &rows, &cols, a, &rows, values, &unused, &one, &unused, &one, &best, &ask, integers.data(), &info);
  length = static_cast<int>(best);
  std::vector<double> work(static_cast<std::size_t>(length));
  dgesdd_("N", &rows, &cols, a, &rows, values, &unused, &one, &unused, &one, work.data(), &length, integers.data(),
          &info);
  if (info != 0) throw InternalError("the singular values did not converge");
#else
  const Eigen::Map<const Eigen::MatrixXd> matrix(a, m, n);
  const Eigen::BDCSVD<Eigen::MatrixXd> solver(matrix);
  Eigen::Map<Eigen::VectorXd>(values, k) = solver.singularValues();
#endif
}

}  // namespace noiseutils
