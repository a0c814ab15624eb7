/** Summaries for each scene, with everything that a screen can have to show. */

import type { Announcement, GrantView, HistoryItem, RecordView, Summary, TimelineCell } from "../../src/client/api.ts";
import {
  AGENT,
  digestOf,
  EMERGENCY_CONTRACT,
  EMERGENCY_PROVIDER,
  GUARDIAN,
  HEIR,
  nameOf,
  PATIENT,
  PROVIDER,
  RELATIVE,
  RESEARCHER,
  SECOND_GUARDIAN,
  SECOND_PROVIDER,
  STRANGER,
  SUBJECT_ONE,
  SUBJECT_THREE,
  SUBJECT_TWO,
  THIRD_GUARDIAN,
  VIEWER,
} from "./addresses.ts";
import type { Scene } from "./client.ts";

const DAY = 86400;
const now = Math.floor(Date.now() / 1000);
const TAKEOVER: Announcement = { heir: HEIR, guardian: GUARDIAN, announcedAt: now - DAY, opensAt: now + 6 * DAY };

const GRANT: GrantView = {
  id: digestOf(200),
  subject: SUBJECT_ONE,
  grantor: SUBJECT_ONE,
  grantorName: "",
  viewer: VIEWER,
  viewerName: nameOf(VIEWER),
  agent: null,
  agentRevoked: false,
  classes: [3, 5, 7, 8],
  purposes: ["TREAT"],
  operations: ["READ"],
  startsAt: now - 20 * DAY,
  expiresAt: now + 70 * DAY,
  recordsFrom: null,
  recordsUntil: null,
  delegations: 2,
  condition: null,
  parent: null,
  statement: `I allow ${VIEWER} to read the medical records of these kinds: Medications, Conditions and diagnoses, Laboratory results, Vital signs. Only for: treatment. [medrec:1:en]`,
  state: "active",
  grantedAt: now - 20 * DAY,
  kind: "grant",
};

export function grants(scene: Scene): GrantView[] {
  const found: GrantView[] = [
    GRANT,
    { ...GRANT, id: digestOf(201), grantor: VIEWER, grantorName: nameOf(VIEWER), viewer: SECOND_PROVIDER, viewerName: nameOf(SECOND_PROVIDER), classes: [7, 8], delegations: 1, parent: GRANT.id, grantedAt: now - 12 * DAY, agent: AGENT },
    { ...GRANT, id: digestOf(202), grantor: SECOND_PROVIDER, grantorName: nameOf(SECOND_PROVIDER), viewer: STRANGER, viewerName: nameOf(STRANGER), classes: [7], delegations: 0, parent: digestOf(201), grantedAt: now - 3 * DAY },
    { ...GRANT, id: digestOf(203), subject: SUBJECT_TWO, grantor: SUBJECT_TWO, viewer: RESEARCHER, viewerName: nameOf(RESEARCHER), purposes: ["HRESCH", "CLINTRCH"], operations: ["QUERY", "DERIVE"], recordsFrom: "2015-01-01", recordsUntil: "2024-12-31", state: "suspended", delegations: 0, grantedAt: now - 100 * DAY, agent: AGENT, agentRevoked: true },
    { ...GRANT, id: digestOf(204), viewer: RELATIVE, viewerName: "", classes: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], purposes: ["FAMRQT"], expiresAt: null, delegations: 0, grantedAt: now - 300 * DAY },
    { ...GRANT, id: digestOf(205), viewer: EMERGENCY_CONTRACT, viewerName: "", classes: [1, 2, 3, 4, 5], purposes: ["ETREAT"], delegations: 1, expiresAt: null, kind: "emergency plan", condition: EMERGENCY_CONTRACT, grantedAt: now - 200 * DAY },
    { ...GRANT, id: digestOf(206), viewer: PROVIDER, viewerName: nameOf(PROVIDER), state: "expired", expiresAt: now - 30 * DAY, delegations: 0, grantedAt: now - 400 * DAY },
    { ...GRANT, id: digestOf(207), viewer: STRANGER, viewerName: "Bank \u202Eknab evil\u202C", state: "revoked", delegations: 0, grantedAt: now - 410 * DAY },
  ]; // biome-ignore format: one line a grant reads as the table it is
  if (scene === "emergency") {
    found.push({
      ...GRANT,
      id: digestOf(208),
      grantor: EMERGENCY_CONTRACT,
      viewer: EMERGENCY_PROVIDER,
      viewerName: nameOf(EMERGENCY_PROVIDER),
      classes: [1, 2, 3, 4, 5],
      purposes: ["ETREAT"],
      delegations: 0,
      parent: digestOf(205),
      kind: "emergency",
      condition: EMERGENCY_CONTRACT,
      startsAt: now - 3600,
      expiresAt: now + DAY,
      grantedAt: now - 3600,
    });
  }
  return found;
}

export function makeSummary(
  scene: Scene,
  records: readonly RecordView[],
  all: readonly GrantView[],
  added: readonly HistoryItem[],
): Summary {
  const isEmpty = scene === "empty";
  const subjects = isEmpty ? [SUBJECT_ONE] : [SUBJECT_ONE, SUBJECT_TWO, SUBJECT_THREE];
  const isFaulty = scene === "fault";
  return {
    subjects,
    relationships: isEmpty ? [] : relationships(),
    timeline: timeline(records),
    grants: [...all],
    history: isEmpty ? [] : [...added, ...history(scene)],
    verification: {
      ok: !isFaulty,
      block: 21_873_412,
      blockTime: now - 40,
      ledgers: subjects.map((subject, index) => ({
        subject,
        head: digestOf(300 + index),
        entries: [412, 97, 0][index] ?? 0,
        ok: !(isFaulty && index === 1),
      })),
      faults: isFaulty ? [{ code: "ledger_mismatch", values: {}, subject: SUBJECT_TWO, digest: null }] : [],
    },
    delegates: isEmpty
      ? []
      : [{ subject: SUBJECT_ONE, delegate: RELATIVE, name: "", expiresAt: now + 900 * DAY, isActive: true }],
    guardians: isEmpty
      ? null
      : {
          owner: SUBJECT_THREE,
          threshold: 2,
          guardians: [GUARDIAN, SECOND_GUARDIAN, THIRD_GUARDIAN].map((address) => ({ address, name: nameOf(address) })),
          silence: 90 * DAY,
          notice: 7 * DAY,
          lastSignAt: now - 2 * DAY,
          announcement: scene === "takeover" ? TAKEOVER : null,
          announcements: scene === "takeover" ? [TAKEOVER] : [],
        },
    emergencies:
      scene === "emergency"
        ? [
            {
              grant: digestOf(208),
              subject: SUBJECT_ONE,
              provider: EMERGENCY_PROVIDER,
              providerName: nameOf(EMERGENCY_PROVIDER),
              startsAt: now - 3600,
              expiresAt: now + DAY,
              reason: "Brought in unconscious after a road accident; needs an operation.",
              releasedBy: [GUARDIAN, SECOND_GUARDIAN],
              isRevoked: false,
            },
          ]
        : [],
    faults: isFaulty ? [{ code: "tampered_object", values: {}, subject: SUBJECT_ONE, digest: digestOf(12) }] : [],
  };
}

function relationships(): Summary["relationships"] {
  return [
    {
      subject: SUBJECT_ONE,
      provider: PROVIDER,
      providerName: nameOf(PROVIDER),
      number: 0,
      openedAt: now - 900 * DAY,
      closedAt: null,
      isAccredited: true,
    },
    {
      subject: SUBJECT_TWO,
      provider: SECOND_PROVIDER,
      providerName: nameOf(SECOND_PROVIDER),
      number: 0,
      openedAt: now - 300 * DAY,
      closedAt: null,
      isAccredited: true,
    },
    {
      subject: SUBJECT_THREE,
      provider: STRANGER,
      providerName: nameOf(STRANGER),
      number: 0,
      openedAt: now - 20 * DAY,
      closedAt: null,
      isAccredited: false,
    },
    {
      subject: SUBJECT_ONE,
      provider: RESEARCHER,
      providerName: nameOf(RESEARCHER),
      number: 0,
      openedAt: now - 800 * DAY,
      closedAt: now - 500 * DAY,
      isAccredited: true,
    },
  ];
}

function timeline(records: readonly RecordView[]): TimelineCell[] {
  const cells = new Map<string, TimelineCell>();
  for (const record of records) {
    const year = record.date ? Number(record.date.slice(0, 4)) : null;
    const key = `${record.class} ${year}`;
    const cell = cells.get(key) ?? { class: record.class, year, records: 0 };
    cell.records += 1;
    cells.set(key, cell);
  }
  return [...cells.values()];
}

function history(scene: Scene): HistoryItem[] {
  const item = (kind: string, days: number, actor: HistoryItem["actor"], index: number): HistoryItem => ({
    kind,
    time: now - Math.round(days * DAY),
    block: 21_873_412 - Math.round(days * 7200),
    transaction: digestOf(500 + index),
    actor,
    actorName: actor ? nameOf(actor) : "",
    subject: SUBJECT_ONE,
    grant: null,
    values: { count: 3 },
  });
  const found = [
    item("ReceiptsCommitted", 1, VIEWER, 1),
    item("Granted", 3, SECOND_PROVIDER, 2),
    item("Anchored", 4, PROVIDER, 3),
    item("GrantSuspended", 9, PATIENT, 4),
    item("Granted", 20, SUBJECT_ONE, 5),
    item("PlanSet", 40, PATIENT, 6),
    item("DelegateNamed", 60, PATIENT, 7),
    item("GrantRevoked", 80, PATIENT, 8),
    item("Retracted", 90, PROVIDER, 9),
    item("RelationshipOpened", 300, SECOND_PROVIDER, 10),
    item("RelationshipOpened", 900, PROVIDER, 11),
  ];
  if (scene === "takeover") found.unshift(item("RecoveryAnnounced", 1, GUARDIAN, 12));
  if (scene === "emergency") found.unshift(item("EmergencyDeclared", 0.04, EMERGENCY_PROVIDER, 13));
  return found;
}
