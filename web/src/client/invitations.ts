/** Invitations as providers hand them over: JSON, or a link that carries it behind the #. */

import { requireAddress } from "../chain/addresses";
import { PageError } from "../errors";
import { typedData, typedDataHash } from "../types/typedData";
import { requireSignature } from "../wallet/signers";
import { domainOf } from "./acts";
import type { Address, Hex } from "./api";
import type { Context } from "./context";

const MOST_CHARACTERS = 10_000;

/** A provider's signed offer of a relationship to one subject. */
export interface Invitation {
  readonly provider: Address;
  readonly subject: Address;
  readonly number: number;
  readonly expiresAt: number;
  readonly signature: Hex;
}

/** Reads an invitation; throws PageError InvitationInvalid for whatever is none. */
export function parseInvitation(text: string): Invitation {
  try {
    if (text.length > MOST_CHARACTERS) throw new Error("too long");
    const { provider, subject, number, expires_at: expiresAt, signature } = JSON.parse(jsonIn(text.trim()));
    if (!isCount(number) || number < 1 || !isCount(expiresAt)) throw new Error("numbers");
    if (typeof signature !== "string" || !/^(0x)?([0-9a-fA-F]{2})*$/.test(signature)) throw new Error("signature");
    return {
      provider: requireAddress(provider),
      subject: requireAddress(subject),
      number,
      expiresAt,
      signature: `0x${signature.replace(/^0x/, "").toLowerCase()}`,
    };
  } catch (cause) {
    throw new PageError("InvitationInvalid", {}, { cause });
  }
}

/** Makes sure that the provider signed it: so that what the screen says of who invites is true. */
export async function requireProvider(context: Context, invitation: Invitation): Promise<void> {
  const { provider, subject, number, expiresAt, signature } = invitation;
  const message = { provider, subject, number, expiresAt: BigInt(expiresAt) };
  const hash = typedDataHash(typedData(domainOf(context.config), "Invitation", message));
  await requireSignature(context.node, provider, hash, signature);
}

function jsonIn(text: string): string {
  if (text.startsWith("{")) return text;
  // A link, or its fragment alone: what stands behind the # is sent to no server.
  const fragment = text.slice(text.indexOf("#") + 1);
  const carried = new URLSearchParams(fragment.slice(fragment.indexOf("?") + 1)).get("invitation");
  if (carried === null) throw new Error("no invitation");
  if (carried.startsWith("{")) return carried;
  return new TextDecoder("utf-8", { fatal: true }).decode(
    Uint8Array.from(atob(carried.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0)),
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
