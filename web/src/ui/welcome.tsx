/** The first screen: which wallet, which mode, and one signature that unlocks. */

import type { ComponentType } from "preact";
import { useState } from "preact/hooks";
import type { AnnouncedWallet, Mode, PageError } from "../client/api.ts";
import { text } from "../text/catalogue.ts";
import { Address, Foreign } from "./foreign.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { Fault, Progress } from "./pieces.tsx";
import { link } from "./route.ts";
import { asPageError, lockedBecause, progress, unlock, walletState, wallets, walletsSeen } from "./session.ts";

export function Welcome() {
  const state = walletState.value;
  const why = lockedBecause.value;
  return (
    <div class="welcome">
      <div class="welcome-words">
        <h1 id="screen-heading" tabIndex={-1}>
          {text("welcome.title")}
        </h1>
        <p class="lead">{text("welcome.lead")}</p>
        <ul class="promises">
          <Promised icon="lock" words={text("welcome.promiseKeys")} />
          <Promised icon="eyeOff" words={text("welcome.promiseShare")} />
          <Promised icon="shield" words={text("welcome.promiseVerify")} />
        </ul>
      </div>
      <section class="card welcome-card" aria-labelledby="open-heading">
        {why && (
          <p class="notice quiet" role="status">
            <Icon name="lock" />
            <span>{text(why === "idle" ? "welcome.lockedIdle" : "welcome.lockedAccount")}</span>
          </p>
        )}
        <h2 id="open-heading">{text(state.kind === "connected" ? "welcome.open" : "welcome.chooseWallet")}</h2>
        {state.kind === "connected" ? <Unlock /> : <ChooseWallet />}
        <p class="welcome-foot">
          <a href={link("recover")}>
            <Icon name="recover" />
            {text("welcome.lost")}
          </a>
        </p>
      </section>
    </div>
  );
}

function Promised({ icon, words }: { icon: IconName; words: string }) {
  return (
    <li>
      <span class="medallion">
        <Icon name={icon} />
      </span>
      <span>{words}</span>
    </li>
  );
}

export function ChooseWallet() {
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<PageError | null>(null);
  void walletsSeen.value;
  const found = wallets.value?.list() ?? [];
  const connect = async (wallet: AnnouncedWallet) => {
    setBusy(wallet.uuid);
    setError(null);
    try {
      await wallets.value?.connect(wallet.uuid);
    } catch (thrown) {
      setError(asPageError(thrown));
    } finally {
      setBusy(null);
    }
  };
  return (
    <>
      <p class="help">{text(found.length ? "welcome.walletHelp" : "welcome.noWallet")}</p>
      {error && <Fault error={error} />}
      <ul class="wallets">
        {found.map((wallet) => (
          <li key={wallet.uuid}>
            <button type="button" class="wallet" disabled={busy !== null} onClick={() => connect(wallet)}>
              <WalletIcon wallet={wallet} />
              <span class="wallet-name">
                <Foreign value={wallet.name} limit={60} />
                <small>
                  <Foreign value={wallet.rdns} limit={60} />
                </small>
              </span>
              {busy === wallet.uuid ? <small>{text("welcome.connecting")}</small> : <Icon name="chevron" />}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

/** A wallet's picture; only a picture in a data URL, because anything else would be a request to somebody. */
export function WalletIcon({ wallet }: { wallet: AnnouncedWallet }) {
  const isPicture = /^data:image\/(png|svg\+xml|webp|jpeg|gif)[;,]/.test(wallet.icon);
  // Inside an img element an SVG runs no script and fetches nothing.
  return isPicture ? <img class="wallet-icon" src={wallet.icon} alt="" width={36} height={36} /> : <Icon name="key" />;
}

function Unlock() {
  const [mode, setMode] = useState<Mode>("private");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<PageError | null>(null);
  const [KeyFile, setKeyFile] = useState<ComponentType<{ mode: Mode }> | null>(null);
  const state = walletState.value;
  if (state.kind !== "connected") return null;
  const open = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await unlock(mode);
    } catch (thrown) {
      const fault = asPageError(thrown);
      if (fault.code === "UnsteadyWallet") {
        const { KeyFile } = await import("./keyFile.tsx");
        setKeyFile(() => KeyFile);
      } else setError(fault);
      setBusy(false);
    }
  };
  return (
    <>
      <form onSubmit={open}>
        <p class="connected">
          <WalletIcon wallet={state.wallet} />
          <span>
            <Foreign value={state.wallet.name} limit={60} />
            <Address value={state.account} />
          </span>
          <button type="button" class="button quiet" onClick={() => wallets.value?.disconnect()} disabled={isBusy}>
            {text("welcome.change")}
          </button>
        </p>
        <fieldset class="choices" disabled={isBusy}>
          <legend>{text("welcome.mode")}</legend>
          <ModeChoice mode="private" chosen={mode} onChoose={setMode} />
          <ModeChoice mode="wallet" chosen={mode} onChoose={setMode} />
        </fieldset>
        {error && <Fault error={error} />}
        {isBusy ? (
          <Progress value={progress.value} />
        ) : (
          !KeyFile && (
            <>
              <button type="submit" class="button primary wide" disabled={!state.isRightChain}>
                <Icon name="key" />
                {text("welcome.unlock")}
              </button>
              <p class="help small">{text("welcome.unlockHelp")}</p>
            </>
          )
        )}
      </form>
      {KeyFile && <KeyFile mode={mode} />}
    </>
  );
}

function ModeChoice({ mode, chosen, onChoose }: { mode: Mode; chosen: Mode; onChoose: (mode: Mode) => void }) {
  return (
    <label class="choice">
      <input type="radio" name="mode" checked={mode === chosen} onChange={() => onChoose(mode)} />
      <span>
        <strong>{text(mode === "private" ? "welcome.private" : "welcome.walletMode")}</strong>
        <small>{text(mode === "private" ? "welcome.privateHelp" : "welcome.walletModeHelp")}</small>
      </span>
    </label>
  );
}
