/** A grant in two lines, for the dialogs of acts: its number, which is what is signed, says nothing to people. */

import type { GrantView } from "../client/api.ts";
import { text } from "../text/catalogue.ts";
import { className } from "./recordClasses.ts";
import { summary } from "./session.ts";
import { Viewer } from "./viewer.tsx";

export function AboutGrant({ id }: { id: GrantView["id"] }) {
  const grant = summary.value?.grants.find((one) => one.id === id);
  return (
    grant && (
      <>
        <Viewer grant={grant} />
        <span class="quiet-line">{grant.classes.map(className).join(text("list.separator"))}</span>
      </>
    )
  );
}
