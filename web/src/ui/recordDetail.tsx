/** One record: its facts in words, its notes and pictures, where it comes from, and the FHIR it is. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { RecordView } from "../client/api.ts";
import {
  type Attachment,
  attachments,
  isPicture,
  narrative,
  pictureOf,
  textOfAttachment,
} from "../fhir/attachments.ts";
import { type DetailName, details, headline } from "../fhir/details.ts";
import { asText } from "../fhir/elements.ts";
import { measurements, series } from "../fhir/observations.ts";
import { text, textOf } from "../text/catalogue.ts";
import { clinicalDate, moment } from "../text/moments.ts";
import { Address, Foreign, ForeignText, Party } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { MeasurementTable } from "./labs.tsx";
import { Card, Disclosure, ScrollBox, Tag } from "./pieces.tsx";
import { classIcon, className } from "./recordClasses.ts";
import { directoryOf } from "./recordNames.ts";
import { link } from "./route.ts";
import { records } from "./session.ts";
import { Trend } from "./trend.tsx";

export function RecordDetail({ record }: { record: RecordView }) {
  const head = headline(record.resource, directoryOf.value(record.author));
  const attached = useMemo(() => attachments(record.resource), [record]);
  const measured = measurements(record.resource, record.key, record.date);
  const own = useMemo(() => narrative(record.resource), [record]);
  return (
    <>
      <p class="crumb">
        <a href={link("records")}>
          <Icon name="back" />
          {text("records.backToAll")}
        </a>
        <a href={link("records", null, { class: String(record.class) })}>{className(record.class)}</a>
      </p>
      <header class="screen-head record-head">
        <span class="medallion large">
          <Icon name={classIcon(record.class)} />
        </span>
        <div>
          <h1 id="screen-heading" tabIndex={-1}>
            {head.title ? <Foreign value={head.title} limit={300} /> : className(record.class)}
          </h1>
          <p class="lead">
            {record.date ? clinicalDate(record.date) : text("records.undated")}
            {head.status && (
              <Tag>{textOf("fhirStatus", head.status) ?? <Foreign value={head.status} limit={40} />}</Tag>
            )}
          </p>
        </div>
      </header>
      {record.isRetracted && (
        <div class="notice danger" role="note">
          <Icon name="danger" />
          <p>{text("records.retractedHelp")}</p>
        </div>
      )}
      {measured.length > 0 && <Measured record={record} />}
      {attached.map((one, index) => (
        <Attached key={`${one.title}-${index}`} attached={one} />
      ))}
      <Facts record={record} />
      {own && (
        <Card title={text("record.narrative")} icon="note">
          <p class="help">{text("record.narrativeHelp")}</p>
          <ForeignText value={own} />
        </Card>
      )}
      <Origin record={record} />
      <Raw record={record} />
    </>
  );
}

function Measured({ record }: { record: RecordView }) {
  const here = measurements(record.resource, record.key, record.date);
  const codes = new Set(here.map((one) => one.code));
  const all = series(
    records.value
      .filter((one) => one.class === record.class && !one.isRetracted)
      .flatMap((one) => measurements(one.resource, one.key, one.date))
      .filter((one) => codes.has(one.code)),
  ).filter((one) => one.points.length > 1);
  return (
    <Card title={text("record.measured")} icon="pulse">
      <MeasurementTable points={here} name={here[0]?.name ?? ""} />
      {all.map((one) => (
        <div key={`${one.code} ${one.unit}`} class="trend-with-title">
          <h3>
            <Foreign value={one.name} limit={120} />
          </h3>
          <Trend series={one} />
        </div>
      ))}
    </Card>
  );
}

function Facts({ record }: { record: RecordView }) {
  const found = details(record.resource, directoryOf.value(record.author));
  if (!found.length) return null;
  return (
    <Card title={text("record.facts")} icon="plan">
      <dl class="facts">
        {found.map((detail) => (
          <div key={detail.name}>
            <dt>{text(`details.${detail.name satisfies DetailName}`)}</dt>
            <dd>{detail.isDate ? clinicalDate(detail.value) : <Foreign value={detail.value} limit={1000} />}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

function Attached({ attached }: { attached: Attachment }) {
  const title = attached.title ? <Foreign value={attached.title} limit={160} /> : text("record.attachment");
  const words = useMemo(() => textOfAttachment(attached), [attached.data, attached.type]);
  return (
    <Card title={title} icon={isPicture(attached) ? "image" : "note"}>
      {words !== undefined ? (
        <ForeignText value={words} />
      ) : isPicture(attached) && attached.data !== undefined ? (
        <Picture attached={attached} />
      ) : (
        <p class="help">
          <Foreign
            value={text(attached.data === undefined ? "record.elsewhere" : "record.notShown", {
              type: attached.type || "?",
              url: attached.url ?? "",
            })}
            limit={400}
          />
        </p>
      )}
    </Card>
  );
}

function Picture({ attached }: { attached: Attachment }) {
  const [url, setUrl] = useState<string | null>(null);
  const [isBroken, setBroken] = useState(false);
  useEffect(() => {
    const picture = pictureOf(attached);
    if (!picture) {
      setBroken(true);
      return;
    }
    const made = URL.createObjectURL(picture);
    setUrl(made);
    // A picture that is no longer shown must not stay reachable under its address.
    return () => URL.revokeObjectURL(made);
  }, [attached]);
  if (isBroken) return <p class="help">{text("record.brokenPicture")}</p>;
  if (!url) return null;
  const alt = attached.title ? text("record.picture", { title: attached.title }) : text("record.pictureUntitled");
  return <img class="picture" src={url} alt={alt} onError={() => setBroken(true)} />;
}

function Origin({ record }: { record: RecordView }) {
  return (
    <Card title={text("record.origin")} icon="origin">
      <dl class="facts">
        <div>
          <dt>{text("record.author")}</dt>
          <dd>
            <Party name={record.authorName} address={record.author} />
          </dd>
        </div>
        <div>
          <dt>{text("record.anchored")}</dt>
          <dd>{moment(record.anchoredAt)}</dd>
        </div>
        <div>
          <dt>{text("record.subject")}</dt>
          <dd>
            <Address value={record.subject} />
          </dd>
        </div>
        <div>
          <dt>{text("record.object")}</dt>
          <dd>
            <code class="breakable">{record.digest}</code>
          </dd>
        </div>
      </dl>
    </Card>
  );
}

function Raw({ record }: { record: RecordView }) {
  const type = asText(record.resource.resourceType) ?? "";
  const save = () => {
    const url = URL.createObjectURL(new Blob([record.source], { type: "application/fhir+json" }));
    const anchor = document.createElement("a");
    anchor.href = url;
    anchor.download = `${type.replace(/[^A-Za-z]/g, "") || "record"}.json`;
    anchor.click();
    URL.revokeObjectURL(url);
  };
  return (
    <div class="card raw">
      <Disclosure title={text("record.raw")}>
        {() => (
          <>
            <button type="button" class="button" onClick={save}>
              <Icon name="download" />
              {text("record.save")}
            </button>
            <ScrollBox label={text("record.raw")} isCode>
              <ForeignText value={indented(record.source)} />
            </ScrollBox>
          </>
        )}
      </Disclosure>
    </div>
  );
}

/** Longest source that is laid out for reading; beyond it parsing would hold the page up. */
const MAX_INDENTED = 2_000_000;

/** The source with line breaks, its digits untouched: layout is added between tokens, nothing is parsed into numbers. */
export function indented(source: string): string {
  if (source.length > MAX_INDENTED) return source;
  let depth = 0;
  let before = "";
  const parts: string[] = [];
  const newLine = () => parts.push(`\n${"  ".repeat(depth)}`);
  for (const [token] of source.matchAll(/"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s"{}[\],:]+/g)) {
    const isEnd = token === "}" || token === "]";
    if (isEnd) depth = Math.max(0, depth - 1);
    // An empty object stays on its line; otherwise each member and each end has a line of its own.
    if (isEnd ? before !== "{" && before !== "[" : before === "{" || before === "[" || before === ",") newLine();
    parts.push(token === ":" ? ": " : token);
    if (token === "{" || token === "[") depth += 1;
    before = token;
  }
  return parts.join("");
}
