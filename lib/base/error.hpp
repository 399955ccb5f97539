#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace noiseutils {

/// Exit codes of every program, after sysexits.h where it has a fitting one.
enum class ExitCode : int {
  ok = 0,
  threshold_missed = 1,  ///< a figure asked for was not reached (metric --min-psnr)
  usage = 64,            ///< the command line
  data = 65,             ///< input that is empty, truncated, bad, or does not fit the model
  no_input = 66,         ///< input missing, unreadable, a directory
  unavailable = 69,      ///< a helper program failed, hung or misbehaved
  internal = 70,
  out_of_memory = 71,
  cannot_create = 73,
  io = 74,
  interrupted = 75,  ///< stopped by a signal, with a checkpoint left to resume from
};

/// What every layer throws: one line in the words of the person at the shell, and an exit code.
/// A layer that knows more of the place prepends it and rethrows, so the line reads from outside in:
///   model.safetensors: tensor "mean" has shape [64], expected [784]
class Error : public std::exception {
 public:
  Error(ExitCode code, std::string message) : code_(code), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  ExitCode code() const noexcept { return code_; }
  void prepend(std::string_view context) {
    message_.insert(0, ": ");
    message_.insert(0, context);
  }

 private:
  ExitCode code_;
  std::string message_;
};

/// One exception type for each exit code, so that the place that throws need not name the number.
template <ExitCode kCode>
struct ErrorOf : Error {
  explicit ErrorOf(std::string message) : Error(kCode, std::move(message)) {}
};

using UsageError = ErrorOf<ExitCode::usage>;
using DataError = ErrorOf<ExitCode::data>;
using InputError = ErrorOf<ExitCode::no_input>;
using HelperError = ErrorOf<ExitCode::unavailable>;
using InternalError = ErrorOf<ExitCode::internal>;
using CreateError = ErrorOf<ExitCode::cannot_create>;
using IoError = ErrorOf<ExitCode::io>;
using Interrupted = ErrorOf<ExitCode::interrupted>;

/// Calls `work`; an Error on its way out gets "context: " in front.
template <class Work>
decltype(auto) with_context(std::string_view context, Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (Error& error) {
    error.prepend(context);
    throw;
  }
}

/// The text of an errno value, e.g. "No space left on device". Thread-safe.
std::string errno_text(int error_number);

}  // namespace noiseutils
