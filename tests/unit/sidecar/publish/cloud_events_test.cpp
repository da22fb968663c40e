#include "http_sidecar/publish/cloud_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "plugin/core/rules/key_finder.h"
#include "plugin/core/rules/rules_file.h"

namespace dedup::sidecar {
namespace {

using testing::IsEmpty;

constexpr char kOne[] = "application/cloudevents+json";
constexpr char kBatch[] = "application/cloudevents-batch+json";

Request MakeRequest(std::string content_type, std::string body,
                    const std::map<std::string, std::string>& headers = {}) {
  Request request{.caller = Caller::Anybody(),
                  .client = {},
                  .memory = nullptr,
                  .target = "/publish?topic=doors/1",
                  .path = "/publish",
                  .body = std::move(body),
                  .content_type = std::move(content_type),
                  .header = {},
                  .headers_after = {}};
  request.header = [headers](const char* name) {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  };
  request.headers_after = [headers](std::string_view prefix) {
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& [name, value] : headers) {
      if (name.starts_with(prefix)) found.emplace_back(name.substr(prefix.size()), value);
    }
    return found;
  };
  return request;
}

// What is published for it.
std::shared_ptr<Batch> BatchOf(const Request& request) {
  auto body = std::get<std::string>(FromCloudEvents(request, "doors/1"));
  auto batch = std::get<std::shared_ptr<Batch>>(ParseBatch(std::move(body)));
  IdentifyBySource(batch.get());
  return batch;
}

std::string Structured(const std::string& source, const std::string& id) {
  return R"({"specversion":"1.0","type":"t","source":")" + source + R"(","id":")" + id +
         R"(","time":"2026-01-31T12:00:00Z","data":1})";
}

TEST(CloudEventsTest, SourceAndIdAreTheIdInAllModes) {
  const std::map<std::string, std::string> headers = {
      {"ce-specversion", "1.0"}, {"ce-type", "t"}, {"ce-source", "/plant/1"}, {"ce-id", "42"}};
  for (const Request& request :
       {MakeRequest(kOne, Structured("/plant/1", "42")), MakeRequest(kOne, Structured(R"(\/plant\/1)", R"(4\u0032)")),
        MakeRequest(kBatch, "[" + Structured("/plant/1", "42") + "]"), MakeRequest("application/json", "1", headers)}) {
    const auto batch = BatchOf(request);
    ASSERT_EQ(batch->events.size(), 1U);
    EXPECT_EQ(batch->events[0].event_id, "42") << "the answer names it as it was posted";
    EXPECT_EQ(batch->events[0].id_property, "/plant/1|42");
  }
}

TEST(CloudEventsTest, TheSameIdOfTwoSourcesAreTwo) {
  const auto batch =
      BatchOf(MakeRequest(kBatch, "[" + Structured("/plant/1", "42") + "," + Structured("/plant/2", "42") + "]"));
  EXPECT_NE(batch->events[0].id_property, batch->events[1].id_property);
}

// What a rule for CloudEvents makes of an event, however it comes.
class CloudEventRuleTest : public testing::Test {
 protected:
  CloudEventRuleTest() {
    RulesFile file = ParseRules(R"({"rules":[{"name":"ce","topics":["doors/#"],"window":"24h",)"
                                R"("key":["property:source|/source","property:id|/id"]}]})",
                                {});
    EXPECT_THAT(file.errors, IsEmpty());
    finder_ = std::make_unique<KeyFinder>(std::move(*file.rules), HashSecret{7});
  }

  std::pair<KeyHash, std::string> KeyOf(std::string_view payload, const std::vector<UserProperty>& properties = {}) {
    const Finding finding = finder_->Find(
        {.topic = "doors/1", .payload = payload, .client_id = "c", .username = {}, .user_properties = properties});
    EXPECT_EQ(finding.status, FindStatus::kKey);
    EXPECT_EQ(finder_->rules().NameOf(finding.key.rule), "ce");
    return {finding.key.hash, std::string(finder_->KeyTextOf(finding))};
  }

  std::unique_ptr<KeyFinder> finder_;
};

TEST_F(CloudEventRuleTest, OneEventHasOneKeyByHttpAndByMqtt) {
  for (const auto& [source, id, json_source, json_id] :
       {std::tuple{"/plant/1", "42", "/plant/1", "42"}, {"a|b\"", "é\\", R"(a|b\")", R"(\u00e9\\)"}}) {
    const std::map<std::string, std::string> headers = {
        {"ce-specversion", "1.0"}, {"ce-type", "t"}, {"ce-source", source}, {"ce-id", id}};
    const auto by_mqtt = KeyOf("any bytes", {{"specversion", "1.0"}, {"source", source}, {"id", id}});
    EXPECT_EQ(KeyOf(Structured(json_source, json_id)), by_mqtt) << "structured, by MQTT";
    for (const Request& request :
         {MakeRequest(kOne, Structured(json_source, json_id)),
          MakeRequest(kBatch, "[" + Structured(json_source, json_id) + "]"), MakeRequest("text/plain", "x", headers)}) {
      const auto batch = BatchOf(request);
      const Event& event = batch->events.at(0);
      const std::vector<UserProperty> properties = {{"event_id", event.id_property}};
      EXPECT_EQ(KeyOf(event.payload, properties), by_mqtt);
      EXPECT_EQ(by_mqtt.second, event.id_property) << "so the same is read with the rule and without it";
    }
  }
}

}  // namespace
}  // namespace dedup::sidecar
