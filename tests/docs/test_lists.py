"""What the docs list is what there is: options, flags, endpoints, problems, counters, rooms, labels, cases, variables.

Each test holds a list of the docs to its one home, which is asked or read here; none of them is written down a second time.
"""

import fnmatch
import json
import os
import pathlib
import re
import subprocess

import pytest

from tests.docs import checks
from tests.layout import test_includes
from tests.support import command
from tests.support.park import Park

ROOT = checks.Root(pathlib.Path(__file__).resolve().parents[2])
PLUGIN = pathlib.Path(os.environ.get("DEDUP_PLUGIN") or ROOT.path / "build" / "plugin" / "mosquitto_dedup.so")
SIDECAR = pathlib.Path(os.environ.get("DEDUP_HTTP") or ROOT.path / "build" / "http_sidecar" / "mosquitto-dedup-http")
CONFIGURATION = ROOT.page("docs/configuration.md")
HTTP_API = ROOT.page("docs/http-api.md")
OPENAPI = json.loads(ROOT.text("http_sidecar/endpoints/openapi.json"))
ALL_CODE = [(page, line, code) for page in ROOT.pages() for line, code in page.code()]


def plain(cell):
    return cell.replace("`", "").replace("\\|", "|")


def named(cell):
    """What a cell names in backquotes."""
    return re.findall(r"`([^`]+)`", cell)


def in_code(pattern):
    """Page, line and match of what the pages' code says."""
    return [(str(page.path), line, match) for page, line, code in ALL_CODE for match in re.findall(pattern, code)]


@pytest.fixture(scope="module")
def shared_park(tmp_path_factory):
    park = Park(tmp_path_factory.mktemp("shared"))
    yield park
    park.close()


# --- The plugin's options ---

@pytest.fixture(scope="module")
def options_of_the_plugin(shared_park):
    """The plugin's own complaint about an unknown option names those that there are."""
    log = shared_park.make_broker(options={"nonsense": "1"}).start_refused()
    return re.search(r"unknown option plugin_opt_nonsense; the options are (.*)", log)[1].split(", ")


def defaults_of_mosquitto_conf():
    conf = ROOT.text("mosquitto.conf")
    defaults = dict(re.findall(r"^#?plugin_opt_(\w+) (.*)$", conf, re.MULTILINE))
    # Where the line is an example, the default stands in its comment.
    return {**defaults, **{name: default for default, name in
                           re.findall(r"Default: (\S+)\n(?:#(?!plugin_opt_).*\n)*#?plugin_opt_(\w+) ", conf)}}


def test_options_are_those_of_the_plugin(options_of_the_plugin):
    table = CONFIGURATION.table("option", "default")
    assert [plain(cell).removeprefix("plugin_opt_") for cell in table.column("option")] == options_of_the_plugin


def test_mosquitto_conf_shows_every_option(options_of_the_plugin):
    assert list(defaults_of_mosquitto_conf()) == options_of_the_plugin


def test_defaults_of_options_are_those_of_mosquitto_conf():
    table = CONFIGURATION.table("option", "default")
    documented = {plain(name).removeprefix("plugin_opt_"): plain(default)
                  for name, default in zip(table.column("option"), table.column("default"))}
    assert documented == defaults_of_mosquitto_conf()


def test_an_option_that_is_named_anywhere_is_one(options_of_the_plugin):
    assert {match for _, _, match in in_code(r"\bplugin_opt_(\w+)")} <= set(options_of_the_plugin)


# --- Rules and recipes ---

RULES = ROOT.page("docs/rules.md")
RULE_H = ROOT.text("plugin/core/rules/rule.h")


def test_members_of_a_rule_are_those_of_the_parser():
    members = re.search(r"kMembers\[\d+\] = \{(.*?)\n\};", ROOT.text("plugin/core/rules/rules_file.cpp"), re.DOTALL)[1]
    assert list(map(plain, RULES.table("member of a rule").column("member of a rule"))) == re.findall(r'\{"(\w+)"', members)


def test_parts_of_a_key_are_those_of_the_parser():
    kinds = re.findall(r"k\w+, +///<.*?: `([^`]+)`$", RULE_H, re.MULTILINE)
    parts = [plain(cell) for cell in RULES.table("part").column("part")]
    assert len(kinds) == 6 and set(kinds) - {"/a/b"} <= set(parts)


def test_limits_of_rules_are_those_of_the_code():
    """In the order of the header, which a number follows from."""
    limits = re.findall(r"^inline constexpr .* k\w+(?:Max|Min)(?: = |\{)(\d+)", RULE_H, re.MULTILINE)
    limits[1:1] = re.findall(r"kRuleNameBytesMax = (\d+)", ROOT.text("plugin/core/event/rule_name.h"))
    limits += re.findall(r"kRulesFileBytesMax = std::size_t\{(\d+)\} << 20", ROOT.text("plugin/core/rules/rules_file.h"))
    documented = re.findall(r"\d+", " ".join(RULES.table("limit").column("value")).replace(",", ""))
    assert len(limits) == 15 and documented == limits


def test_rules_that_pages_show_load(tmp_path, shared_park):
    shown = [(page.path, block) for page in ROOT.pages()
             for block in re.findall(r'^```json\n(\{"rules".*?)^```', "\n".join(page.lines), re.MULTILINE | re.DOTALL)]
    assert {str(path) for path, _ in shown} >= {"README.md", "docs/rules.md"}
    for number, (path, block) in enumerate(shown):
        rules = tmp_path / f"{number}.json"
        rules.write_text(block)
        log = shared_park.start_broker(options={"rules_file": rules}).log()
        assert re.search(r"\b\d+ rules? of ", log) and f"plugin_opt_rules_file {rules}" not in log, (path, log)


def test_index_names_every_recipe():
    recipes = {path.removesuffix(".json") for path in ROOT.files if re.fullmatch(r"docs/recipes/[\w-]+\.json", path)}
    index = ROOT.page("docs/recipes/README.md")
    rows = [row for table in index.tables() if table.head[0] == "recipe" for row in table.rows]
    listed = [re.findall(r"\]\(([\w.-]+)\)", row[0] + row[2]) for row in rows]
    names = [recipe.rpartition("/")[2] for recipe in recipes]
    assert names and sorted(listed) == sorted([f"{name}.md", f"{name}.json"] for name in names)


def test_a_recipes_page_is_one_paragraph():
    for path in ROOT.files:
        if re.fullmatch(r"docs/recipes/[\w-]+\.md", path) and path != "docs/recipes/README.md":
            title, empty, *paragraph = ROOT.page(path).lines
            assert title.startswith("# ") and not empty and paragraph and all(paragraph), path


# --- The sidecar's flags ---

@pytest.fixture(scope="module")
def help_text():
    return subprocess.run([SIDECAR, "--help"], capture_output=True, text=True, check=True).stdout


def test_flags_are_those_of_help(help_text):
    table = CONFIGURATION.table("flag", "variable", "default")
    documented = {(flag if (flag := plain(row[0])).startswith("--") else "", plain(row[1])) for row in table.rows}
    assert documented == set(re.findall(r"^  (--[\w-]+)?(?:, )?([A-Z_]+)\b", help_text, re.MULTILINE))


def test_defaults_of_flags_are_those_of_help(help_text):
    texts = dict(re.findall(r"^  (?:--[\w-]+, )?([A-Z_]+)(?:  +|\n +)(\S.*)$", help_text, re.MULTILINE))
    table = CONFIGURATION.table("flag", "variable", "default")
    for variable, default in zip(map(plain, table.column("variable")), map(plain, table.column("default"))):
        # In brackets: "(8080)", "(none: no TLS)", "(PEM; none: HTTP)".
        told = {word.strip() for brackets in re.findall(r"\(([^()]*)\)", texts[variable])
                for word in re.split("[;:]", brackets) if not word.startswith("PEM")}
        assert default in (told or {"none", "off"}), (variable, texts[variable])


def help_of_verbs():
    """Of the command, whose verbs are those that its --help lists."""
    verbs = re.findall(r"^  ([a-z]+)  ", command.succeed("--help"), re.MULTILINE)
    assert len(verbs) >= 3
    return "".join(command.succeed(verb, "--help") for verb in verbs)


def test_a_flag_that_is_named_anywhere_is_one(help_text):
    flags = set(re.findall(r"--[a-z][\w-]+", help_text + help_of_verbs() + ROOT.text("bench") +
                           ROOT.text("tests/bench/main.cpp")))
    found = [(str(page.path), line, flag) for page, line, code in ALL_CODE
             if code.startswith("--") or re.search(r"mosquitto-dedup(-http)? |\./bench", code)
             for flag in re.findall(r"(?<![\w-])--[a-z][\w-]+", code)]
    assert found and [one for one in found if one[2] not in flags] == []


# --- The HTTP API ---

def test_endpoints_are_those_of_the_description():
    documented = {tuple(name.split()) for cell in HTTP_API.table("endpoint").column("endpoint") for name in named(cell)}
    described = {(method.upper(), path) for path, item in OPENAPI["paths"].items() for method in item}
    assert documented == described


def test_parameters_are_those_of_the_description():
    def resolved(parameter):
        if "$ref" not in parameter:
            return parameter
        return OPENAPI["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]

    described = {parameter["name"] for item in OPENAPI["paths"].values() for operation in item.values()
                 for parameter in map(resolved, operation.get("parameters", [])) if parameter["in"] == "query"}
    documented = {name.rstrip("=") for table in HTTP_API.tables() if table.head[0] == "parameter"
                  for cell in table.column("parameter") for name in named(cell)}
    assert documented == described


def test_problems_are_those_of_the_description():
    described = {kind["const"].rpartition(":")[2]: kind["description"][:3]
                 for kind in OPENAPI["components"]["schemas"]["Problem"]["properties"]["type"]["oneOf"]}
    table = HTTP_API.table("name", "status")
    assert dict(zip(map(plain, table.column("name")), table.column("status"))) == described


@pytest.mark.parametrize("heading, schema", [("GET /stats", "Stats"), ("GET /top", "Top")])
def test_members_are_those_of_the_description(heading, schema):
    begin = HTTP_API.lines.index(f"## {heading}")
    table = next(table for table in HTTP_API.tables() if table.line > begin)
    documented = {name for cell in table.column("member") for name in named(cell)}
    assert documented == set(OPENAPI["components"]["schemas"][schema]["properties"])


# --- Counters and metrics ---

def test_counters_by_mqtt_are_those_of_the_plugin(shared_park):
    broker = shared_park.start_broker(options={"sys_interval": "100ms"})
    subscriber = broker.connect().subscribe("$SYS/broker/dedup/#", qos=0)
    subscriber.wait_messages(1)
    subscriber.ping()  # answered behind the others, which came in the same turn
    topics = {message.topic for message in subscriber.inbox}
    page = ROOT.page("docs/mqtt-api.md")
    rule = "$SYS/broker/dedup/rules/default/"
    documented = {*map(plain, page.table("topic", "meaning").column("topic")),
                  *(rule + plain(name) for name in page.table("topic of a rule", "counts").column("topic of a rule"))}
    assert documented == topics


def test_metrics_are_those_of_the_sidecar(shared_park):
    _, sidecar = shared_park.start()
    told = set(re.findall(r"^# TYPE (\w+) ", sidecar.get("/metrics").body.decode(), re.MULTILINE))
    documented = {name for page, _, name in in_code(r"\b(mosquitto_dedup_\w+)\b(?!\.so)") if page == "docs/operations.md"}
    assert documented == told


# --- Bytes on disk, and recovery ---

@pytest.mark.parametrize("heading, source, constant", [
    ("events.journal", "journal/journal_header.h", "kVersion"), ("events.db", "store/schema.h", "kSchemaVersion"),
    ("events.keys", "index/key_file.cpp", "kVersion")])
def test_versions_are_those_of_the_code(heading, source, constant):
    version = re.search(rf"{constant} = (\d+);", ROOT.text(f"plugin/core/{source}"))[1]
    section = "\n".join(ROOT.page("docs/internals/disk-format.md").lines).partition(f"\n## {heading}\n")[2]
    assert re.match(r"(?:Version|Schema) (\d+)\b", section)[1] == version


def test_decisions_of_a_start_are_those_of_the_code():
    code = ROOT.text("plugin/core/start/decision.cpp")
    decided = [(name, set(re.findall(r"k[A-Z]\w+", actions)))
               for name, actions in re.findall(r"^    \{(\w+), ([\w| ]+)\},$", code, re.MULTILINE)]
    table = ROOT.page("docs/internals/recovery.md").table("in the code", "what is found", "stored first")
    columns = {"stored first": "kStoreFirst", "a new journal": "kMakeJournal", "seqs skipped": "kSkipSeqs",
               "header distrusted": "kDistrustHeader", "the old one set aside": "kKeepOld"}
    documented = [(plain(row[0]), {columns[head] for head, cell in zip(table.head, row) if head in columns and cell == "yes"})
                  for row in table.rows]
    assert decided and documented == decided


# --- Where things are ---

def rooms_of_the_tree():
    """The folders that ARCHITECTURE's tree shows, from the top."""
    rooms, stack = [], []
    lines = "\n".join(ROOT.page("ARCHITECTURE.md").lines).partition("## The rooms")[2].split("```")[1].splitlines()
    for line in lines:
        if match := re.match(r"( *)([\w-]+)/(?: |$)", line):
            depth = len(match[1]) // 2
            stack[depth:] = [match[2]]
            rooms.append("/".join(stack))
    return rooms


def test_rooms_are_those_of_the_tree():
    halves = (*test_includes.PROGRAMS, "plugin/core")
    folders = {*halves, *(f"{half}/{path.name}" for half in halves for path in (ROOT.path / half).iterdir() if path.is_dir())}
    assert {room for room in rooms_of_the_tree() if room.startswith(tuple(test_includes.PROGRAMS))} == folders


def test_rooms_stand_in_the_order_of_the_arrows():
    order = [room for rooms in test_includes.PROGRAMS.values() for room in rooms if (ROOT.path / room).is_dir()]
    in_order = [room for room in rooms_of_the_tree() if room in order and room != "plugin/core"]
    assert in_order == [room for room in order if room != "plugin/core"]  # whose files stand among its rooms


# --- What a person types ---

def test_labels_are_those_of_ctest():
    labels = subprocess.run(["ctest", "--test-dir", PLUGIN.parents[1], "--print-labels"], capture_output=True, text=True,
                            check=True).stdout
    documented = {name for cell in ROOT.page("CONTRIBUTING.md").table("label").column("label") for name in named(cell)}
    assert documented == set(re.findall(r"^  (\w+)$", labels, re.MULTILINE))


def test_a_preset_that_is_named_anywhere_is_one():
    presets = {preset["name"] for preset in json.loads(ROOT.text("CMakePresets.json"))["configurePresets"]}
    named_presets = in_code(r"--preset (\w+)")
    assert named_presets and {match for _, _, match in named_presets} <= presets


def test_a_case_of_the_bench_that_is_named_anywhere_is_one():
    cases = {result["case"] for result in json.loads(ROOT.text("docs/bench.json"))["results"]}
    named_cases = in_code(r"--case '?([\w.*]+)") + in_code(r"^((?:mqtt|store|start|http)\.\w+)$")
    assert cases and named_cases
    for page, line, case in named_cases:
        assert case == "NAME" or fnmatch.filter(cases, case), (page, line, case)


def test_a_test_that_is_named_anywhere_is_one():
    unit = [f"{suite}.{name}" for path in ROOT.files if path.startswith("tests/unit/") and path.endswith("_test.cpp")
            for suite, name in re.findall(r"^TEST(?:_\w)?\((\w+), (\w+)\)", ROOT.text(path), re.MULTILINE)]
    scripts = [f"{match[1]}.{match[2]}" for path in ROOT.files if (match := re.fullmatch(r"tests/(\w+)/(test_\w+)\.py", path))]
    selections = in_code(r"-R ('[^']+'|\S+)")
    assert unit and scripts and selections
    for page, line, selection in selections:
        for part in selection.strip("'").replace("\\|", "|").split("|"):
            assert any(re.search(part, name) for name in unit + scripts), (page, line, part)


def test_the_tests_of_a_clause_are_there():
    names = {code for page, _, code in ALL_CODE if str(page.path) == "docs/internals/http-conformance.md"}
    unit = {f"{suite}.{name}" for path in ROOT.files if path.startswith("tests/unit/") and path.endswith("_test.cpp")
            for suite, name in re.findall(r"^TEST(?:_\w)?\((\w+), (\w+)\)", ROOT.text(path), re.MULTILINE)}
    scripts = {f"{match[1]}::{name}" for path in ROOT.files if (match := re.fullmatch(r"tests/\w+/(test_\w+\.py)", path))
               for name in re.findall(r"^def (test_\w+)", ROOT.text(path), re.MULTILINE)}
    tests = {name for name in names if re.fullmatch(r"\w+Test\.\w+|test_\w+\.py::\w+", name)}
    assert len(tests) > 30
    assert tests <= unit | scripts, tests - unit - scripts


def test_variables_are_those_of_run_and_compose():
    table = CONFIGURATION.table("variable", "default", "`./run`")
    texts = {"`./run`": ROOT.text("run"), "`docker compose`": ROOT.text("docker-compose.yml")}
    for column, text in texts.items():
        used = set(re.findall(r"\$\{([A-Z_]+):-", text)) | set(re.findall(r"^ +(DEDUP_[A-Z_]+):$", text, re.MULTILINE))
        documented = {plain(name) for name, cell in zip(table.column("variable"), table.column(column))
                      if not cell.startswith("not used")}
        assert {"DEDUP_<OPTION>" if name.startswith("DEDUP_") else name for name in used} == documented, column


def test_bridges_of_the_compose_mesh_are_those_of_the_page():
    page = "\n".join(ROOT.page("docs/several-brokers.md").lines)
    shown = re.search(r"^```\n(connection two-one\n.*?)^```", page, re.MULTILINE | re.DOTALL)[1].replace(".example.org", "")
    names = ("one", "two", "three")
    wanted = {re.sub(r"\b(?:one|two)\b", lambda match: {"two": source, "one": target}[match[0]], shown)
              for source in names for target in names if source != target}
    blocks = re.findall(r"^ +connection .*\n(?:(?: {8}).+\n)*", ROOT.text("docker-compose.mesh.yml"), re.MULTILINE)
    assert len(blocks) == 6 and {re.sub(r"^ +", "", block, flags=re.MULTILINE) for block in blocks} == wanted
