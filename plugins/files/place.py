"""One opened folder. Where the system can (Linux, macOS), everything is named from its descriptor and no link is ever
followed: what is moved or swapped in the meantime leads nowhere else. Windows has no such calls; there each name is
looked at before and after it is opened."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from server.plugin_api import Conflict, Forbidden, GridBearError, NotFound

HAS_DESCRIPTORS = {
    os.open,
    os.stat,
    os.mkdir,
    os.unlink,
    os.rename,
    os.link,
} <= os.supports_dir_fd and os.scandir in os.supports_fd
_REPARSE = getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0x400)
_READ = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | (_READ & ~getattr(os, "O_NONBLOCK", 0))
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, getattr(errno, "EACCES", 13)}


class Place:
    """A folder below a root. Close it. Every method raises OSError, or an error for the client."""

    def __init__(self, path: Path, device: int, fd: int | None) -> None:
        self.path = path
        self._device = device
        self._fd = fd

    @classmethod
    def root(cls, path: Path, *, descriptors: bool = HAS_DESCRIPTORS) -> Place:
        """The root itself; links on the way to it are an admin's choice."""
        real = Path(os.path.realpath(path))
        info = os.stat(real)
        if not stat.S_ISDIR(info.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "no folder")
        fd = os.open(real, _READ | os.O_DIRECTORY) if descriptors else None
        return cls(real, info.st_dev, fd)

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def identity(self) -> tuple[int, int]:
        info = os.stat(self._fd if self._fd is not None else self.path)
        return info.st_dev, info.st_ino

    def stat(self, name: str) -> os.stat_result:
        """Of the name itself, never of what a link leads to."""
        where, given = self._at(name)
        return os.stat(where, follow_symlinks=False, **given)

    def names(self) -> Iterator[str]:
        with os.scandir(self._fd if self._fd is not None else self.path) as entries:
            for entry in entries:
                yield entry.name

    def child(self, name: str) -> Place:
        """A folder in it."""
        info = self.stat(name)
        if kind_of(info) != "folder":
            raise wrong_kind(name, info, "folder")
        self._check_device(info, name)
        fd = None
        if self._fd is not None:
            fd = os.open(name, _READ | os.O_DIRECTORY, dir_fd=self._fd)
        return Place(self.path / name, self._device, fd)

    def open_file(self, name: str) -> int:
        """A descriptor of a plain file, to read. A pipe or a device is neither opened nor waited for."""
        info = self.stat(name)
        if kind_of(info) != "file":
            raise wrong_kind(name, info, "file")
        where, given = self._at(name)
        fd = os.open(where, _READ, **given)
        try:
            opened = os.fstat(fd)
            if kind_of(opened) != "file" or (self._fd is None and not os.path.samestat(opened, info)):
                raise wrong_kind(name, opened, "file")
            self._check_device(opened, name)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def create_file(self, name: str, mode: int = 0o666) -> int:
        where, given = self._at(name)
        return os.open(where, _NEW, mode, **given)

    def create_folder(self, name: str) -> None:
        where, given = self._at(name)
        os.mkdir(where, **given)

    def remove_file(self, name: str) -> None:
        where, given = self._at(name)
        os.unlink(where, **given)

    def move_to(self, name: str, other: Place, new: str) -> None:
        """Under a name that must not be there. Raises FileExistsError."""
        if kind_of(self.stat(name)) == "file":
            try:
                self.link_to(name, other, new)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
            else:
                self.remove_file(name)
                return
        with contextlib.suppress(FileNotFoundError):
            other.stat(new)
            raise FileExistsError(errno.EEXIST, "it is there already")
        self.replace(name, other, new)

    def link_to(self, name: str, other: Place, new: str) -> None:
        """A second name of a file, which must not be there."""
        if self._fd is not None and other._fd is not None:
            os.link(name, new, src_dir_fd=self._fd, dst_dir_fd=other._fd, follow_symlinks=False)
        else:
            os.link(self.path / name, other.path / new)

    def replace(self, name: str, other: Place, new: str) -> None:
        """Rename, over a file that is there."""
        if self._fd is not None and other._fd is not None:
            os.replace(name, new, src_dir_fd=self._fd, dst_dir_fd=other._fd)
        else:
            os.replace(self.path / name, other.path / new)

    def _at(self, name: str) -> tuple[str, dict[str, Any]]:
        return (name, {"dir_fd": self._fd}) if self._fd is not None else (str(self.path / name), {})

    def _check_device(self, info: os.stat_result, name: str) -> None:
        if info.st_dev != self._device:
            # /proc, another disk, what a container sees of its host: not what the admin chose.
            raise Forbidden(f"{name!r} is another file system, which is not part of this folder.", code="other_device")


def kind_of(info: os.stat_result) -> str:
    """`file`, `folder`, `link` or `special`."""
    if stat.S_ISLNK(info.st_mode) or getattr(info, "st_file_attributes", 0) & _REPARSE:
        return "link"
    if stat.S_ISREG(info.st_mode):
        return "file"
    return "folder" if stat.S_ISDIR(info.st_mode) else "special"


def wrong_kind(name: str, info: os.stat_result, wanted: str) -> GridBearError:
    """What to say of something that is not `wanted`."""
    kind = kind_of(info)
    if kind == "link":
        return Forbidden(f"{name!r} is a link, and links are not followed.", code="link")
    if kind == "special":
        return Forbidden(f"{name!r} is no plain file (a pipe, a socket or a device).", code="special_file")
    return Conflict(f"{name!r} is a {kind}; a {wanted} is wanted.", code=f"no_{wanted}")


@contextlib.contextmanager
def told(path: str) -> Iterator[None]:
    """Errors of the system as errors for the client, which never name a place outside of the folder."""
    shown = path or "the folder"
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"There is no {path}." if path else "The folder is not there just now.") from None
    except FileExistsError:
        raise Conflict(f"{shown} is there already.", code="exists") from None
    except NotADirectoryError:
        raise NotFound(f"There is no folder on the way to {shown}.") from None
    except IsADirectoryError:
        raise Conflict(f"{shown} is a folder; a file is wanted.", code="no_file") from None
    except PermissionError:
        raise Forbidden(f"This computer does not let GridBear use {shown}.", code="not_permitted") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Forbidden(f"{shown} is a link, and links are not followed.", code="link") from None
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            raise Conflict("The disk is full.", code="disk_full") from None
        raise Conflict(f"{shown}: {os.strerror(error.errno or errno.EIO)}.", code="system") from None
