/** All records: filtered by kind, year and words; as a list, or measurements as series. */

import { useMemo } from "preact/hooks";
import type { RecordView } from "../client/api.ts";
import { headline } from "../fhir/details.ts";
import { asText } from "../fhir/elements.ts";
import { counted, language, text } from "../text/catalogue.ts";
import { clinicalDate } from "../text/moments.ts";
import { Foreign } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { LabResults } from "./labs.tsx";
import { Empty, Field, Heading, Progress, Tag } from "./pieces.tsx";
import { classIcon, className, isSensitive, MEASURED } from "./recordClasses.ts";
import { RecordDetail } from "./recordDetail.tsx";
import { directoryOf } from "./recordNames.ts";
import { link, refine, route } from "./route.ts";
import { client, isRefreshing, progress, records } from "./session.ts";
import { VirtualList } from "./virtualList.tsx";

const NO_YEAR = "undated";

export function RecordsScreen() {
  const { detail } = route.value;
  if (detail) {
    const found = client.value?.record(detail) ?? records.value.find((one) => one.key === detail);
    return found ? <RecordDetail record={found} /> : <Missing />;
  }
  return <RecordList />;
}

function Missing() {
  return (
    <>
      <Heading>{text("records.missing")}</Heading>
      <p>
        <a href={link("records")}>{text("records.backToAll")}</a>
      </p>
    </>
  );
}

function RecordList() {
  const all = records.value;
  const query = route.value.query;
  const wanted = {
    class: query.get("class") ?? "",
    year: query.get("year") ?? "",
    words: query.get("words") ?? "",
    view: query.get("view") ?? "",
  };
  const change = (part: Partial<typeof wanted>) => refine({ ...wanted, ...part });
  // The language is among the dependencies because words of the catalogue are searched too.
  const found = useMemo(() => filtered(all, wanted), [all, wanted.class, wanted.year, wanted.words, language.value]);
  const years = useMemo(() => [...new Set(all.map(yearOf))].sort().reverse(), [all]);
  const numbers = useMemo(() => [...new Set(all.map((one) => one.class))].sort((a, b) => a - b), [all]);
  const hasSeries = numbers.some((one) => MEASURED.has(codeOf(one)));
  const isSeries = wanted.view === "series" && hasSeries;
  return (
    <>
      <Heading lead={text("records.lead")}>{text("records.title")}</Heading>
      <search class="filters">
        <Field label={text("records.search")}>
          {({ id }) => (
            <input
              id={id}
              type="search"
              value={wanted.words}
              onInput={(event) => change({ words: event.currentTarget.value })}
            />
          )}
        </Field>
        <Field label={text("records.class")}>
          {({ id }) => (
            <select id={id} value={wanted.class} onChange={(event) => change({ class: event.currentTarget.value })}>
              <option value="">{text("records.anyClass")}</option>
              {numbers.map((one) => (
                <option key={one} value={String(one)}>
                  {className(one)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={text("records.year")}>
          {({ id }) => (
            <select id={id} value={wanted.year} onChange={(event) => change({ year: event.currentTarget.value })}>
              <option value="">{text("records.anyYear")}</option>
              {years.map((year) => (
                <option key={year} value={year}>
                  {year === NO_YEAR ? text("records.undated") : year}
                </option>
              ))}
            </select>
          )}
        </Field>
      </search>
      {hasSeries && (
        <fieldset class="switch">
          <legend class="unseen">{text("records.view")}</legend>
          <label>
            <input type="radio" name="view" checked={!isSeries} onChange={() => change({ view: "" })} />
            <span>{text("records.asList")}</span>
          </label>
          <label>
            <input type="radio" name="view" checked={isSeries} onChange={() => change({ view: "series" })} />
            <span>{text("records.asSeries")}</span>
          </label>
        </fieldset>
      )}
      {isRefreshing.value && <Progress value={progress.value} />}
      {!isSeries && (
        <p class="count-line" role="status">
          {counted("records.found", found.length)}
        </p>
      )}
      {isSeries ? (
        <LabResults records={found} />
      ) : found.length ? (
        <VirtualList items={found} keyOf={(one) => one.key} label={text("records.list")}>
          {(one) => <RecordRow record={one} />}
        </VirtualList>
      ) : (
        <Empty>{text(all.length ? "records.noneFound" : "records.none")}</Empty>
      )}
    </>
  );
}

function RecordRow({ record }: { record: RecordView }) {
  const head = headline(record.resource, directoryOf.value(record.author));
  return (
    <a class={record.isRetracted ? "record retracted" : "record"} href={link("records", record.key)}>
      <span class="medallion">
        <Icon name={classIcon(record.class)} />
      </span>
      <span class="record-words">
        <strong>{head.title ? <Foreign value={head.title} limit={140} /> : className(record.class)}</strong>
        <span class="quiet-line">
          {head.title && (
            <>
              {className(record.class)}
              <span aria-hidden="true"> · </span>
            </>
          )}
          {record.isPatientReported ? text("records.byYou") : <Foreign value={record.authorName} limit={60} />}
        </span>
        {(record.isRetracted || isSensitive(record.class)) && (
          <span class="tags">
            {record.isRetracted && <Tag tone="danger">{text("records.retracted")}</Tag>}
            {isSensitive(record.class) && <Tag icon="eyeOff">{text("records.sensitive")}</Tag>}
          </span>
        )}
      </span>
      <span class="record-side">
        {head.fact && (
          <span class="fact">
            <Foreign value={head.fact} limit={60} />
          </span>
        )}
        <span class="date">{record.date ? clinicalDate(record.date) : text("records.undated")}</span>
      </span>
    </a>
  );
}

function filtered(all: readonly RecordView[], wanted: { class: string; year: string; words: string }): RecordView[] {
  const words = wanted.words.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((one) => {
    if (wanted.class && String(one.class) !== wanted.class) return false;
    if (wanted.year && yearOf(one) !== wanted.year) return false;
    if (!words.length) return true;
    const searched = searchText(one);
    return words.every((word) => searched.includes(word));
  });
}

const searchTexts = new WeakMap<RecordView, { language: string; text: string }>();

/** What a record is found by: its words, not its code; kept, because every keystroke asks for all of them. */
function searchText(record: RecordView): string {
  const kept = searchTexts.get(record);
  if (kept?.language === language.value) return kept.text;
  const head = headline(record.resource, directoryOf.value(record.author));
  const parts = [head.title, head.fact, className(record.class), record.authorName, record.date];
  const found = [...parts, asText(record.resource.resourceType)].filter(Boolean).join(" ").slice(0, 2000).toLowerCase();
  searchTexts.set(record, { language: language.value, text: found });
  return found;
}

function yearOf(record: RecordView): string {
  return record.date?.slice(0, 4) ?? NO_YEAR;
}

function codeOf(number: number): string {
  return client.value?.classes.find((one) => one.number === number)?.code ?? "";
}
