// The programs under measurement, each as a process of its own.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace dedup::bench {

/// A directory under /tmp that goes with its owner.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Of a process by its id, or "self": what it has caused to be written to disks so far.
double WrittenBytes(const std::string& pid);

/// A child process; it ends with its owner, at once.
class Process {
 public:
  /// What it prints goes to `log`.
  Process(const std::vector<std::string>& command, const std::filesystem::path& log);
  /// Runs `body` in a copy of this process.
  explicit Process(const std::function<void()>& body);
  ~Process() { End(SIGKILL); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Sends the signal and waits for the end. Does nothing when it has ended.
  void End(int signal);
  /// Errors: when it ends, or is not ready within five minutes; with its log. Asks every millisecond.
  void WaitUntil(const std::function<bool()>& ready);

  /// Nanoseconds on a CPU: of the main thread, and of the other ones.
  struct CpuNs {
    double main = 0;
    double others = 0;
  };
  CpuNs Cpu() const;
  /// How often its main thread went to sleep so far.
  double MainSleeps() const;
  /// What it has caused to be written to disks so far.
  double WrittenBytes() const { return bench::WrittenBytes(std::to_string(pid_)); }
  /// A line of /proc/PID/status, such as VmHWM: in kB.
  double StatusKb(const std::string& name) const;

 private:
  friend class Apart;
  pid_t pid_;
  std::filesystem::path log_;
};

/// While it lives, the main threads of these processes have one processor, and their other threads share those that are
/// left with this thread. Does nothing where there is only one processor. For the processes it is for good.
class Apart {
 public:
  explicit Apart(std::initializer_list<const Process*> processes);
  ~Apart();
  Apart(const Apart&) = delete;
  Apart& operator=(const Apart&) = delete;

 private:
  cpu_set_t before_;  // of this thread
};

struct Programs {
  std::string broker = "/usr/sbin/mosquitto";
  std::string plugin;
  std::string sidecar;
};

/// As its help says: "2.0.11".
std::string BrokerVersion(const std::string& broker);

/// A broker that listens when the constructor returns.
class Broker {
 public:
  /// Without a `data_dir` it is a bare one. `rules`: the text of a rules file.
  explicit Broker(const Programs& programs, const std::filesystem::path& data_dir = {}, const std::string& rules = {});

  Process& process() { return *process_; }
  std::uint16_t port() const { return port_; }
  /// From the start of the process to the answer to the first CONNECT.
  double start_seconds() const { return start_seconds_; }

 private:
  TempDir directory_;
  std::uint16_t port_;
  std::unique_ptr<Process> process_;
  double start_seconds_;
};

/// The HTTP sidecar of a broker, healthy when the constructor returns.
class Sidecar {
 public:
  Sidecar(const Programs& programs, const Broker& broker, const std::filesystem::path& data_dir);

  Process& process() { return *process_; }
  std::uint16_t port() const { return port_; }

 private:
  TempDir directory_;
  std::uint16_t port_;
  std::unique_ptr<Process> process_;
};

}  // namespace dedup::bench
