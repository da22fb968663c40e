"""A reader of another user beside a broker that is down makes files which the broker may not write."""

import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile

import pytest

from tests.support.broker import Broker, wait_until
from tests.support.events import event
from tests.support.store import Store

USER, READER = "mosquitto", "nobody"

# Opens it as anybody may, who is in the group; and stays until its input ends.
READ = """
import sqlite3, sys
database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
print(database.execute("SELECT count(*) FROM events").fetchone()[0], flush=True)
sys.stdin.read()
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def broker():
    if os.geteuid() != 0:
        pytest.skip("only root can be two users")
    try:
        user, _ = pwd.getpwnam(USER), pwd.getpwnam(READER)
    except KeyError as missing:
        pytest.skip(str(missing))
    directory = pathlib.Path(tempfile.mkdtemp(prefix="foreign-reader-"))
    directory.chmod(0o755)  # pytest's own directories are closed to other users
    broker = Broker(directory, user=USER)
    shutil.chown(broker.directory, USER)
    os.chown(broker.data_dir, user.pw_uid, user.pw_gid)
    broker.data_dir.chmod(0o2770)  # its group's members may read, and make files
    broker.start()
    try:
        yield broker
    finally:
        print(broker.log())  # shown where a test fails
        broker.close()
        shutil.rmtree(directory)


def read_as_another(broker):
    """A process that has the database open."""
    group = pwd.getpwnam(USER).pw_gid
    process = subprocess.Popen([sys.executable, "-c", READ, broker.data_dir / "events.db"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, user=READER, group=group, extra_groups=[], text=True, cwd="/")
    return process, process.stdout.readline().strip()


def foreign_files(broker):
    uid = pwd.getpwnam(READER).pw_uid
    return sorted(path.name for path in broker.data_dir.iterdir() if path.stat().st_uid == uid)


def test_what_it_leaves_is_taken_over(broker):
    broker.connect().publish("t", event("before"), qos=1)
    Store(broker).wait_ids(["before"])
    broker.terminate()
    reader, count = read_as_another(broker)
    assert count == "1"
    reader.communicate()
    assert foreign_files(broker) == ["events.db-shm", "events.db-wal"], "else there is nothing to take over"
    broker.start()
    broker.connect().publish("t", event("behind"), qos=1)
    Store(broker).wait_ids(["before", "behind"])
    assert not foreign_files(broker)
    assert "a reader of another user had made files" in broker.log()


def test_while_it_reads_the_broker_says_so_and_opens_when_it_has_gone(broker):
    broker.connect().publish("t", event("before"), qos=1)
    Store(broker).wait_ids(["before"])
    broker.terminate()
    reader, _ = read_as_another(broker)
    broker.start()
    wait_until(lambda: "a process of another user has it open" in broker.log(), "the broker says what is in its way")
    reader.communicate()
    wait_until(lambda: "events are stored again" in broker.log(), "it opens by itself")
    broker.connect().publish("t", event("behind"), qos=1)
    Store(broker).wait_ids(["before", "behind"])
