#include "model/gate_kernels.hpp"

// Compiled once for each instruction set: nothing but the table has external linkage, or the linker could keep a copy
// that the processor cannot run. For the same reason no header with inline functions is included.
namespace noiseutils::gate_isa::NOISEUTILS_ISA {
namespace {

constexpr std::int64_t kPiece = 64;  // patches whose sums stay in registers

template <class Count>
void piece(std::int64_t rows, std::int64_t n, Count count, const float* v, const float* signs, bool linear,
           float constant, float tail, const float* energy, float* __restrict joint) {
  float sum[kPiece];
  for (std::int64_t i = 0; i < count; ++i) sum[i] = constant - tail * energy[i];
  for (std::int64_t j = 0; j < rows; ++j, v += n) {
    const float sign = signs[j];
    for (std::int64_t i = 0; i < count; ++i) sum[i] += sign * v[i] * v[i];
  }
  for (std::int64_t i = 0; linear && i < count; ++i) sum[i] += v[i];
  for (std::int64_t i = 0; i < count; ++i) joint[i] = sum[i];
}

struct Whole {  // a count that the compiler knows
  constexpr operator std::int64_t() const { return kPiece; }
};

void joint(std::int64_t count, std::int64_t n, const float* v, const float* signs, bool linear, float constant,
           float tail, const float* energy, float* __restrict joint) {
  std::int64_t first = 0;
  for (; first + kPiece <= n; first += kPiece)
    piece(count, n, Whole(), v + first, signs, linear, constant, tail, energy + first, joint + first);
  if (first < n) piece(count, n, n - first, v + first, signs, linear, constant, tail, energy + first, joint + first);
}

}  // namespace

extern const GateKernels kKernels;
const GateKernels kKernels = {joint};

}  // namespace noiseutils::gate_isa::NOISEUTILS_ISA
