#include "plugin/core/base/cancellation.h"

#include <gtest/gtest.h>
#include <pthread.h>

namespace dedup {
namespace {

struct Settings {
  int state;
  int type;
  friend bool operator==(const Settings&, const Settings&) = default;
};

Settings Current() {
  Settings settings{};
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &settings.state);
  pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &settings.type);
  pthread_setcanceltype(settings.type, nullptr);
  pthread_setcancelstate(settings.state, nullptr);
  return settings;
}

TEST(CancellationOff, IsOffWhileItLivesAndAsBeforeAfterwards) {
  const Settings before = Current();
  EXPECT_EQ(before.state, PTHREAD_CANCEL_ENABLE);
  {
    const CancellationOff off;
    EXPECT_EQ(Current(), (Settings{PTHREAD_CANCEL_DISABLE, PTHREAD_CANCEL_ASYNCHRONOUS}));
  }
  EXPECT_EQ(Current(), before);
}

}  // namespace
}  // namespace dedup
