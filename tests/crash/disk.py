"""A file system whose power can be cut: ext4, say, in a file, shut down while it is in use."""

import ctypes
import fcntl
import functools
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import threading
import time

_CLONE_NEWNS = 0x00020000
_FS_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
_MKFS_OPTIONS = {"ext4": ["-q", "-F", "-b", "4096", "-E", "nodiscard,lazy_itable_init=0"],
                 "xfs": ["-q", "-f", "-K", "-m", "reflink=1"], "btrfs": ["-q", "-f", "-K"]}
_NO_LOG_FLUSH = 2              # not even the file system's own log: what was not synced is gone


@functools.cache
def _have_mounts_of_our_own():
    """From now on this process's mounts are its own: they go when it goes, however it ends.

    And no container that starts meanwhile can hold on to one, which would keep a file system that was shut down alive.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    run("mount", "--make-rslave", "/")  # others may still unmount what is theirs


class Disk:
    """Mounted at `path`; a context manager, so that nothing stays mounted, whatever happens."""

    def __init__(self, path, size_bytes=96 << 20, image=None, kind="ext4"):
        self.path = pathlib.Path(path)
        self._image = image or self.path.with_suffix(".img")
        self._size_bytes = size_bytes
        self._kind = kind
        self._cutter = None
        self._descriptor = None  # of its root, so that cutting the power needs no look-up in a file system under load

    def _begin(self):
        _have_mounts_of_our_own()
        self.path.mkdir(parents=True, exist_ok=True)

    def __enter__(self):
        self._begin()
        with open(self._image, "ab") as image:
            image.truncate(self._size_bytes)
        run(f"mkfs.{self._kind}", *_MKFS_OPTIONS[self._kind], self._image)
        self.mount()
        return self

    def __exit__(self, *_):
        if os.path.ismount(self.path):
            try:
                self.unmount()
            except OSError:  # still in use: it goes when its last user does
                run("umount", "--lazy", self.path)
                raise
        self._image.unlink()

    def mount(self):
        run("mount", "-o", "loop", self._image, self.path)
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)

    def unmount(self):
        """Whoever used it must have ended."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        run("umount", self.path)

    def cut_power(self):
        fcntl.ioctl(self._descriptor, _FS_IOC_SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))

    def cut_power_after(self, after_s):
        """Cuts it from another thread; returns what is the moment of the cut, once that has passed."""
        moment = []

        def cut():
            time.sleep(after_s)
            moment.append(time.monotonic())
            self.cut_power()
        self._cutter = threading.Thread(target=cut, daemon=True)
        self._cutter.start()
        return lambda: moment[0] if moment else None

    def power_on(self):
        if self._cutter is not None:
            self._cutter.join()
        self.unmount()
        self.mount()


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if result.returncode:
        raise OSError(f"{' '.join(map(str, command))}: {result.stderr.strip()}")


def why_not_here():
    """Empty where a disk can be made and its power be cut; else what is missing."""
    if os.geteuid() != 0:
        return "only root can mount a file system"
    for program in ("mkfs.ext4", "mount", "umount"):
        if not shutil.which(program):
            return f"there is no {program}"
    with tempfile.TemporaryDirectory(prefix="power-cut-") as directory:
        try:
            with Disk(pathlib.Path(directory) / "disk", 8 << 20) as disk:
                disk.cut_power()
        except OSError as error:
            return f"no loop-mounted ext4 that can be shut down: {error}"
    return ""
