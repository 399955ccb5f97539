#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace noiseutils {

/// A helper program that is started once and answers requests: bytes to its standard input, bytes from its standard
/// output. Its standard error is ours. It leads a process group of its own, which is killed with this object, or when a
/// signal ends this process. Every failure is a HelperError of one line that names the command; there is no restart.
class ChildProcess {
 public:
  /// Starts `command` by /bin/sh -c. `timeout`: seconds that one answer may take.
  ChildProcess(std::string command, double timeout);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// How many bytes the answer still lacks, from what came so far; 0: it is whole.
  using Missing = std::function<std::size_t(std::span<const std::byte> so_far)>;
  /// Sends `request` while it reads the answer, so that neither pipe can block the other, however large both are. Never
  /// reads beyond the answer. HelperError if the program ends, takes longer than the timeout, or wrote something
  /// unasked before.
  std::vector<std::byte> exchange(std::span<const std::byte> request, const Missing& missing);

  /// A HelperError about the command: "helper 'CMD': WHAT".
  [[noreturn]] void fail(const std::string& what) const;

 private:
  void refuse_unasked_bytes() const;
  bool send(std::span<const std::byte>& request) const;
  [[noreturn]] void ended() const;
  void stop();

  std::string command_;
  double timeout_;
  int process_ = -1, to_ = -1, from_ = -1;
};

}  // namespace noiseutils
