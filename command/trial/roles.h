// What an ignored column is to the copies: the sides' own, a clock's reading, a delay.
#pragma once

#include "command/trial/hearing.h"

namespace dedup::command {

/// A clock that was read when the message was made or received: it went on as much as time did.
bool IsReadingOfClock(const Hearing& hearing, const Column& column);

/// How late a message is, in seconds or thousandths: of course the later copy's is longer.
bool GrowsWithTheGap(const Hearing& hearing, const Column& column);

/// Whether the side alone decides what it is, as the name of a receiver or its place.
bool IsOfSide(const Hearing& hearing, const Column& column);

/// Whether a counter says which event it is.
bool HasCounter(const Hearing& hearing);

bool IgnoresTime(const Hearing& hearing);

}  // namespace dedup::command
