"""A broker on one of the files that are shipped, as an owner starts it."""

import re

from tests.support.broker import PLUGIN, ROOT, Broker

FILES = {"mosquitto.conf": ROOT / "mosquitto.conf", "dedup.conf": PLUGIN.parents[1] / "dedup.conf"}


class ShippedBroker(Broker):
    """Of the file only the listener and the paths are changed, as ./run and an owner do; `changes` are pairs of lines,
    the shipped one and what stands there instead. With plugin=False the plugin's lines are left out."""

    def __init__(self, directory, *, shipped="mosquitto.conf", changes=(), **options):
        super().__init__(directory, **options)
        self._shipped = FILES[shipped].read_text()
        if shipped == "dedup.conf":  # which leaves these to the file before it
            self._shipped = f"listener 1883\nallow_anonymous true\npersistence true\n{self._shipped}\n"
        for old, new in changes:
            assert f"\n{old}\n" in self._shipped
            self._shipped = self._shipped.replace(f"\n{old}\n", f"\n{new}\n")

    def _write_config(self):
        own = {"listener": f"{self.port} 127.0.0.1", "plugin": self._plugin_path(), "persistence_location": f"{self.directory}/"}
        text = re.sub(r"^plugin_opt_data_dir .*\n", "", self._shipped, flags=re.MULTILINE)
        if not self.plugin:
            text = re.sub(r"^plugin .*\n", "", text, flags=re.MULTILINE)
        text = re.sub(r"^(\w+) .*$", lambda line: f"{line[1]} {own[line[1]]}" if line[1] in own else line[0], text,
                      flags=re.MULTILINE)
        options = [f"plugin_opt_{name} {value}" for name, value in self.options.items()] if self.plugin else []
        path = self.directory / "mosquitto.conf"
        path.write_text("\n".join(["user root", "log_dest stderr", "log_type all", self.config, text, *options,
                                   self.bridge, ""]))
        return path
