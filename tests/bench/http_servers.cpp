#include "tests/bench/http_servers.h"

#include <httplib.h>
#include <mosquitto.h>
#if !__has_include(<mosquitto/mqtt_protocol.h>)  // From 2.1 on mosquitto.h has it.
#include <mqtt_protocol.h>
#endif

#include <cstdlib>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <unordered_map>

#include "tests/bench/http_client.h"

namespace dedup::bench {
namespace {

constexpr std::size_t kThreads = 32;
constexpr char kAnswer[] =
    R"({"status":"ok","processed":["00000000-0000-4000-8000-000000000000"],"duplicates":0,"total_received":1})";

void Serve(std::uint16_t port, const std::function<void(const std::string& body)>& on_post) {
  httplib::Server server;
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000);
  server.Post("/publish", [&](const httplib::Request& request, httplib::Response& response) {
    on_post(request.body);
    response.set_content(kAnswer, "application/json");
  });
  server.listen("127.0.0.1", port);
}

bool IsServing(std::uint16_t port) { return HttpGet(port, "/").status == 404; }

/// libmosquitto's own thread moves the bytes; whoever publishes sleeps until the PUBACK.
class Client {
 public:
  explicit Client(std::uint16_t port) : client_(mosquitto_new(nullptr, /*clean_start=*/true, this)) {
    mosquitto_int_option(client_, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    mosquitto_int_option(client_, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_publish_v5_callback_set(client_,
                                      [](mosquitto*, void* self, int packet_id, int, const mosquitto_property*) {
                                        static_cast<Client*>(self)->OnAcknowledged(packet_id);
                                      });
    if (mosquitto_connect(client_, "127.0.0.1", port, /*keepalive=*/60) != MOSQ_ERR_SUCCESS ||
        mosquitto_loop_start(client_) != MOSQ_ERR_SUCCESS) {
      std::abort();
    }
  }

  void Publish(const std::string& body) {
    std::future<void> acknowledged;
    {
      const std::lock_guard lock(mutex_);
      int packet_id = 0;
      if (mosquitto_publish_v5(client_, &packet_id, "sensor/1", static_cast<int>(body.size()), body.data(), /*qos=*/1,
                               /*retain=*/false, nullptr) != MOSQ_ERR_SUCCESS) {
        std::abort();
      }
      acknowledged = waiting_[packet_id].get_future();
    }
    acknowledged.wait();
  }

 private:
  void OnAcknowledged(int packet_id) {
    std::unique_lock lock(mutex_);
    auto waiter = waiting_.extract(packet_id);
    lock.unlock();
    waiter.mapped().set_value();
  }

  mosquitto* const client_;  // for as long as the process
  std::mutex mutex_;
  std::unordered_map<int, std::promise<void>> waiting_;  // guarded by mutex_; by packet id
};

}  // namespace

ConstantServer::ConstantServer(const Programs&) : process_([port = port_] { Serve(port, [](const std::string&) {}); }) {
  process_.WaitUntil([this] { return IsServing(port_); });
}

LeastBridge::LeastBridge(const Programs& programs)
    : broker_(programs, data_dir_.path()), process_([port = port_, broker_port = broker_.port()] {
        mosquitto_lib_init();
        Client client(broker_port);
        Serve(port, [&](const std::string& body) { client.Publish(body); });
      }) {
  process_.WaitUntil([this] { return IsServing(port_); });
}

}  // namespace dedup::bench
