/** One grant in words: who, what, what for, until when, and what can be done about it. */

import type { GrantView } from "../client/api.ts";
import { counted, text, textOf } from "../text/catalogue.ts";
import { clinicalDate, day, distance, moment } from "../text/moments.ts";
import { AboutGrant } from "./aboutGrant.tsx";
import { revoke } from "./access.tsx";
import { propose } from "./act.tsx";
import { Address, Foreign, ForeignText, Party } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { Disclosure, Tag, type Tone } from "./pieces.tsx";
import { classIcon, className, purposeName } from "./recordClasses.ts";
import { client, isOwn, now, summary } from "./session.ts";
import { isInForce, isLive, Viewer } from "./viewer.tsx";

const TONES: Readonly<Record<GrantView["state"], Tone>> = {
  active: "good",
  "not yet valid": "quiet",
  suspended: "warning",
  expired: "quiet",
  revoked: "danger",
  renounced: "quiet",
  unknown: "warning",
};

export function GrantCard({ grant }: { grant: GrantView }) {
  const label = `grant-${grant.id}`;
  const inForce = isInForce(grant, summary.value?.grants ?? []);
  return (
    <article class={`card grant ${grant.kind.replace(" ", "-")}`} aria-labelledby={label}>
      <div class="grant-head">
        <h3 id={label}>
          <Viewer grant={grant} />
        </h3>
        <span class="tags">
          {grant.kind === "emergency" && <Tag tone="danger">{text("access.emergency")}</Tag>}
          {grant.kind === "emergency plan" && <Tag>{text("access.emergencyPlan")}</Tag>}
          {isLive(grant) && !inForce ? (
            <Tag tone="danger">{text("access.endedAbove")}</Tag>
          ) : (
            <Tag tone={TONES[grant.state]} {...(grant.state === "suspended" ? { icon: "pause" as const } : {})}>
              {text(`grantState.${grant.state}`)}
            </Tag>
          )}
        </span>
      </div>
      <ul class="class-list" aria-label={text("access.classes")}>
        {grant.classes.map((one) => (
          <li key={one}>
            <Icon name={classIcon(one)} />
            {className(one)}
          </li>
        ))}
      </ul>
      <dl class="facts">
        <div>
          <dt>{text("access.may")}</dt>
          <dd>{grant.operations.map((one) => textOf("operation", one) ?? one).join(text("list.separator"))}</dd>
        </div>
        <div>
          <dt>{text("access.purposes")}</dt>
          <dd class="purpose">{grant.purposes.map(purposeName).join(text("list.separator"))}</dd>
        </div>
        <div>
          <dt>{text("access.time")}</dt>
          <dd>{timeWords(grant, inForce)}</dd>
        </div>
        {(grant.recordsFrom || grant.recordsUntil) && (
          <div>
            <dt>{text("access.dated")}</dt>
            <dd>{datesWords(grant)}</dd>
          </div>
        )}
        {grant.delegations > 0 && (
          <div>
            <dt>{text("access.onward")}</dt>
            <dd>{counted("access.onwardHands", grant.delegations)}</dd>
          </div>
        )}
        {!isOwn(grant.grantor) && grant.kind !== "emergency" && (
          <div>
            <dt>{text("access.grantor")}</dt>
            <dd>
              <Party name={grant.grantorName} address={grant.grantor} />
            </dd>
          </div>
        )}
        {grant.agent && (
          <div>
            <dt>{text("access.agent")}</dt>
            <dd class="agent-line">
              <Address value={grant.agent} />
              {grant.agentRevoked && <Tag tone="danger">{text("access.agentRevoked")}</Tag>}
            </dd>
          </div>
        )}
      </dl>
      <Disclosure title={text("access.details")}>
        {() => (
          <>
            {grant.statement && (
              <blockquote class="sentence">
                <ForeignText value={grant.statement} />
              </blockquote>
            )}
            <dl class="facts">
              <div>
                <dt>{text("access.grantedAt")}</dt>
                <dd>{moment(grant.grantedAt)}</dd>
              </div>
              {grant.condition && (
                <div>
                  <dt>{text("access.condition")}</dt>
                  <dd>
                    <Address value={grant.condition} />
                  </dd>
                </div>
              )}
              <div>
                <dt>{text("access.id")}</dt>
                <dd>
                  <code class="breakable">
                    <Foreign value={grant.id} />
                  </code>
                </dd>
              </div>
            </dl>
          </>
        )}
      </Disclosure>
      {inForce && <Actions grant={grant} />}
    </article>
  );
}

function Actions({ grant }: { grant: GrantView }) {
  const open = client.value;
  if (!open) return null;
  const who =
    grant.kind === "emergency plan" ? text("access.planViewer") : grant.viewerName || grant.viewer.slice(0, 10);
  return (
    <fieldset class="button-row">
      <legend class="unseen">{text("access.actions", { who })}</legend>
      <button type="button" class="button withdraw" onClick={() => revoke(grant.id)}>
        <Icon name="close" />
        {text("access.revoke")}
      </button>
      {grant.state === "suspended" ? (
        <button
          type="button"
          class="button"
          onClick={() =>
            propose({
              title: text("access.resumeTitle"),
              verb: text("access.resumeVerb"),
              about: <AboutGrant id={grant.id} />,
              prepare: () => open.resume(grant.id),
            })
          }
        >
          {text("access.resume")}
        </button>
      ) : (
        <button
          type="button"
          class="button"
          onClick={() =>
            propose({
              title: text("access.suspendTitle"),
              verb: text("access.suspendVerb"),
              about: <AboutGrant id={grant.id} />,
              prepare: () => open.suspend(grant.id),
            })
          }
        >
          <Icon name="pause" />
          {text("access.suspend")}
        </button>
      )}
      {grant.agent && !grant.agentRevoked && (
        <button
          type="button"
          class="button"
          onClick={() =>
            propose({
              title: text("access.agentTitle"),
              verb: text("access.agentVerb"),
              isWithdrawal: true,
              about: <AboutGrant id={grant.id} />,
              prepare: () => open.revokeAgent(grant.id),
            })
          }
        >
          {text("access.stopAgent")}
        </button>
      )}
    </fieldset>
  );
}

function timeWords(grant: GrantView, inForce: boolean): string {
  const start = day(grant.startsAt);
  if (grant.expiresAt === null) return text(inForce ? "access.timeOpen" : "access.timeFrom", { start });
  const words = inForce ? "access.timeUntil" : grant.state === "expired" ? "access.timePast" : "access.timeEarly";
  return text(words, { start, end: day(grant.expiresAt), away: distance(grant.expiresAt, now()) });
}

function datesWords({ recordsFrom, recordsUntil }: GrantView): string {
  const from = recordsFrom ? clinicalDate(recordsFrom) : "";
  const until = recordsUntil ? clinicalDate(recordsUntil) : "";
  return text(from && until ? "access.datedRange" : from ? "access.datedFrom" : "access.datedUntil", { from, until });
}
