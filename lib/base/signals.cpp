#include "base/signals.hpp"

#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "base/error.hpp"

namespace noiseutils {
namespace {

volatile std::sig_atomic_t stop_flag = 0;
volatile std::sig_atomic_t has_doomed_file = 0;
char doomed_file[4096];
volatile std::sig_atomic_t doomed_groups[8] = {};
bool stop_deferred = false;

void on_end(int signal_number) {
  if (has_doomed_file != 0) unlink(doomed_file);
  for (const volatile std::sig_atomic_t& group : doomed_groups)
    if (group != 0) kill(-static_cast<pid_t>(group), SIGKILL);
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(signal_number, &action, nullptr);
  raise(signal_number);
}

/// The first signal lets the record at hand be finished; a second one ends the program: FILE.partial stays, its whole
/// records are there to resume from.
void on_stop(int signal_number) {
  if (stop_flag != 0) on_end(signal_number);
  stop_flag = 1;
}

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

/// As handle(), but a signal that the parent had ignored (nohup) stays ignored.
void handle_unless_ignored(int signal_number, void (*handler)(int)) {
  struct sigaction current {};
  if (sigaction(signal_number, nullptr, &current) == 0 && current.sa_handler != SIG_IGN) handle(signal_number, handler);
}

}  // namespace

void install_signal_handlers() {
  handle(SIGXFSZ, SIG_IGN);
  handle(SIGBUS, on_bus_error);
}

void defer_stop_signals() {
  stop_deferred = true;
  has_doomed_file = 0;
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) handle_unless_ignored(signal_number, on_stop);
}

void remove_on_signal(const std::string& path) {
  has_doomed_file = 0;
  if (path.empty() || path.size() >= sizeof doomed_file || stop_deferred) return;
  std::copy(path.begin(), path.end(), doomed_file);
  doomed_file[path.size()] = 0;
  has_doomed_file = 1;
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP}) handle_unless_ignored(signal_number, on_end);
}

void kill_group_on_signal(int group) {
  for (volatile std::sig_atomic_t& place : doomed_groups) {
    if (place != 0) continue;
    place = group;
    break;
  }
  if (stop_deferred) return;
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP}) handle_unless_ignored(signal_number, on_end);
}

void forget_group(int group) {
  for (volatile std::sig_atomic_t& place : doomed_groups)
    if (place == group) place = 0;
}

bool stop_requested() { return stop_flag != 0; }

void stop_if_requested() {
  if (stop_requested()) throw Interrupted("stopped by a signal; go on with --resume");
}

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
