/**
 * Every act goes through this dialog: first the plain sentence and what can't be undone, then the signature, then what
 * becomes of it, until it is confirmed or has failed for a reason that is said.
 */

import { effect, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ActState, PageError, Proposal } from "../client/api.ts";
import { type TextKey, text, textOf } from "../text/catalogue.ts";
import { number } from "../text/moments.ts";
import { Foreign, ForeignText } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { Dialog, Disclosure, Fault } from "./pieces.tsx";
import { announcement, asPageError, client, refresh } from "./session.ts";

export interface Act {
  title: string;
  /** Words on the button that signs. */
  verb: string;
  /** Whom or what it is about, in names: what is signed names them by address and number. */
  about?: ComponentChildren;
  prepare: () => Promise<Proposal>;
  /** Whether the act takes something away, which the button shows. */
  isWithdrawal?: boolean;
  onConfirmed?: (state: ActState & { kind: "confirmed" }) => void;
}

/** The act whose dialog is open. */
export const currentAct = signal<Act | null>(null);

// What was about to be signed says whose records it is about, and holds on to the keys: it goes when the page locks.
effect(() => {
  if (!client.value) currentAct.value = null;
});

export function propose(act: Act): void {
  // Emptied first, so that the same words are said again at the end of this act too.
  announcement.value = "";
  currentAct.value = act;
}

export function ActDialog() {
  const act = currentAct.value;
  return act && <Conversation key={act.title} act={act} />;
}

type Phase = ActState | { kind: "preparing" } | { kind: "asking" };

/** Faults of relayers, and not of the act: with these the wallet itself can still send it. */
const RELAY_FAULTS: ReadonlySet<string> = new Set([
  "RelayUnavailable",
  "RelayRefused",
  "RelaySlow",
  "RelayersRefuse",
  "NoRelayer",
]);

const BUSY: ReadonlySet<string> = new Set(["signing", "sending", "pending"]);

function Conversation({ act }: { act: Act }) {
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const [phase, setPhase] = useState<Phase>({ kind: "preparing" });
  const [canSendSelf, setCanSendSelf] = useState(false);
  const status = useRef<HTMLDivElement>(null);
  const isBusy = BUSY.has(phase.kind);
  const close = () => {
    if (currentAct.value === act) currentAct.value = null;
  };

  const prepare = async () => {
    setPhase({ kind: "preparing" });
    try {
      setProposal(await act.prepare());
      setPhase({ kind: "asking" });
    } catch (error) {
      setPhase({ kind: "failed", error: asPageError(error) });
    }
  };

  useEffect(() => {
    void prepare();
  }, []);

  const run = async (submit: (seen: (state: ActState) => void) => Promise<ActState>) => {
    setPhase({ kind: "signing" });
    // The pressed button is gone now; without this the focus would fall back to the page's beginning.
    status.current?.focus();
    let end: ActState;
    try {
      end = await submit(setPhase);
    } catch (error) {
      end = { kind: "failed", error: asPageError(error) };
    }
    setPhase(end);
    // The outcome may lie below what was opened to be read.
    setTimeout(() => status.current?.scrollIntoView({ block: "nearest" }), 0);
    if (end.kind === "failed") setCanSendSelf(RELAY_FAULTS.has(end.error.code));
    if (end.kind !== "confirmed") return;
    announcement.value = text("act.confirmed");
    act.onConfirmed?.(end);
    void refresh();
  };

  return (
    <Dialog title={act.title} onClose={close} canClose={!isBusy}>
      {act.about && phase.kind !== "confirmed" && <div class="act-about">{act.about}</div>}
      {phase.kind === "preparing" && <p class="waiting">{text("act.preparing")}</p>}
      {proposal && phase.kind !== "confirmed" && <Sentence proposal={proposal} />}
      <div class="act-status" ref={status} tabIndex={-1} role="status">
        {(isBusy || phase.kind === "confirmed") && <Steps phase={phase as ActState} proposal={proposal} />}
        {phase.kind === "failed" && <Fault error={phase.error}>{failureHelp(phase.error)}</Fault>}
      </div>
      <div class="dialog-actions">
        {phase.kind === "confirmed" ? (
          <button type="button" class="button primary" onClick={close}>
            {text("act.done")}
          </button>
        ) : (
          <>
            <button type="button" class="button" onClick={close} disabled={isBusy}>
              {text("act.notNow")}
            </button>
            {phase.kind === "failed" && canSendSelf && proposal && (
              <button type="button" class="button" onClick={() => run(async (seen) => sendSelf(proposal, seen))}>
                {text("act.sendSelf")}
              </button>
            )}
            {phase.kind === "failed" && (
              <button
                type="button"
                class="button primary"
                onClick={() => (proposal ? run((seen) => proposal.submit(seen)) : prepare())}
              >
                {text("act.retry")}
              </button>
            )}
            {phase.kind === "asking" && proposal && (
              <button
                type="button"
                class={`button primary${act.isWithdrawal ? " withdraw" : ""}`}
                onClick={() => run((seen) => proposal.submit(seen))}
              >
                {act.verb}
              </button>
            )}
          </>
        )}
      </div>
    </Dialog>
  );
}

async function sendSelf(proposal: Proposal, seen: (state: ActState) => void): Promise<ActState> {
  seen({ kind: "sending", via: "wallet" });
  const open = client.value;
  if (!open) throw new Error("locked");
  return open.sendWithWallet(proposal);
}

function failureHelp(error: PageError) {
  const help = textOf("errorHelp", error.code, error.values);
  return help && <p class="help">{help}</p>;
}

function Sentence({ proposal }: { proposal: Proposal }) {
  return (
    <>
      <p class="help">{text(proposal.signer === "wallet" ? "act.walletSigns" : "act.pageSigns")}</p>
      <blockquote class="sentence">
        <ForeignText value={proposal.sentence} />
      </blockquote>
      {proposal.caveats.length > 0 && (
        <ul class="caveats">
          {proposal.caveats.map((code) => (
            <li key={code}>
              <Icon name="warning" />
              <span>{textOf("caveats", code) ?? code}</span>
            </li>
          ))}
        </ul>
      )}
      <Disclosure title={text("act.typedData")}>{() => <TypedData proposal={proposal} />}</Disclosure>
    </>
  );
}

function TypedData({ proposal }: { proposal: Proposal }) {
  const { domain, primaryType, message } = proposal.typedData;
  return (
    <div class="typed-data">
      <h3>
        <code>
          <Foreign value={primaryType} />
        </code>
      </h3>
      <Members value={message} />
      <h3>{text("act.domain")}</h3>
      <Members value={domain} />
    </div>
  );
}

function Members({ value }: { value: Readonly<Record<string, unknown>> }) {
  return (
    <dl class="members">
      {Object.entries(value).map(([name, member]) => (
        <div key={name}>
          <dt>
            <code>{name}</code>
          </dt>
          <dd>
            <code>
              <Foreign value={asWords(member)} limit={2000} />
            </code>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function asWords(value: unknown): string {
  if (typeof value === "object")
    return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}` : part));
  return String(value);
}

const STEPS = ["signing", "sending", "pending", "confirmed"] as const;

function Steps({ phase, proposal }: { phase: ActState; proposal: Proposal | null }) {
  const now = STEPS.indexOf(phase.kind as (typeof STEPS)[number]);
  return (
    <>
      <ol class="act-steps">
        {STEPS.map((step, index) => (
          <li key={step} class={index < now || phase.kind === "confirmed" ? "done" : index === now ? "now" : "later"}>
            <span class="dot" />
            {text(stepKey(step, phase, proposal))}
          </li>
        ))}
      </ol>
      {phase.kind === "confirmed" && (
        <p class="notice good">
          <Icon name="check" />
          <span>{text("act.inBlock", { block: number(phase.block) })}</span>
        </p>
      )}
    </>
  );
}

function stepKey(step: (typeof STEPS)[number], phase: ActState, proposal: Proposal | null): TextKey {
  if (step === "signing") return proposal?.signer === "wallet" ? "act.signingWallet" : "act.signingPage";
  if (step === "sending")
    return phase.kind === "sending" && phase.via === "wallet" ? "act.sendingWallet" : "act.sending";
  return step === "pending" ? "act.pending" : "act.confirmedStep";
}
