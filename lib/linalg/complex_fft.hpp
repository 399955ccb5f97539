#pragma once

#include <complex>
#include <cstdint>
#include <vector>

namespace noiseutils {

/// The one-dimensional Fourier transform of n complex numbers, of many columns at once: the same bits on every
/// processor, since its roots of unity are those of random/math.hpp and not of libm.
/// Source: Stockham's self-sorting algorithm, of radices 4, 2 and the odd primes; Van Loan, "Computational frameworks
/// for the fast Fourier transform", 1992, section 1.7.
template <class T>
class ComplexFft {
 public:
  enum class Direction { forward, backward };

  ComplexFft(std::int64_t n, Direction direction);

  /// X(k) = sum_j x(j) exp(-+ 2 pi i j k / n), unscaled; - is forward. data: n x columns, row-major, in place; work: as
  /// large. May be used from several threads.
  void transform(std::complex<T>* data, std::complex<T>* work, std::int64_t columns) const;

 private:
  /// From n x columns to n x columns, of which the remaining transforms of length n / radix are over the first
  /// n / radix parts.
  struct Stage {
    std::int64_t radix, length, columns;
  };
  void radix_2(const Stage& stage, const std::complex<T>* x, std::complex<T>* y) const;
  void radix_4(const Stage& stage, const std::complex<T>* x, std::complex<T>* y) const;
  void radix_odd(const Stage& stage, const std::complex<T>* x, std::complex<T>* y) const;
  /// exp(-+ 2 pi i numerator / length), length a divisor of n.
  std::complex<T> root(std::int64_t numerator, std::int64_t length) const {
    return roots_[static_cast<std::size_t>(numerator % length * (n_ / length))];
  }

  std::int64_t n_;
  T sign_;
  std::vector<std::int64_t> radices_;
  std::vector<std::complex<T>> roots_;
};

}  // namespace noiseutils
