// A wallet as a page meets it: announced by EIP-6963, answering by EIP-1193. Its keys and its whims are in the test
// (injected_wallet.py), which answers through the binding `__askWallet`.
(wallet) => {
  const { ask, info } = { ask: window.__askWallet, info: Object.freeze(wallet) };
  const listeners = new Map();

  class ProviderRpcError extends Error {
    constructor({ code, message, data }) {
      super(message);
      this.code = code;
      this.data = data;
    }
  }

  const provider = Object.freeze({
    async request({ method, params = [] }) {
      // As wallets get it: copied, so that nobody can change it while somebody reads it.
      const answer = await ask({ uuid: info.uuid, method, params: JSON.parse(JSON.stringify(params)) });
      if (answer.delay) await new Promise((resolve) => setTimeout(resolve, answer.delay));
      window.__walletAnsweredAt = performance.now();
      if (answer.error) throw new ProviderRpcError(answer.error);
      return answer.result;
    },
    on(event, listener) {
      listeners.set(event, [...(listeners.get(event) ?? []), listener]);
    },
    removeListener(event, listener) {
      listeners.set(event, (listeners.get(event) ?? []).filter((one) => one !== listener));
    },
  });

  // For the test: what the wallet tells the page by itself.
  window.__walletSays = window.__walletSays ?? {};
  window.__walletSays[info.uuid] = (event, value) => {
    for (const listener of listeners.get(event) ?? []) listener(value);
  };

  const announce = () =>
    window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
};
