"""Arrows between rooms run downward, and each foreign API has one home (ARCHITECTURE.md, "Rooms")."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# From the top: a room may include itself and what stands below it. Of several names the longest counts, so the files
# that stand in plugin/core itself are the front door, but for options.
PLUGIN = ["plugin", "plugin/broker", "plugin/core/control", "plugin/core", "plugin/core/start", "plugin/core/threads",
          "plugin/core/options", "plugin/core/observe", "plugin/core/rules", "plugin/core/store", "plugin/core/journal",
          "plugin/core/index", "plugin/core/contract", "plugin/core/event", "plugin/core/text", "plugin/core/base"]
SIDECAR = ["http_sidecar", "http_sidecar/server", "http_sidecar/endpoints", "http_sidecar/page", "http_sidecar/publish",
           "http_sidecar/events", "http_sidecar/history", "http_sidecar/mqtt", "http_sidecar/http", "http_sidecar/auth", "http_sidecar/net",
           "http_sidecar/base"]
COMMAND = ["command", "command/verbs", "command/report", "command/advise", "command/trial", "command/traffic", "command/mqtt",
           "command/capture", "command/base"]
PROGRAMS = {"plugin": PLUGIN, "http_sidecar": SIDECAR, "command": COMMAND}
# What the others may use of the plugin: what both agree on, never what decides; the command has a publish's key found, too.
SHARED = {"http_sidecar": ["plugin/core/store", "plugin/core/journal/journal_header.h", "plugin/core/contract",
                           "plugin/core/event", "plugin/core/text", "plugin/core/base"],
          "command": ["plugin/core/rules", "plugin/core/contract", "plugin/core/event", "plugin/core/text"]}
FOREIGN = {
    r"mosquitto(_broker|_plugin)?\.h|mqtt_protocol\.h|mosquitto/.*":
        ["plugin/broker", "http_sidecar/mqtt", "command/mqtt"],
    r"sqlite3\.h": ["plugin/core/store"],
    r"httplib\.h": ["http_sidecar/server"],
    r"openssl/.*": ["http_sidecar/net", "http_sidecar/base"],
    r"zlib\.h": ["http_sidecar/net"],
    r"cjson/.*": ["plugin/core/control", "plugin/core/rules"],
    r"nlohmann/.*": ["command/capture", "command/traffic", "command/advise", "command/report"],
}


def room_of(path, rooms):
    """The innermost of the rooms that holds the path."""
    return max((room for room in rooms if path.startswith((room + "/", room + "."))), key=len, default=None)


def flaws(root):
    for source in sorted(path for program in PROGRAMS for path in root.glob(f"{program}/**/*")):
        if source.suffix not in (".h", ".cpp"):
            continue
        name = source.relative_to(root).as_posix()
        program = name.partition("/")[0]
        rooms = PROGRAMS[program]
        room = room_of(name, rooms)
        for kind, included in re.findall(r'^\s*#\s*include\s*([<"])([^>"]+)', source.read_text(), re.M):
            if kind == "<":
                for header, homes in FOREIGN.items():
                    if re.fullmatch(header, included) and room not in homes:
                        yield f"{name} includes <{included}>, whose home is {' or '.join(homes)}"
            elif not (root / included).is_file():
                yield f"{name} includes \"{included}\", which is no path from the repository's root"
            elif included.startswith("plugin/") and program != "plugin":
                if not any(included == shared or included.startswith(shared + "/") for shared in SHARED[program]):
                    yield f"{name} includes {included}, which is the plugin's own"
            elif (other := room_of(included, rooms)) is None:
                yield f"{name} includes {included}, which is in no room of its program"
            elif rooms.index(other) < rooms.index(room):
                yield f"{name} includes {included}: an arrow that runs up"


def test_every_include_runs_down_and_each_foreign_header_is_at_home():
    assert not list(flaws(ROOT))


@pytest.mark.parametrize("name, included, flaw", [
    ("plugin/core/text/json.h", '"plugin/core/deduplicator.h"', "runs up"),
    ("plugin/core/journal/journal.h", '"plugin/core/store/store.h"', "runs up"),
    ("plugin/core/options.h", "<mosquitto_broker.h>", "home is plugin/broker"),
    ("plugin/core/start/recovery.h", "<sqlite3.h>", "home is plugin/core/store"),
    ("http_sidecar/net/tls.h", '"http_sidecar/server/server.h"', "runs up"),
    ("http_sidecar/main.cpp", '"plugin/core/deduplicator.h"', "the plugin's own"),
    ("http_sidecar/endpoints/stats.cpp", "<httplib.h>", "home is http_sidecar/server"),
    ("command/capture/lines.h", '"command/report/report.h"', "runs up"),
    ("command/main.cpp", '"plugin/core/deduplicator.h"', "the plugin's own"),
    ("command/main.cpp", '"http_sidecar/net/tls.h"', "in no room of its program"),
    ("command/verbs/advise.cpp", "<mosquitto.h>", "home is plugin/broker"),
    ("plugin/plugin.cpp", '"broker/callbacks.h"', "no path from"),
])
def test_a_wrong_include_is_found(tmp_path, name, included, flaw):
    for path in (name, "plugin/core/deduplicator.h", "plugin/core/store/store.h", "http_sidecar/server/server.h",
                 "http_sidecar/net/tls.h", "command/report/report.h"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / name).write_text(f"#pragma once\n\n#include {included}\n")
    found = list(flaws(tmp_path))
    assert len(found) == 1 and flaw in found[0] and found[0].startswith(name)
