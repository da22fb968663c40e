// Messages that look like copies from several receivers, and each of which is wanted.
#pragma once

#include "command/traffic/grouping.h"
#include "command/traffic/table.h"

namespace dedup::command {

/// Whether a server behind the broker must see such messages from every receiver: LoRaWAN frames on their way to a
/// network server, which picks the gateway for its answer by them, and signals of which a room or place is made.
bool MustComeFromEach(const Group& group, const Table& table);

/// Whether the topics are those of commands and settings for devices, each of which must get its own.
bool TellsReceivers(const Group& group);

/// Whether the topic is one that all devices of a cloud share, each known by its connection alone.
bool SharesTopicByDesign(const Group& group);

}  // namespace dedup::command
