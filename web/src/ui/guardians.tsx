/** Guardians: who together can bring a lost wallet's records back, how many of them, and how long one can object. */

import { useState } from "preact/hooks";
import type { Address as AddressType, GuardianPlan } from "../client/api.ts";
import { counted, text } from "../text/catalogue.ts";
import { moment, span } from "../text/moments.ts";
import { propose } from "./act.tsx";
import { ChosenPeople, FindParty, withChosen } from "./findParty.tsx";
import { Party } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { Card, Field, Tag } from "./pieces.tsx";
import { client, summary } from "./session.ts";

const DAY = 86400;
const NOTICES = [3, 7, 14, 30] as const;
const SILENCES = [0, 90, 180, 365] as const;

export function Guardians() {
  const plan = summary.value?.guardians ?? null;
  return (
    <>
      {plan && <Plan plan={plan} />}
      <Appoint plan={plan} />
    </>
  );
}

function Plan({ plan }: { plan: GuardianPlan }) {
  const open = client.value;
  const end = () => {
    if (!open) return;
    propose({
      title: text("guardians.endTitle"),
      verb: text("guardians.endVerb"),
      isWithdrawal: true,
      prepare: () => open.endGuardianship(),
    });
  };
  const sign = () => {
    if (!open) return;
    propose({
      title: text("guardians.lifeTitle"),
      verb: text("guardians.lifeVerb"),
      prepare: () => open.giveLifeSign(),
    });
  };
  return (
    <Card
      title={text("guardians.plan")}
      icon="shield"
      aside={
        <Tag tone={plan.announcement ? "danger" : "good"}>
          {text(plan.announcement ? "guardians.asked" : "guardians.stands")}
        </Tag>
      }
    >
      <p>
        {plan.guardians.length
          ? counted("guardians.any", plan.guardians.length, { threshold: plan.threshold })
          : counted("guardians.unknown", plan.threshold)}
      </p>
      <ul class="rows">
        {plan.guardians.map((one) => (
          <li key={one.address}>
            <Party name={one.name} address={one.address} />
          </li>
        ))}
      </ul>
      <dl class="facts">
        <div>
          <dt>{text("guardians.notice")}</dt>
          <dd>{span(plan.notice)}</dd>
        </div>
        <div>
          <dt>{text("guardians.silence")}</dt>
          <dd>{plan.silence ? span(plan.silence) : text("guardians.noSilence")}</dd>
        </div>
        <div>
          <dt>{text("guardians.lastSign")}</dt>
          <dd>{plan.lastSignAt ? moment(plan.lastSignAt) : text("guardians.neverSigned")}</dd>
        </div>
      </dl>
      <div class="button-row">
        <button type="button" class="button" onClick={sign}>
          <Icon name="pulse" />
          {text("guardians.life")}
        </button>
        <button type="button" class="button withdraw" onClick={end}>
          {text("guardians.end")}
        </button>
      </div>
    </Card>
  );
}

function Appoint({ plan }: { plan: GuardianPlan | null }) {
  const open = client.value;
  const [chosen, setChosen] = useState<readonly { address: AddressType; name: string }[]>([]);
  const [threshold, setThreshold] = useState(2);
  const [notice, setNotice] = useState<number>(7);
  const [silence, setSilence] = useState<number>(0);
  const least = Math.min(threshold, Math.max(2, chosen.length));
  const submit = (event: Event) => {
    event.preventDefault();
    if (!open) return;
    propose({
      title: text("guardians.appointTitle"),
      verb: text("guardians.appointVerb"),
      prepare: () => open.appointGuardians([...chosen], least, notice * DAY, silence * DAY),
      onConfirmed: () => setChosen([]),
    });
  };
  return (
    <Card title={text(plan ? "guardians.replace" : "guardians.title")} icon="plus">
      <p class="help">{text("guardians.help")}</p>
      <form onSubmit={submit}>
        {chosen.length > 0 && <ChosenPeople people={chosen} onChange={setChosen} />}
        <FindParty
          key={chosen.length}
          label={text("guardians.add")}
          onFound={(found) => setChosen(withChosen(chosen, found))}
        />
        <div class="pair three">
          <Field label={text("guardians.threshold")} help={text("guardians.thresholdHelp")}>
            {({ id, describedBy }) => (
              <select
                id={id}
                value={String(least)}
                aria-describedby={describedBy}
                onChange={(event) => setThreshold(Number(event.currentTarget.value))}
              >
                {Array.from({ length: Math.max(1, chosen.length - 1) }, (_, index) => index + 2).map((count) => (
                  <option key={count} value={String(count)}>
                    {text("guardians.of", { threshold: count, all: Math.max(chosen.length, 2) })}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label={text("guardians.noticeField")} help={text("guardians.noticeHelp")}>
            {({ id, describedBy }) => (
              <select
                id={id}
                value={String(notice)}
                aria-describedby={describedBy}
                onChange={(event) => setNotice(Number(event.currentTarget.value))}
              >
                {NOTICES.map((days) => (
                  <option key={days} value={String(days)}>
                    {counted("share.days", days)}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label={text("guardians.silenceField")} help={text("guardians.silenceHelp")}>
            {({ id, describedBy }) => (
              <select
                id={id}
                value={String(silence)}
                aria-describedby={describedBy}
                onChange={(event) => setSilence(Number(event.currentTarget.value))}
              >
                {SILENCES.map((days) => (
                  <option key={days} value={String(days)}>
                    {days ? counted("share.days", days) : text("guardians.noSilence")}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
        <button type="submit" class="button primary" disabled={chosen.length < 2}>
          {text("guardians.review")}
        </button>
        {chosen.length < 2 && <p class="help">{text("guardians.needTwo")}</p>}
      </form>
    </Card>
  );
}
