#pragma once

#include <string>

#include "base/child_process.hpp"
#include "model/denoiser.hpp"

namespace noiseutils {

/// Any program that reads records and answers each with one, as `denoise` does. It is started once; each request is a
/// segment of one record: `data` (F64), `axes`, `noise` = {"family":"gaussian","sigma":S}, stream.index 0, stream.last
/// 1. The answer is one record whose `data` has the same shape, any float type, and is finite. Whatever else comes is a
/// HelperError.
class ExternalDenoiser : public Denoiser {
 public:
  /// `timeout`: seconds that one answer may take.
  ExternalDenoiser(const std::string& command, double timeout) : process_(command, timeout) {}
  Tensor estimate(const std::string& axes, const Tensor& noisy, double sigma) override {
    return estimate(axes, noisy, sigma, "");
  }
  /// The same of a sample of one class: the metadata `class` of the request, where `label` is not empty.
  Tensor estimate(const std::string& axes, const Tensor& noisy, double sigma, const std::string& label);

 private:
  ChildProcess process_;
};

}  // namespace noiseutils
