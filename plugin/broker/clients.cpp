#include "plugin/broker/clients.h"

#include <new>

#include "plugin/broker/guard.h"
#include "plugin/broker/publish.h"
#include "plugin/broker/versions.h"
#include "plugin/core/contract/control.h"
#include "plugin/core/contract/receipts.h"

namespace dedup::broker {

std::string_view IdOf(const mosquitto* client) {
  const char* const id = mosquitto_client_id(client);
  return id == nullptr ? std::string_view() : id;
}

std::string_view ControlClient::name() const {
  return receipts.kind == ReceiptKind::kNumbered ? std::string_view(kSidecarName) : id;
}

void ControlClient::Tell(const char* topic, std::string_view text) {
  // Counted even if there is no memory for it: that is no time to trust a client.
  backlog.Add(text.size());
  BrokerPublish(id.c_str(), topic, text, 0, false, nullptr);
}

void ControlClient::SendReceipt(const Publish& publish, const Decision& decision) {
  if (receipts.kind == ReceiptKind::kNone) return;
  Receipt receipt{.topic = publish.topic, .event_id = decision.event_id, .outcome = decision};
  if (receipts.kind == ReceiptKind::kNumbered) {
    receipt.number = ++receipts.last_number;  // also of one that there is no memory for, which then is missed
    if (publish.qos == 0) receipt.checksum = ReceiptChecksum(publish.payload);
  }
  try {
    Tell(kReceiptTopic, ReceiptJson(receipt));
  } catch (const std::bad_alloc&) {
    // The event is accepted: the lack of memory for its receipt must not refuse it.
  }
}

bool ControlClient::ReadsNothing() const {
  if (!backlog.is_too_long()) return false;
  Log(MOSQ_LOG_WARNING, "mosquitto-dedup: client " + id + " does not read its receipts: disconnecting it");
  return true;
}

ControlClient* ControlClients::Find(const mosquitto* client) {
  if (clients_.empty()) return nullptr;
  const auto found = clients_.find(client);
  if (found == clients_.end()) return nullptr;
  const char* const id = mosquitto_client_id(client);
  if (id != nullptr && found->second.id == id) return &found->second;
  clients_.erase(found);
  return nullptr;
}

void ControlClients::TellSettings(const PublishSettings& settings) {
  std::string text;
  for (auto& [_, client] : clients_) {
    if (client.receipts.kind != ReceiptKind::kNumbered) continue;
    if (text.empty()) text = ChangedSettings(settings);
    client.Tell(kResponseTopic, text);
  }
}

ControlClient* ControlClients::FindOrAdd(const mosquitto* client) {
  if (ControlClient* const known = Find(client)) return known;
  const char* const id = mosquitto_client_id(client);
  if (id == nullptr) return nullptr;
  return &clients_.try_emplace(client, ControlClient{id, Backlog(SocketOf(client))}).first->second;
}

}  // namespace dedup::broker
