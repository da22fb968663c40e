// mosquitto-dedup-http: starts the parts, stops them on SIGTERM and SIGINT.

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "api.h"
#include "flags.h"
#include "publisher.h"
#include "server.h"
#include "stderr_log.h"

namespace dedup::sidecar {
namespace {

constexpr std::chrono::seconds kStopPatience{5};
constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;

// Each connection is a file descriptor, and the usual soft limit is 1,024.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::string UrlOf(const std::string& host, int port) {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return "http://" + (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

int Run(const Options& options) {
  // Blocked here, so in all threads, for they inherit it: signals are waited for, not handled.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGINT);
  sigaddset(&stop_signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  RaiseFileLimit();

  Publisher publisher({options.mqtt_host, options.mqtt_port});
  Api api(options.data_dir, &publisher);
  Server server(&api);
  const int port = server.Listen(options.http_host, options.http_port);
  Log("version " DEDUP_VERSION ", listening on " + UrlOf(options.http_host, port) + ", broker " + options.mqtt_host +
      ":" + std::to_string(options.mqtt_port) + ", data in " + options.data_dir.string());

  auto serving = std::async(std::launch::async, [&server] {
    // Ends the wait below, also when serving ends by itself or by an exception.
    const struct Farewell {
      ~Farewell() { kill(getpid(), SIGTERM); }
    } farewell;
    return server.Serve();
  });
  int signal = 0;
  sigwait(&stop_signals, &signal);
  server.Stop();
  // Requests that wait for a broker that does not answer are told so now.
  if (serving.wait_for(kStopPatience) == std::future_status::timeout) publisher.Stop();
  if (serving.get()) return EXIT_SUCCESS;
  Log("cannot accept connections any more");
  return kExitFailure;
}

int Main(const std::vector<std::string_view>& arguments) {
  try {
    const Options options = ParseFlags(arguments, [](const char* name) { return std::getenv(name); });
    if (options.help) return std::fputs(HelpText().c_str(), stdout) < 0 ? kExitFailure : EXIT_SUCCESS;
    if (options.version) return std::puts("mosquitto-dedup-http " DEDUP_VERSION) < 0 ? kExitFailure : EXIT_SUCCESS;
    return Run(options);
  } catch (const UsageError& error) {
    Log(error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    Log(error.what());
    return kExitFailure;
  }
}

}  // namespace
}  // namespace dedup::sidecar

int main(int argc, char** argv) { return dedup::sidecar::Main({argv + 1, argv + argc}); }
