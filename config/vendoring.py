"""Fetches the third-party front-end files we ship with their licences, checks their digests, builds the icon sprite.

`python -m config.vendoring files` and `... icons`; both use `npm pack`, and nothing of npm is needed at run time.
"""

import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENDOR = ROOT / "static" / "vendor"
ICON_PACKAGE = ("lucide-static", "1.62.0")


@dataclass(frozen=True)
class File:
    """One file out of a package."""

    package: str
    version: str
    inside: str
    target: str
    licence: str

    @property
    def place(self) -> Path:
        """Where it stands in the repository."""
        return (VENDOR / self.target).resolve()


SANS, MONO = "@fontsource-variable/ibm-plex-sans", "@fontsource/ibm-plex-mono"
FILES = (
    File(SANS, "5.3.0", "files/ibm-plex-sans-latin-wght-normal.woff2", "fonts/plex-sans-latin.woff2", "OFL-1.1"),
    File(
        SANS, "5.3.0", "files/ibm-plex-sans-latin-ext-wght-normal.woff2", "fonts/plex-sans-latin-ext.woff2", "OFL-1.1"
    ),
    File(MONO, "5.3.0", "files/ibm-plex-mono-latin-400-normal.woff2", "fonts/plex-mono-latin.woff2", "OFL-1.1"),
    File("idiomorph", "0.8.0", "dist/idiomorph-ext.min.js", "idiomorph-ext.min.js", "0BSD"),
    File("axe-core", "4.14.1", "axe.min.js", "../../tests/vendor/axe.min.js", "MPL-2.0"),
)
ICON_USE = re.compile(r"""(?:icon|icon_name|\bicon=)["'\s:=]+([a-z][a-z0-9-]+)["']|\{%\s*icon\s+["']([a-z0-9-]+)["']""")


def packed(package: str, version: str, folder: Path) -> tarfile.TarFile:
    """The package as published, by its name."""
    done = subprocess.run(  # noqa: S603
        ["npm", "pack", "--silent", f"{package}@{version}"],  # noqa: S607
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return tarfile.open(folder / done.stdout.split()[-1])


def read(archive: tarfile.TarFile, inside: str) -> bytes:
    """One file's bytes."""
    member = archive.extractfile(f"package/{inside}")
    if member is None:
        raise FileNotFoundError(inside)
    return member.read()


def fetch_files() -> None:
    """Bring every file, and write down what it is."""
    known = known_digests()
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for file in FILES:
            archive = packed(file.package, file.version, Path(place))
            content = read(archive, file.inside)
            digest = hashlib.sha256(content).hexdigest()
            name = file.place.name
            if known.get(name, digest) != digest:
                sys.exit(f"{file.target}: the package holds other bytes than VENDORED.md says.")
            file.place.parent.mkdir(parents=True, exist_ok=True)
            file.place.write_bytes(content)
            keep_licence(archive, licence_of(file.package, file.place.parent))
            rows.append(f"| `{name}` | {file.package} {file.version} | {file.licence} | `{digest}` |")
    write_table(rows)


def licence_of(package: str, folder: Path) -> Path:
    """Where a package's licence stands: beside its files."""
    return folder / f"{package.rpartition('/')[2]}.licence.txt"


def keep_licence(archive: tarfile.TarFile, target: Path) -> None:
    """Notice and licence travel with the files: OFL 1.1 (condition 2) and ISC ask for it."""
    lines = read(archive, "LICENSE").decode().splitlines()
    target.write_text("\n".join(line.rstrip() for line in lines) + "\n")


def known_digests() -> dict[str, str]:
    """File name to digest, as VENDORED.md has them."""
    table = VENDOR / "VENDORED.md"
    if not table.exists():
        return {}
    return dict(re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", table.read_text(), flags=re.MULTILINE))


def write_table(rows: list[str]) -> None:
    """VENDORED.md."""
    lines = [
        "# Third-party files we ship",
        "",
        "Brought by `make vendor` (`make icons` for the sprite); each package's licence stands beside its files.",
        "htmx comes inside django-htmx.",
        "",
        "| file | package | licence | sha256 |",
        "| --- | --- | --- | --- |",
        *rows,
        f"| icons.svg | {ICON_PACKAGE[0]} {ICON_PACKAGE[1]}, only the icons in use | ISC | built |",
    ]
    (VENDOR / "VENDORED.md").write_text("\n".join(lines) + "\n")


def icons_in_use() -> set[str]:
    """Every icon that templates and code name."""
    found: set[str] = set()
    places = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static" / "js").glob("*.js")]
    for app in ("workspaces", "assistants", "messaging", "automations"):
        places += (ROOT / app).rglob("*.py")
    for path in places:
        for match in ICON_USE.finditer(path.read_text(encoding="utf-8")):
            found.add(match[1] or match[2])
    listed = ROOT / "static" / "vendor" / "icons.txt"
    return found | set(listed.read_text().split() if listed.exists() else [])


def build_icons() -> None:
    """One sprite with a symbol an icon; names that the package does not have are skipped (they are other words)."""
    with tempfile.TemporaryDirectory() as place:
        archive = packed(*ICON_PACKAGE, Path(place))
        available = {Path(name).stem for name in archive.getnames() if name.startswith("package/icons/")}
        symbols = []
        for name in sorted(icons_in_use() & available):
            drawing = read(archive, f"icons/{name}.svg").decode()
            inner = re.sub(r"<!--.*?-->", "", drawing, flags=re.DOTALL)
            inner = re.search(r"<svg[^>]*>(.*)</svg>", inner, flags=re.DOTALL)[1]  # type: ignore[index]
            symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{" ".join(inner.split())}</symbol>')
        keep_licence(archive, licence_of(ICON_PACKAGE[0], VENDOR))
    sprite = '<svg xmlns="http://www.w3.org/2000/svg">' + "".join(symbols) + "</svg>\n"
    (VENDOR / "icons.svg").write_text(sprite)


if __name__ == "__main__":
    {"files": fetch_files, "icons": build_icons}[sys.argv[1]]()
