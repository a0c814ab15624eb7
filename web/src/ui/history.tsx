/** What happened, newest first: acts on chain in words, with who and when. */

import { useState } from "preact/hooks";
import type { HistoryItem } from "../client/api.ts";
import { counted, rich, text, textOf } from "../text/catalogue.ts";
import { distance, moment, number } from "../text/moments.ts";
import { Address, Foreign, Party } from "./foreign.tsx";
import { Empty } from "./pieces.tsx";
import { className } from "./recordClasses.ts";
import { isOwn, now, summary } from "./session.ts";

const STEP = 8;

/** Events that take something away or ask for attention; their dots say so by colour, their words in any case. */
const LOUD: ReadonlySet<string> = new Set([
  "EmergencyDeclared",
  "KeyReleased",
  "RecoveryAnnounced",
  "ShareReleased",
  "DelegateNamed",
]);
const ENDING: ReadonlySet<string> = new Set([
  "GrantRevoked",
  "GrantRenounced",
  "GrantSuspended",
  "AgentRevoked",
  "RelationshipClosed",
  "Retracted",
  "DelegateDismissed",
]);

export function HistoryList({ items }: { items: readonly HistoryItem[] }) {
  const [shown, setShown] = useState(STEP);
  if (!items.length) return <Empty>{text("history.none")}</Empty>;
  const newest = [...items].sort((a, b) => b.block - a.block || b.time - a.time);
  return (
    <>
      <ol class="history">
        {newest.slice(0, shown).map((item) => (
          <li key={`${item.transaction}-${item.kind}-${item.grant}-${item.time}`} class={toneOf(item.kind)}>
            <div>
              <p>
                <Foreign value={words(item)} limit={400} />
              </p>
              <Reader item={item} />
              {item.actor && (
                <p class="quiet-line">
                  {item.actorName || isOwn(item.actor) ? (
                    <Party name={item.actorName} address={item.actor} />
                  ) : (
                    <Address value={item.actor} />
                  )}
                </p>
              )}
            </div>
            <small>
              <time dateTime={new Date(item.time * 1000).toISOString()} title={moment(item.time)}>
                {distance(item.time, now())}
              </time>
              <span class="block">{text("history.block", { block: number(item.block) })}</span>
            </small>
          </li>
        ))}
      </ol>
      {newest.length > shown && (
        <button type="button" class="button" onClick={() => setShown(shown + 4 * STEP)}>
          {counted("history.more", newest.length - shown)}
        </button>
      )}
    </>
  );
}

/** Whose access it is about, where the grant is known. */
function Reader({ item }: { item: HistoryItem }) {
  const grant = item.grant && summary.value?.grants.find((one) => one.id === item.grant);
  if (!grant || grant.kind === "emergency plan") return null;
  return (
    <p class="quiet-line">
      {rich("history.reader", { name: <Foreign value={grant.viewerName || grant.viewer} limit={60} /> })}
      <span aria-hidden="true"> · </span>
      {grant.classes.slice(0, 3).map(className).join(text("list.separator"))}
      {grant.classes.length > 3 && ` ${text("list.more", { count: grant.classes.length - 3 })}`}
    </p>
  );
}

function words(item: HistoryItem): string {
  // Patients anchor letters with keys as well as records of their own; which it was, only what is sealed says.
  if (item.kind === "Anchored" && item.actor && isOwn(item.actor)) return text("history.ownAnchored");
  return textOf("historyKind", item.kind, item.values) ?? text("history.unknown", { kind: item.kind });
}

function toneOf(kind: string): string {
  return LOUD.has(kind) ? "loud" : ENDING.has(kind) ? "ending" : "";
}
