/** For wallets that never sign alike: a key file with a password takes the place of the signature. */

import { useState } from "preact/hooks";
import type { Mode, PageError } from "../client/api.ts";
import { text } from "../text/catalogue.ts";
import { Fault, Field, Progress } from "./pieces.tsx";
import { asPageError, progress, unlock, wallets } from "./session.ts";

const MIN_PASSWORD = 12;
/** Longest file that is read; a key file has a few hundred bytes. */
const MAX_FILE = 100_000;

export function KeyFile({ mode }: { mode: Mode }) {
  const [isNew, setNew] = useState(false);
  const [file, setFile] = useState<string | null>(null);
  const [password, setPassword] = useState("");
  const [repeated, setRepeated] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [isSaved, setSaved] = useState(false);
  const [isTried, setTried] = useState(false);
  const [error, setError] = useState<PageError | null>(null);
  const tooShort = isNew && password.length < MIN_PASSWORD ? text("unsteady.short") : undefined;
  const differs = isNew && password !== repeated ? text("unsteady.mismatch") : undefined;

  const submit = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    const found = wallets.value;
    if (!found || tooShort || differs) return;
    setBusy(true);
    setError(null);
    try {
      if (isNew && !isSaved) {
        const made = await found.makeRootFile(password);
        save(made);
        setFile(made);
        setSaved(true);
        setBusy(false);
      } else if (file) {
        await unlock(mode, { file, password });
      } else setBusy(false);
    } catch (thrown) {
      setError(asPageError(thrown));
      setBusy(false);
    }
  };

  return (
    <section class="key-file" aria-labelledby="key-file-heading">
      <h3 id="key-file-heading">{text("unsteady.title")}</h3>
      <p class="help">{text("unsteady.help")}</p>
      <fieldset class="switch">
        <legend class="unseen">{text("unsteady.title")}</legend>
        <label>
          <input type="radio" name="key-file" checked={!isNew} onChange={() => setNew(false)} />
          <span>{text("unsteady.have")}</span>
        </label>
        <label>
          <input type="radio" name="key-file" checked={isNew} onChange={() => setNew(true)} />
          <span>{text("unsteady.new")}</span>
        </label>
      </fieldset>
      <form onSubmit={submit}>
        {!isNew && (
          <Field label={text("unsteady.file")}>
            {({ id }) => (
              <input
                id={id}
                type="file"
                accept=".json,application/json"
                required
                onChange={async (event) => {
                  const chosen = event.currentTarget.files?.[0];
                  setFile(chosen && chosen.size <= MAX_FILE ? await chosen.text() : null);
                }}
              />
            )}
          </Field>
        )}
        <Field
          label={text("unsteady.password")}
          help={isNew ? text("unsteady.passwordHelp") : undefined}
          error={isTried ? tooShort : undefined}
        >
          {({ id, describedBy, invalid }) => (
            <input
              id={id}
              type="password"
              autocomplete={isNew ? "new-password" : "current-password"}
              required
              value={password}
              aria-describedby={describedBy}
              aria-invalid={invalid}
              onInput={(event) => setPassword(event.currentTarget.value)}
            />
          )}
        </Field>
        {isNew && (
          <Field label={text("unsteady.repeat")} error={isTried ? differs : undefined}>
            {({ id, describedBy, invalid }) => (
              <input
                id={id}
                type="password"
                autocomplete="new-password"
                value={repeated}
                aria-describedby={describedBy}
                aria-invalid={invalid}
                onInput={(event) => setRepeated(event.currentTarget.value)}
              />
            )}
          </Field>
        )}
        {error && <Fault error={error} />}
        {isSaved && <p role="status">{text("unsteady.made")}</p>}
        {isBusy ? (
          <Progress value={progress.value} />
        ) : (
          <button type="submit" class="button primary wide">
            {text(isNew ? (isSaved ? "unsteady.continue" : "unsteady.make") : "unsteady.open")}
          </button>
        )}
      </form>
    </section>
  );
}

function save(file: string): void {
  const url = URL.createObjectURL(new Blob([file], { type: "application/json" }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = "medrec-key.json";
  anchor.click();
  URL.revokeObjectURL(url);
}
