#include "http_sidecar/endpoints/page.h"

#include <gtest/gtest.h>

#include <string_view>

namespace dedup::sidecar {
namespace {

TEST(WantsPageTest, BrowsersDo) {
  for (const std::string_view accept :
       {"text/html", "TEXT/HTML; charset=utf-8", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "application/json;q=0.5, text/html", "text/html;q=0.1"}) {
    EXPECT_TRUE(WantsPage(accept)) << accept;
  }
}

TEST(WantsPageTest, ProgramsDoNot) {
  for (const std::string_view accept :
       {"", "*/*", "application/json", "application/json, text/html", "text/html;q=0.5, application/json",
        "application/json, text/plain, */*", "text/html;q=0", "text/*", "text/htmlx", ",;="}) {
    EXPECT_FALSE(WantsPage(accept)) << accept;
  }
}

}  // namespace
}  // namespace dedup::sidecar
