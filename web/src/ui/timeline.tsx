/**
 * Records by class and year, as a picture with a table that says the same. Each class is a strip of bars; the strips
 * stretch with the page, because an SVG without text in it may be stretched.
 */

import type { TimelineCell } from "../client/api.ts";
import { counted, text } from "../text/catalogue.ts";
import { number } from "../text/moments.ts";
import { Icon } from "./icons.tsx";
import { Disclosure, ScrollBox } from "./pieces.tsx";
import { classIcon, className } from "./recordClasses.ts";
import { link } from "./route.ts";

/** Height of a strip in its own units; the smallest bar is a fifth of it, so that one record is seen. */
const HEIGHT = 20;
const SMALLEST = 4;

interface Row {
  class: number;
  total: number;
  years: Map<number, number>;
}

export function Timeline({ cells }: { cells: readonly TimelineCell[] }) {
  const rows = rowsOf(cells);
  const years = cells.map((cell) => cell.year).filter((year) => year !== null);
  const first = years.length ? Math.min(...years) : null;
  const last = years.length ? Math.max(...years) : null;
  const most = Math.max(1, ...cells.filter((cell) => cell.year !== null).map((cell) => cell.records));
  return (
    <div class="timeline">
      <ul class="strips">
        {rows.map((row) => (
          <li key={row.class}>
            <a class="strip-name" href={link("records", null, { class: String(row.class) })}>
              <Icon name={classIcon(row.class)} />
              <span>{className(row.class)}</span>
              <span class="strip-count">{number(row.total)}</span>
            </a>
            {first !== null && last !== null && <Strip row={row} first={first} last={last} most={most} />}
          </li>
        ))}
      </ul>
      {first !== null && last !== null && (
        <div class="strip-axis" aria-hidden="true">
          {ticks(first, last).map((year) => (
            <span key={year}>{year}</span>
          ))}
        </div>
      )}
      <Disclosure title={text("timeline.asTable")}>{() => <TimelineTable rows={rows} cells={cells} />}</Disclosure>
    </div>
  );
}

function Strip({ row, first, last, most }: { row: Row; first: number; last: number; most: number }) {
  const span = last - first + 1;
  const busiest = [...row.years.entries()].sort((a, b) => b[1] - a[1])[0];
  const label = busiest
    ? text("timeline.strip", {
        name: className(row.class),
        total: number(row.total),
        year: busiest[0],
        most: busiest[1],
      })
    : text("timeline.undatedStrip", { name: className(row.class), total: number(row.total) });
  return (
    <svg class="strip" viewBox={`0 0 ${span} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <line class="strip-base" x1={0} x2={span} y1={HEIGHT} y2={HEIGHT} />
      {[...row.years.entries()].map(([year, count]) => {
        // Square root: a year with a hundred results must not flatten the years with one.
        const height = Math.max(SMALLEST, HEIGHT * Math.sqrt(count / most));
        return (
          <rect key={year} x={year - first + 0.12} y={HEIGHT - height} width={0.76} height={height}>
            <title>{counted("timeline.bar", count, { year })}</title>
          </rect>
        );
      })}
    </svg>
  );
}

function TimelineTable({ rows, cells }: { rows: Row[]; cells: readonly TimelineCell[] }) {
  const undated = new Map(cells.filter((cell) => cell.year === null).map((cell) => [cell.class, cell.records]));
  return (
    <ScrollBox label={text("timeline.table")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{text("timeline.class")}</th>
            <th scope="col" class="numeric">
              {text("timeline.total")}
            </th>
            <th scope="col">{text("timeline.years")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.class}>
              <th scope="row">{className(row.class)}</th>
              <td class="numeric">{number(row.total)}</td>
              <td>
                {[...row.years.entries()]
                  .sort(([a], [b]) => a - b)
                  .map(([year, count]) => `${year}: ${number(count)}`)
                  .join(text("list.separator"))}
                {undated.has(row.class) &&
                  ` ${text("timeline.undated", { count: number(undated.get(row.class) ?? 0) })}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollBox>
  );
}

function rowsOf(cells: readonly TimelineCell[]): Row[] {
  const rows = new Map<number, Row>();
  for (const cell of cells) {
    const row = rows.get(cell.class) ?? { class: cell.class, total: 0, years: new Map<number, number>() };
    row.total += cell.records;
    if (cell.year !== null) row.years.set(cell.year, (row.years.get(cell.year) ?? 0) + cell.records);
    rows.set(cell.class, row);
  }
  return [...rows.values()].sort((a, b) => b.total - a.total);
}

/** At most five years for the axis, the first and the last among them. */
function ticks(first: number, last: number): number[] {
  const steps = Math.min(4, last - first);
  return steps === 0
    ? [first]
    : Array.from({ length: steps + 1 }, (_, i) => Math.round(first + ((last - first) * i) / steps));
}
