// mosquitto-dedup-http: starts the parts, stops them on SIGTERM and SIGINT, reads tokens and certificate anew on
// SIGHUP.

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http_sidecar/auth/tokens.h"
#include "http_sidecar/base/heap.h"
#include "http_sidecar/base/stderr_log.h"
#include "http_sidecar/base/why_unreadable.h"
#include "http_sidecar/endpoints/api.h"
#include "http_sidecar/events/event_store.h"
#include "http_sidecar/flags.h"
#include "http_sidecar/mqtt/publisher.h"
#include "http_sidecar/server/server.h"
#include "plugin/core/journal/journal_header.h"
#include "plugin/core/store/store.h"

namespace dedup::sidecar {
namespace {

// Until then what waits for others may come to its end, in parts of --shutdown-timeout.
constexpr double kBrokerPatiencePart = 0.5;
constexpr double kClientPatiencePart = 0.9;
constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;

// Each connection is a file descriptor, and the usual soft limit is 1,024. Returns how many there may be.
std::size_t RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<std::size_t>(limit.rlim_cur) : 1024;
}

// The others are for reading the store, of which each thread may have some files open.
std::size_t ConnectionsMax(std::size_t files_max) {
  constexpr std::size_t kOtherFiles = 1200;
  constexpr std::size_t kMax = 50'000;
  return std::min(kMax, files_max > 2 * kOtherFiles ? files_max - kOtherFiles : files_max / 2);
}

std::string UrlOf(const char* scheme, const std::string& host, int port) {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return std::string(scheme) + "://" + (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Count(const Tokens& tokens) {
  return tokens.are_asked_for() ? std::to_string(tokens.count()) + " tokens" : "no tokens are asked for";
}

// The password's file holds a line of it.
BrokerAccess BrokerOf(const Options& options) {
  BrokerAccess broker{.host = options.mqtt_host,
                      .port = options.mqtt_port,
                      .username = options.mqtt_username,
                      .password = options.mqtt_password,
                      .ca_file = options.mqtt_ca,
                      .certificate_file = options.mqtt_cert,
                      .key_file = options.mqtt_key};
  if (!options.mqtt_password_file.empty()) {
    const auto refuse = [&](const std::string& why) {
      throw std::runtime_error("cannot read a password from " + options.mqtt_password_file.string() + ": " + why);
    };
    if (const std::string why = WhyUnreadable(options.mqtt_password_file); !why.empty()) refuse(why);
    std::ifstream file(options.mqtt_password_file);
    if (!std::getline(file, broker.password) || broker.password.empty()) refuse("its first line is empty");
    if (broker.password.ends_with('\r')) broker.password.pop_back();
  }
  const std::pair<const char*, const std::string&> files[] = {
      {"the broker's CA", broker.ca_file},
      {"the certificate for the broker", broker.certificate_file},
      {"the key for the broker", broker.key_file}};
  for (const auto& [what, file] : files) {
    if (file.empty()) continue;
    if (const std::string why = WhyUnreadable(file); !why.empty()) {
      throw std::runtime_error(std::string("cannot read ") + what + ", " + file + ": " + why);
    }
  }
  return broker;
}

void Reload(const Options& options, Tokens* tokens, Watchers* watchers, Server* server) {
  try {
    tokens->Reload();
    watchers->Review();
    Log("SIGHUP: " + Count(*tokens));
  } catch (const std::exception& error) {
    Log(std::string("SIGHUP: the old tokens stay: ") + error.what());
  }
  if (!options.has_tls()) return;
  try {
    server->SetTls(std::make_shared<const Tls>(options.tls));
    watchers->Review();
    Log("SIGHUP: the certificate was read anew");
  } catch (const std::exception& error) {
    Log(std::string("SIGHUP: the old certificate stays: ") + error.what());
  }
}

// Not an end: the plugin may yet make the directory. But a wrong one would only be seen by who asks for events.
void WarnUnlessReadable(EventStore* store, const std::filesystem::path& data_dir) {
  try {
    store->ReadStatistics();
  } catch (const StorageError& error) {
    const auto is_unreadable = [&](const char* name) { return !WhyUnreadable(data_dir / name).empty(); };
    const bool is_elsewhere = is_unreadable(JournalHeader::kFileName) || is_unreadable(Store::kFileName);
    Log(StoreTrouble(error).detail +
        (is_elsewhere ? "; --data-dir must be the plugin's plugin_opt_data_dir, and this user (uid " +
                            std::to_string(geteuid()) + ") must be able to read it; trying again"
                      : ""));
  }
}

int PrintNewToken(const std::string& name_and_scopes) {
  const NewToken made = [&] {
    try {
      return MakeToken(name_and_scopes);
    } catch (const std::invalid_argument& error) {
      throw UsageError(std::string("--new-token ") + error.what());
    }
  }();
  // Apart, so that the one can be sent to the file and the other is seen.
  std::fprintf(stderr, "The token, shown only this once: %s\n", made.token.c_str());
  return std::puts(made.line.c_str()) < 0 ? kExitFailure : EXIT_SUCCESS;
}

// What is under way comes to its end, or is ended.
int Stop(std::chrono::milliseconds timeout, std::future<bool>* serving, Server* server, Publisher* publisher) {
  const auto begin = std::chrono::steady_clock::now();
  const auto is_over_by = [&](double part) {
    return serving->wait_until(begin + std::chrono::duration_cast<std::chrono::milliseconds>(part * timeout)) ==
           std::future_status::ready;
  };
  server->Stop();
  // Requests that wait for a broker that does not answer are told so.
  if (!is_over_by(kBrokerPatiencePart)) publisher->Stop();
  if (!is_over_by(kClientPatiencePart)) server->Cut();
  if (!is_over_by(1)) {
    Log("requests are still under way after --shutdown-timeout; what they were for can be sent again");
    FlushLog();
    std::_Exit(EXIT_SUCCESS);
  }
  if (serving->get()) return EXIT_SUCCESS;
  Log("cannot accept connections any more");
  return kExitFailure;
}

int Run(const Options& options) {
  LimitHeap();
  // Blocked here, so in all threads, for they inherit it: signals are waited for, not handled.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  const std::size_t files_max = RaiseFileLimit();

  // First what can be wrong with the files that were named.
  Tokens tokens(options.tokens);
  const auto tls = options.has_tls() ? std::make_shared<const Tls>(options.tls) : nullptr;
  const std::filesystem::path data_dir = std::filesystem::absolute(options.data_dir);
  Publisher publisher(BrokerOf(options));
  Api api(data_dir, &publisher, &tokens, static_cast<std::size_t>(options.memory_limit_bytes));
  Server server(
      &api,
      {.limits = options.limits, .logs_requests = options.access_log, .connections_max = ConnectionsMax(files_max)});
  if (tls != nullptr) server.SetTls(tls);
  const int port = server.Listen(options.http_host, options.http_port);
  const bool asks_nobody = !options.tokens && !options.tls.client_ca;
  if (asks_nobody && !options.allows_any_host()) {
    std::vector<std::string> names = options.allowed_hosts;
    names.push_back(options.http_host);
    server.RequireLocalHost(std::move(names));
  }
  if (asks_nobody && !options.insecure && !server.is_loopback()) {
    throw UsageError("--http-host " + options.http_host +
                     " lets other machines in, and nobody is asked for a token: give --tokens FILE, or --insecure if "
                     "that is meant");
  }
  if (!server.is_loopback() && options.tokens && !options.has_tls()) {
    Log("tokens travel in the clear: give --tls-cert and --tls-key, unless a proxy in front speaks TLS");
  }
  Log("version " DEDUP_VERSION ", listening on " +
      UrlOf(options.has_tls() ? "https" : "http", options.http_host, port) + ", broker " + options.mqtt_host + ":" +
      std::to_string(options.mqtt_port) + ", data in " + data_dir.string() + "; " + Count(tokens));
  WarnUnlessReadable(&api.store, data_dir);

  auto serving = std::async(std::launch::async, [&server] {
    // Ends the wait below, also when serving ends by itself or by an exception.
    const struct Farewell {
      ~Farewell() { kill(getpid(), SIGTERM); }
    } farewell;
    return server.Serve();
  });
  for (int signal = 0; sigwait(&signals, &signal) == 0 && signal == SIGHUP;) {
    Reload(options, &tokens, &api.watchers, &server);
  }
  return Stop(options.shutdown_timeout, &serving, &server, &publisher);
}

int Main(const std::vector<std::string_view>& arguments) {
  try {
    const Options options = ParseFlags(arguments, [](const char* name) { return std::getenv(name); });
    if (options.help) return std::fputs(HelpText().c_str(), stdout) < 0 ? kExitFailure : EXIT_SUCCESS;
    if (options.version) return std::puts("mosquitto-dedup-http " DEDUP_VERSION) < 0 ? kExitFailure : EXIT_SUCCESS;
    if (options.new_token) return PrintNewToken(*options.new_token);
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

int main(int argc, char** argv) {
  const int status = dedup::sidecar::Main({argv + 1, argv + argc});
  dedup::sidecar::FlushLog();
  return status;
}
