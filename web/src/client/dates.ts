/**
 * The clinical date of a resource: the day on which what it describes happened, or began. The same rules and table as
 * `medrec_py.fhir.dates`, because they decide what a window of dates covers.
 */

import { FIRST_YEAR, LAST_YEAR, UNDATED } from "../crypto/keytree";

export type Days = readonly [first: number, last: number];
const NEVER: Days = [UNDATED, UNDATED];
const DATE = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T\d{2}:\d{2}[\s\S]*)?)?)?$/;
const CHOICES = ["DateTime", "Date", "Instant", "Period", "Timing", "Age", "Range", "String"];

/** Elements by type, from the resource definitions of FHIR R4. A type that is not here has no clinical date. */
const ELEMENTS: Readonly<Record<string, readonly string[]>> = {
  Account: ["servicePeriod"],
  AdverseEvent: ["date", "detected", "recordedDate"],
  AllergyIntolerance: ["onset[x]", "recordedDate", "lastOccurrence"],
  Appointment: ["start", "requestedPeriod", "created"],
  AppointmentResponse: ["start"],
  AuditEvent: ["period", "recorded"],
  BiologicallyDerivedProduct: ["collection.collected[x]"],
  CarePlan: ["period", "created"],
  CareTeam: ["period"],
  ChargeItem: ["occurrence[x]", "enteredDate"],
  Claim: ["billablePeriod", "created"],
  ClaimResponse: ["created"],
  ClinicalImpression: ["effective[x]", "date"],
  Communication: ["sent", "received"],
  CommunicationRequest: ["authoredOn", "occurrence[x]"],
  Composition: ["date"],
  Condition: ["onset[x]", "recordedDate"],
  Consent: ["dateTime"],
  Contract: ["applies", "issued"],
  Coverage: ["period"],
  CoverageEligibilityRequest: ["serviced[x]", "created"],
  CoverageEligibilityResponse: ["serviced[x]", "created"],
  DetectedIssue: ["identified[x]"],
  DeviceRequest: ["authoredOn", "occurrence[x]"],
  DeviceUseStatement: ["timing[x]", "recordedOn"],
  DiagnosticReport: ["effective[x]", "issued"],
  DocumentManifest: ["created"],
  DocumentReference: ["context.period", "date"],
  Encounter: ["period"],
  EnrollmentRequest: ["created"],
  EnrollmentResponse: ["created"],
  EpisodeOfCare: ["period"],
  ExplanationOfBenefit: ["billablePeriod", "created"],
  FamilyMemberHistory: ["date"],
  Flag: ["period"],
  Goal: ["start[x]", "statusDate"],
  GuidanceResponse: ["occurrenceDateTime"],
  ImagingStudy: ["started"],
  Immunization: ["occurrence[x]", "recorded"],
  ImmunizationEvaluation: ["date"],
  ImmunizationRecommendation: ["date"],
  Invoice: ["date"],
  List: ["date"],
  MeasureReport: ["period", "date"],
  Media: ["created[x]", "issued"],
  MedicationAdministration: ["effective[x]"],
  MedicationDispense: ["whenHandedOver", "whenPrepared"],
  MedicationRequest: ["authoredOn"],
  MedicationStatement: ["effective[x]", "dateAsserted"],
  NutritionOrder: ["dateTime"],
  Observation: ["effective[x]", "issued"],
  PaymentNotice: ["created"],
  PaymentReconciliation: ["created"],
  Procedure: ["performed[x]"],
  Provenance: ["occurred[x]", "recorded"],
  QuestionnaireResponse: ["authored"],
  RequestGroup: ["authoredOn"],
  ResearchStudy: ["period"],
  ResearchSubject: ["period"],
  RiskAssessment: ["occurrence[x]"],
  Schedule: ["planningHorizon"],
  ServiceRequest: ["authoredOn", "occurrence[x]"],
  Slot: ["start"],
  Specimen: ["collection.collected[x]", "receivedTime"],
  SupplyDelivery: ["occurrence[x]"],
  SupplyRequest: ["authoredOn", "occurrence[x]"],
  Task: ["authoredOn", "executionPeriod"],
  VisionPrescription: ["dateWritten", "created"],
};

/**
 * First and last day, YYYYMMDD, on which the resource's clinical date can lie: the same day twice for a full date, the
 * bounds of the month or year for a partial one, 0 twice when it has none.
 */
export function clinicalDates(resource: Readonly<Record<string, unknown>>): Days {
  const type = String(resource.resourceType);
  for (const element of Object.hasOwn(ELEMENTS, type) ? (ELEMENTS[type] ?? []) : []) {
    for (const value of valuesOf(resource, element)) return beginning(value) ?? NEVER;
  }
  return NEVER;
}

/** First and last day of a FHIR date, dateTime or instant; null if it is none, or of a year without a leaf. */
export function daysOf(text: unknown): Days | null {
  const match = typeof text === "string" ? DATE.exec(text) : null;
  if (!match) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (year < FIRST_YEAR || year > LAST_YEAR) return null;
  if (match[2] === undefined) return [year * 10_000 + 101, year * 10_000 + 1231];
  if (month < 1 || month > 12) return null;
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const base = year * 10_000 + month * 100;
  if (match[3] === undefined) return [base + 1, base + days];
  return day >= 1 && day <= days ? [base + day, base + day] : null;
}

/** The values of an element that may lie deeper (`a.b`) and be of several types (`a[x]`). */
function* valuesOf(resource: unknown, element: string): Generator<unknown> {
  const parts = element.split(".");
  const name = parts.pop() as string;
  let holder: unknown = resource;
  for (const part of parts) holder = isObject(holder) ? holder[part] : undefined;
  if (!isObject(holder)) return;
  const names = name.endsWith("[x]") ? CHOICES.map((choice) => name.slice(0, -3) + choice) : [name];
  for (const candidate of names) {
    const value = Object.hasOwn(holder, candidate) ? holder[candidate] : undefined;
    if (value !== undefined && value !== null) yield value;
  }
}

/** When a value of any of the date types begins; of several, the earliest, and null if one of them is unknown. */
function beginning(value: unknown): Days | null {
  if (Array.isArray(value)) {
    const begins = value.map(beginning);
    const known = begins.filter((days) => days !== null);
    if (!known.length || known.length !== begins.length) return null;
    return known.reduce((least, days) => (isBefore(days, least) ? days : least));
  }
  if (isObject(value)) {
    if ("event" in value) return beginning(value.event);
    if ("repeat" in value) return isObject(value.repeat) ? beginning(value.repeat.boundsPeriod) : null;
    return daysOf(value.start);
  }
  return daysOf(value);
}

function isBefore(one: Days, other: Days): boolean {
  return one[0] < other[0] || (one[0] === other[0] && one[1] < other[1]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
