/** Says whether everything verifies, up to which block, and loudly what does not. */

import type { Fault, Summary } from "../client/api.ts";
import { counted, text } from "../text/catalogue.ts";
import { moment, number } from "../text/moments.ts";
import { Address, Foreign } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { Disclosure, faultWords, ScrollBox } from "./pieces.tsx";
import { isRefreshing, refresh } from "./session.ts";

export function VerifiedBadge({ summary }: { summary: Summary }) {
  const { verification } = summary;
  const faults = distinct([...verification.faults, ...summary.faults]);
  const isWhole = verification.ok && faults.length === 0;
  const values = { block: number(verification.block), time: moment(verification.blockTime) };
  return (
    <section class={`verified ${isWhole ? "good" : "danger"}`} aria-labelledby="verified-heading">
      <div class="verified-head">
        <span class="medallion">
          <Icon name={isWhole ? "shield" : "danger"} />
        </span>
        <div>
          <h2 id="verified-heading">
            {isWhole ? text("verified.good") : counted("verified.bad", Math.max(1, faults.length))}
          </h2>
          <p>{text(isWhole ? "verified.goodHelp" : "verified.badHelp", values)}</p>
        </div>
        <button type="button" class="button" disabled={isRefreshing.value} onClick={() => void refresh()}>
          <Icon name="refresh" />
          {text(isRefreshing.value ? "verified.checking" : "verified.again")}
        </button>
      </div>
      {faults.length > 0 && (
        <ul class="faults">
          {faults.map((fault) => (
            <li key={`${fault.code}-${fault.subject}-${fault.digest}`}>
              <FaultLine fault={fault} />
            </li>
          ))}
        </ul>
      )}
      <Disclosure title={counted("verified.ledgers", verification.ledgers.length)}>
        {() => (
          <ScrollBox label={text("verified.ledgersTable")}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{text("verified.subject")}</th>
                  <th scope="col" class="numeric">
                    {text("verified.entries")}
                  </th>
                  <th scope="col">{text("verified.head")}</th>
                  <th scope="col">{text("verified.result")}</th>
                </tr>
              </thead>
              <tbody>
                {verification.ledgers.map((ledger) => (
                  <tr key={ledger.subject}>
                    <td>
                      <Address value={ledger.subject} />
                    </td>
                    <td class="numeric">{number(ledger.entries)}</td>
                    <td>
                      <code title={ledger.head}>{`${ledger.head.slice(0, 14)}…`}</code>
                    </td>
                    <td>{text(ledger.ok ? "verified.ledgerGood" : "verified.ledgerBad")}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollBox>
        )}
      </Disclosure>
    </section>
  );
}

function FaultLine({ fault }: { fault: Fault }) {
  return (
    <>
      <Icon name="danger" />
      <div>
        <p>
          <Foreign value={faultWords(fault.code, fault.values)} limit={600} />
        </p>
        {fault.digest && (
          <p class="quiet-line">
            {text("verified.object")} <code class="breakable">{fault.digest}</code>
          </p>
        )}
        {fault.subject && (
          <p class="quiet-line">
            {text("verified.subject")} <Address value={fault.subject} />
          </p>
        )}
      </div>
    </>
  );
}

function distinct(faults: Fault[]): Fault[] {
  const seen = new Map(faults.map((fault) => [`${fault.code} ${fault.subject} ${fault.digest}`, fault]));
  return [...seen.values()];
}
