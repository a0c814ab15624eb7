"""The page that ends the demonstration: one HTML file that asks nobody for anything and runs no script."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from importlib import resources
from os import PathLike
from pathlib import Path

from medrec_py.demo.picture import matrix, timeline
from medrec_py.demo.report import DemoReport, FoundFault, RefusedRequest, Step
from medrec_py.demo.words import capital, clock, counted, size
from medrec_py.types.vocabulary import VOCABULARY

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What the page may load, by its own words: nothing."""


def write_page(report: DemoReport, path: str | PathLike[str]) -> None:
    """Writes the page, readable by everybody who may read the folder."""
    Path(path).write_text(render(report), encoding="utf-8")


def render(report: DemoReport) -> str:
    """The page as text."""
    style = resources.files(__package__).joinpath("page.css").read_text("utf-8")
    title = "MedRec: one record, from the hospital to the patient and back"
    sections = (
        _head(report),
        _section("story", "What happened", _steps(report.steps)),
        _section("when", "Who did what, and when", _when(report)),
        _section("records", "The record, sealed by class and year", _records(report)),
        _section("refusals", "What was refused, and why", _refusals(report.refusals)),
        _section("faults", "What was damaged, found and repaired", _faults(report.faults)),
        _section("costs", "What it cost", _costs(report.steps)),
        _foot(report),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(sections)
        + "\n</main>\n</body>\n</html>\n"
    )


def _section(name: str, title: str, content: str) -> str:
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{title}</h2>\n{content}</section>'


# ── head and foot ────────────────────────────────────────────────────────────────────────────────────────────────────


def _head(report: DemoReport) -> str:
    verdict = "Everything held" if report.ok else "Something did not hold"
    right = sum(refusal.is_right for refusal in report.refusals)
    named = sum(fault.is_named and fault.is_repaired for fault in report.faults)
    parcels = sum(cell.parcels for cell in report.history.parcels)
    gas = sum(step.gas for step in report.steps)
    figures = (
        (f"{report.resources_out:,}", f"of {report.resources_in:,} resources came back equal"),
        (f"{parcels:,}", f"sealed parcels, {report.history.entries:,} ledger entries"),
        (f"{right}", f"of {len(report.refusals)} requests refused as they had to be"),
        (f"{named}", f"of {len(report.faults)} faults named exactly and repaired"),
        (f"{gas:,}", "gas, the deployment of the contracts included"),
    )
    tiles = "".join(f"<li><strong>{value}</strong><span>{text}</span></li>" for value, text in figures)
    state = "ok" if report.ok else "bad"
    return (
        f'<header><p class="verdict {state}">{_icon(report.ok)}{verdict}</p>'
        "<h1>One record, from the hospital to the patient and back</h1>"
        f'<p class="lead">{escape(capital(report.source))}, on {escape(report.chain)}, with {escape(report.store)} as '
        f"the store, in {report.seconds:.1f} seconds.</p>"
        f'<ul class="figures">{tiles}</ul></header>'
    )


def _foot(report: DemoReport) -> str:
    head = report.history.head.hex()
    return (
        "<footer><p>The chain keeps one word for this whole history, the head of its ledger. Whoever replays the "
        f"{report.history.entries:,} entries arrives there, or something was hidden, added, altered or reordered:</p>"
        f'<p class="hash"><code>0x{head}</code></p></footer>'
    )


# ── the story ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _steps(steps: Iterable[Step]) -> str:
    items = []
    for step in steps:
        facts = [f"{step.seconds:.1f} s"]
        if step.gas:
            facts.append(f"{step.gas:,} gas")
        if step.stored_bytes:
            facts.append(f"{size(step.stored_bytes)} stored")
        lines = "".join(f"<p>{escape(line)}</p>" for line in step.lines)
        state = "ok" if step.ok else "bad"
        items.append(
            f'<li class="{state}"><div class="number" aria-hidden="true">{step.number}</div><div class="told">'
            f"<h3>{escape(step.title)}{'' if step.ok else ' (failed)'}</h3>"
            f'<p class="facts">{" · ".join(facts)}</p>{lines}</div></li>'
        )
    return f'<ol class="steps">{"".join(items)}</ol>'


def _when(report: DemoReport) -> str:
    acts = "".join(
        f"<li><time>{clock(act.time)}</time> {escape(capital(act.sentence))} "
        f'<span class="block">block {act.block_number}</span></li>'
        for act in report.history.acts
    )
    return (
        '<p class="hint">All that the chain shows of it. Names are known to those who know the addresses; classes, '
        "dates and contents are nowhere in it.</p>"
        f'<div class="wide">{timeline(report.history)}</div><ol class="acts">{acts}</ol>'
    )


def _records(report: DemoReport) -> str:
    shared = sum(cell.shared for cell in report.history.parcels)
    total = sum(cell.records for cell in report.history.parcels)
    sensitive = {cell.class_code for cell in report.history.parcels}
    withheld = [code for code in sensitive if VOCABULARY.record_class(code).is_sensitive]
    note = (
        f" Classes in italics are sensitive ({len(withheld)} of them here): labels of the records put them apart."
        if withheld
        else ""
    )
    return (
        f'<p class="hint">Each cell is a compartment with a key of its own. {shared:,} of {total:,} records were shared'
        f"; where a day cuts a year in two, only a part of the cell was.{note}</p>"
        '<p class="legend"><span class="swatch kept"></span> the patient and the author '
        '<span class="swatch shared"></span> the clinic too, while its grant stood '
        '<span class="swatch none"></span> n/d: records without a date</p>'
        f'<div class="wide">{matrix(report.history.parcels)}</div>'
    )


# ── refusals and faults ──────────────────────────────────────────────────────────────────────────────────────────────


def _refusals(refusals: tuple[RefusedRequest, ...]) -> str:
    rows = "".join(
        f"<tr><td>{escape(item.who)}</td><td>{escape(item.asked)}</td>"
        f'<td><span class="rule">{escape(item.rule)}</span> {escape(item.sentence)}</td>'
        f"<td>{_keys(item)}</td><td>{_verdict(item.is_right)}</td></tr>"
        for item in refusals
    )
    return (
        '<p class="hint">Twice: the chain\'s rule says no, and no key is held. Where a key is held all the same, the '
        "rule alone refuses, and the table says so.</p>"
        '<div class="wide"><table><thead><tr><th scope="col">Who</th><th scope="col">Asked for</th>'
        '<th scope="col">Rule of the chain</th><th scope="col">Keys held</th><th scope="col">As it has to be</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def _keys(item: RefusedRequest) -> str:
    if item.keys:
        return f'<span class="held">to {item.keys} of {item.parcels} parcels: the rule alone refuses</span>'
    return f"to none of {counted(item.parcels, 'parcel')}" if item.parcels != 1 else "not to its parcel"


def _faults(faults: tuple[FoundFault, ...]) -> str:
    items = "".join(
        f"<li><h3>{escape(capital(item.damage))}</h3>"
        f'<p><span class="rule">{escape(item.kind)}</span> {escape(item.sentence)}</p>'
        f'<p class="facts">{_verdict(item.is_named, "named exactly", "not named")} '
        f"{_verdict(item.is_repaired, 'repaired', 'not repaired')}: {escape(item.repair)}, then verified again.</p>"
        "</li>"
        for item in faults
    )
    return f'<ul class="faults">{items}</ul>'


# ── costs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _costs(steps: tuple[Step, ...]) -> str:
    most = max((cost.gas for step in steps for cost in step.costs), default=1)
    body = []
    for step in steps:
        seconds = f"{step.seconds:.1f}"
        body.append(
            f'<tr class="step"><th scope="rowgroup" colspan="2">{step.number}. {escape(step.title)}</th>'
            f"<td>{step.gas:,}</td><td>{step.calldata_bytes:,}</td><td>{step.stored_bytes:,}</td><td>{seconds}</td></tr>"
        )
        body += [
            f'<tr><td>{escape(capital(cost.actor))}</td><td>{escape(cost.act)}<span class="bar" '
            f'style="width:{max(cost.gas / most * 100, 0.5):.1f}%"></span></td>'
            f"<td>{cost.gas:,}</td><td>{cost.calldata_bytes:,}</td><td></td><td></td></tr>"
            for cost in step.costs
        ]
    gas, data, stored, seconds_in_all = (
        sum(step.gas for step in steps),
        sum(step.calldata_bytes for step in steps),
        sum(step.stored_bytes for step in steps),
        sum(step.seconds for step in steps),
    )
    return (
        '<div class="wide"><table class="costs"><thead><tr><th scope="col">Who</th><th scope="col">Act</th>'
        '<th scope="col">Gas</th><th scope="col">Bytes to the chain</th><th scope="col">Bytes to the store</th>'
        f'<th scope="col">Seconds</th></tr></thead><tbody>{"".join(body)}</tbody>'
        f'<tfoot><tr><th scope="row" colspan="2">All</th><td>{gas:,}</td><td>{data:,}</td><td>{stored:,}</td>'
        f"<td>{seconds_in_all:.1f}</td></tr></tfoot></table></div>"
    )


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _verdict(right: bool, yes: str = "yes", no: str = "no") -> str:
    return f'<span class="verdict {"ok" if right else "bad"}">{_icon(right)}{yes if right else no}</span>'


def _icon(right: bool) -> str:
    mark = "M3 8.5l3.2 3.2L13 5" if right else "M4 4l8 8M12 4l-8 8"
    return f'<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{mark}"/></svg>'
