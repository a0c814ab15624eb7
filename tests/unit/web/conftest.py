"""One embedded network and one small page for the whole folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from asgi_client import SiteClient

from medrec_py.web import Backend, Page, PageConfig, create_site


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with Backend.embedded(tmp_path_factory.mktemp("network")) as opened:
        yield opened


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A page as Vite builds one: a document, a module, one that is loaded later, a style and an icon."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / "index-AbCd1234.js").write_text('import("./later-EfGh5678.js");' + " " * 500)
    (folder / "assets" / "later-EfGh5678.js").write_text("export {};")
    (folder / "assets" / "index-IjKl9012.css").write_text("body { color: black }")
    (folder / "icon.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (folder / "index.html").write_text(
        "<!doctype html>\n<html>\n  <head>\n    <meta charset='utf-8' />\n"
        '    <link rel="icon" type="image/svg+xml" href="./icon.svg" />\n'
        '    <script type="module" crossorigin src="./assets/index-AbCd1234.js"></script>\n'
        '    <link rel="stylesheet" crossorigin href="./assets/index-IjKl9012.css">\n'
        '  </head>\n  <body><div id="app"></div></body>\n</html>\n'
    )
    return folder


@pytest.fixture
def page(built: Path) -> Page:
    return Page.load(built)


@pytest.fixture
def config(backend: Backend) -> PageConfig:
    return PageConfig(backend.deployment)


@pytest.fixture
def site(backend: Backend, page: Page, config: PageConfig) -> SiteClient:
    return SiteClient(create_site(backend, page, config))
