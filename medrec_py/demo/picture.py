"""The two drawings of the page: what happened when, and which records there are. Inline SVG, no script."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from medrec_py.client import Grant
from medrec_py.demo.report import Cell, History
from medrec_py.types.moments import iso
from medrec_py.types.terms import NO_EXPIRY, NO_FIRST_DATE
from medrec_py.types.vocabulary import VOCABULARY

WIDTH = 1080
_GUTTER = 92
_LANE = 54
_TOP = 58
_BAR = 62
_A_DAY = 86400


@dataclass(frozen=True, slots=True)
class _Moment:
    """Something that the timeline shows: the act with this number, or the end of a grant when it has none."""

    time: int
    number: int | None
    lane: str


def timeline(history: History) -> str:
    """Who did what when: a lane for each who acted, a bar for the life of each grant, numbers as in the list of acts.

    Moments stand side by side in their order; where more than a day lies between two, the gap says how long it was.
    """
    moments = _moments(history)
    if not moments:
        return ""
    lanes = list(dict.fromkeys(moment.lane for moment in moments if moment.number is not None))
    step = (WIDTH - _GUTTER - 40) / len(moments)
    xs = [_GUTTER + 26 + step * place for place in range(len(moments))]
    height = _TOP + _LANE * len(lanes) + _BAR * len(history.grants) + 26
    parts = [
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {height}" role="img" '
        'aria-labelledby="timeline-title timeline-text"><title id="timeline-title">Acts on chain and lives of grants'
        f'</title><desc id="timeline-text">{len(history.acts)} acts in order, listed below by the same numbers, and '
        f"{len(history.grants)} grants.</desc>"
    ]
    parts += _times(moments, xs, step, height)
    ys = {lane: _TOP + _LANE * place + 24 for place, lane in enumerate(lanes)}
    for lane, y in ys.items():
        parts.append(f'<text class="lane" x="0" y="{y + 4}">{escape(lane)}</text>')
        parts.append(f'<line class="rail" x1="{_GUTTER}" y1="{y}" x2="{WIDTH - 8}" y2="{y}"/>')
    for moment, x in zip(moments, xs, strict=True):
        if moment.number is not None:
            act = history.acts[moment.number - 1]
            tip = f"{moment.number}. {iso(moment.time)} {act.sentence}"
            parts.append(
                f'<g class="act {escape(act.act.lower())}"><title>{escape(tip)}</title>'
                f'<circle cx="{x:.1f}" cy="{ys[moment.lane]}" r="13"/>'
                f'<text x="{x:.1f}" y="{ys[moment.lane] + 4}">{moment.number}</text></g>'
            )
    top = _TOP + _LANE * len(lanes)
    for place, (grant, ended) in enumerate(history.grants):
        parts.append(_bar(history, grant, ended, place, top + _BAR * place, moments, xs))
    return "".join(parts) + "</svg>"


def _moments(history: History) -> list[_Moment]:
    acts = [
        _Moment(act.time or 0, number, history.people.get(act.actor, "others"))
        for number, act in enumerate(history.acts, 1)
    ]
    revoked = {act.time for act in history.acts if act.act in ("GrantRevoked", "GrantRenounced")}
    ends = [_Moment(ended, None, "") for _, ended in history.grants if ended is not None and ended not in revoked]
    return sorted([*acts, *ends], key=lambda moment: (moment.time, moment.number is not None, moment.number or 0))


def _times(moments: list[_Moment], xs: list[float], step: float, height: int) -> list[str]:
    """A date above each run of moments, and how long it took to the next run."""
    parts = []
    for place, (moment, x) in enumerate(zip(moments, xs, strict=True)):
        gap = moment.time - moments[place - 1].time if place else _A_DAY + 1
        if gap <= _A_DAY:
            continue
        date = datetime.fromtimestamp(moment.time, UTC)
        parts.append(f'<text class="date" x="{x - 14:.1f}" y="16">{date:%Y-%m-%d}</text>')
        parts.append(f'<text class="hour" x="{x - 14:.1f}" y="33">{date:%H:%M:%S} UTC</text>')
        if place:
            middle = x - step / 2
            days = round(gap / _A_DAY)
            parts.append(f'<line class="gap" x1="{middle:.1f}" y1="6" x2="{middle:.1f}" y2="{height - 20}"/>')
            label = f"{days:,} days pass" if days > 1 else "a day passes"
            parts.append(f'<text class="pause" x="{middle:.1f}" y="{height - 5}" text-anchor="middle">{label}</text>')
    return parts


def _bar(
    history: History, grant: Grant, ended: int | None, place: int, y: int, moments: list[_Moment], xs: list[float]
) -> str:
    number = next(
        number
        for number, act in enumerate(history.acts, 1)
        if act.act == "Granted" and act.time == grant.granted_at and _is_nth_grant(history, number, place)
    )
    start = xs[next(at for at, moment in enumerate(moments) if moment.number == number)]
    end, state = float(WIDTH - 12), "active"
    if ended is not None:
        state = "expired" if grant.state == "expired" else "revoked"
        acts = [at for at, moment in enumerate(moments) if moment.time == ended and _ends(history, moment)]
        end = xs[acts[0]] if acts else end
    title = f"{'; '.join(VOCABULARY.class_names(grant.terms.classes))} to {history.people.get(grant.viewer, 'viewer')}"
    since = "" if grant.terms.records_from == NO_FIRST_DATE else f", records since {_day(grant.terms.records_from)}"
    until = "" if grant.terms.expires_at == NO_EXPIRY else f", valid until {iso(grant.terms.expires_at)[:10]}"
    words = f"{title}{since}{until}"
    width = max(end - start, 4)
    anchor = "end" if start > WIDTH * 0.55 else "start"
    at = WIDTH - 12 if anchor == "end" else start
    after = f'<line class="after" x1="{end:.1f}" y1="{y + 33}" x2="{WIDTH - 8}" y2="{y + 33}"/>' if ended else ""
    mark = f'<text class="mark" x="{end + 10:.1f}" y="{y + 37}">{state}</text>' if ended else ""
    return (
        f'<g class="grant {state}"><title>{escape(grant.terms.statement)}</title>'
        f'<text class="lane" x="0" y="{y + 37}">Grant {place + 1}</text>'
        f'<text class="words" x="{at:.1f}" y="{y + 17}" text-anchor="{anchor}">{escape(words)}</text>'
        f'{after}<rect x="{start:.1f}" y="{y + 24}" width="{width:.1f}" height="18" rx="9"/>{mark}</g>'
    )


def _is_nth_grant(history: History, number: int, place: int) -> bool:
    return sum(act.act == "Granted" for act in history.acts[: number - 1]) == place


def _ends(history: History, moment: _Moment) -> bool:
    return moment.number is None or history.acts[moment.number - 1].act in ("GrantRevoked", "GrantRenounced")


def matrix(cells: tuple[Cell, ...]) -> str:
    """Records by class (rows) and year (columns): the darker the more, the part that was shared in another colour."""
    if not cells:
        return ""
    classes = list(dict.fromkeys(cell.class_code for cell in cells))
    years = [cell.period for cell in cells if cell.period is not None]
    columns: list[int | None] = list(range(min(years), max(years) + 1)) if years else []
    if any(cell.period is None for cell in cells):
        columns = [None, *columns]
    left, top = 214, 26
    size = min((WIDTH - left) / len(columns), 24.0)
    row = 19
    height = top + row * len(classes) + 6
    most = max(cell.records for cell in cells)
    parts = [
        f'<svg class="matrix" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="matrix-title matrix-text">'
        '<title id="matrix-title">Records by class and year</title>'
        f'<desc id="matrix-text">{len(classes)} classes, {len(columns)} columns, {len(cells)} sealed compartments, '
        f"{sum(cell.records for cell in cells):,} records.</desc>"
    ]
    for place, period in enumerate(columns):
        if period is None or period % 5 == 0:
            label = "n/d" if period is None else str(period)
            parts.append(f'<text class="year" x="{left + size * (place + 0.5):.1f}" y="14">{label}</text>')
    for place, code in enumerate(classes):
        y = top + row * place
        found = VOCABULARY.record_class(code)
        kind = "name sensitive" if found.is_sensitive else "name"
        parts.append(f'<text class="{kind}" x="{left - 10}" y="{y + 13}">{escape(found.display["en"])}</text>')
        parts.append(f'<line class="row" x1="{left}" y1="{y + 9}" x2="{left + size * len(columns):.0f}" y2="{y + 9}"/>')
    for cell in cells:
        x = left + size * columns.index(cell.period) + 1
        y = top + row * classes.index(cell.class_code) + 1
        parts.append(_cell(cell, x, y, size - 2, row - 3, most))
    return "".join(parts) + "</svg>"


def _cell(cell: Cell, x: float, y: float, width: float, height: float, most: int) -> str:
    weight = 0.3 + 0.7 * math.log1p(cell.records) / math.log1p(most)
    period = "undated" if cell.period is None else str(cell.period)
    tip = f"{cell.class_code}, {period}: {cell.records} records in {cell.parcels} parcels"
    if cell.shared:
        tip += f", {cell.shared} of them shared"
    shared = height * cell.shared / cell.records
    over = (
        f'<rect class="shared" x="{x:.1f}" y="{y + height - shared:.1f}" width="{width:.1f}" height="{shared:.1f}" '
        f'rx="2" style="opacity:{weight:.2f}"/>'
        if cell.shared
        else ""
    )
    kept = height - shared
    under = (
        f'<rect class="kept" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{kept:.1f}" rx="2" '
        f'style="opacity:{weight:.2f}"/>'
        if kept > 0
        else ""
    )
    paper = f'<rect class="paper" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2"/>'
    return f"<g><title>{escape(tip)}</title>{paper}{under}{over}</g>"


def _day(number: int) -> str:
    return f"{number // 10000:04}-{number // 100 % 100:02}-{number % 100:02}"
