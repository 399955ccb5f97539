#include "base/progress.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace noiseutils {
namespace {

constexpr double kRedrawSeconds = 0.1, kLineSeconds = 10;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

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
  const double rate = static_cast<double>(done) / (time - begin_);
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

}  // namespace noiseutils
