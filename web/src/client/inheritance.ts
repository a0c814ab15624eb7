/** Handing a wallet's root to the wallet that takes its place, so that a new device needs nothing but the new wallet. */

import { sealBundle } from "../sealing/bundle";
import type { InheritanceBundle } from "../sealing/custody";
import { makeLocators } from "../sealing/locator";
import type { Act } from "./acts";
import type { Case } from "./cases";
import type { Context } from "./context";

/** The act that leaves a root in the mailbox of the heir's own records; null when it lies there already. */
export async function inherit(context: Context, heir: Case, bundle: InheritanceBundle): Promise<Act | null> {
  const known = await heir.inheritances(context);
  if (bundle.root.equals(heir.root) || known.some(({ root }) => root.equals(bundle.root))) return null;
  const { publicKey } = await heir.key();
  const sealed = await sealBundle(bundle, context.bundleContext(heir.subject), [publicKey]);
  const digest = await context.store.put(sealed);
  return heir.acts.anchor([digest], makeLocators([heir.ownMailbox]));
}
