/** Preparing for an emergency: which records, and which three custodians open them together; and what was declared. */

import { useState } from "preact/hooks";
import type { Address as AddressType } from "../client/api.ts";
import { counted, text } from "../text/catalogue.ts";
import { moment } from "../text/moments.ts";
import { revoke } from "./access.tsx";
import { propose } from "./act.tsx";
import { ChosenPeople, FindParty, withChosen } from "./findParty.tsx";
import { ForeignText, Party } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { Card, Empty, Tag } from "./pieces.tsx";
import { className } from "./recordClasses.ts";
import { client, summary } from "./session.ts";
import { ClassChoice, countsOf } from "./shareChoices.tsx";
import { SubjectChoice, useSubject } from "./subjectChoice.tsx";
import { isLive } from "./viewer.tsx";

const CUSTODIANS = 3;
const THRESHOLD = 2;
/** Classes that somebody who treats in an emergency needs first. */
const VITAL: ReadonlySet<string> = new Set(["demographics", "allergies", "medications", "conditions", "immunizations"]);

export function EmergencyPlan() {
  const plans = (summary.value?.grants ?? []).filter((one) => one.kind === "emergency plan" && isLive(one));
  const declared = summary.value?.emergencies ?? [];
  return (
    <>
      <Card title={text("plan.title")} icon="shield">
        <p class="help">{text("plan.help")}</p>
        {plans.length ? (
          <ul class="rows">
            {plans.map((plan) => (
              <li key={plan.id}>
                <div class="row-main">
                  <strong>{text("plan.stands")}</strong>
                  <p class="quiet-line">{plan.classes.map(className).join(text("list.separator"))}</p>
                </div>
                <button type="button" class="button withdraw" onClick={() => revoke(plan.id)}>
                  {text("plan.withdraw")}
                </button>
              </li>
            ))}
          </ul>
        ) : (
          <Empty>{text("plan.none")}</Empty>
        )}
      </Card>
      {declared.length > 0 && (
        <Card title={text("plan.declared")} icon="clock">
          <ul class="rows">
            {declared.map((one) => (
              <li key={one.grant}>
                <div class="row-main">
                  <Party name={one.providerName} address={one.provider} />
                  <p class="quiet-line">
                    {text("plan.between", { start: moment(one.startsAt), end: moment(one.expiresAt) })}
                  </p>
                  <blockquote class="reason">
                    {one.reason ? <ForeignText value={one.reason} /> : text("emergency.noReason")}
                  </blockquote>
                </div>
                {one.isRevoked && <Tag tone="danger">{text("grantState.revoked")}</Tag>}
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Prepare />
    </>
  );
}

function Prepare() {
  const open = client.value;
  const vital = (open?.classes ?? []).filter((one) => VITAL.has(one.code)).map((one) => one.number);
  const standing = useSubject();
  // What is vital is offered also where there are no records of it yet.
  const counts = new Map([...vital.map((one) => [one, 0] as const), ...countsOf(standing.subject)]);
  const [classes, setClasses] = useState<ReadonlySet<number>>(new Set(vital));
  const [custodians, setCustodians] = useState<readonly { address: AddressType; name: string }[]>([]);
  const submit = (event: Event) => {
    event.preventDefault();
    if (!open) return;
    propose({
      title: text("plan.actTitle"),
      verb: text("plan.verb"),
      prepare: () =>
        open.prepareEmergency(
          [...classes].sort((a, b) => a - b),
          custodians.map((one) => one.address),
          THRESHOLD,
          standing.subject,
        ),
      onConfirmed: () => setCustodians([]),
    });
  };
  return (
    <Card title={text("plan.prepare")} icon="plus">
      <form onSubmit={submit}>
        <h3>{text("plan.classes")}</h3>
        <SubjectChoice chosen={standing} label={text("share.subject")} help={text("plan.subjectHelp")} />
        <ClassChoice chosen={classes} onChange={setClasses} counts={counts} />
        <h3>{counted("plan.custodians", CUSTODIANS - custodians.length)}</h3>
        <p class="help">{text("plan.custodiansHelp")}</p>
        <ChosenPeople people={custodians} onChange={setCustodians} />
        {custodians.length < CUSTODIANS && (
          <FindParty
            key={custodians.length}
            label={text("plan.add")}
            onFound={(found) => setCustodians(withChosen(custodians, found))}
          />
        )}
        <button type="submit" class="button primary" disabled={custodians.length !== CUSTODIANS || classes.size === 0}>
          <Icon name="shield" />
          {text("plan.review")}
        </button>
      </form>
    </Card>
  );
}
