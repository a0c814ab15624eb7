/** Measurements of the same kind, each as a plot through time and as a table; one kind is open at a time. */

import { useMemo, useState } from "preact/hooks";
import type { RecordView } from "../client/api.ts";
import { type Measurement, measurements, rangeWords, type Series, series } from "../fhir/observations.ts";
import { counted, text } from "../text/catalogue.ts";
import { clinicalDate } from "../text/moments.ts";
import { Foreign } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { Empty, ScrollBox, Tag } from "./pieces.tsx";
import { link } from "./route.ts";
import { Spark, Trend } from "./trend.tsx";

const STEP = 24;
/** Values that a table shows before it is asked for all of them. */
const ROWS = 12;

export function LabResults({ records }: { records: readonly RecordView[] }) {
  const all = useMemo(
    () =>
      series(records.filter((one) => !one.isRetracted).flatMap((one) => measurements(one.resource, one.key, one.date))),
    [records],
  );
  const [shown, setShown] = useState(STEP);
  if (!all.length) return <Empty>{text("labs.none")}</Empty>;
  return (
    <>
      <p class="count-line" role="status">
        {counted("labs.kinds", all.length)}
      </p>
      <div class="series-list">
        {all.slice(0, shown).map((one) => (
          <SeriesCard key={`${one.code} ${one.unit}`} series={one} />
        ))}
      </div>
      {all.length > shown && (
        <button type="button" class="button" onClick={() => setShown(shown + STEP)}>
          {counted("labs.more", all.length - shown)}
        </button>
      )}
    </>
  );
}

function SeriesCard({ series: one }: { series: Series }) {
  const [isOpen, setOpen] = useState(false);
  const last = one.points.at(-1);
  if (!last) return null;
  return (
    <details class="card series" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span class="series-name">
          <strong>
            <Foreign value={one.name} limit={90} />
          </strong>
          <small>{counted("labs.points", one.points.length)}</small>
        </span>
        <Spark points={one.points} />
        <span class="series-value">
          <strong>
            <Foreign value={last.words ?? ""} limit={40} />
          </strong>
          <small>{last.date ? clinicalDate(last.date) : text("records.undated")}</small>
        </span>
        <FlagTag flag={last.flag} />
        <Icon name="chevron" />
      </summary>
      {isOpen && (
        <div class="series-body">
          <Trend series={one} />
          <MeasurementTable points={[...one.points].reverse()} name={one.name} />
        </div>
      )}
    </details>
  );
}

export function FlagTag({ flag }: { flag: Measurement["flag"] }) {
  return flag ? <Tag tone="warning">{text(`labs.${flag}`)}</Tag> : null;
}

export function MeasurementTable({ points, name }: { points: readonly Measurement[]; name: string }) {
  const [isWhole, setWhole] = useState(false);
  const hasNames = points.some((point) => point.name.toLowerCase() !== name.toLowerCase());
  const hasRanges = points.some((point) => point.range);
  const shown = isWhole ? points : points.slice(0, ROWS);
  return (
    <>
      <ScrollBox label={text("labs.table", { name })}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text("labs.date")}</th>
              {hasNames && <th scope="col">{text("labs.test")}</th>}
              <th scope="col">{text("labs.value")}</th>
              {hasRanges && <th scope="col">{text("labs.range")}</th>}
            </tr>
          </thead>
          <tbody>
            {shown.map((point, index) => (
              <tr key={`${point.key} ${index}`}>
                <td>
                  <a href={link("records", point.key)}>
                    {point.date ? clinicalDate(point.date) : text("records.undated")}
                  </a>
                </td>
                {hasNames && (
                  <td>
                    <Foreign value={point.name} limit={90} />
                  </td>
                )}
                <td class="value">
                  <Foreign value={point.words ?? ""} limit={60} /> <FlagTag flag={point.flag} />
                </td>
                {hasRanges && (
                  <td>
                    {point.range ? <Foreign value={rangeWords(point.range) ?? ""} limit={60} /> : text("labs.noRange")}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
      {shown.length < points.length && (
        <button type="button" class="button start" onClick={() => setWhole(true)}>
          {counted("labs.allValues", points.length)}
        </button>
      )}
    </>
  );
}
