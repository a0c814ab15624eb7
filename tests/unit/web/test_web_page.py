"""The page as it is served: every script pinned by its hash, nothing else allowed to run, and the same as files."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path

import pytest
from asgi_client import SiteClient
from hypothesis import given
from hypothesis import strategies as st

from medrec_py.errors import PageInvalid, PageMissing
from medrec_py.web import Backend, Page, PageConfig, create_site
from medrec_py.web import page as page_module


def sri(content: bytes) -> str:
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def tags(document: str, name: str) -> list[str]:
    return re.findall(rf"<{name}\b[^>]*>", document)


# ── integrity ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_script_and_style_of_the_document_bears_the_hash_of_its_file(site: SiteClient, built: Path):
    document = site.get("/").text
    (module,) = [tag for tag in tags(document, "script") if "src=" in tag]
    (style,) = [tag for tag in tags(document, "link") if "stylesheet" in tag]
    assert f'integrity="{sri((built / "assets" / "index-AbCd1234.js").read_bytes())}"' in module
    assert f'integrity="{sri((built / "assets" / "index-IjKl9012.css").read_bytes())}"' in style


def test_modules_that_are_loaded_later_are_pinned_by_the_import_map(site: SiteClient, built: Path):
    found = re.search(r'<script type="importmap">(.*?)</script>', site.get("/").text, re.S)
    assert found
    assert json.loads(found[1]) == {
        "integrity": {
            f"./assets/{name}": sri((built / "assets" / name).read_bytes())
            for name in ("index-AbCd1234.js", "later-EfGh5678.js")
        }
    }


def test_the_import_map_stands_before_the_first_module_and_behind_the_encoding(site: SiteClient):
    document = site.get("/").text
    assert document.index("charset") < document.index("importmap") < document.index('type="module"')


def test_the_policy_names_the_import_map_by_its_hash_and_no_other_inline_script(site: SiteClient):
    answer = site.get("/")
    (inline,) = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", answer.text, re.S)
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    (scripts,) = [part for part in answer.headers["content-security-policy"].split("; ") if "script-src" in part]
    assert scripts == f"script-src 'self' 'sha256-{digest}'"


@pytest.mark.parametrize(
    "addition",
    [
        "<script>alert(1)</script>",
        '<script src="https://elsewhere.example/x.js"></script>',
        '<script src="//elsewhere.example/x.js"></script>',
        '<link rel="stylesheet" href="https://elsewhere.example/x.css">',
        '<link rel="modulepreload" href="./assets/none.js">',
        "<style>body{}</style>",
        '<body onload="alert(1)">',
    ],
)
def test_a_page_with_a_script_or_style_that_can_not_be_pinned_is_not_served(built: Path, addition: str):
    document = (built / "index.html").read_text()
    (built / "index.html").write_text(document.replace("</head>", f"{addition}</head>"))
    with pytest.raises(PageInvalid):
        Page.load(built)


@given(st.text(alphabet="<>/ \"'=scriptlinkheadsrcrel.\n", max_size=200))
def test_any_document_is_pinned_or_refused(document: str):
    try:
        pinned, _ = page_module._pinned(document, {}, ())
    except PageInvalid:
        return
    assert pinned.count("importmap") == 1


def test_a_page_that_is_not_built_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(PageMissing):
        Page.load(tmp_path)
    monkeypatch.setattr(page_module, "_BUILT", tmp_path / "a")
    monkeypatch.setattr(page_module, "_PACKAGED", tmp_path / "b")
    with pytest.raises(PageMissing, match="make web"):
        page_module.find_page()


def test_a_clone_s_own_build_comes_before_the_one_that_is_packaged(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    packaged = tmp_path / "packaged"
    packaged.mkdir()
    (packaged / "index.html").touch()
    monkeypatch.setattr(page_module, "_BUILT", built)
    monkeypatch.setattr(page_module, "_PACKAGED", packaged)
    assert page_module.find_page() == built
    (built / "index.html").unlink()
    assert page_module.find_page() == packaged


# ── headers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_policy_lets_nothing_in_from_elsewhere(site: SiteClient):
    policy = dict(part.split(" ", 1) for part in site.get("/").headers["content-security-policy"].split("; "))
    script = policy.pop("script-src")
    assert script.startswith("'self' 'sha256-")
    assert "unsafe" not in script
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_servers_elsewhere_that_the_page_is_told_of_are_all_that_the_policy_adds(backend: Backend, page: Page):
    config = PageConfig(backend.deployment, rpc="https://node.example/key", relay=("relay/", "https://relay.example/a"))
    answer = SiteClient(create_site(backend, page, config)).get("/")
    (connect,) = [part for part in answer.headers["content-security-policy"].split("; ") if "connect-src" in part]
    assert connect == "connect-src 'self' https://node.example https://relay.example"


@pytest.mark.parametrize("path", ["/", "/config.json", "/assets/index-AbCd1234.js", "/none", "/ipfs/none", "/rpc"])
def test_every_answer_bears_the_headers_that_keep_a_browser_in_its_place(site: SiteClient, path: str):
    headers = site.get(path).headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "microphone=()" in headers["permissions-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "set-cookie" not in headers
    assert "server" not in headers


def test_what_is_no_page_runs_nothing_even_when_a_browser_shows_it(site: SiteClient):
    assert "sandbox" in site.get("/none").headers["content-security-policy"]


def test_on_loopback_it_answers_under_no_foreign_name(backend: Backend, page: Page, config: PageConfig):
    site = create_site(backend, page, config, hosts=("localhost", "127.0.0.1", "[::1]"))
    assert SiteClient(site, base_url="http://localhost:8460").get("/").status_code == 200
    assert SiteClient(site, base_url="http://127.0.0.1:8460").get("/").status_code == 200
    assert SiteClient(site, base_url="http://rebound.example:8460").get("/").status_code == 400


def test_pages_elsewhere_may_use_the_doors_only_when_named(backend: Backend, page: Page, config: PageConfig):
    site = SiteClient(create_site(backend, page, config, origins=["https://page.example"]))
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    allowed = site.options("/rpc", headers={"Origin": "https://page.example", **asked})
    assert allowed.headers["access-control-allow-origin"] == "https://page.example"
    refused = site.options("/rpc", headers={"Origin": "https://other.example", **asked})
    assert "access-control-allow-origin" not in refused.headers
    alone = SiteClient(create_site(backend, page, config)).options(
        "/rpc", headers={"Origin": "https://p.example", **asked}
    )
    assert "access-control-allow-origin" not in alone.headers


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_files_named_by_their_content_are_kept_and_the_others_asked_for_again(site: SiteClient):
    assert "immutable" in site.get("/assets/index-AbCd1234.js").headers["cache-control"]
    document = site.get("/")
    assert document.headers["cache-control"] == "no-cache"
    again = site.get("/", headers={"If-None-Match": document.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


def test_text_comes_compressed_to_whoever_takes_it(site: SiteClient, built: Path):
    content = (built / "assets" / "index-AbCd1234.js").read_text()
    for offer, encoding in (("gzip", "gzip"), ("br, gzip;q=0.5", "gzip"), ("gzip;q=0", None), ("identity", None)):
        answer = site.get("/assets/index-AbCd1234.js", headers={"Accept-Encoding": offer})
        assert answer.text == content
        assert answer.headers.get("content-encoding") == encoding
        assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/%2e%2e/pyproject.toml", "/assets/%2e%2e/index.html", "/etc/passwd"])
def test_nothing_but_the_page_s_own_files_can_be_had(site: SiteClient, path: str):
    assert site.get(path).status_code == 404


def test_what_is_served_is_what_was_hashed_whatever_happens_to_the_folder(site: SiteClient, built: Path):
    before = site.get("/assets/index-AbCd1234.js").text
    (built / "assets" / "index-AbCd1234.js").write_text("alert(1)")
    assert site.get("/assets/index-AbCd1234.js").text == before


def test_the_page_is_told_its_network(site: SiteClient, backend: Backend):
    told = site.get("/config.json").json()
    addresses = backend.deployment.addresses
    assert told["chainId"] == 1337
    assert told["contracts"]["medrec"] == addresses["MedRec"]
    assert told["contracts"]["registrar"] == addresses["Registrar"]
    assert (told["rpc"], told["ipfs"], told["objects"], told["relay"]) == ("rpc", "ipfs/", "objects", [])
    assert told["startBlock"] == backend.deployment.block_number
    assert len(told["vocabulary"]) == 66


# ── as files ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_as_files_bears_its_policy_and_knows_its_server(page: Page, config: PageConfig, tmp_path: Path):
    based = config.based_at("https://medrec.example/here")
    written = page.export(tmp_path / "out", based.to_json(), based.origins())
    assert {path.relative_to(tmp_path / "out").as_posix() for path in written} == {
        *("index.html", "config.json", "icon.svg"),
        *("assets/index-AbCd1234.js", "assets/later-EfGh5678.js", "assets/index-IjKl9012.css"),
    }
    told = json.loads((tmp_path / "out" / "config.json").read_text())
    assert told["rpc"] == "https://medrec.example/here/rpc"
    assert told["ipfs"] == "https://medrec.example/here/ipfs/"
    document = (tmp_path / "out" / "index.html").read_text()
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)"', document)
    assert html.unescape(policy) == page.policy(based.origins()).replace("; frame-ancestors 'none'", "")
    assert "connect-src 'self' https://medrec.example;" in policy
    # A policy counts for what follows it.
    assert document.index("Content-Security-Policy") < document.index("<script")
