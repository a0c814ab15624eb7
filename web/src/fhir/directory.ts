/** Who and what records refer to: names for the bare addresses by which FHIR resources point at each other. */

import { headline } from "./details.ts";
import { asText, type Resolver, type Resource } from "./elements.ts";

const KINDS: ReadonlySet<unknown> = new Set([
  "Condition",
  "Device",
  "Location",
  "Medication",
  "Organization",
  "Practitioner",
  "PractitionerRole",
]);

export interface Written {
  author: string;
  resource: Resource;
}

/**
 * Looks names up among the records of one author only: nobody's records get to name the people in another's.
 *
 * A target is `urn:uuid:<id>` or `<Type>/<id>`, possibly with an address before and a version behind.
 */
export function directory(records: readonly Written[]): (author: string) => Resolver {
  const names = new Map<string, string>();
  for (const { author, resource } of records) {
    const id = asText(resource.id);
    const name = id !== undefined && KINDS.has(resource.resourceType) ? headline(resource).title : undefined;
    if (name !== undefined) names.set(`${author} ${id}`, name);
  }
  return (author) => (target) => {
    const id = target
      .slice(0, 500)
      .replace(/\/_history\/.*$/, "")
      .split(/[/:]/)
      .at(-1);
    return names.get(`${author} ${id}`);
  };
}
