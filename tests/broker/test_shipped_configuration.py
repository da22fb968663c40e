"""The broker settings of mosquitto.conf and of the installed dedup.conf: right for clients and bridges of each version, for
clients that an ACL denies, and for subscribers that are slow, absent or hopelessly behind."""

import re

import pytest

from tests.support.broker import BRIDGES_CRASH, wait_until
from tests.support.events import event, event_id_of
from tests.support.mqtt_client import PUBREC, V5, V311, VERSION_NAMES
from tests.support.observer import Observer
from tests.support.shipped_broker import FILES, ShippedBroker

BRIDGE_VERSIONS = {V311: "mqttv311", V5: "mqttv50"}
NOT_AUTHORIZED = 0x87
# More than Mosquitto's own limits: 1000 that wait, 20 under way.
MANY = 1500
JOURNAL = {"journal_size": "64M"}
COMPLAINT = re.compile(r"exceeded|being dropped|[Pp]rotocol [Ee]rror|^.*Error:.*$", re.MULTILINE)


@pytest.fixture(params=FILES)
def shipped(request, park):
    """Starts brokers on the file; none may have complained in the end."""
    brokers = []

    def start(**options):
        brokers.append(park.add(ShippedBroker, shipped=request.param, options=JOURNAL, **options).start())
        return brokers[-1]
    yield start
    for broker in brokers:
        assert not COMPLAINT.search(broker.log()), COMPLAINT.search(broker.log())


def numbered(count, **members):
    return [event(number, **members) for number in range(count)]


def ids(messages):
    return [event_id_of(message.payload) for message in messages]


def test_clients_of_each_version(shipped, version):
    broker = shipped()
    observer = Observer(broker, version=version)
    publisher = broker.connect(version=version)
    for qos in (0, 1, 2):
        for _ in range(2):
            assert publisher.publish("t", event(f"qos {qos}"), qos=qos) < 0x80
    assert ids(observer.messages()) == ["qos 0", "qos 1", "qos 2"]


@pytest.mark.skipif(BRIDGES_CRASH, reason="under libtsan the bare broker crashes, too")
@pytest.mark.parametrize("version", BRIDGE_VERSIONS, ids=VERSION_NAMES.get)
@pytest.mark.parametrize("direction", ["in", "out"])
def test_bridges_of_each_version(shipped, version, direction):
    far = shipped()
    near = shipped(bridge=f"connection bridge\naddress 127.0.0.1:{far.port}\ntopic # {direction} 1\nnotifications false\n"
                          f"remote_clientid bridge\nbridge_protocol_version {BRIDGE_VERSIONS[version]}\n")
    wait_until(lambda: "Sending CONNACK to bridge" in far.log(), "the bridge is connected")
    if direction == "in":
        wait_until(lambda: "Sending SUBACK to bridge" in far.log(), "the bridge listens")
    source, target = (far, near) if direction == "in" else (near, far)
    observer = Observer(target, "t")
    source.connect().publish_all("t", numbered(200), 1)
    observer.wait(200)
    assert sorted(map(int, ids(observer.messages()))) == list(range(200))


def test_client_that_an_acl_denies_is_not_disconnected(shipped, tmp_path, version):
    """A sidecar's connection, say, which many share."""
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite open\ntopic read #\ntopic write sentinel/#\n")
    broker = shipped(config=f"acl_file {acl}")
    observer = Observer(broker)
    publisher = broker.connect(version=version)
    for number in range(30):
        for qos in (0, 1, 2):
            denied = publisher.publish("closed", event(f"denied {number}"), qos=qos)
            assert denied == (NOT_AUTHORIZED if version == V5 and qos else 0)
        publisher.publish("open", event(number))
    assert ids(observer.messages()) == list(range(30))


@pytest.mark.parametrize("version", [V311, V5], ids=VERSION_NAMES.get)
def test_slow_subscriber_gets_all(shipped, version, qos):
    broker = shipped()
    subscriber = broker.connect(version=version).subscribe("t", qos)
    # It does not read. At QoS 0 what the sockets between them take does not wait in the broker.
    count = MANY if qos else 2 * MANY
    broker.connect().publish_all("t", numbered(count, filler="x" * 4000), qos)
    subscriber.wait_messages(count, 60)
    assert ids(subscriber.clear()) == list(range(count))


@pytest.mark.parametrize("qos", [1, 2], ids=lambda qos: f"qos{qos}")
def test_absent_subscriber_with_a_kept_session_gets_all(shipped, qos):
    broker = shipped()
    broker.connect("absent", clean=False).subscribe("t", qos).disconnect()
    broker.connect().publish_all("t", numbered(MANY), qos)
    subscriber = broker.connect("absent", clean=False)
    subscriber.wait_messages(MANY, 60)
    assert ids(subscriber.clear()) == list(range(MANY))


@pytest.mark.parametrize("version", [V311, V5], ids=VERSION_NAMES.get)
def test_publisher_with_many_open_qos2_exchanges_loses_nothing(shipped, version):
    broker = shipped()
    observer = Observer(broker)
    publisher = broker.connect(version=version)
    opened = [publisher.send_publish("t", event(number), 2) for number in range(MANY)]
    for packet_id in opened:
        assert publisher.wait_for(PUBREC, packet_id).reason_code == 0
    assert publisher.publish("t", event(MANY), qos=1) == 0
    for packet_id in opened:
        publisher.release(packet_id)
    assert sorted(ids(observer.messages())) == list(range(MANY + 1))


def test_full_queue_is_its_subscribers_loss_alone(park, tmp_path):
    """With a limit that a test can reach."""
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite t\ntopic read #\ntopic write sentinel/#\n")
    broker = park.add(ShippedBroker, options=JOURNAL, config=f"acl_file {acl}",
                      changes=[("max_queued_messages 1000000", "max_queued_messages 1000")]).start()
    broker.connect("absent", clean=False).subscribe("t", 1).disconnect()
    observer = Observer(broker)
    publisher = broker.connect()
    for payload in numbered(MANY):
        publisher.publish("t", payload)
        publisher.publish("closed", payload)
        observer.client.wait_messages(1)
    assert ids(observer.messages()) == list(range(MANY))
    assert "being dropped for client absent" in broker.log()
    subscriber = broker.connect("absent", clean=False)
    subscriber.wait_messages(1000)
    assert ids(subscriber.clear()) == list(range(1000))
