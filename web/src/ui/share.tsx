/** Sharing: with whom, what, what for, how long; then the sentence, and only then a signature. */

import { useState } from "preact/hooks";
import type { Address, Participant, ShareRequest } from "../client/api.ts";
import { counted, language, text } from "../text/catalogue.ts";
import { propose } from "./act.tsx";
import { dayAfter, secondsOf, today } from "./days.ts";
import { FindParty } from "./findParty.tsx";
import { Party } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { Card, Field, Heading, Honesty } from "./pieces.tsx";
import { go } from "./route.ts";
import { client, lastShared } from "./session.ts";
import { ClassChoice, countsOf, PurposeChoice } from "./shareChoices.tsx";
import { SubjectChoice, useSubject } from "./subjectChoice.tsx";

type Operation = ShareRequest["operations"][number];

const OPERATIONS: readonly Operation[] = ["READ", "QUERY", "DERIVE", "EXPORT", "TRAIN"];
/** Spans offered for how long a grant lasts, in days. */
const SPANS = [7, 30, 90, 365] as const;

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

export function ShareScreen() {
  const open = client.value;
  const [viewer, setViewer] = useState<Participant | null>(null);
  const [classes, setClasses] = useState<ReadonlySet<number>>(new Set());
  const [purposes, setPurposes] = useState<ReadonlySet<string>>(new Set(["TREAT"]));
  const [operations, setOperations] = useState<ReadonlySet<Operation>>(new Set<Operation>(["READ"]));
  const [until, setUntil] = useState(dayAfter(today(), 30));
  const [isOpenEnded, setOpenEnded] = useState(false);
  const [from, setFrom] = useState("");
  const [recordsFrom, setRecordsFrom] = useState("");
  const [recordsUntil, setRecordsUntil] = useState("");
  const [delegations, setDelegations] = useState(0);
  const [agent, setAgent] = useState("");
  const [isTried, setTried] = useState(false);
  const standing = useSubject();
  if (!open) return null;

  const faults = {
    viewer: viewer ? (viewer.hasKey ? undefined : text("share.noKey")) : text("share.needViewer"),
    classes: classes.size ? undefined : text("share.needClasses"),
    purposes: purposes.size ? undefined : text("share.needPurposes"),
    operations: operations.size ? undefined : text("share.needOperations"),
    until: isOpenEnded || until > (from || today()) ? undefined : text("share.needUntil"),
    agent: agent.trim() && !ADDRESS.test(agent.trim()) ? text("share.needAgent") : undefined,
    records: recordsFrom && recordsUntil && recordsFrom > recordsUntil ? text("share.needRecords") : undefined,
  };
  const wrong = Object.values(faults).filter(Boolean).length;
  const shown = (fault: string | undefined) => (isTried ? fault : undefined);

  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (wrong || !viewer) {
      // The first field that is wrong, once the errors stand beside them.
      setTimeout(() => document.querySelector<HTMLElement>("[aria-invalid=true], .group-error")?.focus(), 0);
      return;
    }
    const request: ShareRequest = {
      viewer: viewer.address,
      classes: [...classes].sort((a, b) => a - b),
      purposes: [...purposes],
      operations: OPERATIONS.filter((one) => operations.has(one)),
      startsAt: from ? secondsOf(from) : null,
      expiresAt: isOpenEnded ? null : secondsOf(until),
      recordsFrom: recordsFrom || null,
      recordsUntil: recordsUntil || null,
      delegations,
      agent: agent.trim() ? (agent.trim() as Address) : null,
      subject: standing.subject,
      language: language.value,
    };
    propose({
      title: text("share.actTitle"),
      verb: text("share.sign"),
      about: <Party name={viewer.name} address={viewer.address} />,
      prepare: () => open.share(request),
      onConfirmed: (state) => {
        lastShared.value = state.grant;
        go("access");
      },
    });
  };

  return (
    <>
      <Heading lead={text("share.lead")}>{text("share.title")}</Heading>
      <form class="share" onSubmit={submit} noValidate>
        <Step number={1} title={text("share.who")} error={shown(faults.viewer)}>
          {viewer ? (
            <div class="chosen">
              <Party name={viewer.name} address={viewer.address} />
              <button type="button" class="button quiet" onClick={() => setViewer(null)}>
                {text("share.other")}
              </button>
            </div>
          ) : (
            <FindParty onFound={setViewer} invalid={isTried} />
          )}
        </Step>
        <Step number={2} title={text("share.what")} error={shown(faults.classes)}>
          <SubjectChoice chosen={standing} label={text("share.subject")} help={text("share.subjectHelp")} />
          <ClassChoice chosen={classes} onChange={setClasses} counts={countsOf(standing.subject)} />
        </Step>
        <Step number={3} title={text("share.why")} error={shown(faults.purposes)}>
          <PurposeChoice chosen={purposes} onChange={setPurposes} />
        </Step>
        <Step number={4} title={text("share.long")} error={shown(faults.until)}>
          <fieldset class="quick">
            <legend class="unseen">{text("share.quick")}</legend>
            {SPANS.map((days) => (
              <button
                key={days}
                type="button"
                class="button"
                aria-pressed={!isOpenEnded && until === dayAfter(from || today(), days)}
                onClick={() => {
                  setOpenEnded(false);
                  setUntil(dayAfter(from || today(), days));
                }}
              >
                {counted("share.days", days)}
              </button>
            ))}
            <button type="button" class="button" aria-pressed={isOpenEnded} onClick={() => setOpenEnded(true)}>
              {text("share.untilRevoked")}
            </button>
          </fieldset>
          <div class="pair">
            <Field label={text("share.from")} help={text("share.fromHelp")}>
              {({ id, describedBy }) => (
                <input
                  id={id}
                  type="date"
                  min={today()}
                  value={from}
                  aria-describedby={describedBy}
                  onInput={(event) => setFrom(event.currentTarget.value)}
                />
              )}
            </Field>
            <Field label={text("share.until")} help={text("share.untilHelp")}>
              {({ id, describedBy }) => (
                <input
                  id={id}
                  type="date"
                  min={today()}
                  value={isOpenEnded ? "" : until}
                  disabled={isOpenEnded}
                  aria-describedby={describedBy}
                  aria-invalid={isTried && faults.until !== undefined}
                  onInput={(event) => setUntil(event.currentTarget.value)}
                />
              )}
            </Field>
          </div>
        </Step>
        <details
          class="card more-choices"
          open={isTried && Boolean(faults.operations || faults.records || faults.agent)}
        >
          <summary>
            <Icon name="chevron" />
            {text("share.more")}
          </summary>
          <fieldset class="choices">
            <legend>{text("share.operations")}</legend>
            {OPERATIONS.map((one) => (
              <label key={one} class="choice">
                <input
                  type="checkbox"
                  checked={operations.has(one)}
                  onChange={(event) => setOperations(toggled(operations, one, event.currentTarget.checked))}
                />
                <span>
                  <strong>{text(`operation.${one}`)}</strong>
                  <small>{text(`operationHelp.${one}`)}</small>
                </span>
              </label>
            ))}
            {shown(faults.operations) && <p class="field-error">{faults.operations}</p>}
          </fieldset>
          <fieldset class="pair">
            <legend>{text("share.records")}</legend>
            <Field label={text("share.recordsFrom")}>
              {({ id }) => (
                <input id={id} type="date" value={recordsFrom} onInput={(e) => setRecordsFrom(e.currentTarget.value)} />
              )}
            </Field>
            <Field label={text("share.recordsUntil")} error={shown(faults.records)}>
              {({ id, describedBy, invalid }) => (
                <input
                  id={id}
                  type="date"
                  value={recordsUntil}
                  aria-describedby={describedBy}
                  aria-invalid={invalid}
                  onInput={(event) => setRecordsUntil(event.currentTarget.value)}
                />
              )}
            </Field>
          </fieldset>
          <Field label={text("share.delegations")} help={text("share.delegationsHelp")}>
            {({ id, describedBy }) => (
              <select
                id={id}
                value={String(delegations)}
                aria-describedby={describedBy}
                onChange={(event) => setDelegations(Number(event.currentTarget.value))}
              >
                {[0, 1, 2, 3].map((count) => (
                  <option key={count} value={String(count)}>
                    {count ? counted("share.delegationCount", count) : text("share.noDelegation")}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label={text("share.agent")} help={text("share.agentHelp")} error={shown(faults.agent)}>
            {({ id, describedBy, invalid }) => (
              <input
                id={id}
                type="text"
                autocomplete="off"
                autocapitalize="none"
                spellcheck={false}
                value={agent}
                aria-describedby={describedBy}
                aria-invalid={invalid}
                onInput={(event) => setAgent(event.currentTarget.value)}
              />
            )}
          </Field>
        </details>
        <Honesty />
        <div class="submit-row">
          <button type="submit" class="button primary">
            {text("share.review")}
          </button>
          <p class="help" role="status">
            {isTried && wrong ? counted("share.wrong", wrong) : text("share.reviewHelp")}
          </p>
        </div>
      </form>
    </>
  );
}

function Step({
  number,
  title,
  error,
  children,
}: {
  number: number;
  title: string;
  error: string | undefined;
  children: preact.ComponentChildren;
}) {
  return (
    <Card
      title={
        <>
          <span class="step-number" aria-hidden="true">
            {number}
          </span>
          {title}
        </>
      }
    >
      {error && (
        <p class="field-error group-error" tabIndex={-1}>
          <Icon name="danger" />
          {error}
        </p>
      )}
      {children}
    </Card>
  );
}

export function toggled<T>(chosen: ReadonlySet<T>, item: T, isIn: boolean): ReadonlySet<T> {
  const next = new Set(chosen);
  if (isIn) next.add(item);
  else next.delete(item);
  return next;
}
