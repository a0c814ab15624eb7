/** The first thing a patient sees: what needs an answer, whether all of it verifies, and where everything stands. */

import type { GrantView, Relationship, Summary } from "../client/api.ts";
import { counted, text } from "../text/catalogue.ts";
import { day, distance } from "../text/moments.ts";
import { Foreign, Party } from "./foreign.tsx";
import { HistoryList } from "./history.tsx";
import { Accreditation, Card, Empty, Fault, Heading, Progress, Tag } from "./pieces.tsx";
import { className } from "./recordClasses.ts";
import { link } from "./route.ts";
import { invitations, isRefreshing, now, progress, records, refresh, refreshError, summary } from "./session.ts";
import { Timeline } from "./timeline.tsx";
import { VerifiedBadge } from "./verified.tsx";
import { isInForce, Viewer } from "./viewer.tsx";

const SHOWN = 6;

export function SummaryScreen() {
  const seen = summary.value;
  return (
    <>
      <Heading lead={seen ? undefined : text("summary.first")}>{text("summary.title")}</Heading>
      {refreshError.value && (
        <Fault error={refreshError.value}>
          <button type="button" class="button" onClick={() => void refresh()}>
            {text("act.retry")}
          </button>
        </Fault>
      )}
      {seen ? <Whole summary={seen} /> : isRefreshing.value && <Progress value={progress.value} />}
    </>
  );
}

function Whole({ summary: seen }: { summary: Summary }) {
  const live = seen.grants.filter((one) => isInForce(one, seen.grants));
  const open = seen.relationships.filter((one) => one.closedAt === null);
  return (
    <>
      <VerifiedBadge summary={seen} />
      <ul class="figures">
        <Figure
          href={link("records")}
          value={records.value.length}
          words={counted("summary.records", records.value.length)}
        />
        <Figure href={link("people")} value={open.length} words={counted("summary.providers", open.length)} />
        <Figure href={link("access")} value={live.length} words={counted("summary.liveGrants", live.length)} />
      </ul>
      <PendingInvitations />
      <Card
        title={text("summary.timeline")}
        icon="records"
        aside={<a href={link("records")}>{text("summary.allRecords")}</a>}
      >
        {seen.timeline.length ? <Timeline cells={seen.timeline} /> : <Empty>{text("summary.noRecords")}</Empty>}
      </Card>
      <div class="columns">
        <Card
          title={text("summary.whoSees")}
          icon="access"
          aside={<a href={link("access")}>{text("summary.allGrants")}</a>}
        >
          {live.length ? (
            <ul class="rows">
              {live.slice(0, SHOWN).map((grant) => (
                <LiveGrant key={grant.id} grant={grant} />
              ))}
            </ul>
          ) : (
            <Empty>{text("summary.noGrants")}</Empty>
          )}
          {live.length > SHOWN && (
            <p class="more">
              <a href={link("access")}>{counted("summary.moreGrants", live.length - SHOWN)}</a>
            </p>
          )}
        </Card>
        <Card
          title={text("summary.whoWrites")}
          icon="people"
          aside={<a href={link("people")}>{text("summary.allPeople")}</a>}
        >
          {open.length ? (
            <ul class="rows">
              {open.slice(0, SHOWN).map((one) => (
                <Provider key={`${one.subject}-${one.provider}-${one.number}`} relationship={one} />
              ))}
            </ul>
          ) : (
            <Empty>
              {text("summary.noProviders")} <a href={link("people")}>{text("summary.firstProvider")}</a>
            </Empty>
          )}
        </Card>
      </div>
      <Card title={text("summary.history")} icon="clock">
        <HistoryList items={seen.history} />
      </Card>
    </>
  );
}

function Figure({ href, value, words }: { href: string; value: number; words: string }) {
  return (
    <li>
      <a href={href}>
        <strong>{value.toLocaleString(document.documentElement.lang)}</strong>
        <span>{words}</span>
      </a>
    </li>
  );
}

function PendingInvitations() {
  const pending = invitations.value;
  if (!pending.length) return null;
  return (
    <Card title={text("summary.invitations")} icon="plus" tone="warning">
      <ul class="rows">
        {pending.map(({ view }) => (
          <li key={`${view.provider}-${view.number}`}>
            <Party name={view.providerName} address={view.provider} />
            <a class="button primary" href={link("people")}>
              {text("summary.answer")}
            </a>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function LiveGrant({ grant }: { grant: GrantView }) {
  return (
    <li>
      <div class="row-main">
        <Viewer grant={grant} />
        <p class="quiet-line">
          {grant.classes.slice(0, 3).map(className).join(text("list.separator"))}
          {grant.classes.length > 3 && ` ${text("list.more", { count: grant.classes.length - 3 })}`}
        </p>
        {grant.parent && grant.kind !== "emergency" && (
          <p class="quiet-line">
            {text("access.grantor")} <Foreign value={grant.grantorName || grant.grantor} limit={60} />
          </p>
        )}
      </div>
      <div class="row-side">
        {grant.kind === "emergency" && <Tag tone="danger">{text("access.emergency")}</Tag>}
        {grant.kind === "emergency plan" && <Tag>{text("access.emergencyPlan")}</Tag>}
        {grant.state === "suspended" && (
          <Tag tone="warning" icon="pause">
            {text("grantState.suspended")}
          </Tag>
        )}
        <small>
          {grant.expiresAt === null
            ? text("access.untilRevoked")
            : text("access.ends", { when: distance(grant.expiresAt, now()), day: day(grant.expiresAt) })}
        </small>
      </div>
    </li>
  );
}

function Provider({ relationship }: { relationship: Relationship }) {
  return (
    <li>
      <div class="row-main">
        <Party name={relationship.providerName} address={relationship.provider} />
      </div>
      <div class="row-side">
        <Accreditation holds={relationship.isAccredited} />
        <small>{text("people.since", { day: day(relationship.openedAt) })}</small>
      </div>
    </li>
  );
}
