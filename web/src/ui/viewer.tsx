/** Who holds a grant, and whether it still counts. */

import type { GrantView } from "../client/api.ts";
import { text } from "../text/catalogue.ts";
import { Party } from "./foreign.tsx";

/** Whether a grant gives something, or will, or would if it were resumed. */
export function isLive(grant: GrantView): boolean {
  return grant.state === "active" || grant.state === "not yet valid" || grant.state === "suspended";
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
