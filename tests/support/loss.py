"""A loss that a start finds."""

from tests.support.sidecar import event


def lose_an_event(broker, sidecar):
    """The broker gets an older copy of its database back, and the newest event is gone."""
    sidecar.publish(event("t", "kept"))
    sidecar.terminate()
    broker.terminate()
    copies = {path: path.read_bytes() for path in broker.data_dir.glob("events.db*")}
    broker.start()
    sidecar.start()
    sidecar.publish(event("t", "lost"))
    sidecar.terminate()
    broker.terminate()
    for path in broker.data_dir.glob("events.db*"):
        path.unlink()
    for path, content in copies.items():
        path.write_bytes(content)
    broker.start()
    sidecar.start()
