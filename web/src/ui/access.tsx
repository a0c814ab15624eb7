/** Who can see what: every grant, in the trees that sub-grants make of them. */

import { useState } from "preact/hooks";
import type { GrantView } from "../client/api.ts";
import { counted, text } from "../text/catalogue.ts";
import { AboutGrant } from "./aboutGrant.tsx";
import { propose } from "./act.tsx";
import { GrantCard } from "./grantCard.tsx";
import { Icon } from "./icons.tsx";
import { Empty, Heading, Honesty } from "./pieces.tsx";
import { link } from "./route.ts";
import { client, lastShared, summary } from "./session.ts";
import { isInForce } from "./viewer.tsx";

export interface GrantNode {
  grant: GrantView;
  children: GrantNode[];
}

export function AccessScreen() {
  const [isPastShown, setPastShown] = useState(false);
  const trees = treesOf(summary.value?.grants ?? []);
  const live = trees.filter(hasLive);
  const past = trees.filter((tree) => !hasLive(tree));
  return (
    <>
      <Heading lead={text("access.lead")}>{text("access.title")}</Heading>
      <JustShared />
      {live.length ? (
        <section aria-labelledby="live-heading" class="past">
          <h2 id="live-heading">{text("access.live")}</h2>
          <GrantTrees trees={live} label={text("access.live")} />
        </section>
      ) : (
        <Empty>
          {text("access.none")} <a href={link("share")}>{text("access.shareNow")}</a>
        </Empty>
      )}
      {past.length > 0 && (
        <section class="past" aria-labelledby="past-heading">
          <h2 id="past-heading">{text("access.past")}</h2>
          {isPastShown ? (
            <GrantTrees trees={past} label={text("access.past")} />
          ) : (
            <button type="button" class="button" onClick={() => setPastShown(true)}>
              {counted("access.showPast", past.length)}
            </button>
          )}
        </section>
      )}
      <Honesty />
    </>
  );
}

/** Right after sharing: undo is one click, and stays until something else was shared or the page is locked. */
function JustShared() {
  const id = lastShared.value;
  const open = client.value;
  const grant = summary.value?.grants.find((one) => one.id === id);
  if (!id || !open || (grant && !isInForce(grant, summary.value?.grants ?? []))) return null;
  return (
    <div class="notice good" role="status">
      <Icon name="check" />
      <div>
        <p>
          <strong>{text("access.justShared")}</strong> {text("access.justSharedHelp")}
        </p>
        <div class="button-row">
          <button type="button" class="button" onClick={() => revoke(id)}>
            <Icon name="undo" />
            {text("access.undo")}
          </button>
          <button
            type="button"
            class="button quiet"
            onClick={() => {
              lastShared.value = null;
            }}
          >
            {text("access.fine")}
          </button>
        </div>
      </div>
    </div>
  );
}

export function revoke(id: GrantView["id"]): void {
  const open = client.value;
  if (!open) return;
  propose({
    title: text("access.revokeTitle"),
    verb: text("access.revokeVerb"),
    isWithdrawal: true,
    about: <AboutGrant id={id} />,
    prepare: () => open.revoke(id),
    onConfirmed: () => {
      if (lastShared.value === id) lastShared.value = null;
    },
  });
}

function GrantTrees({ trees, label }: { trees: GrantNode[]; label: string }) {
  return (
    <ul class="grant-trees" aria-label={label}>
      {trees.map((tree) => (
        <GrantTree key={tree.grant.id} node={tree} />
      ))}
    </ul>
  );
}

function GrantTree({ node }: { node: GrantNode }) {
  return (
    <li>
      <GrantCard grant={node.grant} />
      {node.children.length > 0 && (
        <>
          <p class="passed-on">{counted("access.passedOn", node.children.length)}</p>
          <ul class="grant-children">
            {node.children.map((child) => (
              <GrantTree key={child.grant.id} node={child} />
            ))}
          </ul>
        </>
      )}
    </li>
  );
}

/** The trees that `parent` makes; a sub-grant whose parent isn't known stands for itself, so that none is hidden. */
export function treesOf(grants: readonly GrantView[]): GrantNode[] {
  const nodes = new Map(grants.map((grant) => [grant.id, { grant, children: [] } as GrantNode]));
  const roots: GrantNode[] = [];
  for (const node of nodes.values()) {
    const parent = node.grant.parent && nodes.get(node.grant.parent);
    if (parent && parent !== node && !isBelow(node, parent)) parent.children.push(node);
    else roots.push(node);
  }
  return roots.sort((a, b) => b.grant.grantedAt - a.grant.grantedAt);
}

/** Whether `other` already hangs below `node`; ids that name each other in a circle must not hang the page. */
function isBelow(node: GrantNode, other: GrantNode): boolean {
  return node.children.some((child) => child === other || isBelow(child, other));
}

function hasLive(node: GrantNode): boolean {
  return isInForce(node.grant, summary.value?.grants ?? []) || node.children.some(hasLive);
}
