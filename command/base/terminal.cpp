#include "command/base/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace dedup::command {
namespace {

// ANSI X3.64 and xterm: the other screen, where nothing of the user's is; the cursor hidden.
constexpr char kEnter[] = "\033[?1049h\033[?25l";
constexpr char kLeave[] = "\033[?25h\033[?1049l";
constexpr char kHome[] = "\033[H";
constexpr char kClearLine[] = "\033[K";
constexpr char kClearRest[] = "\033[J";

// What a signal's handler must find: how the keys were, and whether there is anything to give back.
termios keys_before = {};
volatile std::sig_atomic_t are_keys_taken = 0;
volatile std::sig_atomic_t is_screen_taken = 0;

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
    keys_before = now;
    has_keys_ = true;
    are_keys_taken = 1;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    now.c_cc[VSUSP] = _POSIX_VDISABLE;  // a stopped program would leave the terminal like this
    tcsetattr(STDIN_FILENO, TCSANOW, &now);
  }
  is_screen_taken = 1;
  std::fputs(kEnter, stdout);
}

Terminal::~Terminal() {
  std::fflush(stdout);
  GiveBack();
}

void Terminal::GiveBack() {
  if (is_screen_taken != 0 && write(STDOUT_FILENO, kLeave, sizeof kLeave - 1) < 0) {
    // It is gone.
  }
  is_screen_taken = 0;
  if (are_keys_taken != 0) tcsetattr(STDIN_FILENO, TCSANOW, &keys_before);
  are_keys_taken = 0;
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
  pollfd keys = {has_keys_ ? STDIN_FILENO : -1, POLLIN, 0};
  if (poll(&keys, 1, static_cast<int>(patience.count())) <= 0) return false;
  char key = 0;
  return read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q';
}

std::size_t Terminal::lines() const { return SizeOf().ws_row; }

std::size_t Terminal::columns() const { return SizeOf().ws_col; }

}  // namespace dedup::command
