"""The built page: its files, the hashes that pin each of them, and the policy that lets nothing else run.

Vite writes the page; this module reads it once, into memory. So what is served is what was hashed, whatever happens to
the folder afterwards. Every script and style in `index.html` gets its Subresource Integrity hash; modules that are
loaded later get theirs by an import map's `integrity` (HTML standard, "module integrity map"), which has to stand in
the document itself and is therefore named by its own hash in the policy.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from medrec_py.errors import PageInvalid, PageMissing

INDEX: Final = "index.html"
_PACKAGED: Final = Path(__file__).parent / "page"
_BUILT: Final = Path(__file__).parents[2] / "web" / "dist"

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_COMPRESSED: Final = (".css", ".html", ".js", ".json", ".mjs", ".svg", ".txt", ".wasm", ".webmanifest")
_TAG: Final = re.compile(r"<(script|link)\b([^>]*)>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"""([a-zA-Z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_HASHED_NAME: Final = re.compile(r"-[\w-]{8}\.\w+$")
"""How Vite names files after their content; such a file never changes."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file of the page.

    Attributes:
        content: Its bytes.
        compressed: The same by gzip; None where that saves nothing.
        media_type: Its Content-Type.
        etag: Its entity tag, quotes included.
        is_immutable: Whether its name changes with its content.
    """

    content: bytes
    compressed: bytes | None
    media_type: str
    etag: str
    is_immutable: bool

    @classmethod
    def of(cls, name: str, content: bytes) -> PageFile:
        """A file by its name and bytes."""
        suffix = Path(name).suffix.lower()
        packed = gzip.compress(content, 9, mtime=0) if suffix in _COMPRESSED else None
        return cls(
            content,
            packed if packed is not None and len(packed) < len(content) else None,
            _TYPES.get(suffix, "application/octet-stream"),
            f'"{hashlib.sha256(content).hexdigest()[:32]}"',
            bool(_HASHED_NAME.search(name)),
        )


@dataclass(frozen=True, slots=True)
class Page:
    """The page, whole and pinned.

    Attributes:
        files: Its files by path, `index.html` with its hashes filled in.
        inline_hashes: CSP sources of what stands in the document itself (the import map).
    """

    files: Mapping[str, PageFile]
    inline_hashes: tuple[str, ...]

    @classmethod
    def load(cls, folder: Path | None = None, *, extra_scripts: Mapping[str, bytes] | None = None) -> Page:
        """Reads a built page.

        Args:
            folder: Where it was built; found when None.
            extra_scripts: Classic scripts to run before the page's own, by file name; they are no part of the build.

        Raises:
            PageMissing: There is none.
            PageInvalid: It holds a script or style that can't be pinned.
        """
        root = find_page() if folder is None else folder
        try:
            paths = [path for path in sorted(root.rglob("*")) if path.is_file()]
            found = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
            document = found.pop(INDEX).decode()
        except (OSError, KeyError, UnicodeDecodeError) as error:
            raise PageMissing(f"There is no built page in {root}.", folder=str(root)) from error
        extra = dict(extra_scripts or {})
        found.update(extra)
        document, inline = _pinned(document, found, tuple(extra))
        files = {name: PageFile.of(name, content) for name, content in found.items()}
        files[INDEX] = PageFile.of(INDEX, document.encode())
        return cls(files, inline)

    def policy(self, connect: Sequence[str] = ()) -> str:
        """The Content-Security-Policy under which the page runs.

        Args:
            connect: Origins besides the page's own that it may talk to: nodes, gateways and relayers elsewhere.
        """
        return "; ".join([*self._directives(connect), "frame-ancestors 'none'"])

    def _directives(self, connect: Sequence[str]) -> list[str]:
        return [
            "default-src 'none'",
            " ".join(["script-src 'self'", *self.inline_hashes]),
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            " ".join(["connect-src 'self'", *connect]),
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]

    def export(self, folder: Path, config: Mapping[str, object], connect: Sequence[str]) -> list[Path]:
        """Writes the page as static files, for IPFS or any web server.

        The policy goes into the document, as headers can't be set there. `frame-ancestors` has no effect in a document:
        whoever serves the folder over HTTP should send the policy as a header, too.

        Args:
            folder: Where to; made when absent.
            config: The content of `config.json`, with absolute addresses.
            connect: Origins that the page may talk to.

        Returns:
            The files written.
        """
        policy = escape("; ".join(self._directives(connect)), quote=True).replace("&#x27;", "'")
        meta = (
            f'<meta http-equiv="Content-Security-Policy" content="{policy}" />\n    '
            '<meta name="referrer" content="no-referrer" />'
        )
        written = []
        for name, file in {**self.files, "config.json": PageFile.of("config.json", _json(config))}.items():
            content = file.content
            if name == INDEX:
                # Before anything that loads something: a policy counts for what follows it.
                content = content.decode().replace("<head>", f"<head>\n    {meta}", 1).encode()
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            written.append(path)
        return written


def find_page() -> Path:
    """The folder of the built page: a clone's own build, else the one that the installed package carries.

    Raises:
        PageMissing: Neither is there.
    """
    for folder in (_BUILT, _PACKAGED):
        if (folder / INDEX).is_file():
            return folder
    raise PageMissing("The patient's page is not built: this installation carries none.", looked_in=[str(_PACKAGED)])


def integrity(content: bytes) -> str:
    """Subresource Integrity metadata of a file: SHA-384, as the W3C recommendation's examples have it."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def _pinned(document: str, files: Mapping[str, bytes], extra: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The document with the hash of everything it loads, and the CSP sources of what it holds itself."""

    def pin(match: re.Match[str]) -> str:
        tag, text = match[1].lower(), match[2]
        attributes = _attributes(text)
        if tag == "link" and not {"stylesheet", "modulepreload", "preload"} & set(attributes.get("rel", "").split()):
            return match[0]
        target = attributes.get("src" if tag == "script" else "href")
        if target is None:
            raise PageInvalid(f"{INDEX} holds a <{tag}> without an address: {match[0][:100]}", tag=match[0][:100])
        name = target.removeprefix("./").removeprefix("/")
        if name not in files:
            raise PageInvalid(f"{INDEX} names {target}, which is not among its files.", name=target)
        return f'<{match[1]}{text.rstrip("/ ")} integrity="{integrity(files[name])}">'

    if re.search(r"<style\b|\son\w+\s*=", document, re.IGNORECASE):
        raise PageInvalid(f"{INDEX} holds a style or a handler of its own, which its policy forbids.")
    pinned = _TAG.sub(pin, document)
    modules = {f"./{name}": integrity(content) for name, content in files.items() if name.endswith((".js", ".mjs"))}
    import_map = json.dumps({"integrity": modules}, separators=(",", ":"), sort_keys=True)
    scripts = "".join(f'\n    <script src="./{name}" integrity="{integrity(files[name])}"></script>' for name in extra)
    first = _TAG.search(pinned)
    if first is None or not re.search(r"<head\b", pinned[: first.start()], re.IGNORECASE):
        raise PageInvalid(f"{INDEX} loads nothing from its head.")
    # Before the first module: an import map that comes later counts for nothing.
    inserted = f'<script type="importmap">{import_map}</script>{scripts}\n    '
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    return pinned[: first.start()] + inserted + pinned[first.start() :], (f"'sha256-{digest}'",)


def _attributes(text: str) -> dict[str, str]:
    return {match[1].lower(): match[2] or match[3] or match[4] or "" for match in _ATTRIBUTE.finditer(text)}


def _json(document: Mapping[str, object]) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()
