/** A clinical record: one FHIR resource as it was sealed, with its class and its date. */

import { PageError } from "../errors";
import { isObject, type JsonObject, type JsonValue } from "../types/jsonValues";
import { clinicalDates } from "./dates";

export interface ClinicalRecord {
  /** What stood in the parcel: the resource, or a Bundle of one that keeps its fullUrl and inherited labels. */
  readonly document: JsonObject;
  readonly resource: JsonObject;
  /** Null when it had none, or one that says no more than the id. */
  readonly fullUrl: string | null;
  readonly classNumber: number;
  /** First and last day, YYYYMMDD, on which its clinical date can lie; 0 when it has none. */
  readonly first: number;
  readonly last: number;
}

const TYPE_NAME = /^[A-Za-z][A-Za-z0-9]{0,63}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * A record from what stood in a parcel; its class is the one that it was sealed under.
 *
 * @throws PageError ContentInvalid: not one FHIR resource, nor a Bundle of one.
 */
export function recordOf(document: JsonObject, classNumber: number): ClinicalRecord {
  let resource = checked(document);
  let fullUrl: string | null = null;
  // A Bundle in a Bundle is an envelope within an envelope.
  for (let depth = 0; resource.resourceType === "Bundle"; depth++) {
    const entries: JsonValue = resource.entry ?? [];
    const members = Array.isArray(entries) ? entries.filter((one) => isObject(one) && one.resource != null) : [];
    const [member] = members;
    if (members.length !== 1 || !isObject(member) || depth > 8) throw new PageError("ContentInvalid");
    const url = member.fullUrl;
    if (url != null && (typeof url !== "string" || !url || CONTROL.test(url))) throw new PageError("ContentInvalid");
    fullUrl = typeof url === "string" ? url : null;
    resource = checked(member.resource);
  }
  if (fullUrl !== null && fullUrl === `urn:uuid:${String(resource.id)}`) fullUrl = null;
  const [first, last] = clinicalDates(resource);
  return { document, resource, fullUrl, classNumber, first, last };
}

function checked(value: JsonValue | undefined): JsonObject {
  if (!isObject(value) || typeof value.resourceType !== "string" || !TYPE_NAME.test(value.resourceType)) {
    throw new PageError("ContentInvalid");
  }
  return value;
}
