#include "plugin/core/control/commands.h"

#include <cjson/cJSON.h>

#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "plugin/core/contract/control.h"
#include "plugin/core/contract/figures.h"
#include "plugin/core/control/duplicates_command.h"
#include "plugin/core/control/rule_commands.h"
#include "plugin/core/text/json.h"
#include "plugin/core/text/json_writer.h"

namespace dedup {
namespace {

// The answer is larger than the request: a limit keeps it small.
constexpr std::size_t kCommandsMax = 16;
// Of each list that "top" tells.
constexpr std::size_t kTopRowsMax = 20;
// Far more than any other command takes than "explain", which has a message in it; to build trees of large payloads
// would hold up the broker.
constexpr std::size_t kOtherRequestBytesMax = 4096;

constexpr char kExpected[] =
    "expected {\"commands\":[{\"command\":\"receipts\",\"enable\":true}]}, at most 16 commands in 4096 bytes, or one "
    "command \"explain\" in 65536";

using Json = std::unique_ptr<cJSON, decltype(&cJSON_Delete)>;

std::string Print(const Json& json) {
  const std::unique_ptr<char, decltype(&cJSON_free)> text(cJSON_PrintUnformatted(json.get()), cJSON_free);
  if (text == nullptr) throw std::bad_alloc();
  return text.get();
}

void AddSettings(const PublishSettings& settings, cJSON* response) {
  cJSON_AddStringToObject(response, "id_member", std::string(settings.id_member).c_str());
  cJSON_AddStringToObject(response, "id_property", std::string(settings.id_property).c_str());
  cJSON* const topics = cJSON_AddArrayToObject(response, "topics");
  for (const std::string& topic : settings.topics) cJSON_AddItemToArray(topics, cJSON_CreateString(topic.c_str()));
}

// What "receipts" asks for; the plugin's settings are told with it, because its client must fit its events to them.
void SetReceipts(const cJSON* command, ReceiptSetting* receipts, const ControlContext& context, cJSON* response) {
  const cJSON* const enable = cJSON_GetObjectItemCaseSensitive(command, "enable");
  if (!cJSON_IsBool(enable)) {
    cJSON_AddStringToObject(response, "error", "\"enable\" must be true or false");
    return;
  }
  const cJSON* const numbered = cJSON_GetObjectItemCaseSensitive(command, "numbered");
  if (numbered != nullptr && !cJSON_IsBool(numbered)) {
    cJSON_AddStringToObject(response, "error", "\"numbered\" must be true or false, or be left out");
    return;
  }
  const std::string trouble = context.deduplicator.trouble();
  if (cJSON_IsTrue(enable) != 0 && !trouble.empty()) {
    cJSON_AddStringToObject(response, "error", ("events cannot be stored now: " + trouble).c_str());
    return;
  }
  const ReceiptKind kind = cJSON_IsTrue(numbered) != 0 ? ReceiptKind::kNumbered : ReceiptKind::kPlain;
  *receipts = {.kind = cJSON_IsTrue(enable) != 0 ? kind : ReceiptKind::kNone};
  cJSON_AddBoolToObject(response, "enable", cJSON_IsTrue(enable));
  if (numbered != nullptr) cJSON_AddBoolToObject(response, "numbered", cJSON_IsTrue(numbered));
  AddSettings(SettingsOf(context.deduplicator), response);
}

cJSON* AddRow(cJSON* rows, const char* name, const TopList::Row& row) {
  cJSON* const object = cJSON_CreateObject();
  cJSON_AddItemToArray(rows, object);
  cJSON_AddStringToObject(object, name, row.text.c_str());
  return object;
}

// Two objects as one.
std::string Joined(std::string a, std::string_view b) {
  if (b.size() > 2) a.replace(a.size() - 1, 1, ",").append(b.substr(1));
  return a;
}

void TellTop(const TopCounts& top, cJSON* response) {
  cJSON_AddStringToObject(response, "since", top.since.c_str());
  cJSON* const topics = cJSON_AddArrayToObject(response, "topics");
  for (const TopList::Row& row : top.topics.Top(kTopRowsMax)) {
    cJSON* const object = AddRow(topics, "topic", row);
    cJSON_AddNumberToObject(object, "events", static_cast<double>(row.events));
    cJSON_AddNumberToObject(object, "duplicates", static_cast<double>(row.duplicates));
    cJSON_AddNumberToObject(object, "error", static_cast<double>(row.error));
  }
  cJSON* const clients = cJSON_AddArrayToObject(response, "duplicate_clients");
  for (const TopList::Row& row : top.duplicate_clients.Top(kTopRowsMax)) {
    cJSON* const object = AddRow(clients, "client_id", row);
    cJSON_AddNumberToObject(object, "duplicates", static_cast<double>(row.duplicates));
    cJSON_AddNumberToObject(object, "error", static_cast<double>(row.error));
  }
}

std::string TellStatistics(const Deduplicator& deduplicator) {
  const std::string trouble = deduplicator.trouble();
  ObjectText json;
  json.AddText("version", DEDUP_VERSION).AddRaw("trouble", trouble.empty() ? "null" : Quoted(trouble));
  const std::optional<Statistics> statistics = deduplicator.statistics();
  if (!statistics) return json.AddRaw("figures", "null").Take();
  ObjectText figures;
  for (const Figure& figure : kFigures) figures.Add(figure.name, figure.value(*statistics));
  return json.AddRaw("figures", figures.Take()).Take();
}

// What every command has.
struct CommandHead {
  std::string name;
  std::optional<std::string> correlation;
};

CommandHead HeadOf(std::string_view command) {
  CommandHead head;
  json::Reader reader(command);
  if (!reader.EnterObject()) return head;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (value.kind != json::Kind::kString) continue;
    if (json::Means(name, "command")) head.name = json::Unescape(value.text);
    if (json::Means(name, "correlationData")) head.correlation = json::Unescape(value.text);
  }
  return head;
}

// The texts of a request's commands; nothing where it is malformed. cJSON takes bytes that are no UTF-8, and what
// follows behind the document; the answer would repeat the former.
std::optional<std::vector<std::string_view>> CommandsOf(std::string_view payload) {
  std::optional<std::vector<std::string_view>> commands;
  json::Reader reader(payload);
  if (!reader.EnterObject()) return std::nullopt;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (commands || !json::Means(name, "commands")) continue;
    json::Reader elements(value.text);
    if (!elements.EnterArray()) return std::nullopt;
    commands.emplace();
    for (json::Value element; elements.NextElement(&element);) commands->push_back(element.text);
  }
  return reader.ok() ? commands : std::nullopt;
}

bool MayBeCarriedOut(std::string_view payload, const std::vector<std::string_view>& commands) {
  if (payload.size() <= kOtherRequestBytesMax) return commands.size() <= kCommandsMax;
  return commands.size() == 1 && HeadOf(commands.front()).name == kExplainCommand;
}

// Carries out one command; returns the members of the answer behind the name.
std::string Carry(std::string_view command, const CommandHead& head, const ControlContext& context,
                  ReceiptSetting* receipts) {
  if (const auto members = CarryOutForRules(head.name, command, context.deduplicator)) return *members;
  if (head.name == "stats") return TellStatistics(context.deduplicator);
  if (head.name == "duplicates") return TellDuplicates(command, context.deduplicator.duplicate_counts());
  const Json tree(cJSON_ParseWithLength(command.data(), command.size()), cJSON_Delete);
  const Json response(cJSON_CreateObject(), cJSON_Delete);
  if (head.name == "receipts") {
    SetReceipts(tree.get(), receipts, context, response.get());
  } else if (head.name == "top") {
    TellTop(context.top, response.get());
  } else {
    const std::string error = std::string(kUnknownCommand) +
                              "; expected \"receipts\", \"stats\", \"top\", \"duplicates\", \"rules\", \"rule\", "
                              "\"reloadRules\" or \"explain\"";
    cJSON_AddStringToObject(response.get(), "error", error.c_str());
  }
  return Print(response);
}

std::string Answer(std::string_view command, const CommandHead& head, const ControlContext& context,
                   ReceiptSetting* receipts) {
  ObjectText response;
  response.AddText("command", head.name);
  if (head.correlation) response.AddText("correlationData", *head.correlation);
  return Joined(response.Take(), Carry(command, head, context, receipts));
}

}  // namespace

PublishSettings SettingsOf(const Deduplicator& deduplicator) {
  const Options& options = deduplicator.options();
  return {
      .id_member = options.id_member, .id_property = options.id_property, .topics = EventTopics(deduplicator.rules())};
}

std::string ChangedSettings(const PublishSettings& settings) {
  const Json response(cJSON_CreateObject(), cJSON_Delete);
  cJSON_AddStringToObject(response.get(), "command", "receipts");
  cJSON_AddBoolToObject(response.get(), "enable", true);
  cJSON_AddBoolToObject(response.get(), "numbered", true);
  AddSettings(settings, response.get());
  return "{\"responses\":[" + Print(response) + "]}";
}

ControlResult HandleControl(std::string_view payload, ReceiptSetting receipts, const ControlContext& context) {
  bool has_reloaded = false;
  std::vector<std::string> responses;
  const auto commands = payload.size() <= kRequestBytesMax ? CommandsOf(payload) : std::nullopt;
  if (commands && MayBeCarriedOut(payload, *commands)) {
    for (const std::string_view command : *commands) {
      const CommandHead head = HeadOf(command);
      responses.push_back(Answer(command, head, context, &receipts));
      has_reloaded |= head.name == kReloadCommand;
    }
  } else {
    responses.push_back(ObjectText().AddText("error", kExpected).Take());
  }
  return {.response = ObjectText().AddRaw("responses", ArrayText({responses.begin(), responses.end()})).Take(),
          .receipts = receipts,
          .has_reloaded = has_reloaded};
}

}  // namespace dedup
