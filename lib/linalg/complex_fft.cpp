#include "linalg/complex_fft.hpp"

#include <algorithm>

#include "random/math.hpp"

namespace noiseutils {
namespace {

/// Without the care for infinities of operator*, which costs a call.
template <class T>
std::complex<T> times(std::complex<T> a, std::complex<T> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

std::vector<std::int64_t> radices_of(std::int64_t n) {
  std::vector<std::int64_t> radices;
  for (; n % 4 == 0; n /= 4) radices.push_back(4);
  for (std::int64_t p = 2; p * p <= n; p += p == 2 ? 1 : 2)
    for (; n % p == 0; n /= p) radices.push_back(p);
  if (n > 1) radices.push_back(n);
  return radices;
}

}  // namespace

template <class T>
ComplexFft<T>::ComplexFft(std::int64_t n, Direction direction)
    : n_(n),
      sign_(direction == Direction::forward ? T(-1) : T(1)),
      radices_(radices_of(n)),
      roots_(static_cast<std::size_t>(n)) {
  for (std::int64_t k = 0; k < n; ++k) {
    const auto [sine, cosine] = portable::sincos_of_turns(static_cast<double>(k) / static_cast<double>(n));
    roots_[static_cast<std::size_t>(k)] = {static_cast<T>(cosine), sign_ * static_cast<T>(sine)};
  }
}

template <class T>
void ComplexFft<T>::transform(std::complex<T>* data, std::complex<T>* work, std::int64_t columns) const {
  Stage stage{1, n_, columns};
  std::complex<T>*from = data, *to = work;
  for (const std::int64_t radix : radices_) {
    stage.radix = radix;
    if (radix == 4)
      radix_4(stage, from, to);
    else if (radix == 2)
      radix_2(stage, from, to);
    else
      radix_odd(stage, from, to);
    stage.length /= radix;
    stage.columns *= radix;
    std::swap(from, to);
  }
  if (from != data) std::copy_n(from, n_ * columns, data);
}

template <class T>
void ComplexFft<T>::radix_2(const Stage& stage, const std::complex<T>* x, std::complex<T>* y) const {
  const std::int64_t s = stage.columns, m = stage.length / 2;
  for (std::int64_t p = 0; p < m; ++p) {
    const std::complex<T> w = root(p, stage.length);
    const std::complex<T>*a = x + s * p, *b = a + s * m;
    std::complex<T>*even = y + 2 * s * p, *odd = even + s;
    for (std::int64_t q = 0; q < s; ++q) {
      even[q] = a[q] + b[q];
      odd[q] = times(a[q] - b[q], w);
    }
  }
}

template <class T>
void ComplexFft<T>::radix_4(const Stage& stage, const std::complex<T>* x, std::complex<T>* y) const {
  const std::int64_t s = stage.columns, m = stage.length / 4;
  for (std::int64_t p = 0; p < m; ++p) {
    const std::complex<T> w1 = root(p, stage.length), w2 = root(2 * p, stage.length), w3 = root(3 * p, stage.length);
    const std::complex<T>* in = x + s * p;
    std::complex<T>* out = y + 4 * s * p;
    for (std::int64_t q = 0; q < s; ++q) {
      const std::complex<T> a = in[q], b = in[q + s * m], c = in[q + 2 * s * m], d = in[q + 3 * s * m];
      const std::complex<T> even = a + c, odd = a - c, sum = b + d, difference = b - d;
      const std::complex<T> turned(-sign_ * difference.imag(), sign_ * difference.real());  // times -+i
      out[q] = even + sum;
      out[q + s] = times(odd + turned, w1);
      out[q + 2 * s] = times(even - sum, w2);
      out[q + 3 * s] = times(odd - turned, w3);
    }
  }
}

/// The terms k and r - k, and the results j and r - j, go together: sums with cosines, differences with sines.
template <class T>
void ComplexFft<T>::radix_odd(const Stage& stage, const std::complex<T>* x, std::complex<T>* y) const {
  const std::int64_t r = stage.radix, half = r / 2, s = stage.columns, m = stage.length / r;
  std::vector<std::complex<T>> sums(static_cast<std::size_t>(half)), differences(sums.size()),
      twiddle(static_cast<std::size_t>(r)), roots(static_cast<std::size_t>(r));
  for (std::int64_t k = 0; k < r; ++k) roots[static_cast<std::size_t>(k)] = root(k, r);
  for (std::int64_t p = 0; p < m; ++p) {
    for (std::int64_t j = 0; j < r; ++j) twiddle[static_cast<std::size_t>(j)] = root(p * j, stage.length);
    for (std::int64_t q = 0; q < s; ++q) {
      const std::complex<T>* in = x + q + s * p;
      std::complex<T>* out = y + q + r * s * p;
      const std::complex<T> first = in[0];
      std::complex<T> total = first;
      for (std::int64_t k = 1; k <= half; ++k) {
        const auto i = static_cast<std::size_t>(k - 1);
        sums[i] = in[s * m * k] + in[s * m * (r - k)];
        differences[i] = in[s * m * k] - in[s * m * (r - k)];
        total += sums[i];
      }
      out[0] = total;
      for (std::int64_t j = 1; j <= half; ++j) {
        std::complex<T> even = first, odd = 0;
        std::int64_t at = 0;
        for (std::size_t i = 0; i < sums.size(); ++i) {
          at += j;
          if (at >= r) at -= r;
          const std::complex<T> w = roots[static_cast<std::size_t>(at)];
          even += w.real() * sums[i];
          odd += w.imag() * differences[i];
        }
        const std::complex<T> turned(-odd.imag(), odd.real());  // times i
        out[s * j] = times(even + turned, twiddle[static_cast<std::size_t>(j)]);
        out[s * (r - j)] = times(even - turned, twiddle[static_cast<std::size_t>(r - j)]);
      }
    }
  }
}

template class ComplexFft<float>;
template class ComplexFft<double>;

}  // namespace noiseutils
