/** Who holds a grant, and whether it still counts. */

import type { GrantView } from "../client/api.ts";
import { text } from "../text/catalogue.ts";
import { Party } from "./foreign.tsx";

/** Whether a grant gives something, or will, or would if it were resumed. */
export function isLive(grant: GrantView): boolean {
  return grant.state === "active" || grant.state === "not yet valid" || grant.state === "suspended";
}

/** Whether a grant is live and so is every grant that it was cut from: with one of them it ends. */
export function isInForce(grant: GrantView, all: readonly GrantView[]): boolean {
  const seen = new Set<string>();
  let here: GrantView | undefined = grant;
  while (here && !seen.has(here.id)) {
    if (!isLive(here)) return false;
    seen.add(here.id);
    const parent: string | null = here.parent;
    here = parent === null ? undefined : all.find((one) => one.id === parent);
  }
  return true;
}

/** Who holds a grant. A plan for emergencies is held by a contract, which says nothing to anybody. */
export function Viewer({ grant }: { grant: GrantView }) {
  if (grant.kind !== "emergency plan") return <Party name={grant.viewerName} address={grant.viewer} />;
  return (
    <span class="party">
      <strong class="party-name">{text("access.planViewer")}</strong>
      <small class="quiet-line">{text("access.planViewerHelp")}</small>
    </span>
  );
}
