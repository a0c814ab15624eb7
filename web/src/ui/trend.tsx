/**
 * A measurement through time. Places are given in percent, so the picture fits any width without being measured and
 * without stretching its letters and dots.
 */

import type { Measurement, Series } from "../fhir/observations.ts";
import { text } from "../text/catalogue.ts";
import { clinicalDate, number } from "../text/moments.ts";

interface Placed {
  x: number;
  y: number;
  point: Measurement;
}

interface Scale {
  low: number;
  high: number;
  placed: Placed[];
}

/** Places points: x by date (0–100), y by value with the reference range in view (100 at the bottom). */
export function place(points: readonly Measurement[], withRange: boolean): Scale {
  const values = points.map((point) => point.value ?? 0);
  const bounds = withRange ? points.flatMap((point) => [point.range?.low, point.range?.high]) : [];
  const all = [...values, ...bounds.filter((bound) => bound !== undefined)];
  const [least, most] = [Math.min(...all), Math.max(...all)];
  // All the same value: a band around it, so that the line lies in the middle.
  const room = most === least ? Math.abs(most) * 0.1 || 1 : (most - least) * 0.12;
  const [low, high] = [least - room, most + room];
  const times = points.map((point, index) => {
    const time = Date.parse(point.date ?? "");
    return Number.isNaN(time) ? index : time;
  });
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const placed = points.map((point, index) => ({
    x: first === last ? 50 : (((times[index] ?? first) - first) / (last - first)) * 100,
    y: (1 - ((values[index] ?? 0) - low) / (high - low)) * 100,
    point,
  }));
  return { low, high, placed };
}

export function Trend({ series }: { series: Series }) {
  const { low, high, placed } = place(series.points, true);
  const last = series.points.at(-1);
  const range = series.points.findLast((point) => point.range)?.range;
  const y = (value: number) => Math.min(100, Math.max(0, (1 - (value - low) / (high - low)) * 100));
  const [first, end] = [series.points[0]?.date, last?.date];
  const marks = ticks(low, high);
  const label = text("labs.plot", {
    name: series.name,
    count: series.points.length,
    from: first ? clinicalDate(first) : "",
    until: end ? clinicalDate(end) : "",
    last: last?.words ?? "",
  });
  return (
    <figure class="trend">
      <div class="trend-box">
        <div class="trend-scale" aria-hidden="true">
          <svg aria-hidden="true" focusable="false">
            {marks.map((mark) => (
              <text key={mark} x="100%" y={`${y(mark)}%`} text-anchor="end" dominant-baseline="central">
                {number(mark)}
              </text>
            ))}
          </svg>
          {/* In the flow, so that the column is as wide as its widest number. */}
          {marks.map((mark) => (
            <span key={mark} class="trend-width">
              {number(mark)}
            </span>
          ))}
        </div>
        <svg class="plot" role="img" aria-label={label}>
          <svg x="1.5%" y="0" width="97%" height="100%" class="plot-inside" aria-hidden="true">
            {range && (range.low !== undefined || range.high !== undefined) && (
              <rect
                class="plot-range"
                x="-2%"
                width="104%"
                y={`${y(range.high ?? high)}%`}
                height={`${y(range.low ?? low) - y(range.high ?? high)}%`}
              />
            )}
            {marks.map((mark) => (
              <line key={mark} class="plot-grid" x1="-2%" x2="102%" y1={`${y(mark)}%`} y2={`${y(mark)}%`} />
            ))}
            <Lines placed={placed} />
            {placed.map(({ x, y: height, point }, index) => (
              <circle
                key={`${point.key} ${index}`}
                class={point.flag ? "plot-dot flagged" : "plot-dot"}
                cx={`${x}%`}
                cy={`${height}%`}
                r={point.flag ? 5 : 4}
              >
                <title>{`${point.date ? clinicalDate(point.date) : ""} ${point.words ?? ""}`}</title>
              </circle>
            ))}
          </svg>
        </svg>
      </div>
      <figcaption>
        <span>{first ? clinicalDate(first) : ""}</span>
        {range && <span class="range-key">{text("labs.rangeKey")}</span>}
        <span>{end && end !== first ? clinicalDate(end) : ""}</span>
      </figcaption>
    </figure>
  );
}

/** The same in a thumb's width, without words; the card around it says the last value. */
export function Spark({ points }: { points: readonly Measurement[] }) {
  const recent = points.slice(-24);
  if (recent.length < 2) return <span class="spark" />;
  const { placed } = place(recent, false);
  const end = placed.at(-1);
  return (
    <svg class="spark" aria-hidden="true" focusable="false">
      <Lines placed={placed} />
      {end && <circle class="plot-dot" cx={`${end.x}%`} cy={`${end.y}%`} r={3} />}
    </svg>
  );
}

function Lines({ placed }: { placed: Placed[] }) {
  return (
    <>
      {placed.slice(1).map((to, index) => {
        const from = placed[index];
        return (
          from && (
            <line
              key={`${to.point.key} ${index}`}
              class="plot-line"
              x1={`${from.x}%`}
              y1={`${from.y}%`}
              x2={`${to.x}%`}
              y2={`${to.y}%`}
            />
          )
        );
      })}
    </>
  );
}

/** Round numbers between two values, about four of them, none at the very edge where its digits would be cut off. */
export function ticks(low: number, high: number): number[] {
  const span = high - low;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5].find((factor) => factor * power >= rough) ?? 10);
  if (!Number.isFinite(step) || step <= 0) return [];
  const found: number[] = [];
  for (let count = Math.ceil((low + span * 0.04) / step); count * step <= high - span * 0.04; count++) {
    // Twelve digits are more than a scale shows and less than where sums of fractions go wrong.
    found.push(Number((count * step).toPrecision(12)));
    if (found.length > 8) break;
  }
  return found;
}
