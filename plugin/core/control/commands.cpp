#include "plugin/core/control/commands.h"

#include <cjson/cJSON.h>

#include <memory>
#include <new>

#include "plugin/core/text/json.h"

namespace dedup {
namespace {

// The answer is larger than the request: a limit keeps it small.
constexpr int kCommandsMax = 16;
// Of each list that "top" tells.
constexpr std::size_t kTopRowsMax = 20;
// Far more than any command takes; parsing a large payload would hold up the broker.
constexpr std::size_t kRequestBytesMax = 4096;

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
void SetReceipts(const cJSON* command, ReceiptSetting* receipts, const PublishSettings& settings,
                 const std::string& trouble, cJSON* response) {
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
  if (cJSON_IsTrue(enable) != 0 && !trouble.empty()) {
    cJSON_AddStringToObject(response, "error", ("events cannot be stored now: " + trouble).c_str());
    return;
  }
  const ReceiptKind kind = cJSON_IsTrue(numbered) != 0 ? ReceiptKind::kNumbered : ReceiptKind::kPlain;
  *receipts = {.kind = cJSON_IsTrue(enable) != 0 ? kind : ReceiptKind::kNone};
  cJSON_AddBoolToObject(response, "enable", cJSON_IsTrue(enable));
  if (numbered != nullptr) cJSON_AddBoolToObject(response, "numbered", cJSON_IsTrue(numbered));
  AddSettings(settings, response);
}

cJSON* AddRow(cJSON* rows, const char* name, const TopList::Row& row) {
  cJSON* const object = cJSON_CreateObject();
  cJSON_AddItemToArray(rows, object);
  cJSON_AddStringToObject(object, name, row.text.c_str());
  return object;
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

// Carries out one command and describes the answer in `response`.
void HandleCommand(const cJSON* command, ReceiptSetting* receipts, const PublishSettings& settings,
                   const TopCounts& top, const std::string& trouble, cJSON* response) {
  const cJSON* const name_item = cJSON_GetObjectItemCaseSensitive(command, "command");
  const std::string_view name = cJSON_IsString(name_item) ? name_item->valuestring : "";
  cJSON_AddStringToObject(response, "command", name.data());
  const cJSON* const correlation = cJSON_GetObjectItemCaseSensitive(command, "correlationData");
  if (cJSON_IsString(correlation)) cJSON_AddStringToObject(response, "correlationData", correlation->valuestring);

  if (name == "receipts") {
    SetReceipts(command, receipts, settings, trouble, response);
  } else if (name == "top") {
    TellTop(top, response);
  } else {
    cJSON_AddStringToObject(response, "error", "unknown command; expected \"receipts\" or \"top\"");
  }
}

}  // namespace

std::string ChangedSettings(const PublishSettings& settings) {
  const Json message(cJSON_CreateObject(), cJSON_Delete);
  cJSON* const response = cJSON_CreateObject();
  cJSON_AddItemToArray(cJSON_AddArrayToObject(message.get(), "responses"), response);
  cJSON_AddStringToObject(response, "command", "receipts");
  cJSON_AddBoolToObject(response, "enable", true);
  cJSON_AddBoolToObject(response, "numbered", true);
  AddSettings(settings, response);
  return Print(message);
}

ControlResult HandleControl(std::string_view payload, ReceiptSetting receipts, const PublishSettings& settings,
                            const TopCounts& top, const std::string& trouble) {
  // cJSON takes bytes that are no UTF-8, and what follows behind the document; the answer would repeat the former.
  json::Value document;
  const bool is_json = payload.size() <= kRequestBytesMax && json::Reader(payload).ReadDocument(&document);
  const Json request(is_json ? cJSON_ParseWithLength(payload.data(), payload.size()) : nullptr, cJSON_Delete);
  const Json answer(cJSON_CreateObject(), cJSON_Delete);
  cJSON* const responses = cJSON_AddArrayToObject(answer.get(), "responses");
  const auto add_response = [responses] {
    cJSON* const response = cJSON_CreateObject();
    cJSON_AddItemToArray(responses, response);
    return response;
  };

  const cJSON* const commands = cJSON_GetObjectItemCaseSensitive(request.get(), "commands");
  if (!cJSON_IsArray(commands) || cJSON_GetArraySize(commands) > kCommandsMax) {
    cJSON_AddStringToObject(
        add_response(), "error",
        "expected {\"commands\":[{\"command\":\"receipts\",\"enable\":true}]}, at most 16 commands in 4096 bytes");
  } else {
    const cJSON* command = nullptr;
    cJSON_ArrayForEach(command, commands) HandleCommand(command, &receipts, settings, top, trouble, add_response());
  }
  return {.response = Print(answer), .receipts = receipts};
}

}  // namespace dedup
