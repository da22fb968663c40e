#include "command/mqtt/plugin_client.h"

#include <chrono>

namespace dedup::command {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kNotAuthorized = 0x87;

std::string OnTopic() { return std::string(" on ") + kControlTopic; }

}  // namespace

PluginClient::PluginClient(const BrokerAccess& broker)
    : is_v5_(broker.protocol == 5),
      client_(broker, {.on_connect = [] {},
                       .on_message = [this](const Message& message) { OnMessage(message); },
                       .on_published = [this](int reason) { OnPublished(reason); }}) {}

std::vector<std::string> PluginClient::Ask(std::span<const PluginCommand> commands,
                                           const std::function<bool()>& goes_on) {
  while (!client_.was_connected()) {
    if (!goes_on()) return {};
    client_.Turn();
  }
  answers_.clear();
  const std::size_t first = asked_count_;
  for (const PluginCommand& command : commands) {
    client_.Publish(kControlTopic, CommandRequest(command, std::to_string(asked_count_++)));
  }
  const Clock::time_point deadline = Clock::now() + kPatience;
  while (answers_.size() < commands.size()) {
    if (!goes_on()) return {};
    if (!client_.Turn()) client_.FailForLoss();
    if (Clock::now() > deadline) FailForSilence();
  }
  std::vector<std::string> texts;
  for (std::size_t number = first; number < asked_count_; ++number) {
    const CommandAnswer& answer = answers_[std::to_string(number)];
    if (answer.error.starts_with(kUnknownCommand)) {
      throw PluginError("the plugin does not know the command \"" + answer.command +
                        "\"; it is of another version than this program");
    }
    if (!answer.error.empty()) throw PluginError(answer.error);
    texts.push_back(answer.text);
  }
  return texts;
}

void PluginClient::OnMessage(const Message& message) {
  if (message.topic != kResponseTopic) return;
  if (IsAnswerOfBroker(message.payload)) {
    client_.Fail("the plugin mosquitto-dedup is not loaded: the broker itself answers" + OnTopic());
  }
  for (CommandAnswer& answer : ParseCommandAnswers(message.payload)) answers_[answer.correlation] = std::move(answer);
}

void PluginClient::OnPublished(int reason) {
  if (reason == kNotAuthorized) {
    client_.Fail("this user may not publish" + OnTopic() + "; an ACL or dynamic security must allow it");
  }
  ++acknowledged_count_;
}

void PluginClient::FailForSilence() const {
  const std::string silence = "no answer" + OnTopic() + " within " + std::to_string(kPatience.count()) + " s";
  if (acknowledged_count_ < asked_count_) client_.Fail(silence + ", and no acknowledgement");
  // From version 5 on a broker says that it does not let somebody publish.
  const std::string doubt = is_v5_ ? "" : ", or this user may not publish there";
  client_.Fail(silence + ": the plugin mosquitto-dedup is not loaded" + doubt);
}

}  // namespace dedup::command
