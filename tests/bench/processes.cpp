#include "tests/bench/processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <thread>

#include "tests/bench/http_client.h"
#include "tests/bench/sockets.h"

namespace dedup::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr std::chrono::minutes kStartPatience{5};

std::string Slurp(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The number behind "name:" in a file of /proc.
double NumberIn(const fs::path& path, const std::string& name) {
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + ":")) return std::strtod(line.c_str() + name.size() + 1, nullptr);
  }
  throw std::runtime_error("no " + name + " in " + path.string());
}

pid_t Fork() {
  const pid_t pid = fork();
  if (pid < 0) Fail("fork");
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

// Whether a broker answers CONNECT there. Waits for the answer, for a broker accepts before it serves.
bool AnswersConnect(std::uint16_t port) {
  const int fd = TryConnect(port);
  if (fd < 0) return false;
  const std::string connect = EncodeConnect(MqttVersion::k311, "ready");
  char answer[4];
  const bool answered = write(fd, connect.data(), connect.size()) == static_cast<ssize_t>(connect.size()) &&
                        read(fd, answer, sizeof answer) == sizeof answer;
  close(fd);
  return answered;
}

}  // namespace

TempDir::TempDir() {
  std::string name = "/tmp/dedup-bench-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) Fail("mkdtemp");
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Process::Process(const std::vector<std::string>& command, const fs::path& log) : pid_(Fork()), log_(log) {
  if (pid_ != 0) return;
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

Process::Process(const std::function<void()>& body) : pid_(Fork()) {
  if (pid_ != 0) return;
  body();
  _exit(0);
}

void Process::End(int signal) {
  if (pid_ == 0) return;
  kill(pid_, signal);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void Process::WaitUntil(const std::function<bool()>& ready) {
  const auto deadline = SteadyClock::now() + kStartPatience;
  while (!ready()) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = 0;
      throw std::runtime_error("a process has ended; its log:\n" + Slurp(log_));
    }
    if (SteadyClock::now() > deadline) throw std::runtime_error("a process is not ready; its log:\n" + Slurp(log_));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

Process::CpuNs Process::Cpu() const {
  CpuNs cpu;
  const std::string pid = std::to_string(pid_);
  for (const auto& task : fs::directory_iterator("/proc/" + pid + "/task")) {
    double ns = 0;
    std::ifstream(task.path() / "schedstat") >> ns;
    (task.path().filename() == pid ? cpu.main : cpu.others) += ns;
  }
  return cpu;
}

double Process::MainSleeps() const {
  return NumberIn("/proc/" + std::to_string(pid_) + "/status", "voluntary_ctxt_switches");
}

double Process::StatusKb(const std::string& name) const {
  return NumberIn("/proc/" + std::to_string(pid_) + "/status", name);
}

Apart::Apart(std::initializer_list<const Process*> processes) {
  sched_getaffinity(0, sizeof before_, &before_);
  if (CPU_COUNT(&before_) < 2) return;
  int first = 0;
  while (!CPU_ISSET(first, &before_)) ++first;
  cpu_set_t own;
  CPU_ZERO(&own);
  CPU_SET(first, &own);
  cpu_set_t others = before_;
  CPU_CLR(first, &others);
  for (const Process* const process : processes) {
    for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(process->pid_) + "/task")) {
      const pid_t id = std::atoi(task.path().filename().c_str());
      const bool is_main = id == process->pid_;
      sched_setaffinity(id, sizeof own, is_main ? &own : &others);
    }
  }
  sched_setaffinity(0, sizeof others, &others);
}

Apart::~Apart() { sched_setaffinity(0, sizeof before_, &before_); }

double WrittenBytes(const std::string& pid) { return NumberIn("/proc/" + pid + "/io", "write_bytes"); }

std::string BrokerVersion(const std::string& broker) {
  const std::unique_ptr<FILE, int (*)(FILE*)> help(popen(("'" + broker + "' -h 2>/dev/null").c_str(), "r"), pclose);
  std::array<char, 32> version{};
  if (help == nullptr || std::fscanf(help.get(), "mosquitto version %31s", version.data()) != 1) {
    throw std::runtime_error(broker + " is no mosquitto");
  }
  while (std::fgetc(help.get()) != EOF) {
  }
  return version.data();
}

Broker::Broker(const Programs& programs, const fs::path& data_dir, const std::string& rules) : port_(FreePort()) {
  const fs::path config = directory_.path() / "mosquitto.conf";
  std::ofstream lines(config);
  lines << "listener " << port_ << " 127.0.0.1\n"
        << "allow_anonymous true\n"
        << (geteuid() == 0 ? "user root\n" : "") << "max_queued_messages 1000000\n"
        << "max_inflight_messages 65534\n"
        << "set_tcp_nodelay true\n"
        << "log_type error\n";
  if (!data_dir.empty()) {
    lines << "plugin " << programs.plugin << "\nplugin_opt_data_dir " << data_dir.string()
          << "\nplugin_opt_journal_size 128M\n";
    if (!rules.empty()) {
      const fs::path rules_file = directory_.path() / "rules.json";
      std::ofstream(rules_file) << rules;
      lines << "plugin_opt_rules_file " << rules_file.string() << "\n";
    }
  }
  lines.close();
  const auto begin = SteadyClock::now();
  process_ =
      std::make_unique<Process>(std::vector<std::string>{programs.broker, "-c", config}, directory_.path() / "log");
  process_->WaitUntil([this] { return AnswersConnect(port_); });
  start_seconds_ = std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

Sidecar::Sidecar(const Programs& programs, const Broker& broker, const fs::path& data_dir) : port_(FreePort()) {
  process_ = std::make_unique<Process>(
      std::vector<std::string>{programs.sidecar, "--data-dir", data_dir, "--mqtt-port", std::to_string(broker.port()),
                               "--http-port", std::to_string(port_)},
      directory_.path() / "log");
  process_->WaitUntil([this] { return HttpGet(port_, "/healthz").status == 200; });
}

}  // namespace dedup::bench
