/** Small pieces that every screen is made of. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { PageError, Progress as ProgressType } from "../client/api.ts";
import { counted, text, textOf } from "../text/catalogue.ts";
import { Foreign } from "./foreign.tsx";
import { Icon, type IconName } from "./icons.tsx";

/** A screen's heading: takes the focus when the reader comes to the screen, so that screen readers begin there. */
export function Heading({ children, lead }: { children: ComponentChildren; lead?: ComponentChildren }) {
  return (
    <header class="screen-head">
      <h1 id="screen-heading" tabIndex={-1}>
        {children}
      </h1>
      {lead && <p class="lead">{lead}</p>}
    </header>
  );
}

export interface CardProps {
  title?: ComponentChildren;
  icon?: IconName;
  /** Beside the title. */
  aside?: ComponentChildren;
  tone?: "plain" | "danger" | "warning" | "good";
  id?: string;
  children: ComponentChildren;
}

export function Card({ title, icon, aside, tone = "plain", id, children }: CardProps) {
  const label = useId();
  return (
    <section class={`card ${tone}`} id={id} aria-labelledby={title ? label : undefined}>
      {(title || aside) && (
        <div class="card-head">
          {title && (
            <h2 id={label}>
              {icon && <Icon name={icon} />}
              {title}
            </h2>
          )}
          {aside && <div class="card-aside">{aside}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export type Tone = "good" | "warning" | "danger" | "quiet";

export function Tag({ tone = "quiet", icon, children }: { tone?: Tone; icon?: IconName; children: ComponentChildren }) {
  return (
    <span class={`tag ${tone}`}>
      {icon && <Icon name={icon} />}
      {children}
    </span>
  );
}

/** A fault in words. An unknown code is said with its code, so that nothing fails silently. */
/** Whether the registrar vouches for somebody now. */
export function Accreditation({ holds, tone = "warning" }: { holds: boolean; tone?: "warning" | "danger" }) {
  return (
    <Tag tone={holds ? "good" : tone} icon={holds ? "check" : "warning"}>
      {text(holds ? "people.accredited" : "people.notAccredited")}
    </Tag>
  );
}

/** What ending access can and can't do, said wherever it is given or ended. */
export function Honesty() {
  return (
    <div class="notice quiet honest">
      <Icon name="warning" />
      <div>
        <p>
          <strong>{text("share.honestTitle")}</strong>
        </p>
        <p>{text("share.honest")}</p>
      </div>
    </div>
  );
}

export function faultWords(code: string, values: Readonly<Record<string, string | number>>): string {
  return textOf("errors", code, values) ?? textOf("faults", code, values) ?? text("errors.unknown", { code });
}

export function Fault({ error, children }: { error: PageError; children?: ComponentChildren }) {
  return (
    <div class="notice danger" role="alert">
      <Icon name="danger" />
      <div>
        <p>
          <Foreign value={faultWords(error.code, error.values)} limit={600} />
        </p>
        {children}
      </div>
    </div>
  );
}

export function Progress({ value }: { value: ProgressType | null }) {
  const label = value ? text(`progress.${value.step}`) : text("progress.waiting");
  const id = useId();
  return (
    <div class="progress">
      <span id={id}>
        {label}
        {value && value.total > 0 && (
          <span class="count"> {counted("progress.of", value.total, { done: value.done })}</span>
        )}
      </span>
      <progress aria-labelledby={id} {...(value && value.total > 0 ? { value: value.done, max: value.total } : {})} />
    </div>
  );
}

/** A disclosure whose content is made only when it is opened. */
export function Disclosure({ title, children }: { title: ComponentChildren; children: () => ComponentChildren }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="disclosure" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Icon name="chevron" />
        {title}
      </summary>
      {isOpen && <div class="disclosed">{children()}</div>}
    </details>
  );
}

/** A wide table or a long source: it scrolls by itself, also with the keyboard, which is why it can have the focus. */
export function ScrollBox({
  label,
  isCode = false,
  children,
}: {
  label: string;
  isCode?: boolean;
  children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard (WCAG 2.1.1)
    <section class={isCode ? "code-box" : "table-box"} tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}

export interface DialogProps {
  title: ComponentChildren;
  onClose: () => void;
  /** Whether Escape and the cross close it; not while something runs that should be watched. */
  canClose?: boolean;
  children: ComponentChildren;
}

/** A modal dialog; the focus goes in, stays in, and goes back where it was. */
export function Dialog({ title, onClose, canClose = true, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const label = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class="dialog"
      aria-labelledby={label}
      onCancel={(event) => {
        event.preventDefault();
        if (canClose) onClose();
      }}
    >
      <div class="dialog-head">
        <h2 id={label} tabIndex={-1}>
          {title}
        </h2>
        {canClose && (
          <button type="button" class="icon-button" aria-label={text("act.close")} onClick={onClose}>
            <Icon name="close" />
          </button>
        )}
      </div>
      {children}
    </dialog>
  );
}

export interface FieldProps {
  label: ComponentChildren;
  help?: ComponentChildren;
  error?: string | undefined;
  children: (ids: { id: string; describedBy: string | undefined; invalid: boolean }) => ComponentChildren;
}

/** A labelled control with its help and its error, tied together for screen readers. */
export function Field({ label, help, error, children }: FieldProps) {
  const id = useId();
  const describedBy = [help && `${id}-help`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {help && (
        <p class="help" id={`${id}-help`}>
          {help}
        </p>
      )}
      {children({ id, describedBy, invalid: error !== undefined })}
      {error && (
        <p class="field-error" id={`${id}-error`}>
          <Icon name="danger" />
          {error}
        </p>
      )}
    </div>
  );
}
