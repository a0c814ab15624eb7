/** Choosing kinds of records and purposes, each with a sentence that says what it means. */

import { useState } from "preact/hooks";
import type { Address } from "../client/api.ts";
import { counted, text, textOf } from "../text/catalogue.ts";
import { number } from "../text/moments.ts";
import { Icon } from "./icons.tsx";
import { classHelp, classIcon, className, isSensitive, SENSITIVE } from "./recordClasses.ts";
import { client, records } from "./session.ts";
import { toggled } from "./share.tsx";

export interface ClassChoiceProps {
  chosen: ReadonlySet<number>;
  onChange: (chosen: ReadonlySet<number>) => void;
  /** How many records there are of each class; classes without any come later. */
  counts: ReadonlyMap<number, number>;
}

export function ClassChoice({ chosen, onChange, counts }: ClassChoiceProps) {
  const [isAll, setAll] = useState(false);
  const classes = client.value?.classes ?? [];
  const ordinary = classes.filter((one) => !SENSITIVE.has(one.code));
  const sensitive = classes.filter((one) => SENSITIVE.has(one.code));
  const held = ordinary.filter((one) => counts.has(one.number) || chosen.has(one.number));
  const shown = isAll || held.length === 0 ? ordinary : held;
  const set = (item: number, isIn: boolean) => onChange(toggled(chosen, item, isIn));
  return (
    <>
      <div class="quick">
        <button
          type="button"
          class="button"
          onClick={() => onChange(new Set([...chosen, ...shown.map((one) => one.number)]))}
        >
          {text("share.allOrdinary")}
        </button>
        <button type="button" class="button" onClick={() => onChange(new Set())} disabled={!chosen.size}>
          {text("share.none")}
        </button>
        <span class="count-line" role="status">
          {counted("share.chosen", chosen.size)}
        </span>
      </div>
      <fieldset class="choices grid">
        <legend class="unseen">{text("share.what")}</legend>
        {shown.map((one) => (
          <ClassBox
            key={one.number}
            class={one.number}
            code={one.code}
            isChosen={chosen.has(one.number)}
            count={counts.get(one.number)}
            onChange={set}
          />
        ))}
      </fieldset>
      {!isAll && held.length > 0 && held.length < ordinary.length && (
        <button type="button" class="button quiet start" onClick={() => setAll(true)}>
          <Icon name="plus" />
          {counted("share.otherClasses", ordinary.length - held.length)}
        </button>
      )}
      <details class="disclosure" open={[...chosen].some(isSensitive)}>
        <summary>
          <Icon name="chevron" />
          {text("share.sensitive")}
        </summary>
        <p class="help">{text("share.sensitiveHelp")}</p>
        <fieldset class="choices grid">
          <legend class="unseen">{text("share.sensitive")}</legend>
          {sensitive.map((one) => (
            <ClassBox
              key={one.number}
              class={one.number}
              code={one.code}
              isChosen={chosen.has(one.number)}
              count={counts.get(one.number)}
              onChange={set}
            />
          ))}
        </fieldset>
      </details>
    </>
  );
}

function ClassBox({
  class: item,
  code,
  isChosen,
  count,
  onChange,
}: {
  class: number;
  code: string;
  isChosen: boolean;
  count: number | undefined;
  onChange: (item: number, isIn: boolean) => void;
}) {
  return (
    <label class="choice">
      <input type="checkbox" checked={isChosen} onChange={(event) => onChange(item, event.currentTarget.checked)} />
      <span>
        <strong>
          <Icon name={classIcon(item)} />
          {className(item)}
          {count !== undefined && count > 0 && <span class="held">{number(count)}</span>}
        </strong>
        <small>{classHelp(code)}</small>
      </span>
    </label>
  );
}

/** Purposes that people mean most of the time; the rest of HL7's list is a click away. */
const COMMON: readonly string[] = ["TREAT", "COC", "FAMRQT", "PATRQT", "HRESCH", "HPAYMT", "COVERAGE", "HLEGAL"];

export interface PurposeChoiceProps {
  chosen: ReadonlySet<string>;
  onChange: (chosen: ReadonlySet<string>) => void;
}

export function PurposeChoice({ chosen, onChange }: PurposeChoiceProps) {
  const purposes = client.value?.purposes ?? [];
  const common = purposes.filter((one) => COMMON.includes(one.code));
  const others = purposes.filter((one) => !COMMON.includes(one.code));
  const boxes = (list: typeof purposes) =>
    list.map((one) => (
      <label key={one.code} class="choice">
        <input
          type="checkbox"
          checked={chosen.has(one.code)}
          onChange={(event) => onChange(toggled(chosen, one.code, event.currentTarget.checked))}
        />
        <span>
          <strong class="purpose">{one.name}</strong>
          <small>{textOf("purposeHelp", one.code) ?? ""}</small>
        </span>
      </label>
    ));
  return (
    <>
      <fieldset class="choices grid">
        <legend class="unseen">{text("share.why")}</legend>
        {boxes(common)}
      </fieldset>
      <details class="disclosure" open={others.some((one) => chosen.has(one.code))}>
        <summary>
          <Icon name="chevron" />
          {text("share.morePurposes")}
        </summary>
        <fieldset class="choices grid">
          <legend class="unseen">{text("share.morePurposes")}</legend>
          {boxes(others)}
        </fieldset>
      </details>
    </>
  );
}

/** How many records there are of each class, under one address or (null) under all. */
export function countsOf(subject: Address | null): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const record of records.value) {
    if (subject === null || record.subject === subject) counts.set(record.class, (counts.get(record.class) ?? 0) + 1);
  }
  return counts;
}
