/** Who writes records: standing relationships, one's own address for the next one, and invitations. */

import { useState } from "preact/hooks";
import type { PageError, Relationship } from "../client/api.ts";
import { text } from "../text/catalogue.ts";
import { day, moment } from "../text/moments.ts";
import { propose } from "./act.tsx";
import { Address, Party } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { Accreditation, Card, Empty, Fault, Field } from "./pieces.tsx";
import { QrCode } from "./qrCode.tsx";
import { Scanner } from "./scanner.tsx";
import { asPageError, client, type Invited, invitations, summary } from "./session.ts";

/** Longest invitation that is read; more is no invitation. */
const MAX_TEXT = 100_000;

export function Relationships() {
  const all = [...(summary.value?.relationships ?? [])].sort((a, b) => b.openedAt - a.openedAt);
  const open = all.filter((one) => one.closedAt === null);
  const closed = all.filter((one) => one.closedAt !== null);
  return (
    <>
      <Card title={text("people.providers")} icon="people">
        {open.length ? (
          <ul class="rows">
            {open.map((one) => (
              <Standing key={`${one.subject}-${one.provider}-${one.number}`} relationship={one} />
            ))}
          </ul>
        ) : (
          <Empty>{text("summary.noProviders")}</Empty>
        )}
      </Card>
      <div class="columns">
        <OwnAddress />
        <Accept />
      </div>
      {closed.length > 0 && (
        <Card title={text("people.closed")} icon="clock">
          <ul class="rows">
            {closed.map((one) => (
              <li key={`${one.subject}-${one.provider}-${one.number}`}>
                <div class="row-main">
                  <Party name={one.providerName} address={one.provider} />
                </div>
                <small>{text("people.closedAt", { day: day(one.closedAt ?? 0) })}</small>
              </li>
            ))}
          </ul>
        </Card>
      )}
    </>
  );
}

function Standing({ relationship }: { relationship: Relationship }) {
  const open = client.value;
  const end = () => {
    if (!open) return;
    propose({
      title: text("people.closeTitle"),
      verb: text("people.closeVerb"),
      isWithdrawal: true,
      about: <Party name={relationship.providerName} address={relationship.provider} />,
      prepare: () => open.close(relationship),
    });
  };
  return (
    <li>
      <div class="row-main">
        <Party name={relationship.providerName} address={relationship.provider} />
        <p class="quiet-line">
          {text("people.since", { day: day(relationship.openedAt) })}
          <span aria-hidden="true"> · </span>
          {text("people.asSubject")} <Address value={relationship.subject} />
        </p>
      </div>
      <div class="row-side">
        <Accreditation holds={relationship.isAccredited} />
        <button
          type="button"
          class="button quiet"
          aria-label={text("people.closeLabel", { name: relationship.providerName || relationship.provider })}
          onClick={end}
        >
          {text("people.close")}
        </button>
      </div>
    </li>
  );
}

function OwnAddress() {
  const [own, setOwn] = useState<{ address: `0x${string}`; text: string } | null>(null);
  const [error, setError] = useState<PageError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [copied, setCopied] = useState("");
  const show = async () => {
    setBusy(true);
    setError(null);
    try {
      setOwn((await client.value?.nextSubject()) ?? null);
    } catch (thrown) {
      setError(asPageError(thrown));
    } finally {
      setBusy(false);
    }
  };
  const copy = async () => {
    if (!own) return;
    try {
      await navigator.clipboard.writeText(own.text);
      setCopied(text("people.copied"));
    } catch {
      setCopied(text("people.notCopied"));
    }
  };
  return (
    <Card title={text("people.own")} icon="plus">
      <p class="help">{text("people.ownHelp")}</p>
      {error && <Fault error={error} />}
      {own ? (
        <div class="own-address">
          <QrCode value={own.text} label={text("people.ownQr")} />
          <code class="breakable">{own.address}</code>
          <div class="button-row">
            <button type="button" class="button" onClick={copy}>
              {text("people.copy")}
            </button>
          </div>
          <p class="help" role="status">
            {copied}
          </p>
        </div>
      ) : (
        <button type="button" class="button primary" disabled={isBusy} onClick={show}>
          {text("people.showOwn")}
        </button>
      )}
    </Card>
  );
}

function Accept() {
  const [pasted, setPasted] = useState("");
  const [isScanning, setScanning] = useState(false);
  const [error, setError] = useState<PageError | null>(null);
  const pending = invitations.value;
  const read = async (written: string) => {
    setError(null);
    const open = client.value;
    const wanted = written.trim().slice(0, MAX_TEXT);
    if (!open || !wanted) return;
    try {
      const view = await open.readInvitation(wanted);
      invitations.value = [...pending.filter((one) => one.text !== wanted), { text: wanted, view }];
      setPasted("");
    } catch (thrown) {
      setError(asPageError(thrown));
    }
  };
  return (
    <Card title={text("people.accept")} icon="check">
      <p class="help">{text("people.acceptHelp")}</p>
      {pending.map((one) => (
        <Pending key={one.text} invited={one} />
      ))}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void read(pasted);
        }}
      >
        <Field label={text("people.paste")}>
          {({ id }) => (
            <textarea
              id={id}
              rows={3}
              spellcheck={false}
              value={pasted}
              onInput={(event) => setPasted(event.currentTarget.value)}
            />
          )}
        </Field>
        {error && <Fault error={error} />}
        <div class="button-row">
          <button type="submit" class="button primary" disabled={!pasted.trim()}>
            {text("people.read")}
          </button>
          <button type="button" class="button" aria-expanded={isScanning} onClick={() => setScanning(!isScanning)}>
            <Icon name="camera" />
            {text("find.scan")}
          </button>
        </div>
      </form>
      {isScanning && (
        <Scanner
          onText={(scanned) => {
            setScanning(false);
            void read(scanned);
          }}
        />
      )}
    </Card>
  );
}

function Pending({ invited }: { invited: Invited }) {
  const open = client.value;
  const forget = () => {
    invitations.value = invitations.value.filter((one) => one.text !== invited.text);
  };
  const { view } = invited;
  const accept = () => {
    if (!open) return;
    propose({
      title: text("people.acceptTitle"),
      verb: text("people.acceptVerb"),
      about: <Party name={view.providerName} address={view.provider} />,
      prepare: () => open.accept(invited.text),
      onConfirmed: forget,
    });
  };
  return (
    <div class="pending">
      <p>
        <Party name={view.providerName} address={view.provider} />{" "}
        <Accreditation holds={view.isAccredited} tone="danger" />
      </p>
      {!view.isAccredited && <p class="help">{text("people.notAccreditedHelp")}</p>}
      <p class="quiet-line">{text("people.invitationEnds", { at: moment(view.expiresAt) })}</p>
      <div class="button-row">
        <button type="button" class="button primary" onClick={accept}>
          {text("people.acceptNow")}
        </button>
        <button type="button" class="button quiet" onClick={forget}>
          {text("people.decline")}
        </button>
      </div>
    </div>
  );
}
