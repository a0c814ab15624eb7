/** A new wallet takes the place of a lost one: registered, asked for by a guardian, waited for, completed. */

import { useEffect, useState } from "preact/hooks";
import type { ActState, Address as AddressType, PageError, Recovery } from "../client/api.ts";
import { counted, text } from "../text/catalogue.ts";
import { distance, moment } from "../text/moments.ts";
import { Address } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { Card, Empty, Fault, Heading, Progress, Tag } from "./pieces.tsx";
import { QrCode } from "./qrCode.tsx";
import { go } from "./route.ts";
import { asPageError, enter, progress, refresh, walletState, wallets } from "./session.ts";
import { ChooseWallet } from "./welcome.tsx";

type Status = Awaited<ReturnType<Recovery["status"]>>;

export function RecoverScreen() {
  const state = walletState.value;
  return (
    <>
      <Heading lead={text("recover.lead")}>{text("recover.title")}</Heading>
      <ol class="recover-steps">
        <li>{text("recover.stepWallet")}</li>
        <li>{text("recover.stepShow")}</li>
        <li>{text("recover.stepWait")}</li>
        <li>{text("recover.stepDone")}</li>
      </ol>
      {state.kind === "connected" ? (
        <NewWallet key={state.account} />
      ) : (
        <Card title={text("recover.chooseWallet")} icon="key">
          <ChooseWallet />
        </Card>
      )}
    </>
  );
}

function NewWallet() {
  const [recovery, setRecovery] = useState<Recovery | null>(null);
  const [status, setStatus] = useState<Status | null>(null);
  const [registered, setRegistered] = useState<ActState | null>(null);
  const [error, setError] = useState<PageError | null>(null);
  const [isBusy, setBusy] = useState(false);

  /** Runs one step; a step that fails says why and can be tried again. */
  const run = async (step: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await step();
    } catch (thrown) {
      setError(asPageError(thrown));
    } finally {
      setBusy(false);
    }
  };
  const look = (from: Recovery) => run(async () => setStatus(await from.status()));
  const begin = () =>
    run(async () => {
      const found = await wallets.value?.recovery();
      if (!found) return;
      setRecovery(found);
      setStatus(await found.status());
    });
  const register = (with_: Recovery) =>
    run(async () => {
      const end = await with_.register();
      setRegistered(end);
      if (end.kind === "failed") throw end.error;
    });
  const complete = (with_: Recovery, owner: AddressType) =>
    run(async () => {
      enter(
        await with_.complete(owner, (step) => {
          progress.value = step;
        }),
      );
      go("summary");
      await refresh();
    });

  useEffect(() => {
    // Guardians act elsewhere; looking again by oneself spares the person from pressing a button for days.
    if (!recovery) return;
    const timer = setInterval(() => {
      if (!document.hidden) void recovery.status().then(setStatus, () => undefined);
    }, 30_000);
    return () => clearInterval(timer);
  }, [recovery]);

  return (
    <>
      {error && <Fault error={error} />}
      {isBusy && <Progress value={progress.value} />}
      {!recovery ? (
        <Card title={text("recover.begin")} icon="recover">
          <p class="help">{text("recover.beginHelp")}</p>
          <button type="button" class="button primary" disabled={isBusy} onClick={begin}>
            <Icon name="key" />
            {text("recover.beginVerb")}
          </button>
        </Card>
      ) : (
        <>
          <Card title={text("recover.yourAddress")} icon="key">
            <p class="help">{text("recover.addressHelp")}</p>
            <div class="own-address">
              <QrCode value={recovery.address} label={text("recover.qr")} />
              <code class="breakable">{recovery.address}</code>
            </div>
            {registered?.kind === "confirmed" ? (
              <p class="notice good">
                <Icon name="check" />
                <span>{text("recover.registered")}</span>
              </p>
            ) : (
              <button type="button" class="button primary" disabled={isBusy} onClick={() => register(recovery)}>
                {text("recover.register")}
              </button>
            )}
          </Card>
          <Card
            title={text("recover.requests")}
            icon="clock"
            aside={
              <button type="button" class="button" disabled={isBusy} onClick={() => look(recovery)}>
                <Icon name="refresh" />
                {text("recover.look")}
              </button>
            }
          >
            {status?.length ? (
              <ul class="rows">
                {status.map((one) => (
                  <Request
                    key={one.owner}
                    request={one}
                    now={recovery.now()}
                    isBusy={isBusy}
                    onComplete={() => complete(recovery, one.owner)}
                  />
                ))}
              </ul>
            ) : (
              <Empty>{text("recover.none")}</Empty>
            )}
          </Card>
        </>
      )}
    </>
  );
}

interface RequestProps {
  request: Status[number];
  now: number;
  isBusy: boolean;
  onComplete: () => void;
}

function Request({ request, now, isBusy, onComplete }: RequestProps) {
  const missing = Math.max(0, (request.threshold ?? 0) - request.sharesReleased);
  const isReady = request.isOpen && !request.isVetoed && request.threshold !== null && missing === 0;
  return (
    <li>
      <div class="row-main">
        <p>
          {text("recover.of")} <Address value={request.owner} />
        </p>
        <p class="quiet-line">
          {request.isVetoed
            ? text("recover.vetoed")
            : request.isOpen
              ? text("recover.isOpen")
              : text("recover.opens", { at: moment(request.opensAt), away: distance(request.opensAt, now) })}
        </p>
        {!request.isVetoed && (
          <p class="quiet-line">
            {counted("recover.released", request.sharesReleased)}
            {request.threshold !== null && missing > 0 && ` ${counted("recover.missing", missing)}`}
          </p>
        )}
      </div>
      <div class="row-side">
        {request.isVetoed && <Tag tone="danger">{text("recover.vetoedTag")}</Tag>}
        <button type="button" class="button primary" disabled={!isReady || isBusy} onClick={onComplete}>
          {text("recover.complete")}
        </button>
      </div>
    </li>
  );
}
