// What a message costs the broker with and without the plugin: alternating runs of a real broker in one process, so
// that a noisy machine disturbs both alike. Prints medians and their ratio.
//
//   broker_bench PLUGIN.so [--messages N] [--pairs N] [--qos 0|1|2] [--duplicates PERCENT] [--payload BYTES]
//                [--broker PATH]
//
// CPU time is the broker's own, read from /proc/PID/task/TID/schedstat: of its main thread, and of all its threads.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::string plugin;
  std::string broker = "/usr/sbin/mosquitto";
  int messages = 200'000;
  int pairs = 5;
  int qos = 1;
  int duplicates_percent = 0;
  std::size_t payload_bytes = 200;
};

struct Cost {
  double main_us;
  double all_us;
  double messages_per_s;
};

[[noreturn]] void Fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

class Broker {
 public:
  Broker(const Settings& settings, bool with_plugin) {
    char directory[] = "/tmp/dedup-bench-XXXXXX";
    if (mkdtemp(directory) == nullptr) Fail("mkdtemp");
    directory_ = directory;
    port_ = FreePort();
    std::ofstream config(directory_ / "mosquitto.conf");
    config << "listener " << port_ << " 127.0.0.1\nallow_anonymous true\n"
           << (geteuid() == 0 ? "user root\n" : "") << "max_queued_messages 0\nmax_inflight_messages 0\n"
           << "set_tcp_nodelay true\nlog_type error\n";
    if (with_plugin)
      config << "plugin " << settings.plugin << "\nplugin_opt_data_dir " << (directory_ / "data").string() << "\n";
    config.close();
    pid_ = fork();
    if (pid_ == 0) {
      const int nowhere = open("/dev/null", O_WRONLY);
      dup2(nowhere, STDERR_FILENO);
      execl(settings.broker.c_str(), "mosquitto", "-c", (directory_ / "mosquitto.conf").c_str(), nullptr);
      _exit(127);
    }
  }
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  ~Broker() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  int Connect() const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int attempt = 0; attempt < 500; ++attempt) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return fd;
      }
      close(fd);
      usleep(10'000);
    }
    Fail("the broker does not listen");
  }

  // Nanoseconds on a CPU: of the main thread, and of all.
  std::pair<double, double> CpuNs() const {
    double main = 0;
    double all = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/task")) {
      double ns = 0;
      std::ifstream(task.path() / "schedstat") >> ns;
      all += ns;
      if (task.path().filename() == std::to_string(pid_)) main = ns;
    }
    return {main, all};
  }

 private:
  static std::uint16_t FreePort() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Fail("bind");
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    close(fd);
    return ntohs(address.sin_port);
  }

  std::filesystem::path directory_;
  std::uint16_t port_;
  pid_t pid_;
};

std::string Packet(unsigned char first, const std::string& body) {
  std::string packet(1, static_cast<char>(first));
  std::size_t left = body.size();
  do {
    packet.push_back(static_cast<char>((left % 128) | (left >= 128 ? 0x80 : 0)));
    left /= 128;
  } while (left != 0);
  return packet + body;
}

std::string Word(unsigned value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }

std::string Connect(const std::string& client_id) {
  return Packet(0x10, std::string("\0\4MQTT\4\2\0\0", 10) + Word(static_cast<unsigned>(client_id.size())) + client_id);
}

// A connection that never blocks: what is written waits in `out`, what is read is cut into packets.
class Connection {
 public:
  Connection(int fd, const std::string& client_id) : fd_(fd) {
    out = Connect(client_id);
    fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  std::string out;

  pollfd Poll() const { return {fd_, static_cast<short>(POLLIN | (sent_ < out.size() ? POLLOUT : 0)), 0}; }

  void Write() {
    if (sent_ < out.size()) {
      const ssize_t sent = send(fd_, out.data() + sent_, out.size() - sent_, MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) Fail("send");
      if (sent > 0) sent_ += static_cast<std::size_t>(sent);
    }
    if (sent_ == out.size()) {
      out.clear();
      sent_ = 0;
    }
  }
  std::size_t unsent() const { return out.size() - sent_; }

  // Calls on_packet(type, flags, body) for every packet that has arrived.
  template <class OnPacket>
  void Read(OnPacket on_packet) {
    char buffer[1 << 16];
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    if (got == 0) throw std::runtime_error("the broker closed the connection");
    if (got < 0) {
      if (errno == EAGAIN) return;
      Fail("recv");
    }
    in_.append(buffer, static_cast<std::size_t>(got));
    std::size_t at = 0;
    for (;;) {
      std::size_t size = 0;
      std::size_t header = 1;
      bool whole = false;
      for (int shift = 0; at + header < in_.size() && !whole; shift += 7, ++header) {
        const auto byte = static_cast<unsigned char>(in_[at + header]);
        size |= std::size_t{byte & 0x7FU} << shift;
        whole = byte < 0x80;
      }
      if (!whole || in_.size() - at < header + size) break;
      const auto first = static_cast<unsigned char>(in_[at]);
      on_packet(first >> 4, first & 0xF, std::string_view(in_).substr(at + header, size));
      at += header + size;
    }
    in_.erase(0, at);
  }

 private:
  int fd_;
  std::size_t sent_ = 0;
  std::string in_;
};

std::string RandomId(std::mt19937_64& random) {
  char id[37];
  const std::uint64_t a = random();
  const std::uint64_t b = random();
  std::snprintf(id, sizeof id, "%08x-%04x-4%03x-%04x-%012llx", static_cast<unsigned>(a >> 32),
                static_cast<unsigned>(a >> 16 & 0xFFFF), static_cast<unsigned>(a & 0xFFF),
                static_cast<unsigned>(b >> 48 & 0x3FFF) | 0x8000U, static_cast<unsigned long long>(b & 0xFFFFFFFFFFFF));
  return id;
}

Cost Run(const Settings& settings, bool with_plugin) {
  Broker broker(settings, with_plugin);
  Connection subscriber(broker.Connect(), "subscriber");
  Connection publisher(broker.Connect(), "publisher");
  const auto qos = static_cast<unsigned>(settings.qos);
  subscriber.out += Packet(0x82, Word(1) + Word(1) + "#" + static_cast<char>(qos));

  std::mt19937_64 random(1);
  std::string duplicate_id = RandomId(random);
  const auto event = [&](int number) {
    const bool duplicate = number > 0 && static_cast<int>(random() % 100) < settings.duplicates_percent;
    std::string json = "{\"topic\":\"sensor/1\",\"event_id\":\"" +
                       (duplicate || number == 0 ? duplicate_id : RandomId(random)) +
                       "\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"source\":\"bench\",\"payload\":\"";
    if (json.size() + 2 < settings.payload_bytes) json.append(settings.payload_bytes - json.size() - 2, 'x');
    return json + "\"}";
  };

  int acknowledged = 0;
  int delivered = 0;
  bool subscribed = false;
  const auto turn = [&] {
    pollfd polls[] = {subscriber.Poll(), publisher.Poll()};
    if (poll(polls, 2, 10'000) <= 0) throw std::runtime_error("the broker is silent");
    subscriber.Read([&](int type, int flags, std::string_view body) {
      subscribed |= type == 9;
      if (type == 6) subscriber.out += Packet(0x70, std::string(body.substr(0, 2)));
      if (type != 3) return;
      ++delivered;
      const std::size_t topic = static_cast<unsigned char>(body[0]) * 256U + static_cast<unsigned char>(body[1]);
      const int delivered_qos = (flags >> 1) & 3;
      if (delivered_qos != 0) {
        subscriber.out += Packet(delivered_qos == 1 ? 0x40 : 0x50, std::string(body.substr(2 + topic, 2)));
      }
    });
    publisher.Read([&](int type, int, std::string_view body) {
      if (type == 4 || type == 7) ++acknowledged;
      if (type == 5) publisher.out += Packet(0x62, std::string(body.substr(0, 2)));
    });
    subscriber.Write();
    publisher.Write();
  };
  while (!subscribed) turn();

  // Some messages first, so that caches, allocations and the broker's hash tables are warm.
  const int warm_up = settings.messages / 10;
  const int total = warm_up + settings.messages;
  int sent = 0;
  std::pair<double, double> cpu_before;
  Clock::time_point begin;
  const int window = 100;
  const auto done = [&] { return settings.qos == 0 ? delivered : acknowledged; };
  const bool all_delivered_at_qos_0 = settings.qos == 0 && settings.duplicates_percent > 0 && with_plugin;
  if (all_delivered_at_qos_0) throw std::runtime_error("QoS 0 with duplicates has nothing to count by: use --qos 1");
  while (done() < total) {
    while (sent < total && sent - done() < window) {
      const std::string body =
          Word(8) + "sensor/1" + (qos != 0 ? Word(static_cast<unsigned>(sent % 65535) + 1) : "") + event(sent);
      publisher.out += Packet(static_cast<unsigned char>(0x30 | qos << 1), body);
      ++sent;
      if (sent == warm_up) {
        cpu_before = broker.CpuNs();
        begin = Clock::now();
      }
    }
    turn();
  }
  const auto cpu_after = broker.CpuNs();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const double messages = settings.messages;
  return {(cpu_after.first - cpu_before.first) / 1000 / messages,
          (cpu_after.second - cpu_before.second) / 1000 / messages, messages / seconds};
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void Print(const char* name, const std::vector<Cost>& bare, const std::vector<Cost>& plugin, double Cost::*field) {
  std::vector<double> a;
  std::vector<double> b;
  for (const Cost& cost : bare) a.push_back(cost.*field);
  for (const Cost& cost : plugin) b.push_back(cost.*field);
  std::printf("  %-32s %12.2f %12.2f %8.3f\n", name, Median(a), Median(b), Median(b) / Median(a));
}

}  // namespace

int main(int count, char** arguments) try {
  Settings settings;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (!name.starts_with("--")) {
      settings.plugin = std::filesystem::absolute(name);
      continue;
    }
    if (++i == count) throw std::runtime_error(std::string(name) + " needs a value");
    if (name == "--broker")
      settings.broker = arguments[i];
    else if (name == "--messages")
      settings.messages = std::atoi(arguments[i]);
    else if (name == "--pairs")
      settings.pairs = std::atoi(arguments[i]);
    else if (name == "--qos")
      settings.qos = std::atoi(arguments[i]);
    else if (name == "--duplicates")
      settings.duplicates_percent = std::atoi(arguments[i]);
    else if (name == "--payload")
      settings.payload_bytes = static_cast<std::size_t>(std::atoi(arguments[i]));
    else
      throw std::runtime_error("unknown option " + std::string(name));
  }
  if (settings.plugin.empty()) throw std::runtime_error("usage: broker_bench PLUGIN.so [options]");

  std::vector<Cost> bare;
  std::vector<Cost> plugin;
  for (int pair = 0; pair < settings.pairs; ++pair) {
    bare.push_back(Run(settings, false));
    plugin.push_back(Run(settings, true));
  }
  std::printf("QoS %d, %d %% duplicates, %zu bytes, %d messages, %d pairs\n", settings.qos, settings.duplicates_percent,
              settings.payload_bytes, settings.messages, settings.pairs);
  std::printf("  %-32s %12s %12s %8s\n", "median", "bare", "plugin", "ratio");
  Print("main thread, CPU us a message", bare, plugin, &Cost::main_us);
  Print("all threads, CPU us a message", bare, plugin, &Cost::all_us);
  Print("messages a second", bare, plugin, &Cost::messages_per_s);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "broker_bench: %s\n", error.what());
  return 1;
}
