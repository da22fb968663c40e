#include "http_sidecar/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace dedup::sidecar {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Options Parse(const std::vector<std::string_view>& arguments,
              const std::map<std::string, std::string>& variables = {}) {
  return ParseFlags(arguments, [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string ErrorOf(const std::vector<std::string_view>& arguments,
                    const std::map<std::string, std::string>& variables = {}) {
  try {
    Parse(arguments, variables);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(FlagsTest, DefaultsAreThisMachineOnly) {
  const Options options = Parse({});
  EXPECT_EQ(options.data_dir, "/var/lib/mosquitto/dedup");
  EXPECT_EQ(options.mqtt_host, "127.0.0.1");
  EXPECT_EQ(options.mqtt_port, 1883);
  EXPECT_EQ(options.http_host, "127.0.0.1");
  EXPECT_EQ(options.http_port, 8080);
}

TEST(FlagsTest, AFlagCountsBeforeItsVariable) {
  const Options options =
      Parse({"--mqtt-port", "1", "--http-host=::1"},
            {{"MQTT_PORT", "tcp://10.0.0.1:1883"}, {"HTTP_PORT", "65535"}, {"DATA_DIR", "/data"}, {"MQTT_HOST", ""}});
  EXPECT_EQ(options.mqtt_port, 1);
  EXPECT_EQ(options.http_host, "::1");
  EXPECT_EQ(options.http_port, 65535);
  EXPECT_EQ(options.data_dir, "/data");
  EXPECT_EQ(options.mqtt_host, "127.0.0.1");
}

TEST(FlagsTest, ASwitchTakesNoValueButItsVariableDoes) {
  EXPECT_FALSE(Parse({}).insecure);
  EXPECT_TRUE(Parse({"--insecure"}).insecure);
  EXPECT_FALSE(Parse({"--insecure=false"}, {{"INSECURE", "true"}}).insecure);
  EXPECT_TRUE(Parse({"--insecure", "--http-port", "1"}).insecure);
  EXPECT_TRUE(Parse({}, {{"INSECURE", "true"}}).insecure);
  EXPECT_TRUE(Parse({}, {{"ACCESS_LOG", "true"}}).access_log);
  EXPECT_FALSE(Parse({}).access_log);
  EXPECT_THAT(ErrorOf({}, {{"INSECURE", "1"}}), AllOf(HasSubstr("INSECURE"), HasSubstr("true or false")));
}

TEST(FlagsTest, ANewTokenIsAskedForByName) {
  EXPECT_EQ(Parse({"--new-token", "me read:#"}).new_token, "me read:#");
  EXPECT_EQ(Parse({"--new-token", ""}).new_token, "");
  EXPECT_EQ(Parse({}).new_token, std::nullopt);
  EXPECT_THAT(ErrorOf({"--new-token"}), HasSubstr("--new-token takes a name"));
}

TEST(FlagsTest, ThePasswordIsAVariableOrInAFile) {
  EXPECT_EQ(Parse({"--mqtt-username", "me"}, {{"MQTT_PASSWORD", "secret"}}).mqtt_password, "secret");
  EXPECT_EQ(Parse({"--mqtt-username=me", "--mqtt-password-file", "f"}).mqtt_password_file, "f");
  EXPECT_THAT(ErrorOf({"--mqtt-password", "secret"}), HasSubstr("unknown argument"));
  EXPECT_THAT(ErrorOf({""}), HasSubstr("unknown argument"));
  EXPECT_THAT(ErrorOf({"=secret"}), HasSubstr("unknown argument"));
  EXPECT_THAT(ErrorOf({}, {{"MQTT_PASSWORD", "secret"}}), HasSubstr("--mqtt-username"));
}

TEST(FlagsTest, FlagsThatGoTogether) {
  EXPECT_TRUE(Parse({"--tls-cert", "c", "--tls-key", "k", "--tls-client-ca", "a"}).has_tls());
  EXPECT_FALSE(Parse({}).has_tls());
  EXPECT_THAT(ErrorOf({"--tls-cert", "c"}), HasSubstr("go together"));
  EXPECT_THAT(ErrorOf({"--tls-key", "c"}), HasSubstr("go together"));
  EXPECT_THAT(ErrorOf({"--tls-client-ca", "c"}), HasSubstr("--tls-cert"));
}

TEST(FlagsTest, LimitsAndOrigins) {
  EXPECT_EQ(Parse({}).limits.requests_per_s, 0U);
  EXPECT_EQ(Parse({"--rate-limit", "5"}).limits.requests_per_s, 5U);
  EXPECT_EQ(Parse({"--connection-limit", "7"}).limits.connections_per_address, 7U);
  for (const char* limit : {"0", "-1", "x", "1000001", "5/s"}) {
    EXPECT_THAT(ErrorOf({"--rate-limit", limit}), HasSubstr("1 to 1000000")) << limit;
  }
  for (const char* origin : {"*", "https://app.example", "http://localhost:3000"}) {
    EXPECT_EQ(Parse({"--cors-origin", origin}).limits.cors_origin, origin);
  }
  for (const char* origin : {"app.example", "https://", "https://a/", "ftp://a", "https://a, https://b"}) {
    EXPECT_THAT(ErrorOf({"--cors-origin", origin}), HasSubstr("takes an origin")) << origin;
  }
}

TEST(FlagsTest, HelpAndVersion) {
  EXPECT_TRUE(Parse({"--help"}).help);
  EXPECT_TRUE(Parse({"--version"}).version);
  for (const char* name : {"--data-dir", "DATA_DIR", "--mqtt-host", "--mqtt-port", "HTTP_HOST", "--http-port",
                           "--tokens", "INSECURE", "--new-token", "MQTT_PASSWORD", "--mqtt-ca", "TLS_KEY"}) {
    EXPECT_THAT(HelpText(), HasSubstr(name));
  }
}

TEST(FlagsTest, WhatIsUnknownOrMalformedIsNamed) {
  EXPECT_THAT(ErrorOf({"--port", "1"}), HasSubstr("--port"));
  EXPECT_THAT(ErrorOf({"data"}), HasSubstr("data"));
  EXPECT_THAT(ErrorOf({"--help=yes"}), HasSubstr("--help=yes"));
  EXPECT_THAT(ErrorOf({"--data-dir"}), HasSubstr("--data-dir takes a value"));
  EXPECT_THAT(ErrorOf({"--data-dir="}), HasSubstr("--data-dir"));
  for (const char* port : {"0", "-1", "65536", "x", "80x", "", " 80", "8 0", "0x50", "80.0"}) {
    EXPECT_THAT(ErrorOf({"--mqtt-port", port}), AllOf(HasSubstr("--mqtt-port"), HasSubstr("1 to 65535"))) << port;
  }
  EXPECT_THAT(ErrorOf({}, {{"HTTP_PORT", "http"}}),
              AllOf(HasSubstr("HTTP_PORT"), HasSubstr("0 to 65535"), HasSubstr("http")));
}

}  // namespace
}  // namespace dedup::sidecar
