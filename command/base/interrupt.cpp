#include "command/base/interrupt.h"

namespace dedup::command {
namespace {

volatile std::sig_atomic_t interrupted = 0;
void (*volatile before_end_of_program)() = nullptr;

void OnSignal(int number) {
  if (interrupted == 0) {
    interrupted = 1;
    return;
  }
  if (before_end_of_program != nullptr) before_end_of_program();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

}  // namespace

InterruptGuard::InterruptGuard(void (*before_end)()) {
  interrupted = 0;
  before_end_of_program = before_end;
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  sigaction(SIGINT, &action, &before_[0]);
  sigaction(SIGTERM, &action, &before_[1]);
}

InterruptGuard::~InterruptGuard() {
  sigaction(SIGINT, &before_[0], nullptr);
  sigaction(SIGTERM, &before_[1], nullptr);
}

bool InterruptGuard::is_interrupted() const { return interrupted != 0; }

}  // namespace dedup::command
