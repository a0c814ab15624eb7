/** Addresses and names of the scenes; people have roles, not names. */

import type { Address, Hex, Participant } from "../../src/client/api.ts";

export const PATIENT: Address = "0x71C7656EC7ab88b098defB751B7401B5f6d8976F";
export const SUBJECT_ONE: Address = "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF";
export const SUBJECT_TWO: Address = "0x6813Eb9362372EEF6200f3b1dbC3f819671cBA69";
export const SUBJECT_THREE: Address = "0x1efF47bc3a10a45D4B230B5d10E37751FE6AA718";
export const PROVIDER: Address = "0xe1AB8145F7E55DC933d51a18c793F901A3A0b276";
export const SECOND_PROVIDER: Address = "0xE57bFE9F44b819898F47BF37E5AF72a0783e1141";
export const STRANGER: Address = "0xd41c057fd1c78805AAC12B0A94a405c0461A6FBb";
export const VIEWER: Address = "0xF1F6619B38A98d6De0800F1DefC0a6399eB6d30C";
export const RESEARCHER: Address = "0xF7Edc8FA1eCc32967F827C9043FcAe6ba73afA5c";
export const RELATIVE: Address = "0x4CCeBa2d7D2B4fdcE4304d3e09a1fea9fbEb1528";
export const GUARDIAN: Address = "0x3DA8D322CB2435dA26E9C9fEE670f9fB7Fe74E49";
export const SECOND_GUARDIAN: Address = "0xDbc23AE43a150ff8884B02Cea117b22D1c3b9796";
export const THIRD_GUARDIAN: Address = "0x68E527780872cda0216Ba0d8fBD58b67a5D5e351";
export const AGENT: Address = "0x5A83529ff76Ac5723A87008c4D9B436AD4CA7d28";
export const EMERGENCY_PROVIDER: Address = "0x8735015837bD10e05d9cf5EA43A2486Bf4Be156F";
export const EMERGENCY_CONTRACT: Address = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
export const HEIR: Address = "0xFAe394561e33e242c551d15D4625309EA4c0B97f";

export const PARTICIPANTS: readonly Participant[] = [
  { address: PROVIDER, name: "Community Internist Associates", isAccredited: true, hasKey: true },
  { address: SECOND_PROVIDER, name: "Winchester Hospital", isAccredited: true, hasKey: true },
  { address: STRANGER, name: "Wіnchester Hоspital", isAccredited: false, hasKey: true },
  { address: VIEWER, name: "Cardiology practice at the park", isAccredited: true, hasKey: true },
  { address: RESEARCHER, name: "Institute for heart research", isAccredited: true, hasKey: true },
  { address: RELATIVE, name: "", isAccredited: false, hasKey: false },
  { address: GUARDIAN, name: "First guardian", isAccredited: false, hasKey: true },
  { address: SECOND_GUARDIAN, name: "Second guardian", isAccredited: false, hasKey: true },
  { address: THIRD_GUARDIAN, name: "Third guardian", isAccredited: false, hasKey: true },
  { address: EMERGENCY_PROVIDER, name: "Emergency room of the city hospital", isAccredited: true, hasKey: true },
];

export function nameOf(address: Address): string {
  return PARTICIPANTS.find((one) => one.address === address)?.name ?? "";
}

/** A made-up digest that is the same for the same seed. */
export function digestOf(seed: number): Hex {
  let state = (seed + 1) * 2654435761;
  let digits = "";
  while (digits.length < 64) {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0;
    digits += state.toString(16).padStart(8, "0");
  }
  return `0x${digits}`;
}
