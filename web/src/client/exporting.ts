/** Everything in one file: a FHIR collection Bundle, or an International Patient Summary document. */

import { iso } from "../types/moments";
import type { RecordView } from "./api";

interface Section {
  title: string;
  code: string;
  display: string;
  types: readonly string[];
}

/** The IPS sections that FHIR R4's resource types map to; the first three are required. HL7 IPS 1.1, Composition. */
const SECTIONS: readonly Section[] = [
  {
    title: "Medication Summary",
    code: "10160-0",
    display: "History of Medication use Narrative",
    types: ["MedicationStatement", "MedicationRequest"],
  },
  {
    title: "Allergies and Intolerances",
    code: "48765-2",
    display: "Allergies and adverse reactions Document",
    types: ["AllergyIntolerance"],
  },
  { title: "Problem List", code: "11450-4", display: "Problem list - Reported", types: ["Condition"] },
  { title: "Immunizations", code: "11369-6", display: "History of Immunization Narrative", types: ["Immunization"] },
  { title: "History of Procedures", code: "47519-4", display: "History of Procedures Document", types: ["Procedure"] },
  {
    title: "Results",
    code: "30954-2",
    display: "Relevant diagnostic tests/laboratory data Narrative",
    types: ["Observation", "DiagnosticReport"],
  },
  {
    title: "Medical Devices",
    code: "46264-8",
    display: "History of medical device use",
    types: ["DeviceUseStatement"],
  },
  { title: "Plan of Care", code: "18776-5", display: "Plan of care note", types: ["CarePlan"] },
];
const REQUIRED = 3;
const LOINC = "http://loinc.org";

/** What was entered in error is no part of what a patient hands on. */
function standing(records: readonly RecordView[]): RecordView[] {
  return records.filter((record) => !record.isRetracted);
}

/** A collection Bundle; each resource stands in it exactly as it was sealed, down to the digits of its decimals. */
export function asBundle(records: readonly RecordView[], fullUrls: ReadonlyMap<string, string>, now: number): Blob {
  const entries = standing(records).map((record) => {
    const fullUrl = fullUrls.get(record.key);
    return fullUrl === undefined
      ? `{"resource":${record.source}}`
      : `{"fullUrl":${JSON.stringify(fullUrl)},"resource":${record.source}}`;
  });
  const head = `{"resourceType":"Bundle","type":"collection","timestamp":${JSON.stringify(iso(now))},"entry":[`;
  return new Blob([head, entries.join(","), "]}"], { type: "application/fhir+json" });
}

/** An International Patient Summary: a document Bundle whose Composition lists what belongs to each section. */
export function asSummary(records: readonly RecordView[], fullUrls: ReadonlyMap<string, string>, now: number): Blob {
  const kept = standing(records);
  const urls = new Map(kept.map((record) => [record.key, urlOf(record, fullUrls)]));
  const patient = kept.find((record) => record.resource.resourceType === "Patient");
  const patientUrl = patient ? (urls.get(patient.key) as string) : `urn:uuid:${crypto.randomUUID()}`;
  const included = patient ? [patient] : [];
  const sections = SECTIONS.flatMap(({ title, code, display, types }, at) => {
    const belonging = kept.filter((record) => types.includes(String(record.resource.resourceType)));
    included.push(...belonging);
    if (!belonging.length && at >= REQUIRED) return [];
    const content = belonging.length
      ? { entry: belonging.map((record) => ({ reference: urls.get(record.key) })) }
      : {
          emptyReason: {
            coding: [{ system: "http://terminology.hl7.org/CodeSystem/list-empty-reason", code: "unavailable" }],
          },
        };
    const text = {
      status: "generated",
      div: `<div xmlns="http://www.w3.org/1999/xhtml">${title}: ${belonging.length}</div>`,
    };
    return [{ title, code: { coding: [{ system: LOINC, code, display }] }, text, ...content }];
  });
  const composition = {
    resourceType: "Composition",
    status: "final",
    type: { coding: [{ system: LOINC, code: "60591-5", display: "Patient summary Document" }] },
    subject: { reference: patientUrl },
    date: iso(now),
    author: [{ reference: patientUrl }],
    title: "International Patient Summary",
    section: sections,
  };
  const entries = [
    entry(`urn:uuid:${crypto.randomUUID()}`, JSON.stringify(composition)),
    ...(patient ? [] : [entry(patientUrl, JSON.stringify({ resourceType: "Patient" }))]),
    ...included.map((record) => entry(urls.get(record.key) as string, record.source)),
  ];
  const identifier = JSON.stringify({ system: "urn:ietf:rfc:3986", value: `urn:uuid:${crypto.randomUUID()}` });
  const head = `{"resourceType":"Bundle","type":"document","identifier":${identifier},"timestamp":${JSON.stringify(iso(now))},"entry":[`;
  return new Blob([head, entries.join(","), "]}"], { type: "application/fhir+json" });
}

function entry(fullUrl: string, source: string): string {
  return `{"fullUrl":${JSON.stringify(fullUrl)},"resource":${source}}`;
}

/** How others in the document refer to a record: its own fullUrl, else one that keeps relative references resolvable. */
function urlOf({ key, resource }: RecordView, fullUrls: ReadonlyMap<string, string>): string {
  const own = fullUrls.get(key);
  if (own !== undefined) return own;
  if (typeof resource.id === "string" && resource.id) {
    return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(resource.id)
      ? `urn:uuid:${resource.id}`
      : `https://records.invalid/${String(resource.resourceType)}/${encodeURIComponent(resource.id)}`;
  }
  return `urn:uuid:${crypto.randomUUID()}`;
}
