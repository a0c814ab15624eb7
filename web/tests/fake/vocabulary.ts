/** The Python package's own table, so that no test speaks of classes that don't exist. */

import table from "../../../medrec_py/types/vocabulary.json";

interface Row {
  number: number;
  code: string;
  display: { en: string; zh: string };
  types?: string[];
  categories?: { system: string; codes: string[] }[];
  sensitive?: boolean;
}

export interface Vocabulary {
  classes: readonly Row[];
  purposes: readonly Row[];
  classOf(resource: Record<string, unknown>): number;
}

export function readVocabulary(): Vocabulary {
  const classes = table.classes as unknown as Row[];
  const purposes = table.purposes as unknown as Row[];
  const classOf = (resource: Record<string, unknown>) => {
    const text = JSON.stringify(resource.category ?? "");
    const byCategory = classes.find((one) =>
      (one.categories ?? []).some(({ codes }) => codes.some((code) => text.includes(`"code":"${code}"`))),
    );
    return (byCategory ?? classes.find((one) => one.types?.includes(String(resource.resourceType))))?.number ?? 0;
  };
  return { classes, purposes, classOf };
}
