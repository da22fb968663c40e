// Captures as lines of text: read in three forms, written in one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>

#include "command/capture/capture.h"

namespace dedup::command {

/// A line is in none of the forms. what() says what is wrong with it and what is expected.
class LineError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct LinesRead {
  std::size_t damaged_payload_count = 0;  ///< left out: mosquitto_sub had written them as text, which they are not
};

/// Adds the lines' messages, brought into order of time.
///
/// Forms, line by line:
/// * `{"t": seconds, "topic": …, "payload": … | "payload_base64": …, "qos"?, "retain"?, "client"?, "properties"?:
///   {"user": [[name, value] …], "content_type"?}}`, as WriteLine writes them;
/// * `mosquitto_sub -F '%j'` or `%J`: `{"tst": …, "topic": …, "payload": …}`, without what is retained from before;
/// * topic, time and payload with a tab between them, or with a blank, where a topic may hold blanks too. A time is a
///   number of seconds or ISO 8601.
/// Empty lines are passed over. Reading stops when the capture is full.
/// Errors: LineError, with the line's number; std::bad_alloc.
LinesRead ReadLines(std::istream& lines, Capture* capture);

/// Adds the message of one line; false when the capture is full.
bool ReadLine(std::string_view line, Capture* capture, LinesRead* read);

/// The message as one line, with its end.
std::string LineOf(const Message& message);

}  // namespace dedup::command
