/** People: who writes records, who may act for the patient, who helps when the wallet is lost or in an emergency. */

import { useState } from "preact/hooks";
import { text } from "../text/catalogue.ts";
import { Delegates } from "./delegates.tsx";
import { EmergencyPlan } from "./emergencyPlan.tsx";
import { Guardians } from "./guardians.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { Heading } from "./pieces.tsx";
import { Relationships } from "./relationships.tsx";
import { link, route } from "./route.ts";

const PARTS = ["providers", "delegates", "guardians", "emergency"] as const;
type Part = (typeof PARTS)[number];

const ICONS: Readonly<Record<Part, IconName>> = {
  providers: "records",
  delegates: "person",
  guardians: "shield",
  emergency: "pulse",
};

export function PeopleScreen() {
  const part = PARTS.find((known) => known === route.value.detail) ?? "providers";
  // A person in the middle of naming guardians must not lose their list by looking at another part.
  const [visited] = useState(() => new Set<Part>());
  visited.add(part);
  return (
    <>
      <Heading lead={text("people.lead")}>{text("people.title")}</Heading>
      <nav class="parts" aria-label={text("people.parts")}>
        <ul>
          {PARTS.map((one) => (
            <li key={one}>
              <a href={link("people", one)} aria-current={one === part ? "true" : undefined}>
                <Icon name={ICONS[one]} />
                {text(`people.part.${one}`)}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {PARTS.filter((one) => visited.has(one)).map((one) => (
        <div key={one} hidden={one !== part}>
          {one === "providers" && <Relationships />}
          {one === "delegates" && <Delegates />}
          {one === "guardians" && <Guardians />}
          {one === "emergency" && <EmergencyPlan />}
        </div>
      ))}
    </>
  );
}
