#include "command/base/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

namespace dedup::command {
namespace {

// ANSI X3.64 and xterm: the other screen, where nothing of the user's is; the cursor hidden.
constexpr char kEnter[] = "\033[?1049h\033[?25l";
constexpr char kLeave[] = "\033[?25h\033[?1049l";
constexpr char kHome[] = "\033[H";
constexpr char kClearLine[] = "\033[K";
constexpr char kClearRest[] = "\033[J";

winsize SizeOf() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
    size.ws_row = 24;
    size.ws_col = 80;
  }
  return size;
}

}  // namespace

bool Terminal::IsThere() { return isatty(STDOUT_FILENO) == 1; }

Terminal::Terminal() {
  termios now = {};
  if (tcgetattr(STDIN_FILENO, &now) == 0) {
    before_ = now;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    now.c_cc[VSUSP] = _POSIX_VDISABLE;  // a stopped program would leave the terminal like this
    tcsetattr(STDIN_FILENO, TCSANOW, &now);
  }
  std::fputs(kEnter, stdout);
}

Terminal::~Terminal() {
  std::fputs(kLeave, stdout);
  std::fflush(stdout);
  if (before_) tcsetattr(STDIN_FILENO, TCSANOW, &*before_);
}

bool Terminal::Show(const std::string& page) {
  std::string text = kHome;
  for (const char c : page) {
    if (c == '\n') text += kClearLine;
    text += c;
  }
  // The last line's end would push the first one out.
  if (text.ends_with('\n')) text.pop_back();
  text += kClearRest;
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
}

bool Terminal::IsQuitPressed(std::chrono::milliseconds patience) const {
  pollfd keys = {before_ ? STDIN_FILENO : -1, POLLIN, 0};
  if (poll(&keys, 1, static_cast<int>(patience.count())) <= 0) return false;
  char key = 0;
  return read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q';
}

std::size_t Terminal::lines() const { return SizeOf().ws_row; }

std::size_t Terminal::columns() const { return SizeOf().ws_col; }

}  // namespace dedup::command
