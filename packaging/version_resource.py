"""What Windows shows under Properties, Details: the version resource, in the form that PyInstaller reads."""

from __future__ import annotations

from pathlib import Path

_TEXT = """VSVersionInfo(
  ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3f, flags=0x0, OS=0x40004, fileType=0x1,
                    subtype=0x0, date=(0, 0)),
  kids=[
    StringFileInfo([StringTable('040904B0', [
      StringStruct('CompanyName', 'GridBear Desktop'),
      StringStruct('FileDescription', {description!r}),
      StringStruct('FileVersion', {version!r}),
      StringStruct('InternalName', {name!r}),
      StringStruct('LegalCopyright', 'MIT licence'),
      StringStruct('OriginalFilename', {file!r}),
      StringStruct('ProductName', 'GridBear Desktop'),
      StringStruct('ProductVersion', {version!r}),
    ])]),
    VarFileInfo([VarStruct('Translation', [1033, 1200])]),
  ],
)
"""


def write(target: Path, version: str, name: str, description: str) -> Path:
    """The resource of the program `name`.exe. `version` is numbers with dots, at most four. Returns `target`."""
    numbers = tuple(int(part) for part in version.split("."))
    if len(numbers) > 4:
        raise ValueError(f"a version of Windows has four numbers, {version} has more")
    padded = (*numbers, 0, 0, 0, 0)[:4]
    text = _TEXT.format(numbers=padded, version=version, name=name, file=f"{name}.exe", description=description)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, "utf-8")
    return target
