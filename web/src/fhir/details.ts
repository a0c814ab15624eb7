/** What of a resource is shown to people: a title, a line beneath it, a status, and named details. */

import {
  asNumber,
  asObjects,
  asText,
  at,
  choice,
  concept,
  concepts,
  humanName,
  period,
  quantity,
  type Resolver,
  type Resource,
  reference,
  resourceType,
} from "./elements.ts";
import { valueWords } from "./observations.ts";

/** Names of details; each has a text in the catalogues' `details`. */
export type DetailName =
  | "address"
  | "amount"
  | "birthDate"
  | "bodySite"
  | "category"
  | "code"
  | "course"
  | "criticality"
  | "dosage"
  | "dose"
  | "end"
  | "findings"
  | "gender"
  | "goal"
  | "identifier"
  | "language"
  | "lot"
  | "manufacturer"
  | "members"
  | "method"
  | "name"
  | "note"
  | "onset"
  | "organisation"
  | "outcome"
  | "participants"
  | "payor"
  | "performer"
  | "phone"
  | "place"
  | "prescriber"
  | "quantity"
  | "reaction"
  | "reason"
  | "relationship"
  | "route"
  | "series"
  | "severity"
  | "start"
  | "substance"
  | "total"
  | "type"
  | "value"
  | "verification";

export interface Detail {
  name: DetailName;
  value: string;
  /** Whether the value is a FHIR date. */
  isDate?: boolean;
}

export interface Headline {
  title: string | undefined;
  /** The one fact that belongs beside the title: a value, a dose, an outcome. */
  fact: string | undefined;
  /** FHIR status code. */
  status: string | undefined;
}

/** Title, fact and status of a resource. */
export function headline(resource: Resource, resolve?: Resolver): Headline {
  const type = resourceType(resource);
  const status = concept(resource.clinicalStatus) ?? asText(resource.status);
  const title = titleOf(type, resource, resolve);
  return { title, fact: factOf(type, resource, resolve), status };
}

function titleOf(type: string, resource: Resource, resolve?: Resolver): string | undefined {
  switch (type) {
    case "Patient":
    case "Practitioner":
    case "Person":
    case "RelatedPerson":
      return humanName(resource.name) ?? concept(resource.relationship);
    case "Organization":
    case "Location":
    case "HealthcareService":
      return asText(resource.name) ?? concept(resource.type);
    case "Immunization":
      return concept(resource.vaccineCode);
    case "MedicationRequest":
    case "MedicationStatement":
    case "MedicationAdministration":
    case "MedicationDispense":
      return concept(resource.medicationCodeableConcept) ?? reference(resource.medicationReference, resource, resolve);
    case "Encounter":
      return concept(resource.type) ?? concept(resource.class);
    case "DocumentReference":
    case "Composition":
      return asText(resource.title) ?? asText(resource.description) ?? concept(resource.type);
    case "CareTeam":
      return asText(resource.name) ?? concept(resource.category) ?? (roles(resource).join(", ") || undefined);
    case "CarePlan":
      return asText(resource.title) ?? asText(resource.name) ?? concept(resource.category);
    case "Goal":
      return concept(resource.description);
    case "ImagingStudy":
      return asText(resource.description) ?? concept(resource.procedureCode) ?? concept(resource.modality);
    case "SupplyDelivery":
      return concept(at(resource, "suppliedItem", "itemCodeableConcept")) ?? concept(resource.type);
    case "Claim":
    case "ExplanationOfBenefit":
      return concept(at(resource, "item", "productOrService")) ?? concept(resource.type);
    case "Coverage":
      return reference(at(resource, "payor"), resource, resolve) ?? concept(resource.type);
    case "PractitionerRole":
      return (
        concept(resource.specialty) ?? reference(resource.practitioner, resource, resolve) ?? concept(resource.code)
      );
    case "Device":
      return (
        asText(at(resource, "deviceName", "name")) ??
        concept(resource.type) ??
        asText(at(resource, "udiCarrier", "carrierHRF"))
      );
    case "FamilyMemberHistory":
      return concept(resource.relationship);
    default:
      return concept(resource.code) ?? asText(resource.title) ?? concept(resource.type) ?? humanName(resource.name);
  }
}

function factOf(type: string, resource: Resource, resolve?: Resolver): string | undefined {
  switch (type) {
    case "Observation": {
      const chosen = choice(resource, "value");
      if (chosen) return valueWords(chosen.type, chosen.value);
      const parts = asObjects(resource.component)
        .slice(0, 3)
        .map((part) => choice(part, "value"))
        .map((value) => value && valueWords(value.type, value.value))
        .filter((words) => words !== undefined);
      return parts.length ? parts.join(" · ") : undefined;
    }
    case "MedicationRequest":
    case "MedicationDispense":
      return asText(at(resource, "dosageInstruction", "text"));
    case "Encounter":
      return reference(resource.serviceProvider, resource, resolve);
    case "Claim":
      return money(resource.total);
    case "ExplanationOfBenefit":
      return money(at(resource, "total", "amount"));
    case "FamilyMemberHistory":
      return concepts(asObjects(resource.condition).map((one) => one.code)).join(", ") || undefined;
    default:
      return undefined;
  }
}

/** The named details of a resource, in reading order; what is absent is left out. */
export function details(resource: Resource, resolve?: Resolver): Detail[] {
  const found: Detail[] = [];
  const say = (name: DetailName, value: string | undefined, isDate = false) => {
    if (value !== undefined && value !== "") found.push(isDate ? { name, value, isDate } : { name, value });
  };
  const named = (values: unknown[]) => {
    const words = values.flat().map((value) => reference(value, resource, resolve));
    return [...new Set(words.filter((word) => word !== undefined))].join(", ");
  };
  const chosen = choice(resource, "value");
  if (chosen) say("value", valueWords(chosen.type, chosen.value));
  say("name", humanName(resource.name));
  say("gender", asText(resource.gender));
  say("birthDate", asText(resource.birthDate), true);
  say("category", concepts(resource.category).join(", "));
  say("severity", concept(resource.severity));
  say("criticality", asText(resource.criticality));
  say("verification", concept(resource.verificationStatus));
  say("onset", asText(resource.onsetDateTime), true);
  say(
    "reaction",
    asObjects(resource.reaction)
      .flatMap((one) => concepts(one.manifestation))
      .join(", "),
  );
  const dosages = asObjects(resource.dosageInstruction ?? resource.dosage);
  say("dosage", dosages.map(dosageWords).filter(Boolean).join("; "));
  say("route", concept(resource.route));
  say("dose", quantity(resource.doseQuantity));
  say("quantity", quantity(at(resource, "suppliedItem", "quantity")) ?? quantity(resource.quantity));
  say("lot", asText(resource.lotNumber));
  say("manufacturer", asText(resource.manufacturer) ?? reference(resource.manufacturer));
  say("bodySite", concepts(resource.bodySite).join(", ") || concept(resource.bodySite));
  say("method", concept(resource.method));
  const when = period(resource.period ?? resource.performedPeriod ?? resource.effectivePeriod);
  say("start", when.start ?? asText(resource.startDate) ?? asText(resource.manufactureDate), true);
  say(
    "identifier",
    asText(at(resource, "udiCarrier", "deviceIdentifier")) ?? asText(at(resource, "identifier", "value")),
  );
  say("type", concepts(resource.specialty).join(", "));
  say("end", when.end ?? asText(resource.abatementDateTime), true);
  const reasons = concepts(resource.reasonCode);
  const reasonReferences = asObjects(resource.reasonReference).map((one) => reference(one, resource, resolve));
  say("reason", [...reasons, ...reasonReferences].filter(Boolean).join(", "));
  say("outcome", concept(resource.outcome) ?? asText(resource.outcome));
  say("findings", asText(resource.conclusion));
  say(
    "goal",
    asObjects(resource.target)
      .map((target) => concept(target.measure))
      .filter(Boolean)
      .join(", "),
  );
  say("members", roles(resource).join(", "));
  say("participants", named(asObjects(resource.participant).map((one) => one.member ?? one.individual)));
  say("series", series(resource));
  say("performer", named([...asObjects(resource.performer), ...asObjects(at(resource, "performer", "actor"))]));
  say("prescriber", named([resource.requester]));
  say("organisation", named([resource.serviceProvider, resource.organization, resource.custodian]));
  say("place", named([resource.location, ...asObjects(resource.location).map((one) => one.location)]));
  say("payor", named(asObjects(resource.payor)));
  say("total", money(resource.total));
  say("phone", asText(at(resource, "telecom", "value")));
  say("address", addressWords(resource.address));
  say(
    "note",
    asObjects(resource.note)
      .map((note) => asText(note.text))
      .filter(Boolean)
      .join("\n"),
  );
  say("code", codes(resource.code ?? resource.vaccineCode ?? resource.medicationCodeableConcept));
  return found;
}

/** Names of code systems, as those call them who look codes up. */
const SYSTEMS: Readonly<Record<string, string>> = {
  "http://snomed.info/sct": "SNOMED CT",
  "http://loinc.org": "LOINC",
  "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
  "http://hl7.org/fhir/sid/cvx": "CVX",
};

function systemName(system: string | undefined): string | undefined {
  return system && Object.hasOwn(SYSTEMS, system) ? SYSTEMS[system] : system?.split("/").at(-1)?.toUpperCase();
}

/** Codings as `system code`, for whoever needs to look one up. */
function codes(value: unknown): string | undefined {
  const words = asObjects(at(value, "coding")).map((coding) =>
    [systemName(asText(coding.system)), asText(coding.code)].filter(Boolean).join(" "),
  );
  return words.filter(Boolean).join(", ") || undefined;
}

/** The roles of a team's members, each once. */
function roles(resource: Resource): string[] {
  return [...new Set(asObjects(resource.participant).flatMap((one) => concepts(one.role)))];
}

function dosageWords(dosage: Resource): string | undefined {
  const amount = quantity(at(dosage, "doseAndRate", "doseQuantity"));
  const times = asNumber(at(dosage, "timing", "repeat", "frequency"));
  const every = asNumber(at(dosage, "timing", "repeat", "period"));
  const unit = asText(at(dosage, "timing", "repeat", "periodUnit"));
  const rate = times === undefined || every === undefined ? undefined : `${times} × / ${every} ${unit ?? ""}`.trim();
  return asText(dosage.text) ?? ([amount, rate].filter(Boolean).join(", ") || undefined);
}

function money(value: unknown): string | undefined {
  const found = asObjects(value)[0];
  const amount = asNumber(found?.value);
  return amount === undefined ? undefined : [amount.toFixed(2), asText(found?.currency)].filter(Boolean).join(" ");
}

function addressWords(value: unknown): string | undefined {
  const found = asObjects(value)[0];
  if (!found) return undefined;
  const words = [found.line, found.postalCode, found.city, found.state, found.country].flat();
  return asText(found.text) ?? (words.filter((word) => typeof word === "string").join(", ") || undefined);
}

function series(resource: Resource): string | undefined {
  if (resource.resourceType !== "ImagingStudy") return undefined;
  const words = asObjects(resource.series).map((one) =>
    [
      asText(at(one, "modality", "display")) ?? asText(at(one, "modality", "code")),
      asText(at(one, "bodySite", "display")),
    ]
      .filter(Boolean)
      .join(" · "),
  );
  return words.filter(Boolean).join("; ") || undefined;
}
