// The demonstration's wallet as a page sees it: announced by EIP-6963, asking before it signs, its key in `medrec web`.
// Served beside the page only when `medrec web --demo-wallet` says so; no part of the page's build.
(() => {
  "use strict";
  const icon =
    "data:image/svg+xml," +
    encodeURIComponent(
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#245"/>' +
        '<path d="M7 11h18v12H7z" fill="none" stroke="#fff" stroke-width="2"/><circle cx="21" cy="17" r="2" fill="#fff"/></svg>',
    );
  const info = Object.freeze({
    uuid: crypto.randomUUID(),
    name: "Demonstration wallet",
    icon,
    rdns: "org.example.medrec.demonstration",
  });
  const asks = { eth_requestAccounts: "Connect this page to the demonstration's account?" };
  let isConnected = false;

  class ProviderError extends Error {
    constructor({ code, message, data }) {
      super(message);
      this.code = code;
      this.data = data;
    }
  }

  function element(name, text, style) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    Object.assign(made.style, style);
    return made;
  }

  /** Shows what is asked and waits for the answer. Escape and the second button refuse. */
  function confirmed(question, detail) {
    return new Promise((resolve) => {
      const dialog = element("dialog", undefined, {
        maxWidth: "36rem",
        maxHeight: "90vh",
        overflow: "auto",
        padding: "1.25rem",
        border: "2px solid #245",
        borderRadius: "0.5rem",
        background: "#fff",
        color: "#111",
        font: "1rem/1.5 system-ui, sans-serif",
      });
      const title = element("h2", info.name, { fontSize: "1.1rem", margin: "0 0 0.5rem" });
      title.id = `demo-wallet-${crypto.randomUUID()}`;
      dialog.setAttribute("aria-labelledby", title.id);
      const shown = element("pre", detail, {
        whiteSpace: "pre-wrap",
        overflowWrap: "anywhere",
        maxHeight: "45vh",
        overflow: "auto",
        background: "#f2f4f7",
        color: "#111",
        padding: "0.5rem",
        fontSize: "0.85rem",
      });
      shown.tabIndex = 0;
      const row = element("div", undefined, { display: "flex", gap: "0.5rem", marginTop: "1rem" });
      const button = { font: "inherit", padding: "0.5rem 1rem", minHeight: "2.75rem" };
      const yes = element("button", "Confirm", button);
      const no = element("button", "Reject", button);
      const end = (answer) => {
        dialog.close();
        dialog.remove();
        resolve(answer);
      };
      yes.addEventListener("click", () => end(true));
      no.addEventListener("click", () => end(false));
      dialog.addEventListener("cancel", (event) => {
        event.preventDefault();
        end(false);
      });
      row.append(yes, no);
      dialog.append(title, element("p", question, { margin: "0 0 0.5rem" }));
      if (detail) dialog.append(shown);
      dialog.append(row);
      document.body.append(dialog);
      dialog.showModal();
    });
  }

  /** What a wallet shows of a request: for typed data its message, sentences first. */
  function described(method, params) {
    if (method === "eth_sendTransaction") return ["Send this transaction?", JSON.stringify(params[0], null, 2)];
    const data = typeof params[1] === "string" ? JSON.parse(params[1]) : params[1];
    const statement = data.message?.statement ?? data.message?.terms?.statement;
    const whole = JSON.stringify(data.message, null, 2);
    return [`Sign "${data.primaryType}" for ${data.domain?.name}?`, statement ? `${statement}\n\n${whole}` : whole];
  }

  async function passOn(method, params) {
    const reply = await fetch("demo-wallet", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ method, params }),
    });
    const answer = await reply.json();
    if (answer.error) throw new ProviderError(answer.error);
    return answer.result;
  }

  const provider = Object.freeze({
    async request({ method, params = [] }) {
      if (method === "eth_accounts" && !isConnected) return [];
      const rejected = new ProviderError({ code: 4001, message: "The request was rejected." });
      if (method in asks && !isConnected) {
        if (!(await confirmed(asks[method], ""))) throw rejected;
        isConnected = true;
      } else if (method === "eth_signTypedData_v4" || method === "eth_sendTransaction") {
        if (!(await confirmed(...described(method, params)))) throw rejected;
      }
      return passOn(method, params);
    },
    on() {},
    removeListener() {},
  });

  const announce = () =>
    window.dispatchEvent(
      new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }),
    );
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
