/** Which of the patient's addresses an act is for: each stands for the relationship it was made for. */

import { useState } from "preact/hooks";
import type { Address } from "../client/api.ts";
import { text } from "../text/catalogue.ts";
import { Field } from "./pieces.tsx";
import { records, summary } from "./session.ts";

export interface Standing {
  subject: Address;
  /** Who knows the patient under it. */
  words: string;
  records: number;
}

/** The addresses under which there is anything to act on; the one with most records first. */
export function standings(): Standing[] {
  const seen = summary.value;
  if (!seen) return [];
  const counts = new Map<string, number>();
  for (const record of records.value) counts.set(record.subject, (counts.get(record.subject) ?? 0) + 1);
  return seen.subjects
    .map((subject) => {
      const known = seen.relationships.filter((one) => one.subject === subject);
      const names = [...new Set(known.map((one) => one.providerName || `${one.provider.slice(0, 8)}…`))];
      const words = names.join(text("list.separator")) || `${subject.slice(0, 8)}…${subject.slice(-6)}`;
      return { subject, words, records: counts.get(subject) ?? 0, isKnown: known.length > 0 };
    })
    .filter((one) => one.isKnown || one.records > 0)
    .sort((a, b) => b.records - a.records);
}

/** The address chosen; null while there is but one, which the client finds by itself. */
export function useSubject(): { subject: Address | null; all: Standing[]; choose: (subject: Address) => void } {
  const [chosen, choose] = useState<Address | null>(null);
  const all = standings();
  const subject = all.length > 1 ? (all.find((one) => one.subject === chosen) ?? all[0])?.subject : undefined;
  return { subject: subject ?? null, all, choose };
}

export interface SubjectChoiceProps {
  chosen: ReturnType<typeof useSubject>;
  label: string;
  help: string;
}

/** Nothing where there is nothing to choose. */
export function SubjectChoice({ chosen, label, help }: SubjectChoiceProps) {
  if (chosen.subject === null) return null;
  return (
    <Field label={label} help={help}>
      {({ id, describedBy }) => (
        <select
          id={id}
          value={chosen.subject ?? ""}
          aria-describedby={describedBy}
          onChange={(event) => chosen.choose(event.currentTarget.value as Address)}
        >
          {chosen.all.map((one) => (
            <option key={one.subject} value={one.subject}>
              {one.words}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
