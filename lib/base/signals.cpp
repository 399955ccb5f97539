#include "base/signals.hpp"

#include <unistd.h>
#include <csignal>
#include <cstdlib>

#include "base/error.hpp"

namespace noiseutils {
namespace {

volatile std::sig_atomic_t stop_flag = 0;

void on_stop(int) { stop_flag = 1; }

void on_bus_error(int) {
  static const char line[] = "an input file shrank while it was read\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, line, sizeof line - 1);
  _exit(static_cast<int>(ExitCode::io));
}

void handle(int signal_number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  sigaction(signal_number, &action, nullptr);  // no SA_RESTART: a blocked read() must return to see the flag
}

}  // namespace

void install_signal_handlers() {
  handle(SIGXFSZ, SIG_IGN);
  handle(SIGBUS, on_bus_error);
}

void defer_stop_signals() {
  for (const int signal_number : {SIGTERM, SIGINT, SIGUSR1}) handle(signal_number, on_stop);
}

bool stop_requested() { return stop_flag != 0; }

void die_of_closed_pipe() {
  handle(SIGPIPE, SIG_DFL);
  sigset_t pipe_only;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  sigprocmask(SIG_UNBLOCK, &pipe_only, nullptr);
  raise(SIGPIPE);
  _exit(128 + SIGPIPE);
}

}  // namespace noiseutils
