"""What the broker's container makes of mosquitto.conf and of its environment, without a container."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGIN = "plugin /usr/lib/mosquitto/mosquitto_dedup.so"
OWN = """listener 1884 127.0.0.1
plugin_opt_below_no_plugin 1
plugin /somewhere/mosquitto_dedup.so
plugin_opt_window 1h
plugin_opt_data_dir /elsewhere
plugin /somewhere/other.so
plugin_opt_window of the other
"""


@pytest.fixture
def start(tmp_path):
    """Runs the script on `conf`, with a broker that prints the file which it is given."""
    broker = tmp_path / "mosquitto"
    broker.write_text('#!/bin/sh\ncat "$2"\n')
    broker.chmod(0o755)
    script = tmp_path / "entrypoint"
    text = (ROOT / "packaging/docker/broker-entrypoint").read_text()
    for path, here in {"/etc/mosquitto/mosquitto.conf": "conf", "/tmp/mosquitto.conf": "made"}.items():
        assert path in text
        text = text.replace(path, str(tmp_path / here))
    script.write_text(text)

    def run(conf, **environment):
        (tmp_path / "conf").write_text(conf)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DEDUP_")}
        return subprocess.run(["sh", script], text=True, capture_output=True, timeout=20,
                              env={**kept, "PATH": f"{tmp_path}:{os.environ['PATH']}", **environment})

    return run


def options(conf):
    """Those of our plugin."""
    behind = conf[conf.index(PLUGIN + "\n"):].splitlines()[1:]
    own = [line for line in behind[:next((i for i, line in enumerate(behind) if line.startswith("plugin ")), None)]
           if line.startswith("plugin_opt_")]
    return sorted(line.removeprefix("plugin_opt_") for line in own)


def test_shipped_configuration_gets_the_containers_paths(start):
    started = start((ROOT / "mosquitto.conf").read_text())
    assert (started.returncode, started.stderr) == (0, "")
    lines = started.stdout.splitlines()
    assert {"listener 1883", PLUGIN, "persistence_location /data"} <= set(lines)
    assert options(started.stdout) == ["data_dir /data"]


def test_own_configuration_keeps_its_options(start):
    started = start(OWN)
    assert (started.returncode, started.stderr) == (0, "")
    assert options(started.stdout) == ["data_dir /data", "window 1h"]


def test_own_configuration_may_leave_out_the_directory(start):
    assert options(start("plugin mosquitto_dedup.so\n").stdout) == ["data_dir /data"]


def test_environment_counts_in_place_of_the_configuration(start):
    started = start(OWN, DEDUP_WINDOW="7d", DEDUP_DATA_DIR="/data/b", DEDUP_TOPICS=r"a/# \1&", DEDUP_RETENTION="")
    assert started.returncode == 0
    assert options(started.stdout) == ["data_dir /data/b", r"topics a/# \1&", "window 7d"]
    assert started.stdout.split("\n")[-4:-2] == ["plugin /somewhere/other.so", "plugin_opt_window of the other"]
    assert started.stderr.count("\n") == 1
    assert 'DEDUP_WINDOW for "plugin_opt_window 1h"' in started.stderr
    assert 'DEDUP_DATA_DIR for "plugin_opt_data_dir /elsewhere"' in started.stderr


def test_further_lines_are_kept_but_for_options_of_the_environment(start):
    further = "plugin_opt_window 1h\nplugin_opt_retention 1d\nlistener 1885\nconnection one-two\naddress two:1883"
    started = start("plugin mosquitto_dedup.so\n", DEDUP_WINDOW="7d", MOSQUITTO_CONF=further)
    assert options(started.stdout) == ["data_dir /data", "retention 1d", "window 7d"]
    assert started.stdout.endswith("listener 1885\nconnection one-two\naddress two:1883\n")
    assert 'DEDUP_WINDOW for "plugin_opt_window 1h"' in started.stderr


def test_options_for_a_plugin_that_is_not_loaded_are_told(start):
    started = start("listener 1883\n", DEDUP_WINDOW="7d")
    assert (started.returncode, started.stdout) == (1, "")
    assert "no line of mosquitto.conf loads mosquitto_dedup.so" in started.stderr and "DEDUP_WINDOW" in started.stderr
