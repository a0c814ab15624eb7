/**
 * The one message whose signature unlocks everything a wallet owns here.
 *
 * A wallet signs it at log-in. The signature never leaves the device: the root key is made of it, and from the root
 * every other key. The message is bound to one deployment and says in plain words what signing it does.
 */

import type { Address } from "viem";
import { type Domain, type TypedData, typedData } from "./typedData";

export const UNLOCK_STATEMENT =
  "Signing this message unlocks your medical records on this device: whoever holds the signature can read every " +
  "record, share it, and close every relationship in your name. Sign it only in your own MedRec application. " +
  "Nobody else ever needs it: not a hospital, not a support desk, not a website that asks for it.";

/** The document that `account` signs to make its root key for the deployment `domain`; no contract accepts it. */
export function unlockMessage(domain: Domain, account: Address): TypedData {
  return typedData(domain, "Unlock", { account, statement: UNLOCK_STATEMENT });
}
