#include "base/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <ctime>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/signals.hpp"

namespace noiseutils {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

/// What runs between fork and exec: only calls that are safe in the copy of a process with threads.
[[noreturn]] void become(const char* command, int in, int out) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // where this process dies by SIGKILL, which nobody handles
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (const int number : {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
  _exit(127);
}

/// While it lives, writing to a pipe without a reader is an error of write(), not the death of this process.
class NoSigpipe {
 public:
  NoSigpipe() {
    sigemptyset(&pipe_only_);
    sigaddset(&pipe_only_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only_, &before_);
  }
  ~NoSigpipe() {
    const timespec at_once{};
    while (sigtimedwait(&pipe_only_, nullptr, &at_once) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t pipe_only_, before_;
};

/// Waits until the process has ended, without taking its number away (its group could otherwise be another's by the
/// time it is killed).
bool ends_within(int process, std::chrono::milliseconds patience, siginfo_t& info) {
  const auto deadline = Clock::now() + patience;
  for (;;) {
    info = {};
    if (waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == process)
      return true;
    if (Clock::now() >= deadline) return false;
    const timespec pause{0, 2'000'000};
    nanosleep(&pause, nullptr);
  }
}

}  // namespace

ChildProcess::ChildProcess(std::string command, double timeout) : command_(std::move(command)), timeout_(timeout) {
  int request[2], answer[2];
  if (pipe2(request, O_CLOEXEC) != 0) fail("cannot be started: " + errno_text(errno));
  if (pipe2(answer, O_CLOEXEC) != 0) {
    const int failure = errno;
    for (const int end : request) ::close(end);
    fail("cannot be started: " + errno_text(failure));
  }
  process_ = fork();
  const int failure = errno;
  if (process_ == 0) become(command_.c_str(), request[0], answer[1]);
  ::close(request[0]);
  ::close(answer[1]);
  to_ = request[1];
  from_ = answer[0];
  if (process_ < 0) {
    stop();
    fail("cannot be started: " + errno_text(failure));
  }
  setpgid(process_, process_);  // both sides: neither may be late
  kill_group_on_signal(process_);
  for (const int end : {to_, from_}) {
    fcntl(end, F_SETFL, O_NONBLOCK);
    fcntl(end, F_SETPIPE_SZ, 1 << 20);
  }
}

ChildProcess::~ChildProcess() { stop(); }

void ChildProcess::stop() {
  for (int* end : {&to_, &from_}) {
    if (*end >= 0) ::close(*end);
    *end = -1;
  }
  if (process_ <= 0) return;
  siginfo_t info;
  ends_within(process_, std::chrono::milliseconds(200), info);  // a filter ends with its input
  kill(-process_, SIGKILL);
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
  forget_group(process_);
  process_ = -1;
}

void ChildProcess::fail(const std::string& what) const { throw HelperError("helper '" + command_ + "': " + what); }

void ChildProcess::ended() const {
  siginfo_t info;
  if (!ends_within(process_, std::chrono::seconds(1), info)) fail("closed its pipe before its answer was whole");
  fail((info.si_code == CLD_EXITED ? "ended with exit code " : "was ended by signal ") +
       std::to_string(info.si_status) + " before its answer was whole");
}

void ChildProcess::refuse_unasked_bytes() const {
  pollfd output{from_, POLLIN, 0};
  if (poll(&output, 1, 0) <= 0) return;
  if ((output.revents & POLLIN) != 0) fail("wrote more than the one answer it was asked for");
  ended();
}

bool ChildProcess::send(std::span<const std::byte>& request) const {
  const NoSigpipe guard;
  const ssize_t sent = ::write(to_, request.data(), std::min(request.size(), kPieceBytes));
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  request = request.subspan(static_cast<std::size_t>(sent));
  return true;
}

std::vector<std::byte> ChildProcess::exchange(std::span<const std::byte> request, const Missing& missing) {
  refuse_unasked_bytes();
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(std::min(timeout_, 1e8)));
  std::vector<std::byte> answer;
  std::size_t lacks = missing(answer);
  while (lacks > 0 || !request.empty()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) fail("gave no answer within " + format_number(timeout_) + " s (--timeout)");
    std::array<pollfd, 2> ends{pollfd{lacks > 0 ? from_ : -1, POLLIN, 0},
                               pollfd{request.empty() ? -1 : to_, POLLOUT, 0}};
    const int ready = poll(ends.data(), ends.size(), static_cast<int>(std::min<std::int64_t>(left, 1 << 20)));
    if (stop_requested()) throw Interrupted("stopped by a signal; go on with --resume");
    if (ready <= 0) continue;
    if (ends[1].revents != 0 && !send(request)) ended();
    if (ends[0].revents == 0) continue;
    // Memory is taken as bytes come, not on the word of a header.
    const std::size_t held = answer.size();
    answer.resize(held + std::min(lacks, kPieceBytes));
    const ssize_t got = ::read(from_, answer.data() + held, answer.size() - held);
    answer.resize(held + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) ended();
    if (got > 0) lacks = missing(answer);
  }
  return answer;
}

}  // namespace noiseutils
