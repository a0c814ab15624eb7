/** Language, when the page locks itself, taking everything home, and which network this is. */

import { useState } from "preact/hooks";
import type { PageError } from "../client/api.ts";
import { counted, LANGUAGES, language, speak, text } from "../text/catalogue.ts";
import { Address, Foreign } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { Card, Fault, Field, Heading } from "./pieces.tsx";
import { asPageError, client, network, summary } from "./session.ts";

const MINUTES = [1, 5, 15, 30] as const;

export function SettingsScreen() {
  return (
    <>
      <Heading>{text("settings.title")}</Heading>
      <Languages />
      {client.value && <IdleLock />}
      {client.value && <Export />}
      <Network />
    </>
  );
}

function Languages() {
  return (
    <Card title={text("settings.language")} icon="settings">
      <fieldset class="switch">
        <legend class="unseen">{text("settings.language")}</legend>
        {LANGUAGES.map((one) => (
          <label key={one} lang={one === "zh" ? "zh-Hans" : one}>
            <input
              type="radio"
              name="language"
              checked={language.value === one}
              onChange={async () => {
                await speak(one);
                client.value?.setLanguage(one);
              }}
            />
            <span>{text(`language.${one}`)}</span>
          </label>
        ))}
      </fieldset>
    </Card>
  );
}

function IdleLock() {
  const open = client.value;
  const [seconds, setSeconds] = useState(open?.idleSeconds ?? 300);
  if (!open) return null;
  const options = [...new Set([...MINUTES.map((one) => one * 60), seconds])].sort((a, b) => a - b);
  return (
    <Card title={text("settings.idle")} icon="lock">
      <Field label={text("settings.idleField")} help={text("settings.idleHelp")}>
        {({ id, describedBy }) => (
          <select
            id={id}
            value={String(seconds)}
            aria-describedby={describedBy}
            onChange={(event) => {
              open.idleSeconds = Number(event.currentTarget.value);
              setSeconds(open.idleSeconds);
            }}
          >
            {options.map((one) => (
              <option key={one} value={String(one)}>
                {one % 60 ? counted("settings.seconds", one) : counted("settings.minutes", one / 60)}
              </option>
            ))}
          </select>
        )}
      </Field>
    </Card>
  );
}

const FORMATS = ["bundle", "ips"] as const;

function Export() {
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<PageError | null>(null);
  const save = async (format: (typeof FORMATS)[number]) => {
    setBusy(format);
    setError(null);
    try {
      const made = await client.value?.export(format);
      if (!made) return;
      const url = URL.createObjectURL(made);
      const anchor = document.createElement("a");
      anchor.href = url;
      anchor.download = format === "ips" ? "patient-summary.json" : "records.json";
      anchor.click();
      // The download has begun; the records must not stay reachable under this address.
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (thrown) {
      setError(asPageError(thrown));
    } finally {
      setBusy(null);
    }
  };
  return (
    <Card title={text("settings.export")} icon="download">
      <p class="help">{text("settings.exportHelp")}</p>
      {error && <Fault error={error} />}
      <ul class="rows">
        {FORMATS.map((format) => (
          <li key={format}>
            <div class="row-main">
              <strong>{text(`settings.format.${format}`)}</strong>
              <p class="quiet-line">{text(`settings.formatHelp.${format}`)}</p>
            </div>
            <button
              type="button"
              class="button"
              disabled={busy !== null}
              aria-label={`${text("settings.save")}: ${text(`settings.format.${format}`)}`}
              onClick={() => save(format)}
            >
              <Icon name="download" />
              {text(busy === format ? "settings.making" : "settings.save")}
            </button>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Network() {
  const config = network.value;
  if (!config) return null;
  const open = client.value;
  return (
    <Card title={text("settings.network")} icon="shield">
      <dl class="facts">
        <div>
          <dt>{text("settings.chain")}</dt>
          <dd>
            <Foreign value={config.chainName} /> ({config.chainId})
          </dd>
        </div>
        {open && (
          <div>
            <dt>{text("settings.mode")}</dt>
            <dd>{text(open.mode === "private" ? "welcome.private" : "welcome.walletMode")}</dd>
          </div>
        )}
        {open && (
          <div>
            <dt>{text("settings.account")}</dt>
            <dd>
              <Address value={open.account} isWhole />
            </dd>
          </div>
        )}
        {summary.value && (
          <div>
            <dt>{text("settings.subjects")}</dt>
            <dd class="address-list">
              {summary.value.subjects.map((one) => (
                <Address key={one} value={one} isWhole />
              ))}
            </dd>
          </div>
        )}
        {Object.entries(config.contracts).map(([name, address]) => (
          <div key={name}>
            <dt>{text(`settings.contract.${name as keyof typeof config.contracts}`)}</dt>
            <dd>
              <Address value={address} isWhole />
            </dd>
          </div>
        ))}
        <div>
          <dt>{text("settings.servers")}</dt>
          <dd>
            {[config.rpc, config.ipfs, config.objects, ...config.relay].filter(Boolean).map((url) => (
              <code key={url} class="breakable server">
                <Foreign value={new URL(url ?? "", document.baseURI).href} limit={200} />
              </code>
            ))}
          </dd>
        </div>
      </dl>
    </Card>
  );
}
