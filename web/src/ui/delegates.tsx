/** Delegates: who may withdraw in the patient's name, until when, and naming or dismissing one. */

import { useState } from "preact/hooks";
import type { DelegateView, Participant } from "../client/api.ts";
import { text } from "../text/catalogue.ts";
import { day, distance } from "../text/moments.ts";
import { propose } from "./act.tsx";
import { dayAfter, secondsOf, today } from "./days.ts";
import { FindParty } from "./findParty.tsx";
import { Address, Party } from "./foreign.tsx";
import { Card, Empty, Field, Tag } from "./pieces.tsx";
import { client, now, summary } from "./session.ts";
import { SubjectChoice, useSubject } from "./subjectChoice.tsx";

export function Delegates() {
  const all = summary.value?.delegates ?? [];
  return (
    <>
      <Card title={text("delegates.title")} icon="person">
        <p class="help">{text("delegates.help")}</p>
        {all.length ? (
          <ul class="rows">
            {all.map((one) => (
              <Named key={`${one.subject}-${one.delegate}`} delegate={one} />
            ))}
          </ul>
        ) : (
          <Empty>{text("delegates.none")}</Empty>
        )}
      </Card>
      <NameOne />
    </>
  );
}

function Named({ delegate }: { delegate: DelegateView }) {
  const open = client.value;
  const dismiss = () => {
    if (!open) return;
    propose({
      title: text("delegates.dismissTitle"),
      verb: text("delegates.dismissVerb"),
      isWithdrawal: true,
      about: <Party name={delegate.name} address={delegate.delegate} />,
      prepare: () => open.dismissDelegate(delegate.delegate, delegate.subject),
    });
  };
  return (
    <li>
      <div class="row-main">
        <Party name={delegate.name} address={delegate.delegate} />
        <p class="quiet-line">
          {text("people.asSubject")} <Address value={delegate.subject} />
        </p>
      </div>
      <div class="row-side">
        {delegate.isActive ? (
          <small>
            {text("delegates.until", { day: day(delegate.expiresAt), away: distance(delegate.expiresAt, now()) })}
          </small>
        ) : (
          <Tag>{text("delegates.over")}</Tag>
        )}
        {delegate.isActive && (
          <button
            type="button"
            class="button quiet"
            aria-label={text("delegates.dismissLabel", { name: delegate.name || delegate.delegate })}
            onClick={dismiss}
          >
            {text("delegates.dismiss")}
          </button>
        )}
      </div>
    </li>
  );
}

function NameOne() {
  const open = client.value;
  const [chosen, setChosen] = useState<Participant | null>(null);
  const [until, setUntil] = useState(dayAfter(today(), 365));
  const standing = useSubject();
  const isValid = chosen !== null && until > today();
  const submit = (event: Event) => {
    event.preventDefault();
    if (!open || !chosen) return;
    propose({
      title: text("delegates.nameTitle"),
      verb: text("delegates.nameVerb"),
      about: <Party name={chosen.name} address={chosen.address} />,
      prepare: () => open.nameDelegate(chosen.address, secondsOf(until), standing.subject),
      onConfirmed: () => setChosen(null),
    });
  };
  return (
    <Card title={text("delegates.name")} icon="plus">
      <form onSubmit={submit}>
        {chosen ? (
          <div class="chosen">
            <Party name={chosen.name} address={chosen.address} />
            <button type="button" class="button quiet" onClick={() => setChosen(null)}>
              {text("share.other")}
            </button>
          </div>
        ) : (
          <FindParty onFound={setChosen} />
        )}
        <div class="pair">
          <Field label={text("delegates.untilField")} help={text("delegates.untilHelp")}>
            {({ id, describedBy }) => (
              <input
                id={id}
                type="date"
                min={dayAfter(today(), 1)}
                value={until}
                aria-describedby={describedBy}
                onInput={(event) => setUntil(event.currentTarget.value)}
              />
            )}
          </Field>
          <SubjectChoice chosen={standing} label={text("delegates.subject")} help={text("delegates.subjectHelp")} />
        </div>
        <button type="submit" class="button primary" disabled={!isValid}>
          {text("delegates.review")}
        </button>
      </form>
    </Card>
  );
}
