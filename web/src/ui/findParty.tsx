/** Finding somebody: by address, by name, or by the QR code they show. */

import { useEffect, useState } from "preact/hooks";
import type { PageError, Participant } from "../client/api.ts";
import { counted, text } from "../text/catalogue.ts";
import { Party } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { Accreditation, Fault, Field, Tag } from "./pieces.tsx";
import { Scanner } from "./scanner.tsx";
import { asPageError, client } from "./session.ts";

/** Typing stops for this long before anybody is looked for, in milliseconds. */
const PAUSE = 350;

export type Chosen = Pick<Participant, "address" | "name">;

export interface FindPartyProps {
  onFound: (participant: Participant) => void;
  label?: string;
  invalid?: boolean;
}

export function FindParty({ onFound, label, invalid = false }: FindPartyProps) {
  const [query, setQuery] = useState("");
  const [found, setFound] = useState<Participant[] | null>(null);
  const [error, setError] = useState<PageError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [isScanning, setScanning] = useState(false);

  useEffect(() => {
    const wanted = query.trim();
    setError(null);
    if (wanted.length < 2) {
      setFound(null);
      return;
    }
    let isOver = false;
    const timer = setTimeout(async () => {
      setBusy(true);
      try {
        const list = (await client.value?.find(wanted)) ?? [];
        if (!isOver) setFound(list);
      } catch (thrown) {
        if (!isOver) setError(asPageError(thrown));
      } finally {
        if (!isOver) setBusy(false);
      }
    }, PAUSE);
    return () => {
      // An answer to what was typed before must not replace the answer to what is typed now.
      isOver = true;
      clearTimeout(timer);
    };
  }, [query]);

  return (
    <div class="find">
      <div class="find-row">
        <Field label={label ?? text("find.label")} help={text("find.help")}>
          {({ id, describedBy }) => (
            <input
              id={id}
              type="text"
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              value={query}
              aria-describedby={describedBy}
              aria-invalid={invalid}
              onInput={(event) => setQuery(event.currentTarget.value)}
            />
          )}
        </Field>
        <button type="button" class="button" aria-expanded={isScanning} onClick={() => setScanning(!isScanning)}>
          <Icon name="camera" />
          {text("find.scan")}
        </button>
      </div>
      {isScanning && (
        <Scanner
          onText={(scanned) => {
            setScanning(false);
            setQuery(scanned);
          }}
        />
      )}
      {error && <Fault error={error} />}
      <p class="count-line" role="status">
        {isBusy ? text("find.looking") : found ? counted("find.found", found.length) : ""}
      </p>
      {found && found.length > 0 && (
        <ul class="found">
          {found.map((one) => (
            <li key={one.address}>
              <button type="button" class="found-party" onClick={() => onFound(one)}>
                <Party name={one.name} address={one.address} />
                <span class="tags">
                  <Accreditation holds={one.isAccredited} />
                  {!one.hasKey && <Tag tone="warning">{text("find.noKey")}</Tag>}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** People who were found and chosen, each to be taken off again. */
export function ChosenPeople({
  people,
  onChange,
}: {
  people: readonly Chosen[];
  onChange: (people: Chosen[]) => void;
}) {
  return (
    <ul class="rows">
      {people.map((one) => (
        <li key={one.address}>
          <Party name={one.name} address={one.address} />
          <button
            type="button"
            class="button quiet"
            aria-label={text("guardians.removeLabel", { name: one.name || one.address })}
            onClick={() => onChange(people.filter((other) => other !== one))}
          >
            {text("guardians.remove")}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The people chosen so far and somebody who was found, once. */
export function withChosen(people: readonly Chosen[], found: Participant): Chosen[] {
  if (people.some((one) => one.address === found.address)) return [...people];
  return [...people, { address: found.address, name: found.name }];
}
