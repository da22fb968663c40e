"""A disk that fails for real: write-back of files gets errors from the kernel, until the disk is healed.

The image of the file system lies in a tmpfs. What lies behind files is punched out of the image, and the tmpfs is
filled: there is no room to write those blocks again, so the loop device reports an error for them. The file system's
own log and tables stay whole.
"""

import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from tests.crash import disk as disk_module
from tests.crash.disk import Disk, run

_FALLOC_FL_KEEP_SIZE, _FALLOC_FL_PUNCH_HOLE = 1, 2
_BLOCK_BYTES = 4096


class FailingDisk(Disk):
    """At `directory`/data; a context manager as Disk is."""

    def __init__(self, directory, size_bytes=48 << 20):
        self._room = directory / "room"
        super().__init__(directory / "data", size_bytes, image=self._room / "disk.img")
        self._ballast = self._room / "ballast"
        self._kept = {}  # what was in use and is punched out, by the number of its block

    def __enter__(self):
        self._room.mkdir()
        with contextlib.ExitStack() as undo:
            self._begin()
            run("mount", "-t", "tmpfs", "-o", f"size={self._size_bytes + (16 << 20)}", "tmpfs", self._room)
            undo.callback(run, "umount", "--lazy", self._room)
            super().__enter__()
            undo.callback(super().__exit__, None, None, None)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_):
        self._undo.close()

    def fail(self):
        """From now on nothing that is written to a file reaches the disk; what it holds can still be read.

        A write must fail at its first block: of one that fails later the loop device reports success. So what the files
        have is punched out too, and comes back when the disk is healed.
        """
        with self._frozen(), self._open_whole() as image:
            ranges = [extent for path in self.path.iterdir() if path.is_file() for extent in _extents(path)]
            for first, count in ranges:
                for block in range(first, first + count):
                    self._kept[block] = os.pread(image.fileno(), _BLOCK_BYTES, block * _BLOCK_BYTES)
            for first, count in ranges + self._free_ranges():
                _punch(image, first * _BLOCK_BYTES, count * _BLOCK_BYTES)
            self._fill()

    def heal(self):
        """Whoever writes to it must stand meanwhile: what is written must not be taken for what was there before."""
        with open(self._image, "r+b", buffering=0) as image:
            self._ballast.unlink()
            for block, content in self._kept.items():
                if os.lseek(image.fileno(), block * _BLOCK_BYTES, os.SEEK_HOLE) == block * _BLOCK_BYTES:
                    os.pwrite(image.fileno(), content, block * _BLOCK_BYTES)
        self._kept.clear()

    @contextlib.contextmanager
    def _frozen(self):
        """All that is in use stands in the image, and nothing changes."""
        run("fsfreeze", "--freeze", self.path)
        try:
            yield
        finally:
            run("fsfreeze", "--unfreeze", self.path)

    def _free_ranges(self):
        dump = subprocess.run(["dumpe2fs", self._image], capture_output=True, text=True, check=True).stdout
        parts = [part.strip().partition("-") for line in re.findall(r"^  Free blocks: (.+)$", dump, re.MULTILINE)
                 for part in line.split(",")]
        return [(int(first), int(last or first) - int(first) + 1) for first, _, last in parts]

    def _open_whole(self):
        """The image, all of which has room: a file system is made with holes, and makes some for zeros."""
        image = open(self._image, "r+b", buffering=0)
        os.posix_fallocate(image.fileno(), 0, self._size_bytes)
        return image

    def _fill(self):
        with open(self._ballast, "ab", buffering=0) as ballast:
            with contextlib.suppress(OSError):  # when it is full
                while True:
                    ballast.write(bytes(_BLOCK_BYTES))


def _punch(image, offset, size):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate(image.fileno(), _FALLOC_FL_KEEP_SIZE | _FALLOC_FL_PUNCH_HOLE, ctypes.c_long(offset),
                      ctypes.c_long(size)):
        raise OSError(ctypes.get_errno(), "fallocate")


def _extents(path):
    """(first block on the disk, how many) of a file."""
    listing = subprocess.run(["filefrag", "-e", "-b4096", path], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^\s*\d+:\s*\d+\.\.\s*\d+:\s*(\d+)\.\.\s*\d+:\s*(\d+):", listing, re.MULTILINE)
    return [(int(first), int(count)) for first, count in found]


def why_not_here():
    """Empty where a disk can fail; else what is missing."""
    for program in ("filefrag", "dumpe2fs", "fsfreeze"):
        if not shutil.which(program):
            return f"there is no {program}"
    if reason := disk_module.why_not_here():
        return reason
    with tempfile.TemporaryDirectory(prefix="failing-disk-") as directory:
        try:
            with FailingDisk(pathlib.Path(directory), 8 << 20) as disk:
                path = disk.path / "file"
                path.write_bytes(bytes(_BLOCK_BYTES))
                os.sync()
                disk.fail()
                with open(path, "r+b", buffering=0) as file, contextlib.suppress(OSError):
                    file.write(bytes(_BLOCK_BYTES))
                    os.fsync(file.fileno())
                    return "what is written to a full tmpfs does not fail"
                disk.heal()
        except OSError as error:
            return f"no ext4 in a tmpfs: {error}"
    return ""
