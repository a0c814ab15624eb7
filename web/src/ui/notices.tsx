/** What can't wait stands above everything: somebody asks to take over, an emergency runs, an authority is held. */

import type { Announcement, EmergencyView, GuardianPlan, Summary } from "../client/api.ts";
import { rich, text } from "../text/catalogue.ts";
import { distance, moment } from "../text/moments.ts";
import { propose } from "./act.tsx";
import { Address, Foreign, ForeignText, Party } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { client, now } from "./session.ts";

export function Notices({ summary }: { summary: Summary }) {
  const at = now();
  const running = summary.emergencies.filter((one) => !one.isRevoked && one.expiresAt > at);
  return (
    <>
      {summary.guardians?.announcements.map((asks) => (
        <TakeOver key={asks.heir} plan={summary.guardians as GuardianPlan} asks={asks} />
      ))}
      {running.map((one) => (
        <Emergency key={one.grant} emergency={one} />
      ))}
    </>
  );
}

interface TakeOverProps {
  plan: GuardianPlan;
  asks: Announcement;
}

function TakeOver({ plan, asks }: TakeOverProps) {
  const isOpen = asks.opensAt <= now();
  const id = `takeover-${asks.heir ?? "hidden"}`;
  const words = asks.heir === null ? "takeover.hidden" : asks.guardian ? "takeover.byGuardian" : "takeover.bySomebody";
  const known = plan.guardians.find((one) => one.address === asks.guardian);
  return (
    <section class="notice loud danger" role="alert" aria-labelledby={id}>
      <Icon name="danger" />
      <div>
        <h2 id={id}>{text(isOpen ? "takeover.openTitle" : "takeover.title")}</h2>
        <p>
          {rich(words, {
            guardian: asks.guardian && <Party name={known?.name ?? ""} address={asks.guardian} />,
            heir: asks.heir && <Address value={asks.heir} />,
            announced: moment(asks.announcedAt),
          })}
        </p>
        <p>
          <strong>
            {text(isOpen ? "takeover.opened" : "takeover.opens", {
              at: moment(asks.opensAt),
              away: distance(asks.opensAt, now()),
            })}
          </strong>{" "}
          {text("takeover.help")}
        </p>
        <button type="button" class="button primary withdraw" onClick={veto}>
          <Icon name="close" />
          {text("takeover.veto")}
        </button>
      </div>
    </section>
  );
}

export function veto(): void {
  const open = client.value;
  if (open)
    propose({ title: text("takeover.vetoTitle"), verb: text("takeover.vetoVerb"), prepare: () => open.giveLifeSign() });
}

function Emergency({ emergency }: { emergency: EmergencyView }) {
  const open = client.value;
  const stop = () => {
    if (!open) return;
    propose({
      title: text("emergency.stopTitle"),
      verb: text("access.revokeVerb"),
      isWithdrawal: true,
      about: <Party name={emergency.providerName} address={emergency.provider} />,
      prepare: () => open.revoke(emergency.grant),
    });
  };
  return (
    <section class="notice loud danger" role="alert" aria-labelledby={`emergency-${emergency.grant}`}>
      <Icon name="danger" />
      <div>
        <h2 id={`emergency-${emergency.grant}`}>{text("emergency.title")}</h2>
        <p>
          {rich("emergency.who", {
            provider: <Party name={emergency.providerName} address={emergency.provider} />,
            start: moment(emergency.startsAt),
            end: moment(emergency.expiresAt),
          })}
        </p>
        <blockquote class="reason">
          {emergency.reason ? <ForeignText value={emergency.reason} /> : text("emergency.noReason")}
        </blockquote>
        <p class="quiet-line">
          <Foreign value={text("emergency.released", { count: emergency.releasedBy.length })} />
          {emergency.releasedBy.map((custodian) => (
            <Address key={custodian} value={custodian} />
          ))}
        </p>
        <button type="button" class="button primary withdraw" onClick={stop}>
          <Icon name="close" />
          {text("emergency.stop")}
        </button>
      </div>
    </section>
  );
}
