"""`mosquitto-dedup` on files: captures, rules files, payloads; and the command line itself."""

import json
import subprocess

import pytest

from tests.support import command

RULES = {"rules": [
    {"name": "mesh", "topics": ["msh/#"], "ignore_levels": [-1], "key": ["/from|pb:1.1", "/id|pb:1.6"], "window": "10m"},
    {"name": "devices", "topics": ["v1/telemetry"], "key": ["client", "username", "payload"], "window": "10m", "store": "id"},
    {"name": "buttons", "topics": ["zigbee2mqtt/+"], "key": ["/action", "payload"], "ignore": ["/linkquality"], "window": "1s",
     "mode": "observe"}]}


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(RULES))
    return path


# --- The command line ---

def test_help_lists_the_verbs_and_each_verb_has_its_own():
    verbs = [line.split()[0] for line in command.succeed("--help").splitlines() if line.startswith("  ") and "--" not in line]
    assert verbs == ["advise", "explain", "reload", "rules", "stats", "top"]
    for verb in verbs:
        assert command.succeed(verb, "--help").startswith(f"Usage: mosquitto-dedup {verb}")


@pytest.mark.parametrize("arguments, said", [
    ([], "a verb is missing"), (["nonsense"], "unknown verb nonsense"), (["advise", "--nonsense"], "--nonsense"),
    (["advise", "-p", "0"], "-p takes a port, 1 to 65535, not \"0\""), (["advise", "-p"], "-p takes a value"),
    (["advise", "--for", "0s"], "--for takes a time of 1s or more"), (["advise", "-t", "a/#/b"], "-t takes an MQTT topic filter"),
    (["advise", "-V", "6"], "-V takes mqttv31, mqttv311 or mqttv5"), (["advise", "--json", "--rules"], "do not go together"),
    (["advise", "--file", "x", "--write", "y"], "--file does not go with"), (["advise", "-P", "x"], "-P takes -u"),
    (["advise", "--cert", "x"], "--cert and --key go together"), (["advise", "--insecure"], "take --cafile or --capath"),
    (["advise", "--file", ""], "--file takes a file"), (["advise", "more"], "unknown argument \"more\""),
    (["rules"], "rules takes: check FILE, or show [NAME]"), (["rules", "check"], "rules takes: check FILE"),
    (["rules", "check", "a", "b"], "rules takes: check FILE"), (["rules", "show", "a", "b"], "rules takes: check FILE"),
    (["rules", "check", "a", "-p", "1884"], "rules check reads a file, and takes no options of a broker"),
    (["rules", "show", "-P", "x"], "-P takes -u"), (["stats", "more"], "unknown argument \"more\""),
    (["stats", "--cert", "x"], "--cert and --key go together"), (["top", "-p", "x"], "-p takes a port"),
    (["top", "--json"], "unknown argument \"--json\""), (["reload", "file"], "unknown argument \"file\""),
    (["reload", "--insecure"], "take --cafile or --capath"),
    (["explain", "--rules", "a"], "-t TOPIC is missing"), (["explain", "--rules", "", "-t", "a"], "--rules takes a file"),
    (["explain", "--rules", "a", "-t", "a", "-h", "b"], "--rules does not go with options of a broker"),
    (["explain", "-t", b"a\xff"], "-t takes UTF-8"), (["explain", "-t", "a", "--client", b"\xff"], "--client takes UTF-8"),
    (["explain", "--rules", "a", "-t", "a/+"], "-t takes a topic without wildcards"),
    (["explain", "--rules", "a", "-t", "a", "-m", "x", "-s"], "one of -m, -f and -s"),
    (["explain", "--rules", "-", "-t", "a", "-s"], "cannot be both rules and payload"),
    (["explain", "--rules", "a", "-t", "a", "--property", "=b"], "--property takes NAME=VALUE"),
], ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "")
def test_arguments_that_it_does_not_understand(arguments, said):
    line, = command.complaint(*arguments, code=2).splitlines()
    assert line.startswith("mosquitto-dedup: ") and said in line


# --- Captures ---

def test_a_capture_that_cannot_be_read(tmp_path):
    assert command.complaint("advise", "--file", tmp_path / "away") == \
        f"mosquitto-dedup: cannot read {tmp_path}/away: No such file or directory\n"
    assert "Is a directory" in command.complaint("advise", "--file", tmp_path)


@pytest.mark.parametrize("line, problem", [
    ('{"t":1,"topic":"a"}', 'no text "payload"'), ('{"t":"x","topic":"a","payload":"b"}', 'no number "t"'), ("{", "no JSON object"),
    ('{"tst":"soon","topic":"a","payload":"b"}', '"tst" is no time'), ("a b c", "no time in it"),
    ('{"t":1,"topic":"a","payload":"b","qos":3}', '"qos" is not 0, 1 or 2'),
    ('{"t":1,"topic":"a","payload_base64":"%"}', '"payload_base64" is no base64'),
])
def test_a_malformed_line_is_named_by_its_number(tmp_path, line, problem):
    path = tmp_path / "watched"
    path.write_text(f'{{"t":1,"topic":"a","payload":"b"}}\n\n{line}\n')
    said = command.complaint("advise", "--file", path)
    assert said.startswith(f"mosquitto-dedup: {path}, line 3: ") and problem in said and "expected is" in said
    assert "line 3: " in command.complaint("advise", "--file", "-", stdin=path.read_text())


def test_forms_of_lines_may_be_mixed():
    lines = ['{"t":1769860800.25,"topic":"a","payload":"x"}', "a 1769860801 x", "a\t2026-01-31T12:00:02Z\tx",
             '{"tst":"2026-01-31T12:00:03.250000Z+0000","topic":"a","qos":0,"retain":0,"payloadlen":1,"payload":"x"}']
    watched = json.loads(command.succeed("advise", "--file", "-", "--json", stdin="\n".join(lines)))["watched"]
    assert (watched["messages"], watched["seconds"]) == (4, 3.0)


def test_an_empty_capture(tmp_path):
    path = tmp_path / "watched"
    path.touch()
    assert "nothing is proposed" in command.succeed("advise", "--file", path)
    assert command.succeed("advise", "--file", path, "--rules") == '{"rules": []}\n'
    assert json.loads(command.succeed("advise", "--file", "-", "--json"))["rules"] == []


def test_an_answer_that_nobody_takes_is_a_failure(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run([command.PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and "No space left" in done.stderr


# --- rules check ---

def test_a_good_file_is_shown_rule_by_rule(rules):
    lines = command.succeed("rules", "check", rules).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["mesh", "devices", "buttons", "default"]
    assert lines[0] == "mesh: msh/# without level -1; key /from|pb:1.1, /id|pb:1.6; window 10m; drops"
    assert command.succeed("rules", "check", "-", stdin=rules.read_text()).splitlines() == lines


def test_errors_have_their_place(tmp_path):
    path = tmp_path / "rules.json"
    path.write_text('{"rules": [\n {"name": "a", "topics": ["a/+"], "key": ["/id"], "window": "1s"},\n'
                    ' {"name": "b", "topics": ["b/#/c"], "key": ["id"], "windows": "1s"}]}')
    lines = command.complaint("rules", "check", path).splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"{path}: line 3: rule 'b'") for line in lines)
    assert "standard input: line 1" in command.complaint("rules", "check", "-", stdin="{")
    assert "No such file" in command.complaint("rules", "check", tmp_path / "away")


def test_warnings_leave_the_exit_code_alone(tmp_path):
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"rules": [{"name": "a", "topics": ["a/#"], "key": ["payload"], "window": "1s"},
                                          {"name": "b", "topics": ["a/b"], "key": ["/id"], "window": "1s"}]}))
    done = command.run("rules", "check", path)
    assert done.returncode == 0 and done.stdout.startswith("a: a/#")
    assert done.stderr.startswith(f"{path}: warning: rule 'b' can never be reached")


# --- explain ---

def test_which_rule_takes_a_message(rules):
    said = command.succeed("explain", "--rules", rules, "-t", "msh/1/gw", "-m", '{"from":7,"id":"x"}')
    assert "   key: 7|x\n" in said and said.endswith("Decides: mesh\n")
    said = command.succeed("explain", "--rules", rules, "-t", "v1/telemetry", "-m", "{}", "--client", "c", "--client-username", "u")
    assert "   key: c|u|#" in said and said.endswith("Decides: devices\n")
    said = command.succeed("explain", "--rules", rules, "-t", "v1/telemetry", "-m", "{}", "--client", "c")
    assert "no key: username is missing" in said and "passes untouched" in said
    said = command.succeed("explain", "--rules", rules, "-t", "zigbee2mqtt/x", "-m", '{"action":"on"}', "--property", "event_id=e=1")
    assert said.endswith("Decides: default\nObserves: buttons\n") and "   key: e=1\n" in said


def test_what_does_not_count_leaves_the_key_as_it_is(rules):
    def key(payload):
        said = command.succeed("explain", "--rules", rules, "-t", "zigbee2mqtt/x", "-m", payload)
        return [line for line in said.splitlines() if line.startswith("   key: ")]

    assert key('{"action":"on","linkquality":1}') == key('{ "linkquality": 2, "action": "on" }')
    assert key('{"action":"on","linkquality":1}') != key('{"action":"off","linkquality":1}')


def test_a_payload_from_a_file_or_standard_input(rules, tmp_path):
    path = tmp_path / "payload"
    path.write_bytes(bytes.fromhex("0a07" "0805" "3007" "d20100"))
    said = command.succeed("explain", "--rules", rules, "-t", "msh/1/gw", "-f", path)
    assert "   key: 5|7\n" in said
    assert command.succeed("explain", "--rules", rules, "-t", "msh/1/gw", "-s", stdin='{"from":7,"id":"x"}').endswith("mesh\n")
    assert "No such file" in command.complaint("explain", "--rules", rules, "-t", "msh/1/gw", "-f", tmp_path / "away")


def test_rules_from_standard_input(rules):
    said = command.succeed("explain", "--rules", "-", "-t", "msh/1/gw", "-m", '{"from":7,"id":"x"}', stdin=rules.read_text())
    assert said.endswith("Decides: mesh\n")
    assert "line 1" in command.complaint("explain", "--rules", "-", "-t", "a", stdin="{")
