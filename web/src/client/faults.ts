/** What does not verify, each thing once: said beside what could be read, and never instead of it. */

import { PageError } from "../errors";
import type { Address, Fault, Hex } from "./api";
import type { FaultCode } from "./codes";

export class Faults {
  private readonly found = new Map<string, Fault>();

  add(fault: Fault): void {
    this.found.set(`${fault.code} ${fault.subject} ${fault.digest} ${JSON.stringify(fault.values)}`, fault);
  }

  addAll(faults: Iterable<Fault>): void {
    for (const fault of faults) this.add(fault);
  }

  list(): Fault[] {
    return [...this.found.values()];
  }
}

/**
 * The fault that an object's error stands for; missing and altered objects are called that.
 *
 * Errors that are nobody's fault but the connection's are thrown on: to ask again may well help.
 */
export function fetchFault(
  error: unknown,
  code: FaultCode,
  subject: Address | null,
  digest: Hex,
  values: Fault["values"] = {},
): Fault {
  if (!(error instanceof PageError)) throw error;
  switch (error.code) {
    case "ObjectMissing":
      return { code: "missing_object", values, subject, digest };
    case "ObjectTampered":
    case "ObjectMalformed":
    case "ObjectTooLarge":
      return { code: "tampered_object", values, subject, digest };
    case "StoreUnavailable":
      return { code: "unavailable_object", values, subject, digest };
    case "ChainUnavailable":
    case "Locked":
      throw error;
    default:
      return { code, values, subject, digest };
  }
}
