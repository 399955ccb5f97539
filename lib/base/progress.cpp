#include "base/progress.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <iterator>

namespace noiseutils {
namespace {

constexpr double kRedrawSeconds = 0.1, kLineSeconds = 10;
constexpr double kWorthALine = 2;  // seconds: shorter runs on a terminal end without a word

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

/// "1.5 GB": three digits, in powers of 1000.
std::string bytes_text(double bytes) {
  const char* const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (; bytes >= 999.5 && unit + 1 < std::size(units); ++unit) bytes /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, "%.3g %s", bytes, units[unit]);
  return text;
}

Progress::Style style_of(const std::string& how) {
  if (how == "line") return Progress::Style::lines;
  if (how == "auto" && isatty(STDERR_FILENO)) return Progress::Style::redraw;
  return Progress::Style::none;
}

}  // namespace

Progress::Progress(std::string title, const std::string& how)
    : title_(std::move(title)), style_(style_of(how)), begin_(now()), shown_(begin_) {}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\033[K", stderr);
}

void Progress::update(std::int64_t done, std::optional<std::int64_t> total) {
  if (style_ == Style::none) return;
  const double time = now();
  if (time - shown_ < (style_ == Style::redraw ? kRedrawSeconds : kLineSeconds)) return;
  shown_ = time;
  const double rate = static_cast<double>(done - before_) / (time - begin_);
  std::string line = title_ + ": " + std::to_string(done);
  if (total) line += "/" + std::to_string(*total);
  char text[64];
  std::snprintf(text, sizeof text, " samples, %.3g/s", rate);
  line += text;
  if (total && rate > 0) {
    std::snprintf(text, sizeof text, ", %.0f s left", static_cast<double>(*total - done) / rate);
    line += text;
  }
  if (style_ == Style::redraw) {
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
    drawn_ = true;
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

void Progress::finish(std::int64_t done, std::uint64_t bytes) {
  if (style_ == Style::none || (style_ == Style::redraw && now() - begin_ < kWorthALine)) return;
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
  const std::string read = bytes > 0 ? bytes_text(static_cast<double>(bytes)) + " read, " : "";
  std::fprintf(stderr, "%s: done, %lld samples, %s%.3g s, %.3g s of processors, %s of memory\n", title_.c_str(),
               static_cast<long long>(done), read.c_str(), now() - begin_,
               seconds(used.ru_utime) + seconds(used.ru_stime),
               bytes_text(1024 * static_cast<double>(used.ru_maxrss)).c_str());
}

}  // namespace noiseutils
